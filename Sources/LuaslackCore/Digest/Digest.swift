/// Many events in few words. Pure: events in, counts out; what `docs/formatters.md` calls a digest.
struct Digest: Equatable {
  /// One event as far as it is counted.
  struct Entry: Equatable {
    var kind: String
    var jail: String
    var subject: String
    var ip = ""
    var user: String?
    var severity = Severity.info
    /// Of an early warning.
    var phase: WarningPhase?
    /// Since 1970.
    var second: Int64
    /// Too much was waiting, and its log lines and fields were dropped.
    var isReduced = false
  }

  private(set) var count = 0
  private(set) var reduced = 0
  /// Early warnings that began, and those that are over.
  private(set) var begun = 0
  private(set) var over = 0
  /// Others.
  private(set) var critical = 0
  private(set) var severity = Severity.info
  /// Seconds since 1970 of the first and the last event; nil without any.
  private(set) var first: Int64?
  private(set) var last: Int64?
  private(set) var kinds = Tally()
  private(set) var jails = Tally()
  /// By /24, or /48 of IPv6: what one owner mostly has.
  private(set) var networks = Tally()
  private(set) var users = Tally()
  /// In the same time, those that formatters muted: they are in no message, and only counted.
  var muted = 0
  /// The first of them, and the first critical ones, as formatters get them.
  private(set) var events: [Value] = []
  private(set) var criticalEvents: [Event] = []
  /// The first early warnings that began, and after them the first that are over.
  private(set) var warnings: [Event] = []
  /// All of them, if they are few enough to be named.
  private(set) var namedEvents: [Event] = []

  /// Of one digest, and characters of the texts in them. A formatter has little time and memory; the
  /// counts know all.
  static let mostEvents = 1_000
  static let mostCriticalEvents = 50
  /// Of each phase.
  static let mostWarnings = 50
  static let mostNamedEvents = 10
  private static let mostText = 256 << 10

  mutating func add(_ entry: Entry) {
    count += 1
    if entry.isReduced { reduced += 1 }
    switch entry.phase {
    case .started: begun += 1
    case .over: over += 1
    case nil: if entry.severity == .critical { critical += 1 }
    }
    severity = max(severity, entry.severity)
    first = min(first ?? entry.second, entry.second)
    last = max(last ?? entry.second, entry.second)
    kinds.add(entry.kind)
    // A notification has neither, be its title one, and luaslackd's own words tell of others' events.
    guard entry.kind != EventKind.notify.rawValue, EventKind(rawValue: entry.kind)?.isOwn != true
    else { return }
    jails.add(entry.jail)
    if let network = Network(entry.ip) ?? Network(entry.subject) {
      networks.add(network.owner.description)
    }
    if let user = entry.user, !user.isEmpty { users.add(user) }
  }

  /// A digest of these.
  init(of events: [Event]) {
    for event in events { add(Entry(event)) }
    show(
      events, critical: events.filter { $0.severity == .critical && $0.kind != .warning },
      warnings: events.filter { $0.phase == .started } + events.filter { $0.phase == .over })
  }

  init() {}

  /// The first of its events, of the critical ones and of the early warnings, as far as there is room.
  mutating func show(_ events: [Event], critical: [Event], warnings: [Event]) {
    var room = Self.mostText
    self.events = events.prefix(Self.mostEvents).map { Self.slim($0.value) }.prefix { event in
      room -= (event.object ?? [:]).values.reduce(0) { $0 + ($1.string?.utf8.count ?? 8) }
      return room >= 0
    }
    criticalEvents = Array(critical.prefix(Self.mostCriticalEvents))
    for phase in [WarningPhase.started, .over] {
      self.warnings += warnings.filter { $0.phase == phase }.prefix(Self.mostWarnings)
    }
    namedEvents = events.count <= Self.mostNamedEvents ? events : []
  }

  /// How often each name was seen.
  struct Tally: Equatable {
    private(set) var counts: [String: Int] = [:]
    /// Seen under names beyond the limit.
    private(set) var others = 0

    /// Names that are kept apart, and characters of one: an attacker chooses them.
    static let mostNames = 20_000
    static let longestName = 64

    mutating func add(_ name: String) {
      let name = PlainText.name(name, characters: Self.longestName)
      if counts[name] == nil, counts.count >= Self.mostNames {
        others += 1
      } else {
        counts[name, default: 0] += 1
      }
    }

    /// The most frequent, of equals the first by name.
    func top(_ most: Int) -> [(name: String, count: Int)] {
      let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
      return sorted.prefix(most).map { ($0.key, $0.value) }
    }
  }
}

extension Digest.Entry {
  init(_ event: Event) {
    kind = event.kind.rawValue
    jail = event.jail
    subject = event.subject
    ip = event.value["ip"]?.string ?? ""
    user = event.value["user"]?.string
    severity = event.severity
    phase = event.phase
    second = event.second ?? event.value["now"]?.int ?? 0
  }
}

// As formatters get it.
extension Digest {
  /// Names in each of the lists.
  private static let mostNames = 10
  /// Jails, and kinds, that are counted by name.
  private static let mostKeys = 100

  static let members = [
    "kind", "host", "severity", "time", "now", "count", "muted", "reduced", "left_out", "first",
    "last", "events", "critical", "warnings", "by_jail", "by_kind", "jails", "networks", "users",
  ]

  func value(host: String, now: Int64) -> Value {
    let time = Value.int(last ?? now / 1_000_000)
    func list(_ tally: Tally) -> Value {
      .array(
        tally.top(Self.mostNames).map {
          ["name": .string($0.name), "count": .int(Int64($0.count))]
        })
    }
    func table(_ tally: Tally) -> Value {
      let pairs = tally.top(Self.mostKeys).map { ($0.name, Value.int(Int64($0.count))) }
      return .object(Dictionary(uniqueKeysWithValues: pairs))
    }
    return [
      "kind": "digest", "host": .string(PlainText.line(host)),
      "severity": .string(severity.rawValue), "time": time, "now": .int(now / 1_000_000),
      "count": .int(Int64(count)), "muted": .int(Int64(muted)), "reduced": .int(Int64(reduced)),
      "left_out": .int(Int64(max(0, count - events.count))),
      "first": first.map(Value.int) ?? time, "last": time, "events": .array(events),
      "critical": .array(criticalEvents.map { Self.slim($0.value) }),
      "warnings": .array(warnings.map { Self.slim($0.value) }), "by_jail": table(jails),
      "by_kind": table(kinds), "jails": list(jails), "networks": list(networks),
      "users": list(users),
    ]
  }

  /// Of one event among many: without what is long.
  static let eventMembers = [
    "kind", "jail", "severity", "reasons", "ip", "id", "family", "failures", "bantime", "bancount",
    "time", "restored", "user", "valid_user", "friendly", "unban_command", "title", "submitter",
    "phase", "rule", "group", "summary", "mention",
  ]

  static func slim(_ event: Value) -> Value {
    var slim: Value = [:]
    for member in eventMembers { slim[member] = event[member] }
    // One that is in a digest and calls nobody still has the list.
    if event["phase"] != nil, event["mention"] == nil { slim["mention"] = [] }
    return slim
  }
}
