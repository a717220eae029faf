/// The message that needs no script: what the first formatter gets as `payload`, and what goes out
/// when every formatter fails. Its texts are not escaped yet; the sink does that.
enum BuiltIn {
  /// Grey: colour is the formatters' business.
  static let colour: Value = "#8d8d8d"

  static func payload(_ event: Event) -> Value {
    if let digest = event.digest { return payload(digest, host: text(event, "host")) }
    if event.kind == .report { return payload(report: event) }
    // Once is enough to call somebody.
    let fallback =
      event.kind == .warning ? sentence(ofWarning: event, isCalling: false) : sentence(event)
    // The footer keeps the attachment, and so its coloured bar, from being empty.
    var attachment: Value = [
      "color": colour, "fallback": .string(fallback), "footer": .string(origin(event)),
    ]
    if let second = event.second { attachment["ts"] = .int(second) }
    // A list even when it is empty, so that a formatter can add to it; the sink leaves that one out.
    attachment["fields"] = .array(
      event.kind == .warning ? fields(ofWarning: event) : Self.fields(event))
    let lines = event.kind == .notify ? "text" : "matches"
    if let matches = event.value[lines]?.string {
      let leftOut = event.value["\(lines)_left_out"]?.int ?? 0
      let isEnd = event.value["run"] != nil
      if event.value["plain"] == true {
        // Slack reads no markup in it: nobody shall be able to write a bold lie.
        attachment["text"] = .string(shown(matches, leftOut: leftOut, isEnd: isEnd) { $0 })
      } else {
        attachment["text"] = .string(
          shown(matches, leftOut: leftOut, isEnd: isEnd) { "```\n\($0)\n```" })
        attachment["mrkdwn_in"] = ["text"]
      }
    }
    return [
      "text": .string(sentence(event)), "attachments": .array([attachment] + undo(event)),
    ]
  }

  /// How to lift a ban that hits a friend. An attachment of its own: Slack reads markup in the
  /// fields of this one, and must not in those that hold what an outsider wrote.
  private static func undo(_ event: Event) -> [Value] {
    guard event.value["valid_user"] == true || event.value["friendly"] == true,
      let command = event.value["unban_command"]?.string
    else { return [] }
    let field: Value = ["title": "Undo", "value": .string(code(command)), "short": false]
    return [
      [
        "color": colour, "fallback": .string("Undo: \(command)"), "fields": [field],
        "mrkdwn_in": ["fields"],
      ]
    ]
  }

  /// One line, complete on its own: it is also what a phone's notification shows.
  static func sentence(_ event: Event) -> String {
    let host = text(event, "host")
    if let change = event.value["change_in_words"]?.string { return "\(change) on \(host)" }
    switch event.kind {
    case .ban:
      let failures = text(event, "failures")
      let plural = failures == "1" ? "" : "s"
      let count =
        failures == "0"
        ? "" : " after \(Int(failures) == nil ? code(failures) : failures) failure\(plural)"
      return "\(event.jail) banned \(who(event))\(count) on \(host)"
    case .unban: return "\(event.jail) unbanned \(who(event)) on \(host)"
    case .prolong: return "\(event.jail) prolonged the ban of \(who(event)) on \(host)"
    case .jailStart: return "jail \(event.jail) started on \(host)"
    case .jailStop: return "jail \(event.jail) stopped on \(host)"
    case .jailFlush: return "jail \(event.jail) lifted all its bans on \(host)"
    case .notify: return "\(heading(event)) on \(origin(event))"
    case .warning: return sentence(ofWarning: event)
    case .report: return sentence(report: event)
    case .digest: return event.digest.map { sentence($0, host: host) } ?? "a digest"
    }
  }

  /// Where a message comes from; of a notification that a member of luaslack-submit left, from whom.
  private static func origin(_ event: Event) -> String {
    let submitter = text(event, "submitter")
    return text(event, "host") + (submitter.isEmpty ? "" : ", from \(submitter)")
  }

  /// A notification's title in bold, which no asterisk in it ends; else how its text begins.
  private static func heading(_ event: Event) -> String {
    let title = String(text(event, "title").drop(while: \.isWhitespace)).trimmed
      .replacing("*", with: "∗")
    if !title.isEmpty { return "*\(title)*\(ending(event, title))" }
    let line = String(text(event, "text").trimmed.prefix { !$0.isNewline })
    let isLong = FitText.isLonger(line, than: longestHeading)
    let shown = isLong ? FitText.cut(line, to: longestHeading, .plain) : line
    return line.isEmpty ? "notification" : "notification `\(shown)`"
  }

  /// How a program ended, where its caller's title does not say it.
  private static func ending(_ event: Event, _ title: String) -> String {
    guard let run = ProgramRun(event.value["run"]), !title.contains(run.outcome) else { return "" }
    return " " + run.outcome(mark: code)
  }

  /// Characters of a text's first line where it stands for a title.
  private static let longestHeading = 120

  /// The id, and the address where that is something else.
  private static func who(_ event: Event) -> String {
    let ip = text(event, "ip")
    let who = bareOrCode(event.subject)
    return ip.isEmpty || ip == event.subject ? who : "\(who) (\(bareOrCode(ip)))"
  }

