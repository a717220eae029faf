public import SQLite

/// How long what was told is kept, and how much may wait. Pure: decides, deletes nothing.
public struct Retention: Sendable, Equatable {
  /// Seconds; the config's `history`.
  public var history = 90 * 86_400
  /// Events; the config's `history_events`.
  public var events = 1_000_000
  /// Bytes of the database beyond which the oldest goes whatever its age.
  var bytes = 2 << 30
  /// Bytes of what waits, beyond which new events keep the least that tells of them.
  public var pendingBytes = 256 << 20

  /// Bans that history counts; some 150 bytes each.
  static let mostBans = 4_000_000

  /// Microseconds between two runs.
  static let interval: Int64 = 3_600 * 1_000_000
  /// The same where one run was not enough.
  static let shortInterval: Int64 = 1_000_000
  /// Events of one run: what it deletes is one transaction, and delays deliveries that long.
  static let batch = 1_000
  /// Microseconds for which a spool file might come again, as from a disk that took no removal.
  static let arrivalLifetime: Int64 = 7 * 86_400 * 1_000_000
  /// Microseconds for which somebody may still want to look at a dead letter.
  static let deadLifetime: Int64 = 90 * 86_400 * 1_000_000

  public init() {}

  struct Plan: Equatable {
    /// Events accepted before this have served their time.
    var before: Int64
    /// How many must go besides, the oldest first.
    var excess: Int
  }

  /// `events` and `bytes` are what the database has.
  func plan(now: Int64, events: Int, bytes: Int) -> Plan {
    let tooMany = max(0, events - self.events)
    let tooLarge = bytes > self.bytes ? Self.batch : 0
    return Plan(
      before: now - Int64(history) * 1_000_000, excess: min(max(tooMany, tooLarge), Self.batch))
  }

  /// A clock that was set back is no reason to wait for longer.
  static func isDue(lastAt: Int64?, wasEnough: Bool, now: Int64) -> Bool {
    guard let lastAt, lastAt <= now else { return true }
    return now - lastAt >= (wasEnough ? interval : shortInterval)
  }
}

extension Queue {
  /// Removes a bounded part of what has served its time, if that was not done lately. Returns how
  /// many events went.
  @discardableResult
  public func prune(_ retention: Retention, now: Int64) throws(DatabaseError) -> Int {
    let last = try database.first(
      "SELECT at, was_enough FROM upkeep WHERE task = 'retention'"
    ) { (at: $0.integer(0), wasEnough: $0.integer(1) == 1) }
    guard Retention.isDue(lastAt: last?.at, wasEnough: last?.wasEnough ?? true, now: now) else {
      return 0
    }
    return try transaction { () throws(DatabaseError) in
      let (old, arrivals) = (try remove(retention, now: now), try forgetArrivals(now: now))
      let bans = try forgetBans(
        before: retention.plan(now: now, events: 0, bytes: 0).before / 1_000_000,
        most: try usedBytes() > retention.bytes ? 0 : Retention.mostBans, now: now / 1_000_000)
      let most = max(old, arrivals, bans)
      try database.run(
        "INSERT OR REPLACE INTO upkeep (task, at, was_enough) VALUES ('retention', ?, ?)",
        .integer(now), .integer(most < Retention.batch ? 1 : 0))
      return old
    }
  }

  /// Bytes up to which the database is written anew: it takes seconds beyond.
  private static let mostToVacuum = 256 << 20

  /// What was forgotten may stand in unused parts of pages yet: a new file has none.
  public func cleanUp() throws(DatabaseError) {
    let isAsked = try database.first("SELECT 1 FROM upkeep WHERE task = 'vacuum'") { _ in true }
    guard isAsked == true else { return }
    try database.run("DELETE FROM upkeep WHERE task = 'vacuum'")
    if try usedBytes() <= Self.mostToVacuum { try database.execute("VACUUM") }
    try database.execute("PRAGMA wal_checkpoint(TRUNCATE)")
  }

