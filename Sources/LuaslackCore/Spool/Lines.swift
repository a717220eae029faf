internal import SQLite

// The action `luaslack-lines` hands a ban in once more, with its log lines. They are added as long as the
// ban is still to be told, and a ban of a jail that has the action waits a moment for them.
extension Queue {
  /// Microseconds.
  static let linesPatience: Int64 = 2 * 1_000_000

  func expectLines(of jail: String, _ isExpected: Bool, now: Int64) throws(DatabaseError) {
    try database.run(
      """
      INSERT INTO jail (name, heard_at, is_running, has_lines) VALUES (?1, ?2, 0, ?3)
        ON CONFLICT DO UPDATE SET has_lines = ?3
      """, .text(jail), .integer(now), .integer(isExpected ? 1 : 0))
  }

  /// When a ban may be told, as far as its lines are concerned.
  func linesDue(_ record: EventRecord, now: Int64) throws(DatabaseError) -> Int64 {
    guard record.kind == .ban, record.matches == nil, !record.isReduced,
      try database.first(
        "SELECT 1 FROM jail WHERE name = ? AND has_lines = 1", .text(record.jail),
        read: { _ in true })
        ?? false
    else { return now }
    return now + Self.linesPatience
  }

  /// The ban as it is known, with these lines; nil if it has some, or none to have.
  func withLines(_ record: EventRecord, of event: Int64) throws(DatabaseError) -> EventRecord? {
    guard record.kind == .ban, let matches = record.matches, !matches.isEmpty,
      var known = try self.record(of: event), known.matches == nil, !known.isReduced
    else { return nil }
    known.matches = matches
    known.matchesLeftOut = record.matchesLeftOut
    return known
  }

  /// What waited for lines waits no more.
  func hasten(_ delivery: Int64, now: Int64) throws(DatabaseError) {
    try database.run(
      """
      UPDATE delivery SET next_attempt_at = ?2, set_at = ?2
      WHERE id = ?1 AND state = 'waiting' AND attempts = 0 AND class IN ('event', 'critical')
      """, .integer(delivery), .integer(now))
  }
}
