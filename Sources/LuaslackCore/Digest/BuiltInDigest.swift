// What a digest says without a script: who, where from and when, early warnings and the critical ones by name.
extension BuiltIn {
  /// Names after which the rest is only counted.
  private static let mostNames = 5
  private static let (mostBegun, mostCritical, mostOver) = (20, 20, 10)
  /// Characters of what one critical event says.
  private static let longestLine = 200

  /// `412 events on web1: 398 bans, 14 unbans, in sshd (380), nginx-http-auth (32)`. `isCalling`: before it whom
  /// the early warnings in it would have called, which is live.
  static func sentence(_ digest: Digest, host: String, isCalling: Bool = true) -> String {
    let kinds = digest.kinds.top(EventKind.allCases.count).map { kind, count in
      "\(count) \(word(kind, count))"
    }
    return (isCalling ? WarningText.calls(of: digest.warnings) : "")
      + "\(digest.count) event\(plural(digest.count)) on \(host): "
      + kinds.joined(separator: ", ")
      + (digest.jails.counts.isEmpty ? "" : ", in " + names(digest.jails, quoted: false))
  }

  static func payload(_ digest: Digest, host: String) -> Value {
    // Once is enough to call somebody.
    let fallback = sentence(digest, host: host, isCalling: false)
    var attachment: Value = [
      "color": digest.severity == .critical ? "danger" : colour, "fallback": .string(fallback),
      "footer": .string(host), "fields": .array(fields(digest)),
    ]
    attachment["ts"] = digest.last.map(Value.int)
    attachment["mrkdwn_in"] = ["text", "fields"]
    let lines = named(digest)
    if !lines.isEmpty { attachment["text"] = .string(lines) }
    return ["text": .string(sentence(digest, host: host)), "attachments": [attachment]]
  }

  /// What begins and the critical ones first; the others as well where they are few.
  private static func named(_ digest: Digest) -> String {
    func list(_ title: String, _ events: [Event], of count: Int, most: Int) -> [String] {
      guard count > 0 else { return [] }
      let lines = events.prefix(most).map(line)
      let more = count - lines.count
      return ["*\(count) \(title):*"] + lines + (more > 0 ? ["… and \(more) more"] : [])
    }
    let (begun, over) = (digest.begun, digest.over)
    let lines =
      list(
        "early warning\(plural(begun))", digest.warnings.filter { $0.phase == .started },
        of: begun, most: mostBegun)
      + list("critical", digest.criticalEvents, of: digest.critical, most: mostCritical)
      + list(
        "early warning\(plural(over)) that ended", digest.warnings.filter { $0.phase == .over },
        of: over, most: mostOver)
      + digest.namedEvents.filter { $0.severity != .critical && $0.kind != .warning }.map(line)
    return lines.joined(separator: "\n")
  }

  private static func line(_ event: Event) -> String {
    if event.kind == .warning {
      return "• " + short(WarningText(event.value.object ?? [:]).line)
    }
    let reasons = (event.value["reasons"]?.array ?? []).compactMap(\.string)
    var line = "• " + short(sentence(event))
    if !reasons.isEmpty { line += " `\(short(reasons.joined(separator: "; ")))`" }
    let isFriend = event.value["valid_user"] == true || event.value["friendly"] == true
    if isFriend, let undo = event.value["unban_command"]?.string {
      line += "\nundo: `\(short(undo))`"
    }
    return line
  }

  private static func fields(_ digest: Digest) -> [Value] {
    var fields: [Value] = []
    func add(_ title: String, _ text: String, short: Bool = true) {
      guard !text.isEmpty else { return }
      fields.append(["title": .string(title), "value": .string(text), "short": .bool(short)])
    }
    add("Networks", names(digest.networks, quoted: false))
    add("Users", names(digest.users, quoted: true))
    if let first = digest.first, let last = digest.last {
      add("From", Timestamp.words(first))
      if first != last { add("To", Timestamp.words(last)) }
    }
    if digest.muted > 0 { add("Muted besides", String(digest.muted)) }
    if digest.reduced > 0 {
      add("Without log lines", "\(digest.reduced), because too much was waiting", short: false)
    }
    return fields
  }

  /// `sshd (380), nginx-http-auth (32), 3 more`.
  private static func names(_ tally: Digest.Tally, quoted: Bool) -> String {
    let top = tally.top(mostNames)
    var parts = top.map { name, count in "\(quoted ? "`\(name)`" : name) (\(count))" }
    let more = tally.counts.count - top.count
    if more > 0 || tally.others > 0 { parts.append("\(more)\(tally.others > 0 ? "+" : "") more") }
    return parts.joined(separator: ", ")
  }

  private static func word(_ kind: String, _ count: Int) -> String {
    switch EventKind(rawValue: kind) {
    case .ban, .unban: "\(kind)\(plural(count))"
    case .prolong: "prolonged ban\(plural(count))"
    case .jailStart: "jail\(plural(count)) started"
    case .jailStop: "jail\(plural(count)) stopped"
    case .jailFlush: "jail\(plural(count)) flushed"
    case .notify: "notification\(plural(count))"
    case .warning, .report: kind + plural(count)
    case .digest, nil: kind
    }
  }

  private static func plural(_ count: Int) -> String { count == 1 ? "" : "s" }

  private static func short(_ text: String) -> String {
    FitText.isLonger(text, than: longestLine) ? FitText.cut(text, to: longestLine, .markup) : text
  }
}
