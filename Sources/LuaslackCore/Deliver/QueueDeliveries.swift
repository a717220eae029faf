public import SQLite

// Deliveries go out. `state IN ('waiting', 'sending')` beside a narrower condition lets SQLite use the
// partial index over what is pending.
extension Queue {
  private static let members = """
    SELECT delivery.id, event, destination, state, payload, reason, attempts, next_attempt_at,
      maybe_sent, is_plain, accepted_at, kind, jail, subject, held, class, folded_into
    """
  private static let columns = members + " FROM delivery JOIN event ON event.id = event"

  private static func delivery(_ row: borrowing Row) -> Delivery {
    Delivery(
      id: row.integer(0), event: row.integer(1), destination: row.text(2),
      state: DeliveryState(rawValue: row.text(3)) ?? .dead, payload: row.text(4),
      reason: row.optionalText(5), attempts: Int(row.integer(6)), nextAttemptAt: row.integer(7),
      maybeSent: row.integer(8) == 1, isPlain: row.integer(9) == 1, acceptedAt: row.integer(10),
      kind: row.text(11), jail: row.text(12), subject: row.text(13), isHeld: row.integer(14) == 1,
      class: Delivery.Class(rawValue: row.text(15)) ?? .event, foldedInto: row.optionalInteger(16))
  }

  /// Rows that a killed luaslackd left `sending`: they may have arrived.
  func recoverSending(now: Int64) throws(DatabaseError) {
    try transaction { () throws(DatabaseError) in
      try database.run(
        """
        INSERT INTO attempt (delivery, at, result)
        SELECT id, ?, 'luaslackd ended before the answer, may have arrived' FROM delivery
        WHERE state IN ('waiting', 'sending') AND state = 'sending'
        """, .integer(now))
      try database.run(
        """
        UPDATE delivery SET state = 'waiting', maybe_sent = 1, next_attempt_at = ?1, set_at = ?1
        WHERE state IN ('waiting', 'sending') AND state = 'sending'
        """, .integer(now))
    }
  }

