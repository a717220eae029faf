internal import SQLite

/// Tells what jails do in few messages: those that start or stop within seconds in one, and of a fail2ban that
/// stopped and stays away. Its state is in the rows, but for which messages have to be worded anew before a
/// batch ends.
final class JailNews {
  private let queue: Queue
  private let wording: Wording
  private let host: String
  private var stale: [Int64: Queue.Gathering] = [:]
  /// Since when somebody would have heard of fail2ban.
  private var hearsSince: Int64 = 0

  init(_ queue: Queue, _ wording: Wording, host: String) {
    self.queue = queue
    self.wording = wording
    self.host = host
  }

  /// From now on what fail2ban does is heard of: before, the host may have been down.
  func beginHearing(now: Int64) { hearsSince = now }

  /// A batch begins; one that was rolled back left nothing.
  func begin() { stale = [:] }

  /// An event of a jail waits for those of the others: true if such a message tells it.
  func gather(
    _ record: EventRecord, _ result: Formatting.Result, as id: Int64, at name: String, now: Int64
  ) throws(DatabaseError) -> Bool {
    guard record.kind.isOfJail, !record.isReduced, case .message = result.outcome,
      !result.wantsDigest
    else { return false }
    if let known = try queue.gathering(of: name, acceptedAt: record.acceptedAt, now: now) {
      let due = JailChange.due(first: known.first, record.kind, now: now)
      try queue.add(id, to: known, due: due, now: now)
      stale[known.delivery] = known
      return true
    }
    try queue.insert(
      event: id, destination: name, outcome: result.outcome,
      due: now + JailChange.patience(record.kind), now: now)
    if let new = try queue.gathering(of: name, acceptedAt: record.acceptedAt, now: now) {
      stale[new.delivery] = new
    }
    return true
  }

  /// Once for all that a batch brought: each wording asks the formatters. `digestDue`: until when a message
  /// that a formatter leaves to the next digest waits for one.
  func word(
    _ context: EventContext, digestDue: Int64, now: Int64
  ) throws(DatabaseError) {
    for (id, gathering) in stale.sorted(by: { $0.key < $1.key }) {
      guard let record = try queue.record(of: gathering.event) else { continue }
      let change = try queue.change(gathering)
      let event =
        change.isOnly(record.kind)
        ? Event(record, host: host, now: now, context: context)
        : Event(record, change, host: host, now: now, context: context)
      let result = try wording.result(event, of: gathering.event, now: now)
      let outcome = wording.result(event, for: gathering.destination, result).outcome
      let isForDigest = result.wantsDigest
      try queue.reword(
        id, outcome, class: isForDigest ? .forDigest : .event, due: isForDigest ? digestDue : now,
        now: now)
    }
    stale = [:]
  }

  /// fail2ban stopped and did not come back: nobody is banned, and nothing else says so. It is a word of
  /// luaslack's own, whatever kinds of events the config posts. Returns when that would be so; nil: it is
  /// at work as far as is known.
  func warnOfAbsence(_ configuration: Configuration, now: Int64) throws(DatabaseError) -> Int64? {
    guard let stopped = try queue.stoppedAt() else { return nil }
    // A clock that was set back begins anew.
    if stopped > now { try queue.noteStop(at: now) }
    hearsSince = min(hearsSince, now)
    let due = max(min(stopped, now), hearsSince) + JailChange.absence
    guard due <= now else { return due }
    let names = Routing.destinations(
      kind: .jailStop, jail: "", severity: .warning, configuration)
    try queue.transaction { () throws(DatabaseError) in
      for name in names {
        try queue.announce(
          "the last jail stopped at \(Timestamp.text(stopped)) and none has started since; "
            + "if fail2ban is down, nobody is banned",
          to: name, host: host, now: now)
      }
      try queue.forgetStop()
    }
    return nil
  }
}
