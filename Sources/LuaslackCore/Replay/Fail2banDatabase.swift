internal import Posix
internal import SQLite

/// The bans in fail2ban's own database, as events. Reads only, also while fail2ban writes; nothing that
/// stands in it is believed beyond its form.
public enum Fail2banDatabase {
  public static let usualPath = "/var/lib/fail2ban/fail2ban.sqlite3"

  /// Which bans.
  public struct Wanted: Sendable {
    /// Seconds since 1970; `until` nil: without end.
    public var since: Int64
    public var until: Int64?
    /// Patterns; none: every jail.
    public var jails: [String] = []
    /// The newest so many.
    public var limit: Int
    /// With their log lines, as the action luaslack-lines hands them over.
    public var withLines = false

    public init(since: Int64, until: Int64?, jails: [String], limit: Int, withLines: Bool) {
      (self.since, self.until, self.jails) = (since, until, jails)
      (self.limit, self.withLines) = (limit, withLines)
    }
  }

  public struct Bans: Sendable, Equatable {
    /// The oldest first.
    public var records: [EventRecord] = []
    /// Those that are wanted; more than `records` if that reached a limit.
    public var total = 0
    /// Rows without a time, a jail or an address.
    public var unreadable = 0

    public init() {}
  }

  public struct Unusable: Error, CustomStringConvertible {
    public let status: ExitStatus
    public let description: String
  }

  /// Milliseconds to wait for fail2ban's own transactions, which are short.
  private static let patience: Int32 = 3_000
  /// Bytes of what a row says besides; fail2ban keeps ten log lines.
  private static let mostData = 1 << 20
  /// Bytes of all events, which luaslackd shall hold in memory.
  private static let mostBytes = 256 << 20
  /// The first with all that is read here, of fail2ban 0.11.
  private static let firstVersion: Int64 = 4

  public static func bans(_ path: String, _ wanted: Wanted) throws(Unusable) -> Bans {
    let isImmutable = try examine(path)
    do throws(DatabaseError) {
      let database = try Database(
        path, .foreign(isImmutable: isImmutable), patience: Self.patience)
      let tables = try database.first(
        """
        SELECT count(*) FROM sqlite_schema WHERE type = 'table' AND rootpage > 0
          AND name IN ('fail2banDb', 'bans', 'bips')
        """
      ) { $0.integer(0) }
      guard try isFail2bans(database, tables: tables ?? 0) else {
        throw DatabaseError(code: 0, message: foreign)
      }
      return try read(database, wanted)
    } catch {
      throw unusable(path, error)
    }
  }

  private static let foreign = "it is none of fail2ban's, or of one before 0.11"

  private static func isFail2bans(
    _ database: Database, tables: Int64
  ) throws(DatabaseError) -> Bool {
    guard tables == 3 else { return false }
    let version = try database.first("SELECT version FROM fail2banDb LIMIT 1") { $0.integer(0) }
    return (version ?? 0) >= firstVersion
  }

  /// SQLite's own words for a file that is none of its own are few. True: nobody has it open for writing.
  private static func examine(_ path: String) throws(Unusable) -> Bool {
    let header: [UInt8]
    do throws(SystemError) {
      let file = try FileDescriptor.open(reading: path)
      guard try file.status().kind == .file else {
        throw SystemError("read \(path), which is no ordinary file", code: 22)
      }
      header = try file.read(upTo: 100)
    } catch {
      let hint = Process.user == 0 ? "" : "; fail2ban's database is root's"
      throw Unusable(status: .noInput, description: "\(error)\(error.isMissing ? "" : hint)")
    }
    guard header.count == 100, header.starts(with: Array("SQLite format 3\0".utf8)) else {
      throw Unusable(status: .data, description: "\(path): this is no SQLite database")
    }
    // fail2ban keeps no write-ahead log. A copy that has one but not its file is whole without, and
    // SQLite would make files beside it.
    let log = (try? FileStatus.of(path + "-wal"))?.size ?? 0
    return header[18] == 2 && log == 0
  }

  private static func unusable(_ path: String, _ error: DatabaseError) -> Unusable {
    if error.isBusy {
      return Unusable(
        status: .temporary,
        description: "\(path): another program has been writing it for 3 s; try again, or a copy")
    }
    if error.isCorrupt {
      return Unusable(
        status: .data, description: "\(path): damaged, or cut short (\(error.message))")
    }
    if error.code == 0 {
      return Unusable(status: .data, description: "\(path): \(error.message)")
    }
    return Unusable(status: .data, description: "\(path) cannot be read: \(error.message)")
  }