  /// Delays decided by a clock that has since been set back begin anew, instead of lasting for as
  /// long as it was set back.
  func restartDelays(now: Int64) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET next_attempt_at = ?1 + (next_attempt_at - set_at), set_at = ?1
      WHERE state IN ('waiting', 'sending') AND state = 'waiting' AND set_at > ?1
      """, .integer(now))
    try database.run(
      """
      UPDATE destination SET not_before = ?1 + max(0, not_before - set_at), set_at = ?1
      WHERE set_at > ?1
      """, .integer(now))
    try database.run(
      "UPDATE pace SET not_before = ?1 + max(0, not_before - at), at = ?1 WHERE at > ?1",
      .integer(now))
  }

  /// Everything that waits is due now; destinations that were given up are tried again.
  func flush(now: Int64) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET next_attempt_at = ?1, set_at = ?1
      WHERE state IN ('waiting', 'sending') AND state = 'waiting'
      """, .integer(now))
    try endOwnDelays(now: now)
    // Where nothing waits that could show it, somebody says that it is mended.
    try database.run(
      """
      UPDATE destination SET state = 'ok', failures = 0 WHERE state = 'dead' AND NOT EXISTS (
        SELECT 1 FROM delivery WHERE destination = name AND state IN ('waiting', 'sending'))
      """)
  }

  /// A Retry-After is Slack's own word and stands; a delay of ours does not.
  func endOwnDelays(now: Int64) throws(DatabaseError) {
    try database.run(
      "UPDATE destination SET not_before = 0, set_at = ?1 WHERE NOT obeys_slack", .integer(now))
  }

  /// Where there is no such destination any more, what waits for so long is given up.
  func giveUp(_ destination: String, before: Int64, reason: String, now: Int64)
    throws(DatabaseError)
  {
    try database.run(
      """
      UPDATE delivery SET state = 'dead', reason = ?, finished_at = ?
      WHERE destination = ? AND state IN ('waiting', 'sending') AND state = 'waiting' AND held = 0
        AND event IN (SELECT id FROM event WHERE accepted_at < ?)
      """, .text(reason), .integer(now), .text(destination), .integer(before))
  }

  /// What `status` and `trace` tell of what is collected.
  func note(digestAt: Int64, of destination: String) throws(DatabaseError) {
    try database.run(
      "UPDATE destination SET digest_at = ?1 WHERE name = ?2 AND digest_at <> ?1",
      .integer(digestAt), .text(destination))
  }

  /// Which deliveries `next` looks at; each has an index.
  enum Among: String {
    case events =
      "delivery.state = 'waiting' AND held = 0 AND delivery.class IN ('event', 'critical')"
    case critical =
      "class = 'critical' AND class <> 'event' AND delivery.state = 'waiting' AND held = 0"
    case notices =
      "class = 'notice' AND class <> 'event' AND delivery.state = 'waiting' AND held = 0"
    /// Those that may stand in the channel already.
    case ambiguous =
      "delivery.state = 'waiting' AND maybe_sent = 1 AND held = 0 AND class <> 'digest'"
  }

  /// The oldest of these that may go out and was accepted at `since` or later, with nothing older about
  /// the same subject in its way: neither a message nor what tells of one, unless that is its own. What
  /// was left to a digest, what an admin holds, and luaslack's own word are in nobody's way.
  func next(
    for destination: String, _ among: Among, since: Int64 = .min, now: Int64
  ) throws(DatabaseError) -> Delivery? {
    try database.first(
      Self.columns + """
         WHERE destination = ?1 AND \(among.rawValue)
          AND next_attempt_at <= ?2 AND accepted_at >= ?3 AND \(Self.nothingOlder)
        ORDER BY event LIMIT 1
        """, .text(destination), .integer(now), .integer(since), read: Self.delivery)
  }

  private static let nothingOlder = """
    NOT EXISTS (
      SELECT 1 FROM event AS before CROSS JOIN delivery AS older
        ON older.event = before.id AND older.destination = delivery.destination
      WHERE before.jail = event.jail AND before.subject = event.subject
        AND before.id < event.id
        AND (older.state IN ('waiting', 'sending') AND older.class IN ('event', 'critical')
            AND older.held = 0
          OR older.state = 'folded' AND EXISTS (
            SELECT 1 FROM delivery AS teller WHERE teller.id = older.folded_into
              AND teller.id <> delivery.id AND teller.state IN ('waiting', 'sending')
              AND teller.held = 0)))
    """

  /// Early warnings that began since a time, however much else waits: found by their own index. That nobody waits for
  /// an end is said by the record alone, which is read of those that fit otherwise.
  private static func beginnings(_ condition: String) -> String {
    """
    FROM event INDEXED BY event_warning CROSS JOIN delivery
      ON delivery.event = event.id AND destination = ?1
    WHERE kind = 'warning' AND accepted_at >= ?2 AND \(condition)
      AND iif(delivery.id > 0, json_extract(record, '$.known.phase'), NULL) = 'started'
    """
  }

  /// The oldest beginning of an early warning that was accepted at `since` or later and may go out.
  func nextBeginning(
    for destination: String, since: Int64, now: Int64
  ) throws(DatabaseError) -> Delivery? {
    try database.first(
      Self.members + " "
        + Self.beginnings(
          """
          delivery.state = 'waiting' AND held = 0 AND class IN ('event', 'critical')
            AND maybe_sent = 0 AND next_attempt_at <= ?3 AND \(Self.nothingOlder)
          """) + " ORDER BY event.id LIMIT 1", .text(destination), .integer(since), .integer(now),
      read: Self.delivery)
  }

  /// How many of those that were accepted at `since` or later went out within the last minute.
  func beginningCount(
    of destination: String, since: Int64, now: Int64
  ) throws(DatabaseError) -> Int {
    try database.first(
      "SELECT count(*) "
        + Self.beginnings("state = 'delivered' AND finished_at BETWEEN ?3 - 60000000 AND ?3"),
      .text(destination), .integer(since), .integer(now)
    ) { Int($0.integer(0)) } ?? 0
  }

  /// When a waiting delivery of a destination is due first, or first after a time.
  func nextAttempt(
    for destination: String, after: Int64 = .min
  ) throws(DatabaseError) -> Int64? {
    try database.first(
      """
      SELECT min(next_attempt_at) FROM delivery
      WHERE destination = ? AND state = 'waiting' AND held = 0 AND next_attempt_at > ?
      """, .text(destination), .integer(after)
    ) { $0.optionalInteger(0) }.flatMap { $0 }
  }

  public func delivery(_ id: Int64) throws(DatabaseError) -> Delivery? {
    try database.first(
      Self.columns + " WHERE delivery.id = ?", .integer(id), read: Self.delivery)
  }

  func markSending(_ id: Int64) throws(DatabaseError) {
    try database.run(
      "UPDATE delivery SET state = 'sending', attempts = attempts + 1 WHERE id = ?", .integer(id))
  }

  func finish(
    _ id: Int64, _ state: DeliveryState, reason: String?, now: Int64
  ) throws(DatabaseError) {
    try database.run(
      "UPDATE delivery SET state = ?, reason = ?, finished_at = ? WHERE id = ?",
      .text(state.rawValue), .text(reason), .integer(now), .integer(id))
  }

  /// Where Slack put a message, for what answers to it later.
  func keep(_ place: Verdict.Place, of id: Int64) throws(DatabaseError) {
    try database.run(
      "UPDATE delivery SET ts = ?, channel = ? WHERE id = ?", .text(place.ts),
      .text(place.channel), .integer(id))
  }

  func postpone(
    _ id: Int64, until: Int64, reason: String, maybeSent: Bool, now: Int64
  ) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET state = 'waiting', next_attempt_at = ?, set_at = ?, reason = ?,
        maybe_sent = max(maybe_sent, ?) WHERE id = ?
      """, .integer(until), .integer(now), .text(reason), .integer(maybeSent ? 1 : 0),
      .integer(id))
  }

  /// Replaces a payload that Slack refuses; due at once.
  func replacePayload(
    _ id: Int64, _ payload: Value, reason: String, now: Int64
  ) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET state = 'waiting', payload = ?, is_plain = 1, reason = ?,
        next_attempt_at = ?, set_at = ? WHERE id = ?
      """, .text(JSONWriter.compact(payload)), .text(reason), .integer(now), .integer(now),
      .integer(id))
  }

  public func record(of event: Int64) throws(DatabaseError) -> EventRecord? {
    try database.first("SELECT record FROM event WHERE id = ?", .integer(event)) { $0.text(0) }
      .flatMap { try? JSONReader.read($0) }.flatMap { EventRecord($0) }
  }
}

