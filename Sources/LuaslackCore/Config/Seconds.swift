/// Spans of time as people write them.
public enum Seconds {
  /// What a text says, so that who wrote it wrong can be told how.
  public enum Reading: Sendable, Equatable {
    case seconds(Int)
    /// More than ten years.
    case tooMany
    /// `1h30m`.
    case severalUnits
    case noTime
  }

  /// Ten years.
  public static let most = 10 * 365 * 86_400

  /// `90`, `90s`, `10m`, `2h`, `7d`; nil for anything else, or more than ten years.
  public static func parse(_ text: String) -> Int? {
    guard case .seconds(let seconds) = read(text) else { return nil }
    return seconds
  }

  public static func read(_ text: String) -> Reading {
    let units: [Character: Int] = ["s": 1, "m": 60, "h": 3_600, "d": 86_400]
    guard let last = text.last else { return .noTime }
    let unit = units[last]
    let digits = unit == nil ? text[...] : text.dropLast()
    guard digits.allSatisfy(\.isASCII), let number = Int(digits), number >= 0 else {
      if isNumber(digits) { return .tooMany }
      let numbers = text.split { units[$0] != nil }
      return numbers.count > 1 && isNumber(text.prefix(1)) && numbers.allSatisfy(isNumber)
        ? .severalUnits : .noTime
    }
    let (seconds, overflow) = number.multipliedReportingOverflow(by: unit ?? 1)
    return overflow || seconds > most ? .tooMany : .seconds(seconds)
  }

  private static func isNumber(_ text: Substring) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
  }

  /// `90` is "1 minute 30 seconds": the two largest units, as `slack.duration` has them.
  static func inWords(_ seconds: Int) -> String {
    let units = [("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)]
    guard let first = units.firstIndex(where: { seconds >= $0.1 }) else { return "0 seconds" }
    var rest = seconds
    let parts = units[first...].prefix(2).compactMap { name, size -> String? in
      let count = rest / size
      rest %= size
      return count == 0 ? nil : "\(count) \(name)\(count == 1 ? "" : "s")"
    }
    return parts.joined(separator: " ")
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