  /// Of both tables: `bans` has the bans of a day or so (`dbpurgeage`), `bips` the last one of each
  /// address as long as it runs.
  private static func read(
    _ database: Database, _ wanted: Wanted
  ) throws(DatabaseError) -> Bans {
    var bans = Bans()
    var seen: Set<String> = []
    var bytes = 0
    var found: [(record: EventRecord, data: String?)] = []
    // What takes long is done after it: as long as this reads, fail2ban cannot write.
    try database.forEach(
      """
      SELECT typeof(timeofban) IN ('integer', 'real'), timeofban, substr(jail, 1, 2048),
        substr(ip, 1, 2048), substr(bantime, 1, 64), substr(bancount, 1, 64),
        CASE WHEN length(CAST(data AS BLOB)) <= ?3 THEN data END
      FROM (SELECT jail, ip, timeofban, bantime, bancount, data, rowid AS place FROM bans
        UNION ALL SELECT jail, ip, timeofban, bantime, bancount, data, rowid FROM bips)
      WHERE typeof(timeofban) NOT IN ('integer', 'real')
        OR timeofban >= ?1 AND (?2 IS NULL OR timeofban < ?2)
      ORDER BY timeofban DESC, place DESC
      """, .integer(wanted.since), wanted.until.map(SQLValue.integer) ?? .null,
      .integer(Int64(mostData))
    ) { row in
      guard let record = record(row) else {
        bans.unreadable += 1
        return
      }
      let isWanted =
        wanted.jails.isEmpty || wanted.jails.contains { Glob.matches($0, record.jail) }
      guard isWanted, let key = EventKey(record), seen.insert(key.text).inserted else { return }
      bans.total += 1
      guard found.count < wanted.limit, bytes < mostBytes else { return }
      let data = row.optionalText(6)
      bytes += 512 + (data?.utf8.count ?? 0)
      found.append((record, data))
    }
    bans.records = found.reversed().map { record, data in
      var record = record
      data.flatMap { try? JSONReader.read($0) }
        .map { complete(&record, $0, withLines: wanted.withLines) }
      return record
    }
    return bans
  }

  /// As fail2ban's action would have handed the ban over, but for what stands in `data`.
  private static func record(_ row: borrowing Row) -> EventRecord? {
    let second = row.integer(1)
    let (jail, id) = (row.text(2), row.text(3))
    guard row.integer(0) == 1, (0..<253_402_300_800).contains(second), !jail.isEmpty, !id.isEmpty
    else { return nil }
    var record = EventRecord(kind: .ban, jail: jail, ip: id, acceptedAt: second * 1_000_000)
    record.set(.id, id)
    record.set(.time, String(second))
    // What an upgrade of the database put where it knew nothing.
    if row.text(4) != "-2" { record.set(.bantime, row.optionalText(4)) }
    record.set(.bancount, row.optionalText(5))
    record.set(.restored, "0")
    return record
  }

  private static func complete(_ record: inout EventRecord, _ data: Value, withLines: Bool) {
    if let ip = data["ip"]?.string { record.ip = EventRecord.bounded(ip) }
    record.set(.user, data["user"]?.string)
    record.setFailures(data["failures"]?.int.map(String.init))
    if withLines, let lines = data["matches"]?.array {
      // Some lines stand in the parts before, of and after the time.
      let texts = lines.map { line in
        line.string ?? (line.array ?? []).compactMap(\.string).joined()
      }
      record.setMatches(texts.joined(separator: "\n"))
    }
  }
}

// From `luaslack`, which may read the database, to luaslackd, which runs the formatters.
extension Fail2banDatabase.Bans {
  /// A line each.
  public var bytes: [UInt8] {
    let head: Value = ["total": .int(Int64(total)), "unreadable": .int(Int64(unreadable))]
    return ([head] + records.map(\.value)).flatMap { Array(JSONWriter.compact($0).utf8) + [0x0a] }
  }

  public init?(_ bytes: [UInt8]) {
    let lines = bytes.split(separator: 0x0a)
    guard let first = lines.first, let head = try? JSONReader.read(Array(first)),
      let total = head["total"]?.int, let unreadable = head["unreadable"]?.int
    else { return nil }
    (self.total, self.unreadable) = (Int(total), Int(unreadable))
    records = lines.dropFirst().compactMap { line in
      (try? JSONReader.read(Array(line))).flatMap { EventRecord($0) }
    }
  }
}
