/// Counts bans by the rules, and tells when an incident begins or is over. Pure: bans and times in, changes out; what
/// it says depends on the bans and their times alone, not on when it is asked. Times are microseconds since 1970.
struct WarningWatch {
  /// One that has begun and is not over.
  struct Incident: Equatable {
    var rule: WarningRule
    /// What was counted together: a jail's name, a network, …; empty where all is.
    var group: String
    /// The first ban that counts, and its event.
    var since: Int64
    var firstEvent: Int64
    var last: Int64
    var bans: Int64
    var failures: Int64 = 0
    /// The shortest time that as many bans took as make an incident.
    var peak: Int64
  }

  enum Phase: Equatable {
    case started
    /// At this time. `isDropped`: its rule is not in the config any more.
    case over(at: Int64, isDropped: Bool)
  }

  struct Change: Equatable {
    var incident: Incident
    var phase: Phase
    /// The last event that it knows of.
    var event: Int64
    /// Of a start, all of them.
    var events: [Int64] = []
  }

  /// The last bans of one group, in the order of their times: those within the rule's time before the newest, and no
  /// more of them than make an incident.
  private struct Window {
    struct Stamp { var at, event, failures: Int64 }
    private(set) var stamps: [Stamp] = []

    var newest: Int64 { stamps.last?.at ?? .min }

    mutating func add(_ stamp: Stamp, _ rule: WarningRule) {
      var place = stamps.count
      while place > 0, stamps[place - 1].at > stamp.at { place -= 1 }
      if place == 0, stamps.count >= rule.bans { return }
      stamps.insert(stamp, at: place)
      let horizon = newest - rule.window
      var gone = max(0, stamps.count - rule.bans)
      while gone < stamps.count, stamps[gone].at <= horizon { gone += 1 }
      stamps.removeFirst(gone)
    }

    /// When fewer than enough are within the time, if no more come.
    func end(_ rule: WarningRule) -> Int64? {
      guard stamps.count >= rule.enough else { return nil }
      return stamps[stamps.count - rule.enough].at + rule.window
    }
  }

  private struct Group {
    var window = Window()
    var incident: Incident?
    /// The newest ban of those that are over: what was accepted before it and comes late begins nothing anew.
    private(set) var endedAt: Int64 = .min

    mutating func close() {
      endedAt = max(endedAt, incident?.last ?? .min)
      incident = nil
    }

    func end(_ rule: WarningRule) -> Int64? {
      guard let incident else { return nil }
      return window.end(rule) ?? incident.last + rule.window
    }
  }

  let rules: [WarningRule]
  /// Named fields that they ask for.
  let fields: [String]
  /// By rule, then by name.
  private var groups: [[String: Group]]
  private var concerned: [String: [Bool]] = [:]
  /// Names of those with an incident, by rule; and those of which something is to be kept.
  private var open: [Set<String>]
  private var changed: [Set<String>]

  /// Groups of a rule that are remembered; those that had no ban for the rule's time go first, then the oldest.
  static let mostGroups = 10_000
  /// Incidents of a rule at once: beyond, none begins.
  static let mostOpen = 1_000
  /// Jails whose patterns are not matched anew.
  private static let mostJails = 1_000

  init(_ rules: [WarningRule] = []) {
    self.rules = rules
    groups = rules.map { _ in [:] }
    (open, changed) = (rules.map { _ in [] }, rules.map { _ in [] })
    fields = rules.compactMap { if case .field(let name) = $0.by { name } else { nil } }
  }

  /// Microseconds of the longest rule.
  var longest: Int64 { rules.map(\.window).max() ?? 0 }

  // MARK: - Bans

  /// Some rule counts bans of this jail.
  mutating func concerns(_ jail: String) -> Bool { isConcerned(jail).contains(true) }

  private mutating func isConcerned(_ jail: String) -> [Bool] {
    if let known = concerned[jail] { return known }
    if concerned.count >= Self.mostJails { concerned = [:] }
    let answer = rules.map { $0.concerns(jail: jail) }
    concerned[jail] = answer
    return answer
  }

  mutating func add(_ ban: CountedBan) -> [Change] {
    var changes: [Change] = []
    let concerned = isConcerned(ban.jail)
    for (index, rule) in rules.enumerated() where concerned[index] {
      guard let name = rule.group(of: ban) else { continue }
      if groups[index][name] == nil, groups[index].count >= Self.mostGroups { thin(index) }
      let before = changes.count
      Self.count(
        ban, rule, name, in: &groups[index][name, default: Group()],
        mayOpen: open[index].count < Self.mostOpen, &changes)
      guard changes.count > before || open[index].contains(name) else { continue }
      if groups[index][name]?.incident == nil {
        open[index].remove(name)
      } else {
        open[index].insert(name)
      }
      changed[index].insert(name)
    }
    return changes
  }

