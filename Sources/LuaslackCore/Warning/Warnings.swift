internal import SQLite

/// Early warning: has bans counted by the rules of the config, keeps what has begun in the rows, and makes the events
/// that tell of it. What it has in memory follows from the rows; a batch that was rolled back leaves nothing of it.
final class Warnings {
  let queue: Queue
  /// Microseconds on a clock that nobody sets.
  private let steadyClock: () -> Int64
  /// Nil: to be read.
  private var watch: WarningWatch?
  /// What the last ban brought: it is told before the next one is looked at.
  private var changes: [WarningWatch.Change] = []
  /// What no rule counts any more, until it is told.
  private var dropped: [WarningWatch.Change] = []
  /// What was read in this transaction for those that end.
  var kept: KeptBans?
  /// A batch was begun and is not committed.
  private var isUnsettled = false
  /// Both clocks at the last batch; those of one that is under way.
  private var latest: (now: Int64, steady: Int64)?
  private var present: (now: Int64, steady: Int64)?
  /// The clock was set forward by so much: what was accepted until then has a time of the old one.
  private var forward: (until: Int64, jump: Int64)?
  private var prunedAt: Int64?

  /// Microseconds by which the clocks may part before the one is taken to have been set: rules count minutes.
  private static let smallestJump: Int64 = 30_000_000
  /// Microseconds for which what was accepted may be on its way here.
  private static let patience: Int64 = 2_000_000
  /// Microseconds from one removal of what is not needed any more to the next.
  private static let pruning: Int64 = 60_000_000
  /// Ends that one transaction tells: an attacker can have thousands at once.
  static let mostEnds = 20

  init(_ queue: Queue, steadyClock: @escaping () -> Int64) {
    self.queue = queue
    self.steadyClock = steadyClock
  }

  // MARK: - A batch

  /// Within the batch's transaction.
  func begin(_ configuration: Configuration, now: Int64) throws(DatabaseError) {
    forgetUnsettled()
    isUnsettled = true
    try heedClock(now: now)
    try read(configuration.watchedRules)
  }

  /// What was rolled back is not so: the rows say what is.
  private func forgetUnsettled() {
    if isUnsettled { (watch, kept, isUnsettled) = (nil, nil, false) }
  }

  /// An event that is new. `fields`: its own, which the record has lost where too much waits.
  func note(
    _ record: EventRecord, fields known: [String: String], as event: Int64, now: Int64
  ) throws(DatabaseError) {
    guard record.kind == .ban, record.options[.restored] != "1",
      watch?.concerns(record.jail) == true, let fields = watch?.fields
    else { return }
    var at = record.acceptedAt
    if let forward, at <= forward.until { at += forward.jump }
    let ban = CountedBan(record, known: known, as: event, at: min(at, now), fields: fields)
    try queue.count(ban)
    kept?.add(ban)
    for change in watch?.add(ban) ?? [] {
      // There is one row for a rule's name and a group.
      if change.phase == .started,
        let place = dropped.firstIndex(where: { $0.incident.isNamed(like: change.incident) })
      {
        changes.append(dropped.remove(at: place))
      }
      changes.append(change)
    }
  }

  /// What the event that was just noted brought, in order: to be told in its transaction, whose time that takes.
  func takeNews(_ context: EventContext, now: Int64) throws(DatabaseError) -> [EventRecord] {
    guard !changes.isEmpty else { return [] }
    var records: [EventRecord] = []
    for change in changes { records.append(try told(change, context, now: now)) }
    changes = []
    return records
  }

  private func told(
    _ change: WarningWatch.Change, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> EventRecord {
    let record = try record(change, context, now: now)
    if change.phase != .started { try queue.forget(change.incident) }
    return record
  }

  /// The next that are over; only when all that was accepted is taken in. What is not ended now stays open, in the
  /// rows as well.
  func ending(now: Int64) -> [WarningWatch.Change] {
    if !dropped.isEmpty { return Array(dropped.prefix(Self.mostEnds)) }
    return watch?.ending(until: now - Self.patience, most: Self.mostEnds) ?? []
  }

  /// Ends one of these. Returns what is to be told.
  func end(
    _ change: WarningWatch.Change, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> EventRecord {
    if let place = dropped.firstIndex(of: change) {
      dropped.remove(at: place)
    } else {
      watch?.close(change.incident)
    }
    return try told(change, context, now: now)
  }

  /// Keeps what the batch brought.
  func finish(now: Int64) throws(DatabaseError) {
    for incident in watch?.takeChanged() ?? [] { try queue.save(incident) }
    let isPruned = prunedAt.map { $0 <= now && now - $0 < Self.pruning } ?? false
    if let watch, !isPruned {
      // Without rules, all that no incident needs any more.
      try queue.forgetCounted(before: watch.rules.isEmpty ? .max : now - 2 * watch.longest)
      prunedAt = now
    }
  }

  /// It is committed.
  func settle() {
    isUnsettled = false
    kept = nil
    latest = present
  }

  // MARK: - Between batches

  /// When something is over, or has to be looked at; nil: nothing has begun.
  func due(_ configuration: Configuration, now: Int64) throws(DatabaseError) -> Int64? {
    forgetUnsettled()
    try read(configuration.watchedRules)
    guard dropped.isEmpty else { return now }
    guard let end = watch?.nextEnd else { return nil }
    if let jump = jump(now: now), abs(jump) >= Self.smallestJump { return now }
    return end + Self.patience
  }

  // MARK: - What is known

  private func read(_ rules: [WarningRule]) throws(DatabaseError) {
    if let watch, watch.rules == rules { return }
    var watch = WarningWatch(rules)
    if !rules.isEmpty { watch.recall(try queue.countedBans(within: watch.longest)) }
    (changes, dropped) = ([], [])
    try queue.forgetUnreadableIncidents()
    let newest = try queue.newestCountedEvent() ?? 0
    for incident in try queue.incidents() where !watch.resume(incident) {
      // What comes with the change is no part of it any more.
      dropped.append(
        WarningWatch.Change(
          incident: incident, phase: .over(at: incident.last, isDropped: true), event: newest))
    }
    self.watch = watch
  }

  private func jump(now: Int64) -> Int64? {
    latest.map { now - $0.now - (steadyClock() - $0.steady) }
  }

  /// Times are moved with a clock that was set, so that nothing ends or goes on for ever by that alone.
  private func heedClock(now: Int64) throws(DatabaseError) {
    let steady = steadyClock()
    present = (now, steady)
    var moved: Int64 = 0
    if let latest {
      let jump = now - latest.now - (steady - latest.steady)
      guard abs(jump) >= Self.smallestJump else { return }
      moved = jump
      forward = jump > 0 ? (now - jump, jump) : nil
    } else if let newest = try queue.newestCounted(), newest > now {
      // It was set back while nobody looked.
      moved = now - newest
    }
    if moved != 0 {
      try queue.moveCounted(by: moved)
      watch = nil
    }
    if latest == nil, try queue.boundIncidents(by: now) { watch = nil }
  }
}

extension Configuration {
  /// Those that are in effect: what would not be told is not counted.
  public var watchedRules: [WarningRule] {
    warnsEarly && post.contains(.warning) ? warnings : []
  }
}
