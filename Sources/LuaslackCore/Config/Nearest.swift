/// The known name that somebody who mistyped probably meant.
public enum Nearest {
  /// `; did you mean "x"?`, or the list of what there is.
  public static func hint(_ name: String, _ known: [String]) -> String {
    if let nearest = of(name, known) { return "; did you mean \"\(nearest)\"?" }
    return "; known: " + known.sorted().joined(separator: ", ")
  }

  /// Nil if none is near.
  public static func of(_ name: String, _ known: [String]) -> String? {
    let scored = known.map { ($0, distance(name, $0)) }
    guard let best = scored.min(by: { $0.1 < $1.1 }) else { return nil }
    if best.1 <= 1 { return best.0 }
    // `timeout` for `timeout_ms`.
    if let longer = known.first(where: { $0.hasPrefix(name + "_") }) { return longer }
    // `on_ban` is nearer to `ban` than to `unban`, whatever the letters say.
    let parts = name.split(separator: "_").map(String.init)
    if parts.count > 1, let part = parts.last(where: known.contains) { return part }
    return best.1 <= max(2, name.count / 3) ? best.0 : nil
  }

  /// Levenshtein's: insertions, deletions and replacements.
  static func distance(_ left: String, _ right: String) -> Int {
    let right = Array(right)
    var row = Array(0...right.count)
    for (i, character) in left.enumerated() {
      var previous = row
      swap(&previous, &row)
      row[0] = i + 1
      for j in right.indices {
        row[j + 1] = min(
          previous[j + 1] + 1, row[j] + 1, previous[j] + (character == right[j] ? 0 : 1))
      }
    }
    return row[right.count]
  }
}
