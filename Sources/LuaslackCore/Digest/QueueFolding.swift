public import SQLite

// Stored messages become one.
extension Queue {
  /// What may be folded of what waits: nothing that may stand in the channel already, nothing newer about
  /// the same subject, and of what was never tried only what is due; no report, which is many events already. The first line is as the index
  /// `delivery_apart` has it. ?1: the destination, ?2: now.
  private static let foldable = """
    delivery.state = 'waiting' AND delivery.held = 0 AND delivery.class IN ('event', 'critical')
      AND event.kind <> 'report' AND delivery.destination = ?1 AND delivery.maybe_sent = 0
      AND (delivery.attempts > 0 OR delivery.next_attempt_at <= ?2)
      AND NOT EXISTS (
        SELECT 1 FROM delivery AS older JOIN event AS before ON before.id = older.event
        WHERE older.destination = ?1 AND older.state = 'waiting' AND older.maybe_sent = 1
          AND older.class IN ('event', 'critical') AND older.event < delivery.event
          AND before.jail = event.jail AND before.subject = event.subject)
    """

  /// The same of what a formatter left to a digest, whenever that is due.
  private static let forDigest = """
    delivery.destination = ?1 AND delivery.class = 'for_digest' AND delivery.class <> 'event'
      AND delivery.state = 'waiting' AND delivery.held = 0 AND delivery.maybe_sent = 0
    """

  /// Looks at `most` rows, whatever waits.
  func backlog(
    of destination: String, most: Int, now: Int64
  ) throws(DatabaseError) -> Fold.Backlog {
    let accepted = try database.all(
      """
      SELECT accepted_at FROM delivery JOIN event ON event.id = event
      WHERE \(Self.foldable) ORDER BY event LIMIT ?3
      """, .text(destination), .integer(now), .integer(Int64(most))
    ) { $0.integer(0) }
    let overdue = try database.first(
      "SELECT EXISTS (SELECT 1 FROM delivery WHERE \(Self.forDigest) AND next_attempt_at <= ?2)",
      .text(destination), .integer(now)
    ) { $0.integer(0) == 1 }
    return Fold.Backlog(
      count: accepted.count, late: accepted.count { $0 < now - Fold.lateAfter },
      hasOverdue: overdue ?? false)
  }

  /// When the last digests of a destination went out, or were muted, the oldest first. Neither counts
  /// what a clock that was set back since has put into the future.
  func digestTimes(
    of destination: String, since: Int64, now: Int64
  ) throws(DatabaseError) -> [Int64] {
    try settled("digest", "'delivered', 'muted'", destination, since: since, now: now)
  }

  /// How many critical events went out alone.
  func criticalCount(
    of destination: String, since: Int64, now: Int64
  ) throws(DatabaseError) -> Int {
    try settled("critical", "'delivered'", destination, since: since, now: now).count
  }

  private func settled(
    _ class: String, _ states: String, _ destination: String, since: Int64, now: Int64
  ) throws(DatabaseError) -> [Int64] {
    try database.all(
      """
      SELECT finished_at FROM delivery WHERE destination = ?1 AND class = '\(`class`)'
        AND class <> 'event' AND state IN (\(states)) AND finished_at BETWEEN ?2 AND ?3
      ORDER BY finished_at
      """, .text(destination), .integer(since), .integer(now)
    ) { $0.integer(0) }
  }

  /// The oldest digest that is still to be sent; whether it is the only one.
  func pendingDigest(
    of destination: String
  ) throws(DatabaseError) -> (digest: Delivery, isOnly: Bool)? {
    let ids = try database.all(
      """
      SELECT id FROM delivery WHERE destination = ? AND class = 'digest' AND class <> 'event'
        AND state = 'waiting' AND held = 0 ORDER BY id LIMIT 2
      """, .text(destination)
    ) { $0.integer(0) }
    guard let id = ids.first, let digest = try delivery(id) else { return nil }
    return (digest, ids.count == 1)
  }

  /// A digest of which nothing is known yet but when its first event was accepted.
  func insertDigest(
    to destination: String, acceptedAt: Int64, now: Int64
  ) throws(DatabaseError) -> Delivery? {
    try database.run(
      """
      INSERT INTO event (key, kind, jail, subject, accepted_at, record)
      VALUES (NULL, 'digest', 'luaslack', '', ?, '{"kind":"digest"}')
      """, .integer(acceptedAt))
    let event = database.lastInsertedRow
    try insert(
      event: event, destination: destination, class: .digest, outcome: .message([:]), now: now)
    // Whoever holds the destination has released what is in it.
    try database.run("UPDATE delivery SET held = 0 WHERE event = ?", .integer(event))
    return try deliveries(of: event).first
  }

