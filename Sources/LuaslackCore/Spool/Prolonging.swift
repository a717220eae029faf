internal import SQLite

// A prolong changes its ban as long as that is still to be told. fail2ban promises no order of the
// two, nor that a ban has its final time: an observer thread raises that, and says so in the prolong
// alone. So the one may also wait a moment for the other.
extension Queue {
  /// Microseconds that a prolong waits for a ban that may come after it.
  static let prolongPatience: Int64 = 15 * 1_000_000

  /// A delivery of a ban that nobody has seen yet.
  struct Untold: Equatable {
    let id: Int64
    /// It is told by a digest that waits, from the event's record.
    let isInDigest: Bool
  }

  /// The newest ban of what the record is about, unless it was lifted since.
  func ban(of record: EventRecord, before event: Int64) throws(DatabaseError) -> Int64? {
    try database.first(
      """
      SELECT id FROM event WHERE jail = ?1 AND subject = ?2 AND kind = 'ban' AND id < ?3
        AND id > coalesce((SELECT max(id) FROM event
          WHERE jail = ?1 AND subject = ?2 AND kind = 'unban' AND id < ?3), 0)
      ORDER BY id DESC LIMIT 1
      """, .text(record.jail), .text(record.subject), .integer(event)
    ) { $0.integer(0) }
  }

  /// By destination. What was refused and made plain is not changed any more: it would be refused.
  func untold(of ban: Int64) throws(DatabaseError) -> [String: Untold] {
    let rows = try database.all(
      """
      SELECT destination, id, state = 'folded' FROM delivery WHERE event = ?1
        AND CASE state WHEN 'waiting' THEN maybe_sent = 0 AND is_plain = 0
          WHEN 'folded' THEN EXISTS (SELECT 1 FROM delivery AS digest
            WHERE digest.id = delivery.folded_into AND digest.state = 'waiting'
              AND digest.maybe_sent = 0 AND digest.is_plain = 0)
          ELSE 0 END
      """, .integer(ban)
    ) { ($0.text(0), Untold(id: $0.integer(1), isInDigest: $0.integer(2) == 1)) }
    return Dictionary(rows) { first, _ in first }
  }

  func change(
    _ event: Int64, _ record: EventRecord, severity: Severity
  ) throws(DatabaseError) {
    try database.run(
      "UPDATE event SET record = ?, severity = ? WHERE id = ?",
      .text(JSONWriter.compact(record.value)), .text(severity.rawValue), .integer(event))
  }

  /// A message that waits gets another wording. Whether it is held stays, and when it is due, unless it
  /// is for the next digest now, or no more.
  func reword(
    _ id: Int64, _ outcome: Formatting.Result.Outcome, class: Delivery.Class, due: Int64, now: Int64
  ) throws(DatabaseError) {
    switch outcome {
    case .message(let payload):
      try database.run(
        """
        UPDATE delivery SET payload = ?2, class = ?3,
          next_attempt_at = iif((class = 'for_digest') = (?3 = 'for_digest'), next_attempt_at, ?4),
          set_at = iif((class = 'for_digest') = (?3 = 'for_digest'), set_at, ?5) WHERE id = ?1
        """, .integer(id), .text(JSONWriter.compact(payload)), .text(`class`.rawValue),
        .integer(due), .integer(now))
    case .muted(let reason):
      try database.run("UPDATE delivery SET payload = '{}', held = 0 WHERE id = ?", .integer(id))
      try finish(id, .muted, reason: reason, now: now)
    }
  }

  /// The digest that tells of a delivery is worded anew before it is sent.
  func rewordDigest(of id: Int64) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET payload = '{}' WHERE class = 'digest' AND class <> 'event'
        AND id = (SELECT folded_into FROM delivery WHERE id = ?)
      """, .integer(id))
  }

  static let reason = "told with its ban"

  /// An event's own delivery, which another one tells of, as a ban's does of its prolong.
  func insert(
    told event: Int64, destination: String, by teller: Int64, reason: String = Queue.reason,
    now: Int64
  ) throws(DatabaseError) {
    try database.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", .text(destination))
    try database.run(
      """
      INSERT INTO delivery (event, destination, state, payload, reason, folded_into,
        next_attempt_at, set_at, finished_at)
      VALUES (?1, ?2, 'folded', '{}', ?3, ?4, ?5, ?5, ?5) ON CONFLICT DO NOTHING
      """, .integer(event), .text(destination), .text(reason), .integer(teller), .integer(now))
  }
}

// The other order: the prolong was here first.
extension Queue {
  /// A ban as what came before it made it: prolongs that wait for it, or, if it is a repeat of one that
  /// is known, those that have changed that.
  func prolonged(
    _ ban: EventRecord, as known: Int64?
  ) throws(DatabaseError) -> EventRecord {
    var result = ban
    if let known {
      try record(of: known).map { result.prolong(as: $0) }
    } else {
      for id in try early(for: ban, before: .max) {
        try record(of: id).map { result.prolong(as: $0) }
      }
    }
    return result
  }

  /// Prolongs that wait for this ban are told by it.
  func foldEarlyProlongs(
    into ban: Int64, _ record: EventRecord, now: Int64
  ) throws(DatabaseError) {
    for id in try early(for: record, before: ban) {
      try database.run(
        """
        UPDATE delivery SET state = 'folded', reason = ?3, held = 0,
          finished_at = ?4, folded_into = own.id
        FROM delivery AS own
        WHERE delivery.event = ?1 AND delivery.state = 'waiting' AND delivery.maybe_sent = 0
          AND own.event = ?2 AND own.destination = delivery.destination AND own.state = 'waiting'
        """, .integer(id), .integer(ban), .text(Self.reason), .integer(now))
    }
  }

  /// Prolongs without a ban, accepted a moment before this one, the oldest first.
  private func early(
    for ban: EventRecord, before event: Int64
  ) throws(DatabaseError) -> [Int64] {
    try database.all(
      """
      SELECT id FROM event WHERE jail = ?1 AND subject = ?2 AND kind = 'prolong' AND id < ?3
        AND accepted_at BETWEEN ?4 - ?5 AND ?4 + ?5
        AND id > coalesce((SELECT max(id) FROM event
          WHERE jail = ?1 AND subject = ?2 AND kind IN ('ban', 'unban') AND id < ?3), 0)
      ORDER BY id
      """, .text(ban.jail), .text(ban.subject), .integer(event), .integer(ban.acceptedAt),
      .integer(Self.prolongPatience)
    ) { $0.integer(0) }
  }
}

extension EventRecord {
  /// For how long, and the how many-th ban it is, as far as the other says.
  mutating func prolong(as other: EventRecord) {
    for option in [Option.bantime, .bancount] {
      if let text = other.options[option] { options[option] = text }
    }
  }
}