  private func remove(_ retention: Retention, now: Int64) throws(DatabaseError) -> Int {
    let plan = retention.plan(now: now, events: try eventCount(), bytes: try usedBytes())
    // What is pending stays, with what it tells of, and dead letters stay their time.
    let isDone = """
      NOT EXISTS (SELECT 1 FROM delivery WHERE delivery.event = event.id
        AND (state IN ('waiting', 'sending') OR state = 'dead' AND finished_at > ?2
          OR EXISTS (SELECT 1 FROM delivery AS teller WHERE teller.id = delivery.folded_into
            AND (teller.state IN ('waiting', 'sending')
              OR teller.state = 'dead' AND teller.finished_at > ?2))))
      """
    // A ban that still runs is restored after each restart of fail2ban: its identity must stay, or
    // it would be told as new.
    let runs = """
      (kind = 'ban' AND json_extract(record, '$.bantime') IS NOT NULL
        AND (CAST(json_extract(record, '$.bantime') AS REAL) < 0
          OR coalesce(CAST(json_extract(record, '$.time') AS REAL), accepted_at / 1e6)
            + CAST(json_extract(record, '$.bantime') AS REAL) > ?4 / 1e6))
      """
    try database.run(
      "DELETE FROM jail WHERE is_running = 0 AND heard_at < ?", .integer(plan.before))
    let dead = now - Retention.deadLifetime
    var ids = try database.all(
      """
      SELECT id FROM event WHERE accepted_at < ?1 AND \(isDone) AND NOT \(runs)
      ORDER BY accepted_at LIMIT ?3
      """, .integer(plan.before), .integer(dead), .integer(Int64(Retention.batch)), .integer(now)
    ) { $0.integer(0) }
    if plan.excess > ids.count {
      ids = try database.all(
        "SELECT id FROM event WHERE accepted_at < ?1 AND \(isDone) ORDER BY accepted_at LIMIT ?3",
        .integer(.max), .integer(dead), .integer(Int64(plan.excess))
      ) { $0.integer(0) }
    }
    if let newest = try ids.last.flatMap({ id throws(DatabaseError) in
      try database.first("SELECT accepted_at FROM event WHERE id = ?", .integer(id)) {
        $0.integer(0)
      }
    }) {
      try notePruned(eventsUntil: newest)
    }
    for id in ids {
      for table in ["arrival", "delivery"] {
        try database.run("DELETE FROM \(table) WHERE event = ?", .integer(id))
      }
      try database.run("DELETE FROM event WHERE id = ?", .integer(id))
    }
    return ids.count
  }

  /// Bans as history counts them are small, and stay when their events go for the room they take: figures of the last
  /// days are right whatever is kept of the events. Seconds since 1970. Returns how many went.
  private func forgetBans(
    before: Int64, most: Int, now: Int64
  ) throws(DatabaseError) -> Int {
    let old = try database.all(
      """
      DELETE FROM ban WHERE event IN (SELECT event FROM ban WHERE at < ? ORDER BY at LIMIT ?)
      RETURNING at
      """, .integer(before), .integer(Int64(Retention.batch))
    ) { $0.integer(0) }
    // More than any event kept needs, or a database that is too large: an attacker decides how many there are.
    let excess = try database.all(
      """
      DELETE FROM ban WHERE event IN (SELECT event FROM ban ORDER BY event
        LIMIT max(0, min(?1, (SELECT count(*) FROM ban) - ?2)))
      RETURNING at
      """, .integer(Int64(Retention.batch)), .integer(Int64(most))
    ) { $0.integer(0) }
    // Reports do not pretend to know of what is gone.
    if let newest = (old + excess).max() { try notePruned(bansUntil: newest) }
    try forgetPulses(before: before, now: now)
    return max(old.count, excess.count)
  }

  /// Names begin with their time, so that the table's own order bounds the search.
  private func forgetArrivals(now: Int64) throws(DatabaseError) -> Int {
    let before = now - Retention.arrivalLifetime
    try database.run(
      """
      DELETE FROM arrival WHERE name IN (
        SELECT name FROM arrival WHERE name < ?1 AND at < ?2 ORDER BY name LIMIT ?3)
      """, .text(String(before)), .integer(before), .integer(Int64(Retention.batch)))
    let count = database.changes
    try database.run("DELETE FROM request WHERE at < ?", .integer(before))
    return count
  }

  private func eventCount() throws(DatabaseError) -> Int {
    try database.first("SELECT count(*) FROM event") { Int($0.integer(0)) } ?? 0
  }

  private func usedBytes() throws(DatabaseError) -> Int {
    func number(_ pragma: String) throws(DatabaseError) -> Int {
      try database.first("PRAGMA \(pragma)") { Int($0.integer(0)) } ?? 0
    }
    return (try number("page_count") - number("freelist_count")) * (try number("page_size"))
  }

  /// Bytes of all that waits: payloads and the records they were made from.
  func pendingBytes() throws(DatabaseError) -> Int {
    try database.first(
      "SELECT coalesce(sum(bytes), 0) FROM tally WHERE state IN ('waiting', 'sending')"
    ) { Int($0.integer(0)) } ?? 0
  }
}
