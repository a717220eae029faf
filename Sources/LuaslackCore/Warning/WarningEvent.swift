internal import SQLite

// What an incident is told as: an event, whose members are docs/formatters.md's "Warnings".
extension Warnings {
  func record(
    _ change: WarningWatch.Change, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> EventRecord {
    var evidence = Evidence()
    for ban in try bans(of: change) { evidence.add(ban, context) }
    return EventRecord(change, evidence, context, now: now)
  }

  /// A start knows its few. Of an end they may be any of those that are kept: an attacker can have a thousand end at
  /// once, so those are read once for all in a transaction.
  private func bans(of change: WarningWatch.Change) throws(DatabaseError) -> [CountedBan] {
    guard change.phase != .started else { return try queue.countedBans(of: change.events) }
    let first = change.incident.firstEvent
    if kept.map({ $0.first > first }) ?? true {
      let first = min(first, try queue.firstOfIncidents() ?? first)
      kept = KeptBans(try queue.countedBans(from: first), from: first)
    }
    return kept?.bans(of: change) ?? []
  }
}

/// Bans from an event on, found by what they are counted under.
struct KeptBans {
  let first: Int64
  private var bans: [CountedBan]
  /// For each way to count: where those of a group stand.
  private var indices: [(rule: WarningRule, places: [String: [Int]])] = []

  init(_ bans: [CountedBan], from first: Int64) {
    (self.bans, self.first) = (bans, first)
  }

  /// One that came since.
  mutating func add(_ ban: CountedBan) {
    for index in indices.indices { Self.note(ban, at: bans.count, in: &indices[index]) }
    bans.append(ban)
  }

  private static func note(
    _ ban: CountedBan, at place: Int, in index: inout (rule: WarningRule, places: [String: [Int]])
  ) {
    guard index.rule.concerns(jail: ban.jail), let group = index.rule.group(of: ban) else { return }
    index.places[group, default: []].append(place)
  }

  mutating func bans(of change: WarningWatch.Change) -> [CountedBan] {
    let incident = change.incident
    let places = index(of: incident.rule)[incident.group] ?? []
    return places.map { bans[$0] }.filter {
      $0.event >= incident.firstEvent && $0.event <= change.event && $0.at >= incident.since
    }
  }

  private mutating func index(of rule: WarningRule) -> [String: [Int]] {
    if let known = indices.first(where: { $0.rule.by == rule.by && $0.rule.jails == rule.jails }) {
      return known.places
    }
    var index: (rule: WarningRule, places: [String: [Int]]) = (rule, [:])
    for (place, ban) in bans.enumerated() { Self.note(ban, at: place, in: &index) }
    indices.append(index)
    return index.places
  }
}

/// From where and against what the bans of an incident were.
struct Evidence {
  private(set) var addresses = Digest.Tally()
  private(set) var networks = Digest.Tally()
  private(set) var users = Digest.Tally()
  private(set) var jails = Digest.Tally()
  private(set) var countries = Digest.Tally()

  /// Names in each list that people get to see.
  private static let mostNames = 5

  mutating func add(_ ban: CountedBan, _ context: EventContext) {
    addresses.add(ban.network?.description ?? ban.name ?? "")
    if let network = ban.network { networks.add(network.owner.description) }
    if let user = context.shownUser(ban.user), !user.isEmpty { users.add(user) }
    jails.add(ban.jail)
    if let country = ban.country { countries.add(country) }
  }

  /// Members of the event.
  fileprivate var value: [String: Value] {
    func list(_ tally: Digest.Tally) -> Value {
      .array(
        tally.top(Self.mostNames).map {
          ["name": .string($0.name), "count": .int(Int64($0.count))]
        })
    }
    return [
      "addresses": list(addresses), "networks": list(networks), "users": list(users),
      "jails": list(jails), "countries": list(countries),
      "address_count": .int(Int64(addresses.counts.count)),
      "network_count": .int(Int64(networks.counts.count)),
    ]
  }
}

extension EventRecord {
  init(
    _ change: WarningWatch.Change, _ evidence: Evidence, _ context: EventContext, now: Int64
  ) {
    let incident = change.incident
    let rule = incident.rule
    let accepted =
      switch change.phase {
      case .started: incident.last
      // It is not late: nobody noticed it before.
      case .over(_, isDropped: true): now
      case .over(let at, _): at
      }
    let group = rule.shown(incident.group, context)
    self.init(
      kind: .warning, jail: rule.by == .jail ? incident.group : "", acceptedAt: min(accepted, now))
    set(.id, group.map { $0.isEmpty ? rule.name : "\(rule.name): \($0)" } ?? rule.name)
    severity = rule.severity
    destinations = rule.to
    known = evidence.value
    let phase: WarningPhase = change.phase == .started ? .started : .over
    let details: [(String, Value?)] = [
      ("phase", .string(phase.rawValue)), ("rule", .string(rule.name)),
      ("by", .string(rule.by.text)),
      ("group", group.flatMap { $0.isEmpty ? nil : .string($0) }),
      ("threshold", .int(Int64(rule.bans))), ("window", .int(Int64(rule.within))),
      ("bans", .int(incident.bans)), ("failures", .int(incident.failures)),
      ("since", .int(incident.since / 1_000_000)), ("last", .int(incident.last / 1_000_000)),
      ("duration", .int((incident.last - incident.since) / 1_000_000)),
      ("peak", .int(incident.peak / 1_000_000)),
      ("mention", .array(phase == .started ? rule.mention.map(Value.string) : [])),
    ]
    for (name, value) in details { known[name] = value }
    if case .over(_, let isDropped) = change.phase, isDropped { known["is_dropped"] = true }
    var members = known
    members["time"] = .int(acceptedAt / 1_000_000)
    known["summary"] = .string(WarningText(members).summary)
  }
}

extension WarningRule {
  /// `site shop.example`; empty where all is counted together. As the admin may see it.
  func what(_ group: String) -> String {
    switch by {
    case .all: ""
    case .jail: "jail \(group)"
    case .subnet: "network \(group)"
    case .country: "country \(group)"
    case .user: "user \(group)"
    case .field(let name): "\(name) \(group)"
    }
  }

  /// A group's name as messages show it; nil: a user that is not shown.
  func shown(_ group: String, _ context: EventContext) -> String? {
    by == .user ? context.shownUser(group) : PlainText.line(group)
  }
}

/// As its event says it.
enum WarningPhase: String, Equatable { case started, over }

extension Event {
  /// Of an early warning; nil of anything else.
  var phase: WarningPhase? {
    kind == .warning ? value["phase"]?.string.flatMap(WarningPhase.init(rawValue:)) : nil
  }

  /// All that a formatter finds in an early warning, beside what every event has.
  static let warningMembers = [
    "kind", "jail", "host", "severity", "reasons", "time", "now", "delay", "fields", "lists",
    "phase", "rule", "by", "group", "threshold", "window", "bans", "failures", "since", "last",
    "duration", "peak", "addresses", "networks", "users", "jails", "countries", "address_count",
    "network_count", "mention", "is_dropped", "summary",
  ]
}
