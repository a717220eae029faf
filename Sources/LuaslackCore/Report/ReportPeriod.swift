/// The time that a report tells of: `length` seconds that end at `until`. The period before is as long and ends
/// where this one begins. Pure; seconds since 1970 know neither zones nor clock changes.
public struct ReportPeriod: Sendable, Equatable {
  /// Seconds since 1970, the first that it does not tell of.
  let until: Int64
  let length: Int64

  /// Seconds; less has little to tell, and more is hardly kept.
  public static let range = 3_600...90 * 86_400
  /// Bars in one line, at most.
  static let mostBars = 31
  /// Seconds that a bar may stand for.
  private static let steps: [Int64] = [
    300, 900, 3_600, 3 * 3_600, 6 * 3_600, 86_400, 7 * 86_400,
  ]

  /// A length beyond the range is moved into it; so is an end before 1970 or after the year 9999.
  public init(until: Int64, length: Int) {
    self.until = min(max(until, 0), 253_402_300_799)
    self.length = Int64(min(max(length, Self.range.lowerBound), Self.range.upperBound))
  }

  /// `24h`, `7d`: seconds; nil for what is no time, or out of range.
  public static func parse(_ text: String) -> Int? {
    Seconds.parse(text).flatMap { range.contains($0) ? $0 : nil }
  }

  var since: Int64 { until - length }
  /// Where the period before begins.
  var beforeSince: Int64 { since - length }

  /// Seconds that a bar stands for: hours of a day, days of a week or a month.
  var step: Int64 {
    // Two days in hours are more bars than anybody reads; what is longer is read in days.
    if length > 2 * 86_400, length <= Int64(Self.mostBars) * 86_400 { return 86_400 }
    return Self.steps.first { Self.bars(length, $0) <= Self.mostBars } ?? 7 * 86_400
  }

  /// The last ends with the period; the first may be shorter than the others.
  var bars: Int { Self.bars(length, step) }

  private static func bars(_ length: Int64, _ step: Int64) -> Int {
    Int((length + step - 1) / step)
  }

  /// `24 hours`, `7 days`, `90 minutes`.
  var words: String {
    let units: [(size: Int64, least: Int64, name: String)] = [
      (86_400, 2 * 86_400, "day"), (3_600, 3_600, "hour"), (60, 60, "minute"),
    ]
    for unit in units where length >= unit.least && length % unit.size == 0 {
      let count = length / unit.size
      return "\(count) \(unit.name)\(count == 1 ? "" : "s")"
    }
    return Seconds.inWords(Int(length))
  }

  /// `hour`, `day`: what a bar stands for.
  var stepWords: String {
    switch step {
    case 3_600: "hour"
    case 86_400: "day"
    case 7 * 86_400: "week"
    default: Seconds.inWords(Int(step))
    }
  }
}
