internal import Posix
public import SQLite

/// Owns the database: every event, every delivery and its state. luaslackd alone writes it; the
/// other commands read. One event and all its deliveries appear in one transaction.
public final class Queue {
  let database: Database
  /// What lay at its path when it was opened.
  private var files: Files?
  let cache = HistoryCache()

  /// Opens the database for writing, makes it or brings it up to date.
  public init(writing path: String) throws(DatabaseError) {
    database = try Database(path, .writing)
    // FULL: what a commit accepted survives the loss of power, as the spool file did.
    try database.execute(
      """
      PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON;
      PRAGMA journal_size_limit = 4194304
      """)
    try migrate()
    // Its write-ahead log is there since the first change.
    try transaction { () throws(DatabaseError) in
      try note("opened", "", now: 0)
      try clearNotice("opened")
    }
    files = Files(path)
  }

  /// Opens an existing database to look at it.
  public init(reading path: String) throws(DatabaseError) {
    database = try Database(path, .reading)
    guard try version() >= Schema.steps.count else {
      throw DatabaseError(
        code: 14,
        message:
          "its tables are not made or are an older version's; luaslackd sees to that when it "
          + "starts, as with the next event or `luaslack queue flush`")
    }
  }

  private func version() throws(DatabaseError) -> Int {
    Int(try database.first("PRAGMA user_version") { $0.integer(0) } ?? 0)
  }

  private func migrate() throws(DatabaseError) {
    let found = try version()
    guard found <= Schema.steps.count else {
      throw DatabaseError(code: 1, message: "was made by a newer luaslack (version \(found))")
    }
    for (index, step) in Schema.steps.enumerated().dropFirst(found) {
      try transaction { () throws(DatabaseError) in
        try database.execute(step)
        if index == Schema.bans { try rememberOld() }
        try database.execute("PRAGMA user_version = \(index + 1)")
      }
    }
  }

  /// False once somebody has deleted or replaced the files that this one writes: what is committed then
  /// is in files without a name.
  public var isInPlace: Bool { files.map { $0 == Files($0.path) } ?? true }

  /// Writes all that is in it to a new file, even if its own are gone.
  public func copy(to path: String) throws(DatabaseError) {
    try database.run("VACUUM INTO ?", .text(path))
  }

  private struct Files: Equatable {
    let path: String
    let inodes: [UInt64]

    init(_ path: String) {
      self.path = path
      inodes = ["", "-wal"].map { (try? FileStatus.of(path + $0))?.inode ?? 0 }
    }
  }

  public func transaction<Result>(
    _ body: () throws(DatabaseError) -> Result
  ) throws(DatabaseError) -> Result {
    do throws(DatabaseError) {
      return try database.transaction(body) { $0 }
    } catch {
      cache.empty()
      throw error
    }
  }
}

// Events come in.
extension Queue {
  /// The event that this spool file became, if it was read before.
  public func event(ofArrival name: String) throws(DatabaseError) -> Int64? {
    try database.first("SELECT event FROM arrival WHERE name = ?", .text(name)) { $0.integer(0) }
  }

  /// The event that this one repeats.
  func event(like key: EventKey, acceptedAt: Int64) throws(DatabaseError) -> Int64? {
    let from = key.window.map { acceptedAt - $0 } ?? .min
    let to = key.window.map { acceptedAt + $0 } ?? .max
    return try database.first(
      "SELECT id FROM event WHERE key = ? AND accepted_at BETWEEN ? AND ? LIMIT 1",
      .text(key.text), .integer(from), .integer(to)
    ) { $0.integer(0) }
  }

  func insert(
    _ record: EventRecord, key: EventKey?, severity: Severity = .info
  ) throws(DatabaseError) -> Int64 {
    try database.run(
      """
      INSERT INTO event (key, kind, jail, subject, accepted_at, record, severity)
      VALUES (?, ?, ?, ?, ?, ?, ?)
      """,
      .text(key?.text), .text(record.kind.rawValue), .text(record.jail), .text(record.subject),
      .integer(record.acceptedAt), .text(JSONWriter.compact(record.value)),
      .text(severity.rawValue))
    return database.lastInsertedRow
  }

