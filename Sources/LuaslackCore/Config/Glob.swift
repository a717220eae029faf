/// A pattern for names: `*` stands for any characters, `?` for one, everything else for itself.
public enum Glob {
  /// In time proportional to the product of both lengths, whatever the pattern.
  public static func matches(_ pattern: String, _ text: String) -> Bool {
    let pattern = Array(pattern.unicodeScalars)
    let text = Array(text.unicodeScalars)
    var (p, t) = (0, 0)
    // Where to go on when the last star has to take one character more.
    var retry: (p: Int, t: Int)?
    while t < text.count {
      if p < pattern.count, pattern[p] == "*" {
        retry = (p + 1, t)
        p += 1
      } else if p < pattern.count, pattern[p] == "?" || pattern[p] == text[t] {
        p += 1
        t += 1
      } else if let (afterStar, taken) = retry {
        retry = (afterStar, taken + 1)
        (p, t) = (afterStar, taken + 1)
      } else {
        return false
      }
    }
    return pattern[p...].allSatisfy { $0 == "*" }
  }
}
