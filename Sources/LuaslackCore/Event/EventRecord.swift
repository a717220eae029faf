/// An event as the caller gave it: strings, bounded but otherwise untouched. This is what the spool
/// keeps; everything derived from it can be derived again by a newer version.
public struct EventRecord: Sendable, Equatable {
  public static let fieldLimit = 1024
  public static let matchesLimit = 16 * 1024
  public static let titleLimit = 256
  /// What is left of a notification's text where too much waits.
  static let reducedTextLimit = 512
  /// Named fields of one event; fail2ban's action hands over a handful.
  public static let fieldCountLimit = 64
  /// Names of destinations and of options in an event.
  static let nameCountLimit = 64
  /// Bytes of one, of a user and of an id that is no address: whoever attacks chooses these.
  static let nameLimit = 128

  /// fail2ban's tags that an option of the command line carries.
  public enum Option: String, Sendable, CaseIterable {
    case id, time, bantime, bancount, family, user, restored, host
    /// Of a jail's start: 1, its bans come once more with their log lines; 0, no longer.
    case lines
  }

  public var kind: EventKind
  public var jail: String
  public var ip: String
  public var failures: String?
  public var options: [Option: String] = [:]
  /// The log lines; of a notification, its text.
  public var matches: String?
  /// Bytes of `matches` that were over the limit.
  public var matchesLeftOut = 0
  public var fields: [String: String] = [:]
  /// Of a notification, as its caller says.
  public private(set) var title: String?
  /// Of a notification as well, and of luaslackd's own words.
  public var severity: Severity?
  /// Of a notification about a program that was run: how that ended. Its text is the end of what it wrote.
  public var run: ProgramRun?
  /// Of a notification: its text is words and no output, to be shown as such.
  public var isPlain = false
  /// What luaslackd knew of it when it took it in, `history` and the like: kept, so that it is told the same
  /// whenever it is told; of its own words all that they say. Never believed of a file.
  var known: [String: Value] = [:]
  /// Who left it, of the group luaslack-submit: said by luaslackd, never believed of a file.
  var submitter: String?
  /// Destinations asked for by name; empty: the config decides.
  public var destinations: [String] = []
  /// Options that this version does not know, kept among the fields as well.
  public var unknownOptions: [String] = []
  /// Too much was waiting when it was taken in, and its log lines and fields were dropped.
  public internal(set) var isReduced = false
  /// Microseconds since 1970, on the clock of the call.
  public var acceptedAt: Int64

  public init(kind: EventKind, jail: String, ip: String = "", acceptedAt: Int64) {
    self.kind = kind
    self.jail = Self.bounded(jail)
    self.ip = Self.bounded(ip)
    self.acceptedAt = acceptedAt
  }

  public mutating func set(_ option: Option, _ text: String?) {
    guard let text, !text.isEmpty else { return }
    options[option] = Self.bounded(text)
  }

  /// An empty tag counts as not given.
  public mutating func setFailures(_ text: String?) {
    failures = text.flatMap { $0.isEmpty ? nil : Self.bounded($0) }
  }

  /// An empty one counts as not given.
  public mutating func setTitle(_ text: String?) {
    title = text.flatMap { $0.isEmpty ? nil : Self.shortened($0, Self.titleLimit) }
  }

  /// Keeps the first 16 KiB; `leftOut` bytes more were already dropped by the caller.
  public mutating func setMatches(_ text: String, leftOut: Int = 0) {
    let kept = Self.bounded(text, Self.matchesLimit)
    matches = kept
    matchesLeftOut = leftOut + text.utf8.count - kept.utf8.count
  }

  public mutating func setField(_ name: String, _ text: String) {
    guard fields.count < Self.fieldCountLimit || fields[name] != nil else { return }
    fields[Self.bounded(name, 64)] = Self.bounded(text)
  }

  /// `team=web, site=shop`: what stands between two commas without a `=` is more of the text before.
  public mutating func setFields(_ list: String) {
    var pairs: [(name: String, text: String)] = []
    for part in list.utf8.split(separator: UInt8(ascii: ","), omittingEmptySubsequences: false) {
      let (name, text) = Self.pair(String(Substring(part)))
      if name.isEmpty, let last = pairs.indices.last {
        pairs[last].text += "," + text
      } else {
        pairs.append((name, text))
      }
    }
    for (name, text) in pairs where !(name.isEmpty && text.isEmpty) {
      let name = name.utf8.drop { $0 == UInt8(ascii: " ") }
      guard !text.isEmpty, !isTag(text) else { continue }
      setField(name.isEmpty ? Self.unnamed : String(Substring(name)), text)
    }
  }

  /// A field as `name=text`, whose name it returns; one without a name is still worth keeping, and one without a text
  /// is none: fail2ban had nothing for its tag.
  @discardableResult
  public mutating func setField(_ text: String) -> String {
    let (name, value) = Self.pair(text)
    guard !value.isEmpty, !isTag(value) else { return name.isEmpty ? Self.unnamed : name }
    setField(name.isEmpty ? Self.unnamed : name, value)
    return name.isEmpty ? Self.unnamed : name
  }

  /// `<F-SITE>` as it stands in the configuration: a jail that starts or stops has nobody's log line to fill it from. What
  /// such a line holds in a ban is text, whatever it looks like.
  private func isTag(_ text: String) -> Bool {
    kind.isOfJail && text.hasPrefix("<F-") && text.hasSuffix(">")
  }

  private static var unnamed: String { "field" }

  /// Without a name, all of it is the text. Bytes, since a combining mark makes `=` another character.
  private static func pair(_ text: String) -> (name: String, text: String) {
    let bytes = text.utf8
    guard let separator = bytes.firstIndex(of: UInt8(ascii: "=")), separator != text.startIndex
    else { return ("", text) }
    return (String(text[..<separator]), String(text[bytes.index(after: separator)...]))
  }

