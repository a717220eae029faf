internal import CSQLite

/// What SQLite said, with its extended result code. Never holds bound values.
public struct DatabaseError: Error, CustomStringConvertible, Equatable {
  public let code: Int32
  public let message: String

  public init(code: Int32, message: String) {
    self.code = code
    self.message = message
  }

  /// The file is not a database, or its pages contradict each other.
  public var isCorrupt: Bool { [SQLITE_CORRUPT, SQLITE_NOTADB].contains(code & 0xff) }
  /// Another program was writing for longer than this one waited.
  public var isBusy: Bool { [SQLITE_BUSY, SQLITE_LOCKED].contains(code & 0xff) }
  /// There is no such file, or it may not be opened.
  public var cannotOpen: Bool { code & 0xff == SQLITE_CANTOPEN }

  public var description: String { "database: \(message)" }
}

/// Owns one connection. One thread at a time; statements are prepared once and kept.
@safe
public final class Database {
  public enum Access: Sendable {
    case writing, reading
    /// Another program's database, of which nothing is believed and to which nothing is done.
    /// `isImmutable`: nobody writes it, and no lock is taken.
    case foreign(isImmutable: Bool)
  }

  private let handle: OpaquePointer
  private var statements: [String: Statement] = [:]

  /// Opens the file; `.writing` makes it. Waits up to `patience` milliseconds for another
  /// process's transaction.
  public init(_ path: String, _ access: Access, patience: Int32 = 5_000) throws(DatabaseError) {
    let (name, flags) =
      switch access {
      case .writing: (path, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE)
      // Read-only flags would fail on a WAL database that nobody has open: its index is made anew.
      case .reading: (path, SQLITE_OPEN_READWRITE)
      case .foreign(let isImmutable):
        (Self.uri(path, isImmutable: isImmutable), SQLITE_OPEN_READONLY | SQLITE_OPEN_URI)
      }
    var opened: OpaquePointer?
    let code = unsafe sqlite3_open_v2(name, &opened, flags | SQLITE_OPEN_NOMUTEX, nil)
    guard code == SQLITE_OK, let opened = unsafe opened else {
      unsafe sqlite3_close(opened)
      throw DatabaseError(
        code: code, message: "\(path): \(unsafe String(cString: sqlite3_errstr(code)))")
    }
    unsafe handle = opened
    unsafe sqlite3_extended_result_codes(opened, 1)
    unsafe sqlite3_busy_timeout(opened, patience)
    _ = unsafe csqlite_defensive(opened)
    switch access {
    case .writing: break
    case .reading: try execute("PRAGMA query_only = ON")
    case .foreign:
      // No function that its schema names is called, its pages are checked as they are read, and no value
      // of it is larger than anybody needs.
      _ = unsafe sqlite3_limit(opened, SQLITE_LIMIT_LENGTH, 64 << 20)
      try execute(
        "PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON")
    }
  }

