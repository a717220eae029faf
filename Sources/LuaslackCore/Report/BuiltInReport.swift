// What a report says without a script. It reads what a formatter would, and copes with a report whose figures are gone.
extension BuiltIn {
  /// Rows of each list, of those that a report has.
  private static let mostRows = 5
  /// Characters of a jail's name beside its bar, and of the longest bar.
  private static let (nameWidth, barWidth) = (24, 16)

  /// `report of 24 hours on web1: 412 bans (368 before, +12 %) of 120 addresses`.
  static func sentence(report event: Event) -> String {
    let value = event.value
    var parts: [String] = []
    let bans = value["totals"]?["bans"]
    let count = bans?["count"]?.int ?? 0
    let since = value["known_since"]?.int
    // Of a ban may be heard that was before anything was known.
    let isKnown = count > 0 || since.map { $0 < value["to"]?.int ?? 0 } ?? true
    let last = value["last_ban"]?.int.map(minute)
    if count > 0 {
      let addresses = value["address_count"]?.int ?? 0
      parts.append(
        "\(plural(count, "ban"))\(comparison(bans)) of \(plural(addresses, "address", "addresses"))"
      )
    } else if isKnown {
      parts.append("no bans\(comparison(bans))")
      // A hook that is dead shows by this line alone where nobody is banned for weeks.
      if let last { parts.append("the last was \(last)") }
      if last == nil, since == nil { parts.append("no ban is known") }
    } else {
      parts.append("nothing of this time is known")
      if let last { parts.append("the last ban was \(last)") }
    }
    if let since, isKnown { parts.append("known since \(minute(since)) only") }
    parts += (value["reasons"]?.array ?? []).compactMap(\.string)
    let period = value["period"]?.string.map { " of \($0)" } ?? ""
    return "report\(period) on \(value["host"]?.string ?? ""): " + parts.joined(separator: "; ")
  }

  static func payload(report event: Event) -> Value {
    let value = event.value
    let sentence = sentence(report: event)
    var attachment: Value = [
      "color": reportColour(value), "fallback": .string(sentence),
      "footer": .string(value["host"]?.string ?? ""), "fields": .array(reportFields(value)),
      "mrkdwn_in": ["text", "fields"],
    ]
    attachment["ts"] = value["to"]
    let lines = [line(value), jails(value)].compactMap { $0 }
    if !lines.isEmpty { attachment["text"] = .string(lines.joined(separator: "\n")) }
    return ["text": .string(sentence), "attachments": [attachment]]
  }

  private static func reportColour(_ value: Value) -> Value {
    let states = rows(value, "destinations").compactMap { $0["state"]?.string }
    if states.contains(DestinationState.Health.dead.rawValue) { return "danger" }
    return value["severity"] == "info" ? colour : "warning"
  }

  // MARK: - Pictures

  /// The bans of each hour or day, and how many the most were.
  private static func line(_ value: Value) -> String? {
    let counts = (value["bars"]?["counts"]?.array ?? []).compactMap(\.int)
    guard let most = counts.max(), most > 0 else { return nil }
    let step = value["bars"]?["step_in_words"]?.string ?? ""
    let each = step.first?.isNumber == true ? "in \(step)" : "a\(step == "hour" ? "n" : "") \(step)"
    return "`\(Bars.line(counts))` bans \(each), \(most) at most"
  }

