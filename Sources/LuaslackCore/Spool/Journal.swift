public import SQLite

/// How many lines a second the log gets. Pure: numbers and a time in, numbers out.
public struct JournalPace: Sendable {
  /// Lines a second; a storm shall not push everything else out of the host's log.
  static let limit = 20
  private var since: Int64 = .min
  private var used = 0
  private var leftOut = 0

  public init() {}

  /// Of `count` lines at this time (monotonic microseconds), how many are written, and how many of
  /// before were left out, to be told now.
  public mutating func admit(_ count: Int, now: Int64) -> (lines: Int, leftOutBefore: Int) {
    var told = 0
    if since == .min || now - since >= 1_000_000 {
      (told, leftOut, used, since) = (leftOut, 0, 0, now)
    }
    let lines = min(count, Self.limit - used)
    used += lines
    leftOut += count - lines
    return (lines, told)
  }
}

// What came to an end on this connection since the last look, whoever ended it.
extension Queue {
  /// Triggers of this connection alone: the log is luaslackd's, and the database keeps nothing of it.
  public func beginJournal() throws(DatabaseError) {
    try database.execute(
      """
      CREATE TEMP TABLE settled (delivery INTEGER NOT NULL);
      CREATE TEMP TRIGGER settled_at_once AFTER INSERT ON main.delivery
        WHEN NEW.state NOT IN ('waiting', 'sending') BEGIN
        INSERT INTO settled VALUES (NEW.id);
      END;
      CREATE TEMP TRIGGER settled_later AFTER UPDATE OF state ON main.delivery
        WHEN NEW.state NOT IN ('waiting', 'sending') AND OLD.state <> NEW.state BEGIN
        INSERT INTO settled VALUES (NEW.id);
      END;
      """)
  }

  public func settledCount() throws(DatabaseError) -> Int {
    try database.first("SELECT count(*) FROM settled") { Int($0.integer(0)) } ?? 0
  }

  /// `ban sshd 203.0.113.7: default delivered`, the first so many; the others are forgotten.
  public func takeSettled(lines: Int) throws(DatabaseError) -> [String] {
    let lines = try database.all(
      """
      SELECT kind, jail, subject, destination, state, reason, folded_into
      FROM settled JOIN delivery ON delivery.id = settled.delivery JOIN event ON event.id = event
      ORDER BY settled.rowid LIMIT ?
      """, .integer(Int64(lines))
    ) { row in
      let names = [row.text(0), row.text(1), row.text(2)].filter { !$0.isEmpty }
      let into = row.optionalInteger(6).map { " into \($0)" } ?? ""
      let reason = row.optionalText(5).map { " (\($0))" } ?? ""
      return PlainText.line(
        "\(names.joined(separator: " ")): \(row.text(3)) \(row.text(4))\(into)\(reason)")
    }
    try database.run("DELETE FROM settled")
    return lines
  }
}