  /// Slack would make `*x*` bold and `evil.example` a link. An address is neither, unless it names
  /// an interface, which may look like a host.
  static func bareOrCode(_ text: String) -> String {
    Network(text) != nil && !text.contains("%") || text.isEmpty ? text : code(text)
  }

  /// Event text holds no backtick that could end it.
  private static func code(_ text: String) -> String { "`\(text)`" }

  /// Of one that was banned before, where that matters: recidive bans for nothing else.
  private static func before(_ event: Event) -> String? {
    guard event.kind == .ban, event.severity > .info,
      let ban = event.value["history"]?["address"]?["previous"],
      let jail = ban["jail"]?.string, let at = ban["time"]?.int, let second = event.second
    else { return nil }
    let failures = ban["failures"]?.int ?? 0
    let count = failures > 0 ? " after \(failures) failure\(failures == 1 ? "" : "s")" : ""
    let (ago, isOverflow) = second.subtractingReportingOverflow(at)
    return "\(PlainText.line(jail))\(count)"
      + (ago > 0 && !isOverflow ? ", \(span(.int(ago))) before" : "")
  }

  private static func fields(_ event: Event) -> [Value] {
    var fields: [Value] = []
    func add(_ title: String, _ text: String?) {
      guard let text, !text.isEmpty else { return }
      fields.append(["title": .string(title), "value": .string(text), "short": true])
    }
    let reasons = (event.value["reasons"]?.array ?? []).compactMap(\.string)
    if !reasons.isEmpty {
      let text = reasons.joined(separator: "; ")
      fields.append(["title": "Why", "value": .string(text), "short": false])
    }
    add("Before", before(event))
    add("User", event.value["user"]?.string)
    if let bantime = event.value["bantime"] { add("Ban time", span(bantime)) }
    // Otherwise one of the reasons says it.
    if reasons.isEmpty, let count = event.value["bancount"]?.int, count > 1 {
      add("Ban number", String(count))
    }
    for (title, text) in run(event.value["run"]) { add(title, text) }
    for (name, value) in (event.value["fields"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      add(name, value.string)
    }
    return fields
  }

  /// What a title of its caller's own does not say of a program that was run.
  private static func run(_ run: Value?) -> [(String, String)] {
    guard let run, let program = run["program"]?.string else { return [] }
    let end = run["exit"].map { ("Exit", word($0)) } ?? ("Signal", run["signal"].map(word) ?? "")
    let seconds = Int(run["seconds"]?.int ?? 0)
    let span = seconds > 0 ? Seconds.inWords(seconds) : "less than a second"
    return [("Program", program), end, ("Took", span)]
  }

  private static func span(_ bantime: Value) -> String {
    guard let seconds = bantime.int else { return word(bantime) }
    return seconds < 0 ? "for good" : Seconds.inWords(Int(seconds))
  }

  /// Lines in what `dress` puts around them, such as a fence, which they cannot end: event text holds no backtick. As
  /// many as Slack shows, so that the number of those left out is right; the last of them if `isEnd`.
  private static func shown(
    _ lines: String, leftOut: Int64, isEnd: Bool, _ dress: (String) -> String
  ) -> String {
    let lines = lines.trimmed
    // Room for the fence and for what stands beside it.
    let most = SlackParts.mostAttachmentText - 100
    let kept =
      isEnd ? FitText.end(of: lines, sent: most) : FitText.beginning(of: lines, sent: most)
    let leftOut = leftOut + Int64(lines.utf8.count - kept.utf8.count)
    let text = dress(String(kept))
    guard leftOut > 0 else { return text }
    return isEnd
      ? "… \(leftOut) bytes before it left out\n\(text)"
      : "\(text)\n… \(leftOut) bytes more left out"
  }

  private static func text(_ event: Event, _ key: String) -> String {
    event.value[key].map(word) ?? ""
  }

  private static func word(_ value: Value) -> String {
    switch value {
    case .string(let text): text
    case .int(let number): String(number)
    case .float(let number): String(number)
    default: ""
    }
  }

  /// Adds the note about a formatter that failed, so that its author learns of it from the channel.
  static func addNote(_ note: String, to message: inout Value) {
    add(":warning: \(note)", colour: "warning", to: &message)
  }

  /// Adds a line to what a formatter made. It is rendered already, and so must the line be.
  static func addLine(_ line: String, to message: inout Value) {
    add(line, colour: colour, to: &message)
  }

  /// More are left out: each of a hundred formatters may fail.
  static let mostNotes = 50

  /// Stays within Slack's limits if the message did.
  private static func add(_ line: String, colour: Value, to message: inout Value) {
    let attachments = message["attachments"]?.array ?? []
    guard attachments.count < SlackParts.mostAttachments else { return }
    let most = SlackParts.mostAttachmentText
    let text = FitText.isLonger(line, than: most) ? FitText.cut(line, to: most, .markup) : line
    let attachment: Value = ["color": colour, "fallback": .string(text), "text": .string(text)]
    message["attachments"] = .array(attachments + [attachment])
  }
}

extension String {
  fileprivate var trimmed: String {
    var text = self[...]
    while text.last?.isWhitespace == true { text = text.dropLast() }
    while text.first?.isNewline == true { text = text.dropFirst() }
    return String(text)
  }
}
