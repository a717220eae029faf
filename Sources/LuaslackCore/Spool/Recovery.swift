public import SQLite

/// What was still to be sent, read row by row from a damaged database. Never writes to it.
struct Recovery {
  struct Message {
    var event: Int64
    var destination: String
    var payload: String
    var reason: String?
    var attempts: Int64
    var maybeSent: Bool
    var isPlain: Bool
    var isHeld: Bool
    var isReply: Bool
    var paced: String
  }

  struct Event {
    var key: String?
    var kind = "notice"
    var jail = "luaslack"
    var subject = ""
    var acceptedAt: Int64
    var record = "{}"
    var severity = "info"
  }

  private let database: Database
  private let hasHeld: Bool
  private let hasClass: Bool
  private let hasSeverity: Bool
  /// Rows in a row that could not be read before it is the end.
  private static let patience = 128

  /// Nil where not even its tables are known any more.
  init?(_ path: String) {
    guard let database = try? Database(path, .reading),
      (try? database.all("SELECT id FROM delivery LIMIT 0") { _ in true }) != nil
    else { return nil }
    self.database = database
    func has(_ column: String, _ table: String) -> Bool {
      (try? database.all("SELECT \(column) FROM \(table) LIMIT 0") { _ in true }) != nil
    }
    hasHeld = has("held", "delivery")
    hasClass = has("class", "delivery")
    hasSeverity = has("severity", "event")
  }

  /// The next message that was pending and whose row can be read; goes on behind `last`.
  func next(after last: inout Int64) -> Message? {
    var failures = 0
    while failures < Self.patience {
      do throws(DatabaseError) {
        guard let found = try row(after: last) else { return nil }
        failures = 0
        last = found.id
        if let message = found.message { return message }
      } catch {
        // One row on; after some, in ever longer steps over what is a whole broken page or more.
        failures += 1
        last += failures <= 64 ? 1 : 1 << Int64(min(failures - 64, 40))
      }
    }
    return nil
  }

  /// NOT INDEXED: an index may be what is broken.
  private func row(after id: Int64) throws(DatabaseError) -> (id: Int64, message: Message?)? {
    try database.first(
      """
      SELECT id, event, destination, payload, reason, attempts, maybe_sent, is_plain, state,
        \(hasHeld ? "held" : "0"), \(hasClass ? "class" : "'event'"),
        \(hasSeverity ? "is_reply" : "0")
      FROM delivery NOT INDEXED WHERE id > ? ORDER BY id LIMIT 1
      """, .integer(id)
    ) { row in
      let state = DeliveryState(rawValue: row.text(8))
      guard state?.isPending == true else { return (row.integer(0), nil) }
      return (
        row.integer(0),
        Message(
          event: row.integer(1), destination: row.text(2), payload: row.text(3),
          reason: row.optionalText(4), attempts: row.integer(5),
          maybeSent: row.integer(6) == 1 || state == .sending, isPlain: row.integer(7) == 1,
          isHeld: row.integer(9) == 1, isReply: row.integer(11) == 1, paced: row.text(10))
      )
    }
  }

  /// How each real destination is paced, and which names are held, or wait for Slack.
  func paces() -> [(target: String, pace: Pace)] {
    let rows = try? database.all("SELECT target, tokens, at, not_before FROM pace NOT INDEXED") {
      ($0.text(0), Pace(tokens: $0.real(1), at: $0.integer(2), notBefore: $0.integer(3)))
    }
    return rows ?? []
  }

  func destinations() -> [(name: String, isHeld: Bool, notBefore: Int64, setAt: Int64)] {
    guard hasHeld else { return [] }
    let rows = try? database.all(
      """
      SELECT name, held, iif(obeys_slack, not_before, 0), set_at FROM destination NOT INDEXED
      """
    ) { ($0.text(0), $0.integer(1) == 1, $0.integer(2), $0.integer(3)) }
    return rows ?? []
  }

  /// What had begun and was not over, as its row's values.
  func incidents() -> [[SQLValue]] {
    let rows = try? database.all(
      "SELECT rule, name, since, last, bans, failures, peak FROM incident NOT INDEXED"
    ) { row in
      [.text(row.text(0)), .text(row.text(1))] + (2...6).map { SQLValue.integer(row.integer($0)) }
    }
    return rows ?? []
  }

