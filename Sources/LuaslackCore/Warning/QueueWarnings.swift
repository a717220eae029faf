public import SQLite

// Bans that rules count, and what has begun of them.
extension Queue {
  /// Rows that are read at a start, and of which an incident's evidence is; more are not kept for them either.
  private static let (mostRead, mostKept): (Int64, Int64) = (50_000, 200_000)
  static let mostEvidence = 20_000

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
      event: row.integer(0), at: row.integer(1), jail: row.text(2),
      network: Network(base: row.number(3), prefix: row.integer(4)), name: row.optionalText(5),
      user: row.optionalText(6), country: row.optionalText(7), failures: row.integer(8),
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
  }

  /// The newest of a range of events.
  func countedBans(of events: ClosedRange<Int64>) throws(DatabaseError) -> [CountedBan] {
    try database.all(
      Self.bans + " WHERE counted.event BETWEEN ? AND ? ORDER BY counted.event DESC LIMIT ?",
      .integer(events.lowerBound), .integer(events.upperBound),
      .integer(Int64(Self.mostEvidence)), read: Self.ban)
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
    let network = Network(address)
    try database.run(
      """
      DELETE FROM counted WHERE event IN (
        SELECT event FROM ban WHERE network = ?1 AND base = ?2 AND prefix = ?3
        UNION SELECT event FROM ban WHERE name = ?4)
      """, network.map { .integer($0.ownerKey) } ?? .null,
      network.map { .blob($0.range.first) } ?? .null, .integer(Int64(network?.prefix ?? 0)),
      .text(address))
  }

  /// The clock was set by so much.
  func moveCounted(by jump: Int64) throws(DatabaseError) {
    try database.run("UPDATE counted SET at = at + ?", .integer(jump))
    try database.run(
      "UPDATE incident SET since = since + ?1, last = last + ?1", .integer(jump))
  }

  // MARK: - Incidents

  func incidents() throws(DatabaseError) -> [WarningWatch.Incident] {
    try database.all(
      """
      SELECT rule, name, since, first_event, last, bans, failures, peak FROM incident
      ORDER BY since, rule, name
      """
    ) { row in
      (try? JSONReader.read(row.text(0))).flatMap { WarningRule($0) }.map { rule in
        WarningWatch.Incident(
          rule: rule, group: row.text(1), since: row.integer(2), firstEvent: row.integer(3),
          last: row.integer(4), bans: row.integer(5), failures: row.integer(6), peak: row.integer(7)
        )
      }
    }.compactMap { $0 }
  }

  func save(_ incident: WarningWatch.Incident) throws(DatabaseError) {
    try forget(incident)
    try database.run(
      """
      INSERT INTO incident (rule, name, since, first_event, last, bans, failures, peak)
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
    try incidents().map {
      OpenWarning(
        rule: $0.rule.name, what: PlainText.line($0.rule.what($0.group)), since: $0.since,
        bans: $0.bans)
    }
  }
}