  /// What is counted of `failures`: 0 where they are no number, and a million at most, so that no sum can overflow.
  var failureCount: Int64 { min(max(0, failures.flatMap { Int64($0) } ?? 0), 1_000_000) }

  /// The account that was tried, as counting knows it: on one line and bounded, since whoever attacks chooses it; nil
  /// if none is named.
  var account: String? {
    guard let user = options[.user].map(PlainText.line), !user.isEmpty else { return nil }
    return Self.bounded(user, Self.nameLimit)
  }

  /// Microseconds since 1970, as fail2ban says; nil if it says nothing that is a time.
  var happenedAt: Int64? {
    options[.time].flatMap { Double(decimal: $0) }.flatMap { seconds in
      abs(seconds) < 1e12 ? Int64(seconds * 1_000_000) : nil
    }
  }

  /// Keeps who it was, how often and when; of a notification how it begins.
  mutating func reduce() {
    if kind == .notify, let text = matches {
      matches =
        run == nil
        ? Self.bounded(text, Self.reducedTextLimit)
        : OutputTail.end(of: text, Self.reducedTextLimit)
      matchesLeftOut += text.utf8.count - (matches?.utf8.count ?? 0)
    } else {
      matches = nil
      matchesLeftOut = 0
    }
    fields = [:]
    isReduced = true
  }

  /// Cuts on a character, never inside one.
  static func bounded(_ text: String, _ limit: Int = fieldLimit) -> String {
    let text = PlainText.tamed(text)
    guard text.utf8.count > limit else { return text }
    var size = 0
    let kept = text.unicodeScalars.prefix { scalar in
      size += UTF8.width(scalar)
      return size <= limit
    }
    return String(kept)
  }

  /// The same with an ellipsis, for what people read as a sentence.
  private static func shortened(_ text: String, _ limit: Int) -> String {
    let text = PlainText.tamed(text)
    return text.utf8.count > limit ? bounded(text, limit - "…".utf8.count) + "…" : text
  }
}

// As JSON, in the spool's files and in the database.
extension EventRecord {
  public var value: Value {
    var value: Value = [
      "kind": .string(kind.rawValue), "jail": .string(jail), "ip": .string(ip),
      "accepted_at": .int(acceptedAt),
    ]
    value["failures"] = failures.map(Value.string)
    for (option, text) in options { value[option.rawValue] = .string(text) }
    value[Self.textMember(kind)] = matches.map(Value.string)
    value["title"] = title.map(Value.string)
    value["severity"] = severity.map { .string($0.rawValue) }
    value["submitter"] = submitter.map(Value.string)
    value["run"] = run?.value
    if isPlain { value["plain"] = true }
    if matchesLeftOut > 0 { value["matches_left_out"] = .int(Int64(matchesLeftOut)) }
    if !fields.isEmpty { value["fields"] = .object(fields.mapValues(Value.string)) }
    if !destinations.isEmpty { value["to"] = .array(destinations.map(Value.string)) }
    if isReduced { value["is_reduced"] = true }
    if !known.isEmpty { value["known"] = .object(known) }
    if !unknownOptions.isEmpty {
      value["unknown_options"] = .array(unknownOptions.map(Value.string))
    }
    return value
  }

  /// Nil if the value is no event. Unknown members, from a newer version, are passed over; numbers
  /// and flags may stand as such, as people write them in a case of a formatter.
  public init?(_ value: Value) {
    guard let kind = value["kind"]?.string.flatMap(EventKind.init(rawValue:)),
      EventKind.recorded.contains(kind),
      let jail = kind == .notify ? "" : value["jail"]?.string
    else { return nil }
    self.init(
      kind: kind, jail: jail, ip: kind == .notify ? "" : value["ip"]?.string ?? "",
      acceptedAt: Self.within(value["accepted_at"]))
    if kind != .notify { setFailures(value["failures"]?.scalarText) }
    for option in Option.allCases { set(option, value[option.rawValue]?.scalarText) }
    if kind == .notify || kind.isOwn {
      severity = value["severity"]?.string.flatMap(Severity.init(rawValue:))
    }
    if kind == .notify {
      setTitle(value["title"]?.string)
      run = ProgramRun(value["run"])
      isPlain = value["plain"]?.bool ?? false
      submitter = value["submitter"]?.string.map { Self.bounded($0) }
    }
    if let text = value[Self.textMember(kind)]?.string {
      setMatches(text, leftOut: Int(Self.within(value["matches_left_out"])))
    }
    for (name, text) in value["fields"]?.object ?? [:] { setField(name, text.scalarText ?? "") }
    isReduced = value["is_reduced"]?.bool ?? false
    known = value["known"]?.object ?? [:]
    func names(_ member: String) -> [String] {
      (value[member]?.array ?? []).prefix(Self.nameCountLimit).compactMap(\.string)
        .map { Self.bounded($0, Self.nameLimit) }
    }
    destinations = names("to")
    unknownOptions = names("unknown_options")
  }

  static func textMember(_ kind: EventKind) -> String { kind == .notify ? "text" : "matches" }

  /// A number that can be reckoned with, whatever a damaged or hand-made file says: up to 2^53.
  private static func within(_ value: Value?) -> Int64 {
    min(max(value?.int ?? 0, 0), 1 << 53)
  }
}

extension Value {
  fileprivate var scalarText: String? {
    switch self {
    case .string(let text): text
    case .int(let number): String(number)
    case .float(let number): String(number)
    case .bool(let flag): flag ? "1" : "0"
    default: nil
    }
  }
}