  /// When the first event that may be folded was accepted; nil: there is none. One that was to wait for
  /// a digest counts as new: its digest is not late.
  func firstFoldable(of destination: String, now: Int64) throws(DatabaseError) -> Int64? {
    let apart = try database.first(
      """
      SELECT accepted_at FROM delivery JOIN event ON event.id = event
      WHERE \(Self.foldable) ORDER BY event LIMIT 1
      """, .text(destination), .integer(now)
    ) { $0.integer(0) }
    if let apart { return apart }
    return try database.first(
      "SELECT 1 FROM delivery WHERE \(Self.forDigest) LIMIT 1", .text(destination)
    ) { _ in now }
  }

  /// Folds the oldest `most` of what may be; returns how many they were.
  func fold(into digest: Delivery, most: Int, now: Int64) throws(DatabaseError) -> Int {
    let folded = try database.all(
      """
      UPDATE delivery SET state = 'folded', folded_into = ?3, finished_at = ?2, reason = NULL
      WHERE id IN (
        SELECT id FROM (
          SELECT delivery.id AS id, event FROM delivery JOIN event ON event.id = event
          WHERE \(Self.foldable)
          UNION ALL SELECT id, event FROM delivery WHERE \(Self.forDigest))
        ORDER BY event LIMIT ?4)
      RETURNING id, (SELECT kind FROM event WHERE event.id = event)
      """, .text(digest.destination), .integer(now), .integer(digest.id), .integer(Int64(most))
    ) { (id: $0.integer(0), kind: EventKind(rawValue: $0.text(1))) }
    // One of these may tell of several jails: the digest tells of each.
    for message in folded where message.kind?.isOfJail == true {
      try database.run(
        "UPDATE delivery SET folded_into = ?2, reason = NULL WHERE folded_into = ?1",
        .integer(message.id), .integer(digest.id))
    }
    return folded.count
  }

