public import SQLite

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

  /// The one of a destination that an event accepted at this time belongs to. What the index
  /// `delivery_pending` holds is asked for in its words.
  func gathering(
    of destination: String, acceptedAt: Int64, now: Int64
  ) throws(DatabaseError) -> Gathering? {
    try database.first(
      """
      SELECT delivery.id, event.id, accepted_at FROM delivery JOIN event ON event.id = event
      WHERE destination = ?1 AND state IN ('waiting', 'sending') AND state = 'waiting'
        AND class = 'event' AND attempts = 0 AND maybe_sent = 0 AND next_attempt_at >= ?2
        AND coalesce(json_extract(record, '$.is_reduced'), 0) = 0 AND kind IN ('jail_start', 'jail_stop', 'jail_flush') AND ?3 - accepted_at < ?4
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

  /// An event came. Most show that fail2ban is there; a stop that it is not, if none of its other jails
  /// runs as far as is known.
  func heed(_ record: EventRecord, now: Int64) throws(DatabaseError) {
    guard !record.jail.isEmpty else { return }
    let isRunning: SQLValue =
      switch record.kind {
      case .jailStart: .integer(1)
      case .jailStop: .integer(0)
      // It may have been accepted before the jail stopped; or somebody tries luaslack by hand, and no stop
      // will follow.
      default: .null
      }
    try database.run(
      """
      INSERT INTO jail (name, heard_at, is_running) VALUES (?1, ?2, coalesce(?3, 0))
        ON CONFLICT DO UPDATE SET heard_at = max(heard_at, ?2), is_running = coalesce(?3, is_running)
      """, .text(record.jail), .integer(record.acceptedAt), isRunning)
    switch record.kind {
    // Whatever the clock did in between.
    case .jailStart: try forgetStop()
    case .ban, .unban, .prolong: try forgetStop(acceptedBefore: record.acceptedAt)
    case .jailStop: if try !isAnyJailRunning() { try noteStop(at: min(record.acceptedAt, now)) }
    case .jailFlush, .notify, .digest, .warning, .report: break
    }
  }

  func noteStop(at time: Int64) throws(DatabaseError) {
    try database.run(
      "INSERT OR REPLACE INTO upkeep (task, at, was_enough) VALUES (?, ?, 1)",
      .text(Self.stopped), .integer(time))
  }

  func forgetStop(acceptedBefore time: Int64 = .max) throws(DatabaseError) {
    try database.run(
      "DELETE FROM upkeep WHERE task = ? AND at <= ?", .text(Self.stopped), .integer(time))
  }

  private func isAnyJailRunning() throws(DatabaseError) -> Bool {
    try database.first("SELECT 1 FROM jail WHERE is_running = 1 LIMIT 1") { _ in true } ?? false
  }

  /// When each jail was last heard of.
  public func jailsHeardOf() throws(DatabaseError) -> [String: Int64] {
    let rows = try database.all("SELECT name, heard_at FROM jail") { ($0.text(0), $0.integer(1)) }
    return Dictionary(rows) { $1 }
  }
}