  /// A line each, with a bar.
  private static func jails(_ value: Value) -> String? {
    let jails = rows(value, "jails").filter { ($0["bans"]?.int ?? 0) > 0 }.prefix(mostRows)
    guard let most = jails.compactMap({ $0["bans"]?.int }).max() else { return nil }
    let names = jails.map { name($0, nameWidth) }
    let longest = names.map(\.count).max() ?? 0
    let digits = String(most).count
    var lines = zip(names, jails).map { name, jail in
      let bans = jail["bans"]?.int ?? 0
      let before = jail["before"]?.int.map { "  (\($0) before)" } ?? ""
      return padded(name, longest) + "  "
        + String(repeating: " ", count: max(0, digits - String(bans).count)) + "\(bans)  "
        + padded(Bars.bar(bans, of: most, width: barWidth), before.isEmpty ? 0 : barWidth) + before
    }
    let more = (value["jail_count"]?.int ?? 0) - Int64(lines.count)
    if more > 0 { lines.append("… and \(more) more") }
    return "```\n" + lines.joined(separator: "\n") + "\n```"
  }

  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(0, width - text.count))
  }

  // MARK: - Fields

  private static func reportFields(_ value: Value) -> [Value] {
    var fields: [Value] = []
    func add(_ title: String, _ text: String, short: Bool = true) {
      guard !text.isEmpty else { return }
      fields.append(["title": .string(title), "value": .string(text), "short": .bool(short)])
    }
    for name in ["failures", "unbans", "prolongs", "notifications", "warnings"] {
      let total = value["totals"]?[name]
      let count = total?["count"]?.int ?? 0
      guard count > 0 || (total?["before"]?.int ?? 0) > 0 else { continue }
      add(name.prefix(1).uppercased() + name.dropFirst(), "\(count)\(comparison(total))")
    }
    add("Addresses", shares(value, "addresses") { bareOrCode($0) }, short: false)
    add("Networks", shares(value, "networks") { $0 }, short: false)
    add("Countries", shares(value, "countries") { $0 })
    add("Users", shares(value, "users") { "`\($0)`" }, short: false)
    let offenders = rows(value, "offenders").prefix(mostRows).map(offender)
    add("Repeat offenders", offenders.joined(separator: "\n"), short: false)
    add("Jails without bans", quietJails(value), short: false)
    let destinations = rows(value, "destinations")
    var lines = destinations.prefix(mostRows).map(delivery)
    if destinations.count > lines.count {
      lines.append("… and \(destinations.count - lines.count) more")
    }
    // What is known of everything for the same time stands above.
    if let since = value["events_since"]?.int, since < (value["to"]?.int ?? 0),
      value["known_since"]?.int.map(minute) != minute(since)
    {
      lines.append("(all but bans and failures since \(minute(since)) only)")
    }
    add("Delivery", lines.joined(separator: "\n"), short: false)
    return fields
  }

  /// `203.0.113.7 (12), 198.51.100.9 (3)`.
  private static func shares(
    _ value: Value, _ member: String, _ shown: (String) -> String
  ) -> String {
    rows(value, member).prefix(mostRows).map { row in
      "\(shown(name(row))) (\(row["bans"]?.int ?? 0))"
    }.joined(separator: ", ")
  }

  private static func offender(_ row: Value) -> String {
    let (bans, total) = (row["bans"]?.int ?? 0, row["total"]?.int ?? 0)
    let jails = (row["jails"]?.array ?? []).prefix(mostRows).compactMap(\.string)
    return "\(bareOrCode(name(row))): \(plural(bans, "ban")) in 30 days"
      + (total > bans ? ", \(total) in all" : "")
      + (row["first"]?.int.map { ", since \(minute($0).prefix(10))" } ?? "")
      + (jails.isEmpty ? "" : ", by \(jails.map { "`\($0)`" }.joined(separator: ", "))")
  }

  private static func quietJails(_ value: Value) -> String {
    let names = (value["quiet_jails"]?.array ?? []).compactMap(\.string)
    let shown = names.prefix(2 * mostRows)
    let more = (value["quiet_jail_count"]?.int ?? 0) - Int64(shown.count)
    return shown.map { "`\($0)`" }.joined(separator: ", ") + (more > 0 ? ", \(more) more" : "")
  }

  private static func delivery(_ row: Value) -> String {
    func count(_ member: String) -> Int64 { row[member]?.int ?? 0 }
    var parts = ["\(row["state"]?.string ?? "")", "\(count("delivered")) delivered"]
    if count("folded") > 0 { parts.append("\(count("folded")) told in digests") }
    if count("failed") > 0 { parts.append("\(plural(count("failed"), "attempt")) failed") }
    if count("waiting") > 0 {
      let since = row["oldest"]?.int.map { ", the oldest since \(minute($0))" } ?? ""
      parts.append("\(count("waiting")) waiting\(since)")
    }
    if count("held") > 0 { parts.append("\(count("held")) held") }
    if count("dead") > 0 { parts.append("\(count("dead")) given up") }
    let older = count("dead_letters") - count("dead")
    if older > 0 { parts.append("\(plural(older, "older dead letter"))") }
    if row["state"] != "ok" {
      parts.append(row["last_ok"]?.int.map { "last delivered \(minute($0))" } ?? "never delivered")
      if let error = row["error"]?.string { parts.append("last error `\(error)`") }
    }
    return "`\(name(row))`: " + parts.joined(separator: ", ")
  }

  // MARK: - Words

  private static func rows(_ value: Value, _ member: String) -> [Value] {
    value[member]?.array ?? []
  }

  private static func name(_ row: Value, _ most: Int = Report.longestName) -> String {
    let name = row["name"]?.string ?? ""
    return FitText.isLonger(name, than: most) ? FitText.cut(name, to: most, .plain) : name
  }

  /// ` (368 before, +12 %)`; nothing where the period before is not known.
  private static func comparison(_ total: Value?) -> String {
    guard let before = total?["before"]?.int else { return "" }
    guard before > 0 else { return " (none before)" }
    guard let percent = total?["percent"]?.int, percent != 0 else { return " (\(before) before)" }
    return " (\(before) before, \(percent > 0 ? "+" : "−")\(abs(percent)) %)"
  }

  private static func plural(_ count: Int64, _ one: String, _ many: String? = nil) -> String {
    "\(count) \(count == 1 ? one : many ?? one + "s")"
  }

  private static func minute(_ seconds: Int64) -> String {
    Timestamp.minute(min(max(seconds, 0), 253_402_300_799) * 1_000_000)
  }
}
