public import SQLite

// Bans that rules count, and what has begun of them.
extension Queue {
  /// Rows that are read at a start, and of which an incident's evidence is; more are not kept for them either.
  private static let (mostRead, mostKept): (Int64, Int64) = (50_000, 200_000)
  static let mostEvidence = 20_000
  /// Microseconds since 1970 that no clock says: whatever a damaged or foreign database has, times of it can be added.
  private static let latest: Int64 = 1 << 60

  private static func bounded(_ number: Int64, _ most: Int64 = latest) -> Int64 {
    min(max(0, number), most)
  }

  func count(_ ban: CountedBan) throws(DatabaseError) {
    let fields: Value = .object(ban.fields.mapValues(Value.string))
    try database.run(
      "INSERT OR REPLACE INTO counted (event, at, fields) VALUES (?, ?, ?)", .integer(ban.event),
      .integer(ban.at), ban.fields.isEmpty ? .null : .text(JSONWriter.compact(fields)))
  }

  private static let bans = """
    SELECT counted.event, counted.at, jail, base, prefix, name, user, country, failures, fields
    FROM counted JOIN ban ON ban.event = counted.event
    """

  private static func ban(_ row: borrowing Row) -> CountedBan {
    let fields = row.optionalText(9).flatMap { try? JSONReader.read($0) }?.object ?? [:]
    return CountedBan(
      event: row.integer(0), at: bounded(row.integer(1)), jail: row.text(2),
      network: Network(base: row.number(3), prefix: row.integer(4)), name: row.optionalText(5),
      user: row.optionalText(6), country: row.optionalText(7),
      failures: bounded(row.integer(8), CountedBan.mostFailures),
      fields: fields.compactMapValues(\.string))
  }

  /// Those within so many microseconds before the newest, as they came.
  func countedBans(within span: Int64) throws(DatabaseError) -> [CountedBan] {
    guard let newest = try newestCounted() else { return [] }
    let rows = try database.all(
      Self.bans + " WHERE counted.at > ? ORDER BY counted.event DESC LIMIT ?",
      .integer(newest - span), .integer(Self.mostRead), read: Self.ban)
    return rows.reversed()
  }

  func newestCounted() throws(DatabaseError) -> Int64? {
    try database.first("SELECT max(at) FROM counted") { $0.optionalInteger(0) }.flatMap { $0 }
      .map { Self.bounded($0) }
  }

  func newestCountedEvent() throws(DatabaseError) -> Int64? {
    try database.first("SELECT max(event) FROM counted") { $0.optionalInteger(0) }.flatMap { $0 }
  }

  /// Of these events.
  func countedBans(of events: [Int64]) throws(DatabaseError) -> [CountedBan] {
    try database.all(
      Self.bans + " WHERE counted.event IN (SELECT value FROM json_each(?))",
      .text(JSONWriter.compact(.array(events.map(Value.int)))), read: Self.ban)
  }

  /// The newest from an event on, in any order.
  func countedBans(from event: Int64) throws(DatabaseError) -> [CountedBan] {
    try database.all(
      Self.bans + " WHERE counted.event >= ? ORDER BY counted.event DESC LIMIT ?",
      .integer(event), .integer(Int64(Self.mostEvidence)), read: Self.ban)
  }

  /// The first that any open incident counts.
  func firstOfIncidents() throws(DatabaseError) -> Int64? {
    try database.first("SELECT min(first_event) FROM incident") { $0.optionalInteger(0) }
      .flatMap { $0 }
  }

  /// What neither a window nor an open incident needs any more.
  func forgetCounted(before time: Int64) throws(DatabaseError) {
    try database.run(
      """
      DELETE FROM counted WHERE at < ?1
        AND event < coalesce((SELECT min(first_event) FROM incident), 9223372036854775807)
        OR event <= (SELECT event FROM counted ORDER BY event DESC LIMIT 1 OFFSET ?2)
      """, .integer(time), .integer(Self.mostKept))
  }