  /// As SQLite reads the name of a file with parameters: a byte that could mean something stands as %HH.
  private static func uri(_ path: String, isImmutable: Bool) -> String {
    let name = path.utf8.map { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: return String(UnicodeScalar(byte))
      default:
        if "/._-".utf8.contains(byte) { return String(UnicodeScalar(byte)) }
        return "%" + (byte < 16 ? "0" : "") + String(byte, radix: 16)
      }
    }
    return "file:\(name.joined())?mode=ro" + (isImmutable ? "&immutable=1" : "")
  }

  deinit {
    statements.removeAll()
    unsafe sqlite3_close_v2(handle)
  }

  /// Runs SQL without parameters or results; may be several statements.
  public func execute(_ sql: String) throws(DatabaseError) {
    let code = unsafe sqlite3_exec(handle, sql, nil, nil, nil)
    guard code == SQLITE_OK else { throw failure(code) }
  }

  /// How many rows the last INSERT, UPDATE or DELETE changed.
  public var changes: Int { Int(unsafe sqlite3_changes(handle)) }

  /// Runs one statement to its end.
  public func run(_ sql: String, _ values: SQLValue...) throws(DatabaseError) {
    try run(sql, values)
  }

  public func run(_ sql: String, _ values: [SQLValue]) throws(DatabaseError) {
    _ = try rows(sql, values) { _ in true }
  }

  /// The first row, as `read` turns it into a value; nil if there is none.
  public func first<Value>(
    _ sql: String, _ values: SQLValue..., read: (borrowing Row) -> Value
  ) throws(DatabaseError) -> Value? {
    var result: Value?
    _ = try rows(sql, values) { row in
      result = read(row)
      return false
    }
    return result
  }

  public func all<Value>(
    _ sql: String, _ values: SQLValue..., read: (borrowing Row) -> Value
  ) throws(DatabaseError) -> [Value] {
    try all(sql, values, read: read)
  }

  public func all<Value>(
    _ sql: String, _ values: [SQLValue], read: (borrowing Row) -> Value
  ) throws(DatabaseError) -> [Value] {
    var result: [Value] = []
    _ = try rows(sql, values) { row in
      result.append(read(row))
      return true
    }
    return result
  }

  public func forEach(
    _ sql: String, _ values: SQLValue..., body: (borrowing Row) -> Void
  ) throws(DatabaseError) {
    try forEach(sql, values, body: body)
  }

  public func forEach(
    _ sql: String, _ values: [SQLValue], body: (borrowing Row) -> Void
  ) throws(DatabaseError) {
    try rows(sql, values) { row in
      body(row)
      return true
    }
  }

  /// Commits what `body` did, or undoes all of it when it throws.
  public func transaction<Failure: Error, Value>(
    _ body: () throws(Failure) -> Value, failed: (DatabaseError) -> Failure
  ) throws(Failure) -> Value {
    func control(_ sql: String) throws(Failure) {
      do throws(DatabaseError) { try execute(sql) } catch { throw failed(error) }
    }
    try control("BEGIN IMMEDIATE")
    do throws(Failure) {
      let value = try body()
      try control("COMMIT")
      return value
    } catch {
      // A failed COMMIT may already have ended the transaction; then there is nothing to undo.
      _ = unsafe sqlite3_exec(handle, "ROLLBACK", nil, nil, nil)
      throw error
    }
  }

  /// The key of the row that the last insert made.
  public var lastInsertedRow: Int64 { unsafe sqlite3_last_insert_rowid(handle) }

  private func rows(
    _ sql: String, _ values: [SQLValue], _ body: (borrowing Row) -> Bool
  ) throws(DatabaseError) {
    let statement = try prepared(sql)
    defer { statement.reset() }
    for (index, value) in values.enumerated() {
      let code = statement.bind(value, at: Int32(index + 1))
      guard code == SQLITE_OK else { throw failure(code) }
    }
    while true {
      let code = statement.step()
      if code == SQLITE_DONE { return }
      guard code == SQLITE_ROW else { throw failure(code) }
      if !body(Row(statement)) { return }
    }
  }

  private func prepared(_ sql: String) throws(DatabaseError) -> Statement {
    if let statement = statements[sql] { return statement }
    var made: OpaquePointer?
    let code = unsafe sqlite3_prepare_v3(
      handle, sql, -1, UInt32(SQLITE_PREPARE_PERSISTENT), &made, nil)
    guard code == SQLITE_OK, let made = unsafe made else { throw failure(code) }
    let statement = unsafe Statement(made)
    statements[sql] = statement
    return statement
  }

  private func failure(_ code: Int32) -> DatabaseError {
    DatabaseError(
      code: unsafe sqlite3_extended_errcode(handle) == SQLITE_OK
        ? code : unsafe sqlite3_extended_errcode(handle),
      message: unsafe String(cString: sqlite3_errmsg(handle)))
  }
}