// The pace of real destinations, by the hash of their targets.
extension Queue {
  func pace(_ target: String) throws(DatabaseError) -> Pace? {
    try database.first(
      "SELECT tokens, at, not_before FROM pace WHERE target = ?", .text(target)
    ) { Pace(tokens: $0.real(0), at: $0.integer(1), notBefore: $0.integer(2)) }
  }

  func save(_ pace: Pace, of target: String) throws(DatabaseError) {
    try database.run(
      "INSERT OR REPLACE INTO pace (target, tokens, at, not_before) VALUES (?, ?, ?, ?)",
      .text(target), .real(pace.tokens), .integer(pace.at), .integer(pace.notBefore))
  }

  /// Slack's own clock did not jump when ours was set forward: what it asked for still lasts.
  func moveRetryAfter(by jump: Int64, since: Int64) throws(DatabaseError) {
    try database.run(
      "UPDATE pace SET at = at + ?1, not_before = not_before + ?1 WHERE not_before > ?2",
      .integer(jump), .integer(since))
    try database.run(
      """
      UPDATE destination SET not_before = not_before + ?1, set_at = set_at + ?1
      WHERE obeys_slack AND not_before > ?2
      """, .integer(jump), .integer(since))
  }
}

// Destinations.
extension Queue {
  public func destinationStates() throws(DatabaseError) -> [DestinationState] {
    try database.all(
      """
      SELECT name, state, failures, not_before, set_at, last_ok_at, last_error, digest_at
      FROM destination ORDER BY name
      """
    ) { row in
      DestinationState(
        name: row.text(0), health: DestinationState.Health(rawValue: row.text(1)) ?? .failing,
        failures: Int(row.integer(2)), notBefore: row.integer(3), setAt: row.integer(4),
        lastOkAt: row.optionalInteger(5), lastError: row.optionalText(6),
        digestAt: row.integer(7))
    }
  }

  func state(of destination: String) throws(DatabaseError) -> DestinationState {
    try destinationStates().first { $0.name == destination }
      ?? DestinationState(name: destination)
  }

  func save(_ state: DestinationState, obeysSlack: Bool = false) throws(DatabaseError) {
    try database.run(
      """
      INSERT INTO destination
        (name, state, failures, not_before, set_at, last_ok_at, last_error, obeys_slack)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      ON CONFLICT (name) DO UPDATE SET state = excluded.state, failures = excluded.failures,
        not_before = excluded.not_before, set_at = excluded.set_at,
        last_ok_at = excluded.last_ok_at, last_error = excluded.last_error,
        obeys_slack = excluded.obeys_slack
      """, .text(state.name), .text(state.health.rawValue), .integer(Int64(state.failures)),
      .integer(state.notBefore), .integer(state.setAt),
      state.lastOkAt.map { .integer($0) } ?? .null, .text(state.lastError),
      .integer(obeysSlack ? 1 : 0))
  }