  /// Before their bans go.
  func forgetCounted(of address: String) throws(DatabaseError) {
    try database.run(
      "DELETE FROM counted WHERE event IN \(Self.bansOfAddress)", Self.values(of: address))
  }

  /// The clock was set by so much.
  func moveCounted(by jump: Int64) throws(DatabaseError) {
    func moved(_ column: String) -> String {
      "\(column) = min(max(0, \(column)), \(Self.latest)) + ?1"
    }
    try database.run("UPDATE counted SET \(moved("at"))", .integer(jump))
    try database.run("UPDATE incident SET \(moved("since")), \(moved("last"))", .integer(jump))
  }

  // MARK: - Incidents

  func incidents() throws(DatabaseError) -> [WarningWatch.Incident] {
    try rowsOfIncidents().compactMap(\.incident)
  }

  /// Nil: the row says no rule.
  private func rowsOfIncidents() throws(DatabaseError) -> [(
    row: Int64, incident: WarningWatch.Incident?
  )] {
    try database.all(
      """
      SELECT rule, name, since, first_event, last, bans, failures, peak, rowid FROM incident
      ORDER BY since, rule, name
      """
    ) { row in
      let rule = (try? JSONReader.read(row.text(0))).flatMap { WarningRule($0) }
      let last = Self.bounded(row.integer(4))
      let incident = rule.map { rule in
        WarningWatch.Incident(
          rule: rule, group: row.text(1), since: Self.bounded(row.integer(2), last),
          firstEvent: row.integer(3), last: last, bans: Self.bounded(row.integer(5)),
          failures: Self.bounded(row.integer(6)), peak: Self.bounded(row.integer(7)))
      }
      return (row.integer(8), incident)
    }
  }

  /// A damaged or foreign database may have such that nobody could end, and that would keep bans for ever.
  func forgetUnreadableIncidents() throws(DatabaseError) {
    for row in try rowsOfIncidents() where row.incident == nil {
      // The index of what is not even JSON cannot be changed; that shall not hinder the others.
      try? database.run("DELETE FROM incident WHERE rowid = ?", .integer(row.row))
    }
  }

  /// None happens later than now. True if one did.
  func boundIncidents(by now: Int64) throws(DatabaseError) -> Bool {
    try database.run(
      """
      UPDATE incident SET since = min(since, ?1), last = min(last, ?1)
      WHERE since > ?1 OR last > ?1
      """, .integer(now))
    return database.changes > 0
  }

  func save(_ incident: WarningWatch.Incident) throws(DatabaseError) {
    try database.run(
      """
      INSERT OR REPLACE INTO incident (rule, name, since, first_event, last, bans, failures, peak)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?)
      """, .text(JSONWriter.compact(incident.rule.value)), .text(incident.group),
      .integer(incident.since), .integer(incident.firstEvent), .integer(incident.last),
      .integer(incident.bans), .integer(incident.failures), .integer(incident.peak))
  }

  func forget(_ incident: WarningWatch.Incident) throws(DatabaseError) {
    try database.run(
      "DELETE FROM incident WHERE json_extract(rule, '$.name') = ? AND name = ?",
      .text(incident.rule.name), .text(incident.group))
  }
}

/// A `[[warning]]` that has begun and is not over, for `status`.
public struct OpenWarning: Sendable, Equatable {
  public let rule: String
  /// `jail sshd`; empty where all bans are counted together.
  public let what: String
  /// Microseconds since 1970.
  public let since: Int64
  public let bans: Int64
}

extension Queue {
  public func openWarnings() throws(DatabaseError) -> [OpenWarning] {
    try incidents().map { incident in
      // What is no valid user's name may be a password, and `status` knows no config that says who is one.
      let group =
        incident.rule.by == .user
        ? UnknownUsers.short.shown(incident.group) ?? "" : incident.group
      return OpenWarning(
        rule: incident.rule.name, what: PlainText.line(incident.rule.what(group)),
        since: incident.since, bans: incident.bans)
    }
  }
}
