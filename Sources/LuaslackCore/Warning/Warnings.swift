internal import SQLite

/// Early warning: has bans counted by the rules of the config, keeps what has begun in the rows, and makes the events
/// that tell of it. What it has in memory follows from the rows; a batch that was rolled back leaves nothing of it.
final class Warnings {
  let queue: Queue
  /// Microseconds on a clock that nobody sets.
  private let steadyClock: () -> Int64
  /// Nil: to be read.
  private var watch: WarningWatch?
  /// What a batch brought.
  private var changes: [WarningWatch.Change] = []
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

  init(_ queue: Queue, steadyClock: @escaping () -> Int64) {
    self.queue = queue
    self.steadyClock = steadyClock
  }

  // MARK: - A batch

  /// Within the batch's transaction.
  func begin(_ configuration: Configuration, now: Int64) throws(DatabaseError) {
    if isUnsettled { watch = nil }
    isUnsettled = true
    try heedClock(now: now)
    try read(configuration.watchedRules)
  }

  /// An event that is new.
  func note(_ record: EventRecord, as event: Int64, now: Int64) throws(DatabaseError) {
    guard record.kind == .ban, record.options[.restored] != "1",
      watch?.concerns(record.jail) == true, let fields = watch?.fields
    else { return }
    var at = record.acceptedAt
    if let forward, at <= forward.until { at += forward.jump }
    let ban = CountedBan(record, as: event, at: min(at, now), fields: fields)
    try queue.count(ban)
    changes += watch?.add(ban) ?? []
  }

  /// Ends what is over; only when all that was accepted is taken in.
  func end(now: Int64) {
    changes += watch?.end(until: now - Self.patience) ?? []
  }

  /// Keeps what the batch brought. Returns what is to be told, in order.
  func finish(_ context: EventContext, now: Int64) throws(DatabaseError) -> [EventRecord] {
    var records: [EventRecord] = []
    for change in changes {
      records.append(try record(change, context, now: now))
      if change.phase != .started { try queue.forget(change.incident) }
    }
    for incident in watch?.takeChanged() ?? [] { try queue.save(incident) }
    changes = []
    let isPruned = prunedAt.map { $0 <= now && now - $0 < Self.pruning } ?? false
    if let watch, !watch.rules.isEmpty, !isPruned {
      try queue.forgetCounted(before: now - 2 * watch.longest)
      prunedAt = now
    }
    return records
  }

  /// It is committed.
  func settle() {
    isUnsettled = false
    latest = present
  }

  // MARK: - Between batches

  /// When something is over, or has to be looked at; nil: nothing has begun.
  func due(_ configuration: Configuration, now: Int64) throws(DatabaseError) -> Int64? {
    try read(configuration.watchedRules)
    guard changes.isEmpty else { return now }
    guard let end = watch?.nextEnd else { return nil }
    if let jump = jump(now: now), abs(jump) >= Self.smallestJump { return now }
    return end + Self.patience
  }

  func isQuiet(_ configuration: Configuration) throws(DatabaseError) -> Bool {
    try read(configuration.watchedRules)
    return changes.isEmpty && watch?.isQuiet != false
  }

  // MARK: - What is known

  private func read(_ rules: [WarningRule]) throws(DatabaseError) {
    if let watch, watch.rules == rules { return }
    var watch = WarningWatch(rules)
    if !rules.isEmpty {
      for ban in try queue.countedBans(within: watch.longest) { _ = watch.add(ban, isKnown: true) }
    }
    changes = []
    for incident in try queue.incidents() where !watch.resume(incident) {
      changes.append(
        WarningWatch.Change(
          incident: incident, phase: .over(at: incident.last, isDropped: true), event: .max))
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
    guard moved != 0 else { return }
    try queue.moveCounted(by: moved)
    watch = nil
  }
}

extension Configuration {
  /// Those that are in effect: what would not be told is not counted.
  public var watchedRules: [WarningRule] {
    warnsEarly && post.contains(.warning) ? warnings : []
  }
}