  /// Muted ones between the first and the last that a digest tells of are counted in it.
  func countMuted(in digest: Delivery) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET folded_into = ?1 WHERE destination = ?2 AND state = 'muted'
        AND folded_into IS NULL
        AND event >= (SELECT min(event) FROM delivery WHERE folded_into = ?1 AND state = 'folded')
        AND event <= (SELECT max(event) FROM delivery WHERE folded_into = ?1 AND state = 'folded')
      """, .integer(digest.id), .text(digest.destination))
  }

  /// The rows of `digest`, counted and shown; of those only the ones that are about events `from` to
  /// `to`. `callsSince`: early warnings that are older call nobody any more.
  func digest(
    of digest: Int64, events range: ClosedRange<Int64>, context: EventContext, host: String,
    callsSince: Int64 = .min, now: Int64
  ) throws(DatabaseError) -> Digest {
    var result = Digest()
    let members = """
      FROM delivery JOIN event ON event.id = event
      WHERE folded_into = ?1 AND state = 'folded' AND event BETWEEN ?2 AND ?3
      """
    let bounds = (SQLValue.integer(range.lowerBound), SQLValue.integer(range.upperBound))
    try database.forEach(
      """
      SELECT kind, jail, subject, severity, accepted_at, json_extract(record, '$.ip'),
        json_extract(record, '$.user'), json_extract(record, '$.time'),
        json_extract(record, '$.is_reduced'),
        iif(kind = 'warning', json_extract(record, '$.known.phase'), NULL) \(members)
      """, .integer(digest), bounds.0, bounds.1
    ) { row in
      let time = row.optionalText(7).flatMap { Double(decimal: $0) }
        .flatMap { Int64(exactly: $0.rounded(.down)) }
      result.add(
        Digest.Entry(
          kind: row.text(0), jail: row.text(1), subject: row.text(2), ip: row.text(5),
          user: context.shownUser(row.optionalText(6)),
          severity: Severity(rawValue: row.text(3)) ?? .info,
          phase: row.optionalText(9).flatMap { WarningPhase(rawValue: $0) },
          second: time ?? row.integer(4) / 1_000_000, isReduced: row.integer(8) == 1))
    }
    func events(_ condition: String, _ most: Int) throws(DatabaseError) -> [Event] {
      try database.all(
        """
        SELECT json_set(json_remove(record, '$.matches', '$.fields',
            iif(kind = 'warning' AND NOT (\(Self.calls("?5"))), '$.known.mention', '$.fields')),
          iif(kind = 'notify', '$.text', '$.matches'),
          iif(kind = 'notify', substr(json_extract(record, '$.text'), 1, 200), NULL))
        \(members) \(condition)
        ORDER BY event LIMIT ?4
        """,
        .integer(digest), bounds.0, bounds.1, .integer(Int64(most)), .integer(callsSince)
      ) { $0.text(0) }
      .compactMap { text in
        (try? JSONReader.read(text)).flatMap { EventRecord($0) }
          .map { Event($0, host: host, now: now, context: context) }
      }
    }
    func warnings(_ phase: WarningPhase, of count: Int) throws(DatabaseError) -> [Event] {
      guard count > 0 else { return [] }
      return try events(
        """
        AND kind = 'warning' AND json_extract(record, '$.known.phase') = '\(phase.rawValue)'
        """, Digest.mostWarnings)
    }
    result.show(
      try events("", Digest.mostEvents),
      critical: try events(
        "AND severity = 'critical' AND kind <> 'warning'", Digest.mostCriticalEvents),
      warnings: try warnings(.started, of: result.begun) + warnings(.over, of: result.over))
    result.muted =
      try database.first(
        """
        SELECT count(*) FROM delivery WHERE folded_into = ?1 AND state = 'muted'
          AND event BETWEEN ?2 AND ?3
        """, .integer(digest), bounds.0, bounds.1
      ) { Int($0.integer(0)) } ?? 0
    return result
  }

  /// Whether what is in a digest may call somebody: what a formatter left to it is for nobody to hurry for.
  private static func calls(_ since: String) -> String {
    "class <> 'for_digest' AND accepted_at >= \(since)"
  }

  /// When the newest early warning was accepted that calls somebody in a digest.
  func newestCall(
    of digest: Int64, since: Int64
  ) throws(DatabaseError) -> Int64? {
    try database.first(
      """
      SELECT max(accepted_at) FROM delivery JOIN event ON event.id = event
      WHERE folded_into = ?1 AND state = 'folded' AND kind = 'warning' AND \(Self.calls("?2"))
        AND json_array_length(record, '$.known.mention') > 0
      """, .integer(digest), .integer(since)
    ) { $0.optionalInteger(0) }.flatMap { $0 }
  }

  /// When the first event of a part of a digest was accepted, as `firstFoldable` has it.
  func firstAccepted(
    of digest: Int64, events range: ClosedRange<Int64>, now: Int64
  ) throws(DatabaseError) -> Int64? {
    try database.first(
      """
      SELECT min(iif(class = 'for_digest', ?4, accepted_at))
      FROM delivery JOIN event ON event.id = event
      WHERE folded_into = ?1 AND state = 'folded' AND event BETWEEN ?2 AND ?3
      """, .integer(digest), .integer(range.lowerBound), .integer(range.upperBound), .integer(now)
    ) { $0.optionalInteger(0) }.flatMap { $0 }
  }

  /// The last event of each of `parts` nearly equal parts of a digest, and nothing if it has fewer.
  func borders(
    of digest: Int64, parts: Int
  ) throws(DatabaseError) -> [Int64] {
    let count = try memberCount(of: digest)
    guard count >= parts else { return [] }
    return try (1...parts).map { part throws(DatabaseError) in
      try database.first(
        """
        SELECT event FROM delivery WHERE folded_into = ?1 AND state = 'folded'
        ORDER BY event LIMIT 1 OFFSET ?2
        """, .integer(digest), .integer(Int64(count * part / parts - 1))
      ) { $0.integer(0) } ?? 0
    }
  }

  /// Events that a digest tells of.
  public func memberCount(of digest: Int64) throws(DatabaseError) -> Int {
    try database.first(
      "SELECT count(*) FROM delivery WHERE folded_into = ? AND state = 'folded'", .integer(digest)
    ) { Int($0.integer(0)) } ?? 0
  }

  /// Events that all digests tell of which are still to be sent to a destination.
  func pendingMembers(of destination: String) throws(DatabaseError) -> Int {
    // Each says so itself: `status` must not count 100,000 rows.
    try database.first(
      """
      SELECT coalesce(sum(json_extract(record, '$.count')), 0)
      FROM delivery JOIN event ON event.id = event
      WHERE destination = ? AND class = 'digest' AND state IN ('waiting', 'sending')
      """, .text(destination)
    ) { Int($0.integer(0)) } ?? 0
  }

  /// A part of one digest becomes another's.
  func move(
    events range: ClosedRange<Int64>, from digest: Int64, to other: Int64
  ) throws(DatabaseError) {
    try database.run(
      "UPDATE delivery SET folded_into = ?4 WHERE folded_into = ?1 AND event BETWEEN ?2 AND ?3",
      .integer(digest), .integer(range.lowerBound), .integer(range.upperBound), .integer(other))
  }

  /// It is not to be sent as it is.
  func takeWords(from digest: Delivery) throws(DatabaseError) {
    try database.run("UPDATE delivery SET payload = '{}' WHERE id = ?", .integer(digest.id))
  }

  /// A digest's words, and what they were made from.
  func word(
    _ digest: Delivery, _ outcome: Formatting.Result.Outcome, _ content: Digest, now: Int64
  ) throws(DatabaseError) {
    let record: Value = ["kind": "digest", "count": .int(Int64(content.count))]
    try database.run(
      "UPDATE event SET record = ?, severity = ? WHERE id = ?", .text(JSONWriter.compact(record)),
      .text(content.severity.rawValue), .integer(digest.event))
    switch outcome {
    case .message(let payload):
      try database.run(
        "UPDATE delivery SET payload = ? WHERE id = ?", .text(JSONWriter.compact(payload)),
        .integer(digest.id))
    case .muted(let reason): try finish(digest.id, .muted, reason: reason, now: now)
    }
  }
}
