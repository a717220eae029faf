/// Spans of time as people write them.
public enum Seconds {
  /// `90`, `90s`, `10m`, `2h`, `7d`; nil for anything else, or more than ten years.
  public static func parse(_ text: String) -> Int? {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let last = text.last else { return nil }
    let unit = units[last]
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.allSatisfy(\.isASCII), let number = Int(digits), number >= 0 else { return nil }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    return overflow || seconds > 10 * 365 * 86_400 ? nil : seconds
  }

  /// The largest whole unit, rounded down: `45 s`, `12 min`, `3 h`, `2 d`.
  public static func describe(_ seconds: Int) -> String {
    switch seconds {
    case ..<90: "\(seconds) s"
    case ..<5_400: "\(seconds / 60) min"
    case ..<172_800: "\(seconds / 3_600) h"
    default: "\(seconds / 86_400) d"
    }
  }
}
