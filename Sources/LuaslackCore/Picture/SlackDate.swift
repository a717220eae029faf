/// A date as Slack words it from `<!date^1795231644^{date} at {time}|…>`
/// (docs.slack.dev/messaging/formatting-message-text#date-formatting), in UTC: everybody's own zone differs. Pure.
enum SlackDate {
  /// `parts`: seconds since 1970, and the layout. Nil if they are no date.
  static func text(_ parts: [String]) -> String? {
    guard parts.count > 1, let seconds = Int64(parts[0]), dates.contains(seconds) else {
      return nil
    }
    return tokens(seconds).reduce(parts[1]) { $0.replacing("{\($1.key)}", with: $1.value) }
  }

  /// `3:27 AM`; nil of what is no date.
  static func time(_ seconds: Int64) -> String? {
    dates.contains(seconds) ? tokens(seconds)["time"] : nil
  }

  /// Up to the year 9999.
  private static let dates: Range<Int64> = 0..<253_402_300_800

  private static func tokens(_ seconds: Int64) -> [String: String] {
    // `Sat, 21 Nov 2026 03:27:24 +0000`
    let mail = Timestamp.mail(seconds * 1_000_000).split { " ,:".contains($0) }.map(String.init)
    let (day, month, year) = (Int(mail[1]) ?? 0, name(mail[2], months), mail[3])
    let number = Timestamp.text(seconds * 1_000_000).prefix(10)
    let hour = Int(mail[4]) ?? 0
    let (clock, half) = ("\(hour % 12 == 0 ? 12 : hour % 12):\(mail[5])", hour < 12 ? "AM" : "PM")
    let short = "\(mail[2]) \(day), \(year)"
    let date = "\(month) \(day)\(ordinal(day)), \(year)"
    let long = "\(name(mail[0], weekdays)), \(date)"
    return [
      // "today" would be wrong tomorrow.
      "date": date, "date_pretty": date, "date_short": short, "date_short_pretty": short,
      "date_long": long, "date_long_pretty": long, "day_divider_pretty": long,
      "date_long_full": "\(month) \(day), \(year)", "date_num": String(number),
      "date_slash": number.split(separator: "-").reversed().joined(separator: "/"),
      "time": "\(clock) \(half)", "time_secs": "\(clock):\(mail[6]) \(half)",
    ]
  }

  private static func ordinal(_ day: Int) -> String {
    switch (day / 10, day % 10) {
    case (1, _): "th"
    case (_, 1): "st"
    case (_, 2): "nd"
    case (_, 3): "rd"
    default: "th"
    }
  }

  private static func name(_ short: String, _ names: [String]) -> String {
    names.first { $0.hasPrefix(short) } ?? short
  }

  private static let weekdays = [
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
  ]
  private static let months = [
    "January", "February", "March", "April", "May", "June", "July", "August", "September",
    "October", "November", "December",
  ]
}