  /// So that `status` lists those of the config before anything was sent to them, and no others
  /// for which nothing is left.
  func keepDestinations(_ names: [String]) throws(DatabaseError) {
    for name in names {
      try database.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", .text(name))
    }
    for state in try destinationStates() where !names.contains(state.name) {
      try database.run(
        """
        DELETE FROM destination WHERE name = ?1 AND NOT EXISTS (
          SELECT 1 FROM delivery WHERE destination = ?1 AND state IN ('waiting', 'sending'))
        """, .text(state.name))
    }
  }
}

// What the commands show.
extension Queue {
  /// Pending deliveries, or all of them, the oldest first.
  public func deliveries(
    pendingOnly: Bool, limit: Int
  ) throws(DatabaseError) -> [Delivery] {
    let condition = pendingOnly ? "WHERE state IN ('waiting', 'sending')" : ""
    return try database.all(
      "SELECT * FROM (\(Self.columns) \(condition) ORDER BY delivery.id DESC LIMIT ?) ORDER BY 1",
      .integer(Int64(limit)), read: Self.delivery)
  }

  public func deliveries(of event: Int64) throws(DatabaseError) -> [Delivery] {
    try database.all(
      Self.columns + " WHERE event = ? ORDER BY delivery.id", .integer(event), read: Self.delivery)
  }

  /// Deliveries given up since then, with those that a digest among them told of.
  public func givenUp(since: Int64) throws(DatabaseError) -> Int {
    try database.first(
      """
      SELECT count(*) + coalesce(sum((SELECT count(*) FROM delivery AS member
          WHERE member.folded_into = delivery.id AND member.state = 'folded')), 0)
      FROM delivery WHERE state = 'dead' AND finished_at > ?
      """, .integer(since)
    ) { Int($0.integer(0)) } ?? 0
  }

  /// Deliveries by destination and state.
  public func totals() throws(DatabaseError) -> [String: [DeliveryState: Int]] {
    var totals: [String: [DeliveryState: Int]] = [:]
    let rows = try database.all(
      "SELECT destination, state, count FROM tally WHERE count > 0"
    ) { ($0.text(0), DeliveryState(rawValue: $0.text(1)) ?? .dead, Int($0.integer(2))) }
    for (destination, state, count) in rows { totals[destination, default: [:]][state] = count }
    return totals
  }

  /// So many messages wait, or a digest does, which what is new becomes a part of.
  public func isBacklogged(from count: Int) throws(DatabaseError) -> Bool {
    try database.first(
      """
      SELECT coalesce(sum(count), 0) >= ?1 OR EXISTS (
        SELECT 1 FROM destination JOIN delivery ON delivery.destination = name
        WHERE class = 'digest' AND class <> 'event' AND delivery.state = 'waiting')
      FROM tally WHERE state = 'waiting'
      """, .integer(Int64(count))
    ) { $0.integer(0) == 1 } ?? false
  }

  /// When the event of the oldest pending delivery of a destination was accepted, held ones apart.
  /// Ids go up with time, so that the first row of an index tells.
  public func oldestPending(_ destination: String) throws(DatabaseError) -> Int64? {
    try database.first(
      """
      SELECT accepted_at FROM delivery JOIN event ON event.id = event
      WHERE destination = ? AND state IN ('waiting', 'sending') AND held = 0 ORDER BY event LIMIT 1
      """, .text(destination)
    ) { $0.integer(0) }
  }

  /// Deliveries that an admin holds.
  public func held(_ destination: String) throws(DatabaseError) -> Int {
    try database.first(
      "SELECT count(*) FROM delivery WHERE destination = ? AND state = 'waiting' AND held = 1",
      .text(destination)
    ) { Int($0.integer(0)) } ?? 0
  }

  /// Destinations that hold whatever is added to them.
  public func heldDestinations() throws(DatabaseError) -> [String] {
    try database.all("SELECT name FROM destination WHERE held = 1 ORDER BY name") { $0.text(0) }
  }
}

extension Queue {
  func isEmpty() throws(DatabaseError) -> Bool {
    try database.first(
      """
      SELECT EXISTS (SELECT 1 FROM delivery WHERE state IN ('waiting', 'sending') AND held = 0)
      """
    ) { $0.integer(0) == 0 } ?? true
  }
}