  private static func count(
    _ ban: CountedBan, _ rule: WarningRule, _ name: String, in group: inout Group, mayOpen: Bool,
    _ changes: inout [Change]
  ) {
    if let incident = group.incident, let end = group.end(rule), end <= ban.at {
      changes.append(
        Change(incident: incident, phase: .over(at: end, isDropped: false), event: ban.event - 1))
      group.close()
    }
    group.window.add(.init(at: ban.at, event: ban.event, failures: ban.failures), rule)
    let stamps = group.window.stamps
    let span = stamps.count == rule.bans ? group.window.newest - (stamps.first?.at ?? 0) : .max
    if group.incident != nil {
      group.incident?.count(ban, span: span)
    } else if mayOpen, let first = stamps.first, stamps.count == rule.bans,
      group.window.newest > group.endedAt
    {
      let incident = Incident(
        rule: rule, group: name, since: first.at, firstEvent: stamps.map(\.event).min() ?? 0,
        last: group.window.newest, bans: Int64(rule.bans),
        failures: stamps.reduce(0) { $0 + $1.failures }, peak: span)
      group.incident = incident
      changes.append(
        Change(
          incident: incident, phase: .started, event: ban.event, events: stamps.map(\.event)))
    }
  }

  /// Makes room for a new group.
  private mutating func thin(_ index: Int) {
    let newest = groups[index].values.map(\.window.newest).max() ?? .min
    let horizon = newest - rules[index].window
    groups[index] = groups[index].filter {
      $0.value.incident != nil || $0.value.window.newest > horizon
    }
    guard groups[index].count >= Self.mostGroups else { return }
    // A tenth at once, so that sorting them is seldom.
    let oldest = groups[index].filter { $0.value.incident == nil }
      .sorted { ($0.value.window.newest, $0.key) < ($1.value.window.newest, $1.key) }
      .prefix(Self.mostGroups / 10)
    for group in oldest { groups[index][group.key] = nil }
  }

  // MARK: - Incidents

  /// Bans that were counted before, in their order: what they began or ended was told then. Those that are open are to
  /// be resumed.
  mutating func recall(_ bans: [CountedBan]) {
    for ban in bans { _ = add(ban) }
    for index in rules.indices {
      for name in open[index] { groups[index][name]?.close() }
      (open[index], changed[index]) = ([], [])
    }
  }

  /// One that is known from before; false if no rule counts it any more.
  mutating func resume(_ incident: Incident) -> Bool {
    guard let index = rules.firstIndex(where: { $0.counts(as: incident.rule) }) else {
      return false
    }
    var incident = incident
    incident.rule = rules[index]
    groups[index][incident.group, default: Group()].incident = incident
    open[index].insert(incident.group)
    return true
  }

  /// When the first of the open ones is over, if nothing comes.
  var nextEnd: Int64? {
    rules.indices.compactMap { index in
      open[index].lazy.compactMap { groups[index][$0]?.end(rules[index]) }.min()
    }.min()
  }

  /// Those whose time is over, until they are closed; the first to end comes first.
  func ending(until now: Int64, most: Int) -> [Change] {
    var changes: [(at: Int64, change: Change)] = []
    for (index, rule) in rules.enumerated() {
      for name in open[index] {
        guard let group = groups[index][name], let incident = group.incident,
          let end = group.end(rule), end <= now
        else { continue }
        let change = Change(
          incident: incident, phase: .over(at: end, isDropped: false), event: .max)
        changes.append((end, change))
      }
    }
    return changes.sorted {
      ($0.at, $0.change.incident.rule.name, $0.change.incident.group)
        < ($1.at, $1.change.incident.rule.name, $1.change.incident.group)
    }.prefix(most).map(\.change)
  }

  /// One that is over.
  mutating func close(_ incident: Incident) {
    guard let index = rules.firstIndex(where: { $0.name == incident.rule.name }) else { return }
    groups[index][incident.group]?.close()
    open[index].remove(incident.group)
  }

  /// Those that are open and have changed since the last call.
  mutating func takeChanged() -> [Incident] {
    rules.indices.flatMap { index in
      defer { changed[index] = [] }
      return changed[index].compactMap { groups[index][$0]?.incident }
    }
  }
}

extension WarningWatch.Incident {
  /// Has the same row.
  func isNamed(like other: Self) -> Bool { rule.name == other.rule.name && group == other.group }

  /// `span`: what the last so many took that make an incident.
  fileprivate mutating func count(_ ban: CountedBan, span: Int64) {
    // One that comes late and happened before it began is no part of it.
    guard ban.at >= since else { return }
    bans += 1
    failures += ban.failures
    last = max(last, ban.at)
    peak = min(peak, span)
  }
}
