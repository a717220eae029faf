internal import SQLite

// Events of jails that come within seconds are one message: the first one's, which the others are folded into
// as long as it waits. All of it is in the rows, so that a luaslackd may end in between.
extension Queue {
  /// A message that still waits for what other jails do.
  struct Gathering: Equatable {
    let delivery: Int64
    let event: Int64
    let destination: String
    /// When its first event was accepted.
    let first: Int64
  }

  private static let told = "told with the other jails"

  /// The one of a destination that an event accepted at this time belongs to.
  func gathering(
    of destination: String, acceptedAt: Int64, now: Int64
  ) throws(DatabaseError) -> Gathering? {
    try database.first(
      """
      SELECT delivery.id, event.id, accepted_at FROM delivery JOIN event ON event.id = event
      WHERE destination = ?1 AND state IN ('waiting', 'sending') AND state = 'waiting'
        AND class = 'event' AND attempts = 0 AND maybe_sent = 0 AND next_attempt_at > ?2
        AND kind IN ('jail_start', 'jail_stop', 'jail_flush') AND ?3 - accepted_at < ?4
      ORDER BY event.id DESC LIMIT 1
      """, .text(destination), .integer(now), .integer(acceptedAt), .integer(JailChange.longest)
    ) {
      Gathering(
        delivery: $0.integer(0), event: $0.integer(1), destination: destination,
        first: $0.integer(2))
    }
  }

  /// The event's own delivery, which that message tells of; it waits a moment longer.
  func add(
    _ event: Int64, to gathering: Gathering, due: Int64, now: Int64
  ) throws(DatabaseError) {
    try insert(
      told: event, destination: gathering.destination, by: gathering.delivery, reason: Self.told,
      now: now)
    try database.run(
      "UPDATE delivery SET next_attempt_at = ?, set_at = ? WHERE id = ?", .integer(due),
      .integer(now), .integer(gathering.delivery))
  }

  /// What a gathering tells of, the oldest first.
  func change(_ gathering: Gathering) throws(DatabaseError) -> JailChange {
    let events = try database.all(
      """
      SELECT kind, jail FROM event WHERE id = ?1
        OR id IN (SELECT event FROM delivery WHERE folded_into = ?2) ORDER BY id
      """, .integer(gathering.event), .integer(gathering.delivery)
    ) { (EventKind(rawValue: $0.text(0)) ?? .jailStart, $0.text(1)) }
    return JailChange(events)
  }

  // MARK: - fail2ban as a whole

  private static let stopped = "fail2ban stopped"

  /// When the last jail stopped; nil: one is at work as far as is known, or it was told.
  func stoppedAt() throws(DatabaseError) -> Int64? {
    try database.first("SELECT at FROM upkeep WHERE task = ?", .text(Self.stopped)) {
      $0.integer(0)
    }
  }

  /// An event came. A ban or a start shows that fail2ban is there; a stop, that it is not, if no other
  /// jail has started that did not stop.
  func heed(_ record: EventRecord) throws(DatabaseError) {
    switch record.kind {
    case .ban, .unban, .prolong, .jailStart: try forgetStop(acceptedBefore: record.acceptedAt)
    case .jailStop:
      guard try !isAnyJailStarted() else { return }
      try database.run(
        "INSERT OR REPLACE INTO upkeep (task, at, was_enough) VALUES (?, ?, 1)",
        .text(Self.stopped), .integer(record.acceptedAt))
    case .jailFlush, .digest: break
    }
  }

  func forgetStop(acceptedBefore time: Int64 = .max) throws(DatabaseError) {
    try database.run(
      "DELETE FROM upkeep WHERE task = ? AND at <= ?", .text(Self.stopped), .integer(time))
  }

  private func isAnyJailStarted() throws(DatabaseError) -> Bool {
    try database.first(
      """
      SELECT 1 FROM (SELECT kind, max(id) FROM event
        WHERE subject = '' AND kind IN ('jail_start', 'jail_stop') GROUP BY jail)
      WHERE kind = 'jail_start' LIMIT 1
      """
    ) { _ in true } ?? false
  }
}
