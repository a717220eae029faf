internal import SQLite

// What an incident is told as: an event, whose members are docs/formatters.md's "Warnings".
extension Warnings {
  func record(
    _ change: WarningWatch.Change, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> EventRecord {
    let incident = change.incident
    var evidence = Evidence()
    for ban in try queue.countedBans(of: min(incident.firstEvent, change.event)...change.event)
    where ban.at >= incident.since && incident.rule.concerns(jail: ban.jail)
      && incident.rule.group(of: ban) == incident.group
    {
      evidence.add(ban, context)
    }
    return EventRecord(change, evidence, context, now: now)
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
      case .over(let at, _): at
      }
    let group = rule.shown(incident.group, context)
    self.init(
      kind: .warning, jail: rule.by == .jail ? incident.group : "", acceptedAt: min(accepted, now))
    set(.id, group.map { $0.isEmpty ? rule.name : "\(rule.name): \($0)" } ?? rule.name)
    severity = rule.severity
    destinations = rule.to
    known = evidence.value
    let details: [(String, Value?)] = [
      ("phase", change.phase == .started ? "started" : "over"), ("rule", .string(rule.name)),
      ("by", .string(rule.by.text)),
      ("group", group.flatMap { $0.isEmpty ? nil : .string($0) }),
      ("threshold", .int(Int64(rule.bans))), ("window", .int(Int64(rule.within))),
      ("bans", .int(incident.bans)), ("failures", .int(incident.failures)),
      ("since", .int(incident.since / 1_000_000)), ("last", .int(incident.last / 1_000_000)),
      ("duration", .int((incident.last - incident.since) / 1_000_000)),
      ("peak", .int(incident.peak / 1_000_000)),
      ("mention", .array(change.phase == .started ? rule.mention.map(Value.string) : [])),
    ]
    for (name, value) in details { known[name] = value }
    if case .over(_, let isDropped) = change.phase, isDropped { known["is_dropped"] = true }
    known["summary"] = .string(WarningText(known).summary)
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

extension Event {
  /// All that a formatter finds in an early warning, beside what every event has.
  static let warningMembers = [
    "kind", "jail", "host", "severity", "reasons", "time", "now", "delay", "fields", "lists",
    "phase", "rule", "by", "group", "threshold", "window", "bans", "failures", "since", "last",
    "duration", "peak", "addresses", "networks", "users", "jails", "countries", "address_count",
    "network_count", "mention", "is_dropped", "summary",
  ]
}
