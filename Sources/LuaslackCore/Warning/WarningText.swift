/// An early warning in words, from the members of its event.
struct WarningText {
  private let members: [String: Value]

  init(_ members: [String: Value]) { self.members = members }

  private func number(_ name: String) -> Int { Int(clamping: members[name]?.int ?? 0) }
  /// What takes no second took one.
  private func time(_ name: String) -> String { Self.span(number(name)) }
  private static func span(_ seconds: Int) -> String { Seconds.inWords(max(1, seconds)) }
  private func text(_ name: String) -> String { members[name]?.string ?? "" }

  /// `50 bans within 8 minutes 20 seconds, jail sshd`; `over after 14 minutes: 212 bans from 9 networks, jail sshd`;
  /// `over: 50 bans from 9 networks within 3 seconds, jail sshd`.
  var summary: String { summary { $0 } }

  /// `mark`: what an outsider may have written, made fit for where it stands.
  private func summary(mark: (String) -> String) -> String {
    let bans = Self.plural(number("bans"), "ban")
    let time = time("duration")
    let place = what(mark: mark)
    let ending = place.isEmpty ? "" : ", \(place)"
    guard text("phase") == "over" else { return "\(bans) within \(time)\(ending)" }
    let networks = number("network_count")
    let figures = bans + (networks == 0 ? "" : " from \(Self.plural(networks, "network"))")
    if members["is_dropped"] == true {
      // It may have gone on: all that is known is how long somebody looked.
      let watched = Self.span(number("time") - number("since"))
      return "no longer watched after \(watched): \(figures)\(ending)"
    }
    // Nothing that is told a window later was over after three seconds.
    return number("duration") < Self.leastTime
      ? "over: \(figures) within \(time)\(ending)" : "over after \(time): \(figures)\(ending)"
  }

  /// Seconds from which on an attack had a length.
  private static let leastTime = 60

  private func what(mark: (String) -> String) -> String {
    let group = text("group")
    switch text("by") {
    case "all": return ""
    case "jail": return "jail \(mark(group))"
    case "subnet": return "network \(group)"
    case "country": return "country \(mark(group))"
    case _ where group.isEmpty: return "one user"
    case "user": return "user \(mark(group))"
    default: return "\(PlainText.line(String(text("by").dropFirst("field:".count)))) \(mark(group))"
    }
  }

  private static func plural(_ count: Int, _ noun: String) -> String {
    "\(count) \(noun)\(count == 1 ? "" : "s")"
  }

  /// The built-in message's one line. A mention is live.
  func sentence(host: String, isCalling: Bool) -> String {
    let mentions = isCalling ? Self.calls(called) : ""
    return text("phase") == "over"
      ? "early warning on \(host) \(line)" : "\(mentions)early warning on \(host): \(line)"
  }

  /// What it is, in a line of a message that says the rest.
  var line: String {
    summary { name in
      let isLong = FitText.isLonger(name, than: Self.longestName)
      return "`\(isLong ? FitText.cut(name, to: Self.longestName, .plain) : name)`"
    }
  }

  private var called: [String] { (members["mention"]?.array ?? []).compactMap(\.string) }

  private static func calls(_ called: [String]) -> String {
    called.map { Markup.mention($0) + " " }.joined()
  }

  /// Whom these call, each once; live.
  static func calls(of warnings: [Event]) -> String {
    let called = warnings.flatMap { WarningText($0.value.object ?? [:]).called }
    return calls(called.enumerated().filter { called.firstIndex(of: $1) == $0 }.map(\.element))
  }

  private static let longestName = 100

  /// The details below it.
  var fields: [(title: String, text: String, isShort: Bool)] {
    var fields: [(title: String, text: String, isShort: Bool)] = []
    func add(_ title: String, _ text: String, isShort: Bool = true) {
      if !text.isEmpty { fields.append((title, text, isShort)) }
    }
    let limit = Self.plural(number("threshold"), "ban")
    add("Rule", "\(text("rule")): \(limit) in \(Seconds.inWords(number("window")))")
    add("Since", Timestamp.words(Int64(number("since"))))
    add("Failures", number("failures") == 0 ? "" : "\(number("failures"))")
    if text("phase") == "over" {
      add("At its peak", "\(limit) in \(time("peak"))")
    }
    add("Addresses", names("addresses", of: number("address_count")), isShort: false)
    add("Networks", names("networks", of: number("network_count")), isShort: false)
    for (title, member) in [("Users", "users"), ("Jails", "jails"), ("Countries", "countries")] {
      // What the sentence says already.
      if title == "Jails", text("by") == "jail" { continue }
      add(title, names(member, of: 0))
    }
    return fields
  }

  /// `203.0.113.7 (3), 203.0.113.9, 42 more`.
  private func names(_ member: String, of all: Int) -> String {
    let list = members[member]?.array ?? []
    var parts = list.map { item in
      let count = item["count"]?.int ?? 0
      return (item["name"]?.string ?? "") + (count > 1 ? " (\(count))" : "")
    }
    if all > list.count { parts.append("\(all - list.count) more") }
    return parts.joined(separator: ", ")
  }
}

extension BuiltIn {
  /// `isCalling`: with its mentions, which are live.
  static func sentence(ofWarning event: Event, isCalling: Bool = true) -> String {
    WarningText(event.value.object ?? [:])
      .sentence(host: event.value["host"]?.string ?? "", isCalling: isCalling)
  }

  static func fields(ofWarning event: Event) -> [Value] {
    WarningText(event.value.object ?? [:]).fields.map {
      ["title": .string($0.title), "value": .string($0.text), "short": .bool($0.isShort)]
    }
  }
}