  /// Nil if its row cannot be read; its message can still be sent.
  func event(_ id: Int64) -> Event? {
    let found = try? database.first(
      """
      SELECT key, kind, jail, subject, accepted_at, record,
        \(hasSeverity ? "severity" : "'info'")
      FROM event NOT INDEXED WHERE id = ?
      """, .integer(id)
    ) { row in
      Event(
        key: row.optionalText(0), kind: row.text(1), jail: row.text(2), subject: row.text(3),
        acceptedAt: row.integer(4), record: row.text(5), severity: row.text(6))
    }
    guard var event = found ?? nil, let record = try? JSONReader.read(event.record) else {
      return nil
    }
    // What luaslack said of itself before it had early warnings.
    if event.kind == "warning", record["known"] == nil { event.kind = "notice" }
    return event
  }
}

extension Queue {
  /// Takes what was pending in a damaged database over, once, and has that told. `path` is where it
  /// lies.
  public func recover(from path: String, host: String, now: Int64) throws(DatabaseError) {
    try transaction { () throws(DatabaseError) in
      guard try tell("database \(path)", "recovered") else { return }
      try noteLost(before: now)
      let count = try Recovery(path).map { recovery throws(DatabaseError) in
        try takeOver(recovery, now: now)
      }
      let saved =
        count == 1
        ? "1 message that waited was" : "\(count ?? 0) messages that waited were"
      try announce(
        "its database was damaged and is now \(path); \(saved) saved from it. The history is lost: "
          + "what fail2ban repeats from before is told again", host: host, now: now)
    }
  }

  private func takeOver(_ recovery: Recovery, now: Int64) throws(DatabaseError) -> Int {
    for (target, pace) in recovery.paces() { try save(pace, of: target) }
    for row in recovery.incidents() where row.count == 7 {
      // What was counted for it is lost, but its beginning was told, and so must its end be.
      try database.run(
        """
        INSERT OR IGNORE INTO incident (rule, name, since, first_event, last, bans, failures, peak)
        SELECT ?1, ?2, ?3, 1, ?4, ?5, ?6, ?7 WHERE json_valid(?1)
        """, row[0], row[1], row[2], row[3], row[4], row[5], row[6])
    }
    for found in recovery.destinations() {
      try database.run(
        """
        INSERT INTO destination (name, held, not_before, set_at, obeys_slack)
        VALUES (?1, ?2, ?3, ?4, ?3 > 0) ON CONFLICT (name) DO UPDATE
          SET held = max(held, ?2), not_before = max(not_before, ?3), obeys_slack = ?3 > 0
        """, .text(found.name), .integer(found.isHeld ? 1 : 0), .integer(found.notBefore),
        .integer(found.setAt))
    }
    var count = 0
    var last: Int64 = 0
    var events: [Int64: Int64] = [:]
    while let message = recovery.next(after: &last) {
      let event: Int64
      if let known = events[message.event] {
        event = known
      } else {
        event = try add(recovery.event(message.event) ?? Recovery.Event(acceptedAt: now))
        events[message.event] = event
      }
      try database.run(
        "INSERT OR IGNORE INTO destination (name) VALUES (?)", .text(message.destination))
      try database.run(
        """
        INSERT INTO delivery (event, destination, state, payload, reason, attempts, maybe_sent,
          is_plain, held, next_attempt_at, set_at, is_reply, class)
        SELECT ?1, ?2, 'waiting', ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?9, ?10,
          -- What a digest told of is lost, so that it can only be sent as it is.
          CASE WHEN kind IN ('digest', 'notice') OR ?11 = 'notice' THEN 'notice'
            WHEN ?11 IN ('critical', 'for_digest') THEN ?11 ELSE 'event' END
        FROM event WHERE id = ?1
        ON CONFLICT DO NOTHING
        """, .integer(event), .text(message.destination), .text(message.payload),
        .text(message.reason), .integer(message.attempts), .integer(message.maybeSent ? 1 : 0),
        .integer(message.isPlain ? 1 : 0), .integer(message.isHeld ? 1 : 0), .integer(now),
        .integer(message.isReply ? 1 : 0), .text(message.paced))
      count += database.changes
    }
    return count
  }

  private func add(_ event: Recovery.Event) throws(DatabaseError) -> Int64 {
    try database.run(
      """
      INSERT INTO event (key, kind, jail, subject, accepted_at, record, severity)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """, .text(event.key), .text(event.kind), .text(event.jail), .text(event.subject),
      .integer(event.acceptedAt), .text(event.record), .text(event.severity))
    return database.lastInsertedRow
  }
}
