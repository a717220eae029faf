/// An event made ready for people: clean text, numbers where they are numbers, and what follows from
/// them. A number that cannot be read stays the text it was.
public struct Event: Sendable, Equatable {
  public let kind: EventKind
  public let jail: String
  public let subject: String
  public let severity: Severity
  /// What a formatter gets as `event`; `docs/formatters.md` is its description.
  public internal(set) var value: Value
  /// What a digest is made from.
  let digest: Digest?

  /// `host` is used where the caller named none; `now` is in microseconds since 1970.
  public init(
    _ record: EventRecord, host: String, now: Int64, context: EventContext = EventContext()
  ) {
    kind = record.kind
    jail = PlainText.line(record.jail)
    subject = PlainText.line(record.subject)
    let assessment = Assessment(record, context)
    severity = assessment.severity
    digest = nil
    var value = Self.members(
      record, kind, jail, subject, host: record.options[.host] ?? host, now)
    if kind.hasAddress {
      value["user"] = context.shownUser(record.options[.user]).map(Value.string)
    }
    assessment.add(to: &value)
    for (name, known) in record.known where kind.isOwn || Self.knownLater.contains(name) {
      value[name] = known
    }
    // It is of no jail, and carries nothing of a caller's.
    if kind == .report { value = value.keeping(Report.members) }
    self.value = value
  }

  /// What a database knows, or does not.
  private static let knownLater = ["history", "geo", "rdns"]

  /// Many events as one.
  init(_ digest: Digest, host: String, now: Int64) {
    kind = .digest
    jail = ""
    subject = ""
    severity = digest.severity
    value = digest.value(host: host, now: now)
    self.digest = digest
  }

  /// All that a formatter may find in one of this kind.
  var members: [String] { Self.members(kind) }

  static func members(_ kind: EventKind) -> [String] {
    switch kind {
    case .digest: Digest.members
    case .warning: warningMembers
    case .report: Report.members
    default: members
    }
  }

  /// All that a formatter may find in one, today or with a later database; else nil.
  static let members = [
    "kind", "jail", "host", "severity", "reasons", "ip", "id", "family", "failures", "bantime",
    "bancount", "time", "now", "delay", "restored", "user", "valid_user", "friendly",
    "unban_command", "matches", "matches_left_out", "fields", "lists", "history", "geo", "rdns",
    "jails", "change", "change_in_words", "title", "text", "text_left_out", "plain", "run",
    "submitter",
  ]

  /// Whom it is about: the address, or the id if there is none; nil for an event of a whole jail.
  var address: String? {
    [value["ip"]?.string, value["id"]?.string].compactMap { $0 }.first { !$0.isEmpty }
  }

  /// The second in which it happened, since 1970; nil if the time it was given is no number. fail2ban
  /// passes on the fractions of a log that has them.
  var second: Int64? {
    switch value["time"] {
    case .int(let seconds): seconds
    case .float(let seconds): Int64(exactly: seconds.rounded(.down))
    default: nil
    }
  }

  private static func members(
    _ record: EventRecord, _ kind: EventKind, _ jail: String, _ subject: String, host: String,
    _ now: Int64
  ) -> Value {
    var value: Value = [
      "kind": .string(kind.rawValue), "jail": .string(jail),
      "host": .string(PlainText.line(host)), "now": .int(now / 1_000_000),
      "fields": .object(record.cleanFields),
    ]
    value["time"] = record.options[.time].map(number) ?? .int(record.acceptedAt / 1_000_000)
    value["delay"] = .int(max(0, (now - record.acceptedAt) / 1_000_000))
    if kind == .notify { add(record, to: &value) }
    guard kind.hasAddress else { return value }
    value["id"] = .string(subject)
    value["ip"] = .string(PlainText.line(record.ip))
    value["family"] = family(record).map(Value.string)
    value["failures"] = number(record.failures ?? "0")
    value["restored"] = .bool(record.options[.restored] == "1")
    value["bantime"] = record.options[.bantime].map(number)
    value["bancount"] = record.options[.bancount].map(number)
    value["unban_command"] = record.unbanCommand.map(Value.string)
    if let matches = record.matches, !matches.isEmpty {
      value["matches"] = .string(PlainText.lines(matches))
      value["matches_left_out"] = .int(Int64(record.matchesLeftOut))
    }
    return value
  }

  /// What a notification has.
  private static func add(_ record: EventRecord, to value: inout Value) {
    value["title"] = record.title.map { .string(PlainText.line($0)) }
    value["submitter"] = record.submitter.map { .string(PlainText.line($0)) }
    value["run"] = record.run?.value
    guard let text = record.matches, !text.isEmpty else { return }
    if record.isPlain { value["plain"] = true }
    value["text"] = .string(PlainText.lines(text))
    value["text_left_out"] = .int(Int64(record.matchesLeftOut))
  }

  /// fail2ban says `None` of an id that is no address, and nothing outside conditional sections.
  private static func family(_ record: EventRecord) -> String? {
    switch record.options[.family] {
    case "inet4": return "inet4"
    case "inet6": return "inet6"
    case "None": return nil
    default:
      let address = record.ip.prefix { $0 != "/" }
      if address.contains(":") { return "inet6" }
      let isIPv4 = address.split(separator: ".", omittingEmptySubsequences: false).count == 4
      return isIPv4 && address.allSatisfy { $0.isASCII && ($0.isNumber || $0 == ".") }
        ? "inet4" : nil
    }
  }

  private static func number(_ text: String) -> Value {
    if let integer = Int64(text) { return .int(integer) }
    guard let real = Double(decimal: text) else { return .string(PlainText.line(text)) }
    return abs(real) < 1e15 && real == real.rounded() ? .int(Int64(real)) : .float(real)
  }
}

extension Value {
  fileprivate func keeping(_ names: [String]) -> Value {
    .object((object ?? [:]).filter { names.contains($0.key) })
  }
}

extension EventRecord {
  fileprivate var cleanFields: [String: Value] {
    Dictionary(
      // Sorted, so that of two names that become one always the same is kept.
      fields.sorted { $0.key < $1.key }
        .map { (PlainText.line($0.key), Value.string(PlainText.line($0.value))) }
    ) { first, _ in first }
  }
}

extension Assessment {
  fileprivate func add(to value: inout Value) {
    value["severity"] = .string(severity.rawValue)
    value["reasons"] = .array(reasons.map(Value.string))
    if isValidUser { value["valid_user"] = true }
    if isFriendly { value["friendly"] = true }
    // `false` rather than nothing, so that a name that is no list's can be told from one that is.
    value["lists"] = .object(
      lists.mapValues { $0.isEmpty ? false : .array($0.map(Value.string)) })
  }
}

extension Event {
  /// Why an event makes no message: its address is in one of these lists. Nil if it is in none.
  func listed(in names: [String]) -> String? {
    for name in names {
      if let entry = value["lists"]?[name]?.array?.first?.string {
        return "in the list \(name) (\(entry))"
      }
    }
    return nil
  }
}

extension Double {
  /// Decimal notation alone: Swift's own conversion takes hexadecimal, `nan` and `infinity` as well.
  init?(decimal text: String) {
    guard text.utf8.allSatisfy({ "0123456789+-.eE".utf8.contains($0) }), let number = Double(text),
      number.isFinite
    else { return nil }
    self = number
  }
}