  func noteArrival(_ name: String, of event: Int64, now: Int64) throws(DatabaseError) {
    try database.run(
      "INSERT INTO arrival (name, event, at) VALUES (?, ?, ?)", .text(name), .integer(event),
      .integer(now))
  }

  /// Adds a delivery, due at `due`, unless the event has one for that destination already.
  func insert(
    event: Int64, destination: String, class: Delivery.Class = .event,
    outcome: Formatting.Result.Outcome, due: Int64? = nil, now: Int64
  ) throws(DatabaseError) {
    // Every destination that has a delivery has a row of its own; the courier goes by those.
    try database.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", .text(destination))
    let (state, payload, reason): (DeliveryState, Value, String?) =
      switch outcome {
      case .message(let payload): (.waiting, payload, nil)
      case .muted(let reason): (.muted, [:], reason)
      }
    try database.run(
      """
      INSERT INTO delivery (event, destination, class, state, payload, reason, next_attempt_at,
        set_at)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT DO NOTHING
      """,
      .integer(event), .text(destination), .text(`class`.rawValue), .text(state.rawValue),
      .text(JSONWriter.compact(payload)), .text(reason), .integer(due ?? now), .integer(now))
  }
}

// What `status` tells besides.
extension Queue {
  public struct Notice: Sendable, Equatable {
    public let subject: String
    public let text: String
    public let at: Int64

    static func subject(formatter file: String, kind: String) -> String {
      "formatter \(file) \(kind)"
    }

    static func subject(list name: String) -> String { "list \(name)" }

    static func subject(submitter user: String) -> String { "submitter \(user)" }
    private var isOfSubmitter: Bool { subject.hasPrefix("submitter ") }

    static func subject(destination name: String) -> String { "destination \(name)" }

    /// The destination that somebody named and that is not there.
    var destination: String? {
      subject.hasPrefix("destination ") ? String(subject.dropFirst(12)) : nil
    }

    /// Nothing shows that what a caller did is mended: it is told for a day, and anew when it is done again.
    func isPast(now: Int64) -> Bool {
      (isOfSubmitter || destination != nil) && at < now - Self.lifetime
    }

    /// Microseconds.
    private static let lifetime: Int64 = 86_400_000_000

    /// The list that this is about.
    var list: String? {
      subject.hasPrefix("list ") ? String(subject.dropFirst(5)) : nil
    }

    /// The file and the kind of event, if this is about a formatter.
    var formatter: (file: String, kind: String)? {
      let words = subject.split(separator: " ")
      return words.count == 3 && words[0] == "formatter"
        ? (String(words[1]), String(words[2])) : nil
    }
  }

  /// The last word on a subject; the same word again keeps the time of the first.
  public func note(_ subject: String, _ text: String, now: Int64) throws(DatabaseError) {
    try database.run(
      """
      INSERT INTO notice (subject, text, at) VALUES (?, ?, ?)
      ON CONFLICT (subject) DO UPDATE SET text = excluded.text, at = excluded.at
      WHERE text <> excluded.text
      """, .text(subject), .text(text), .integer(now))
  }

  func clearNotice(_ subject: String) throws(DatabaseError) {
    try database.run("DELETE FROM notice WHERE subject = ?", .text(subject))
  }

  public func notices() throws(DatabaseError) -> [Notice] {
    try database.all("SELECT subject, text, at FROM notice ORDER BY at") { row in
      Notice(subject: row.text(0), text: row.text(1), at: row.integer(2))
    }
  }

  /// Remembers that the channel knows of this failure. True if it did not yet.
  func tell(_ file: String, _ version: String) throws(DatabaseError) -> Bool {
    try database.run(
      """
      INSERT INTO told (file, version) VALUES (?, ?)
      ON CONFLICT (file) DO UPDATE SET version = excluded.version
      WHERE version <> excluded.version
      """, .text(file), .text(version))
    return database.changes > 0
  }

  /// A version that works: should an older one that failed come back, that is told again.
  func mended(_ file: String, _ version: String) throws(DatabaseError) {
    try database.run(
      "DELETE FROM told WHERE file = ? AND version <> ?", .text(file), .text(version))
  }

  func toldFiles() throws(DatabaseError) -> [String] {
    try database.all("SELECT file FROM told") { $0.text(0) }
  }
}
