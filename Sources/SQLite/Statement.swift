internal import CSQLite

/// A value that SQLite stores.
public enum SQLValue: Sendable, Equatable {
  case null
  case integer(Int64)
  case real(Double)
  case text(String)
  case blob([UInt8])

  public static func text(_ value: String?) -> SQLValue {
    if let value { .text(value) } else { .null }
  }
}

/// Owns one prepared statement.
@safe
final class Statement {
  fileprivate let handle: OpaquePointer

  @unsafe
  init(_ handle: OpaquePointer) {
    unsafe self.handle = handle
  }

  deinit {
    unsafe sqlite3_finalize(handle)
  }

  func bind(_ value: SQLValue, at index: Int32) -> Int32 {
    switch value {
    case .null: return unsafe sqlite3_bind_null(handle, index)
    case .integer(let number): return unsafe sqlite3_bind_int64(handle, index, number)
    case .real(let number): return unsafe sqlite3_bind_double(handle, index, number)
    case .blob(let bytes):
      return unsafe bytes.withUnsafeBytes { bytes in
        unsafe csqlite_bind_blob(handle, index, bytes.baseAddress, Int32(bytes.count))
      }
    case .text(var text):
      return text.withUTF8 { bytes in
        unsafe bytes.withMemoryRebound(to: CChar.self) { bytes in
          unsafe csqlite_bind_text(handle, index, bytes.baseAddress, Int32(bytes.count))
        }
      }
    }
  }

  func step() -> Int32 {
    unsafe sqlite3_step(handle)
  }

  /// Ready to be run again; holds no bound value any more.
  func reset() {
    unsafe sqlite3_reset(handle)
    unsafe sqlite3_clear_bindings(handle)
  }

  func integer(_ column: Int32) -> Int64 { unsafe sqlite3_column_int64(handle, column) }
  func real(_ column: Int32) -> Double { unsafe sqlite3_column_double(handle, column) }

  func isNull(_ column: Int32) -> Bool {
    unsafe sqlite3_column_type(handle, column) == SQLITE_NULL
  }

  func text(_ column: Int32) -> String {
    guard let bytes = unsafe sqlite3_column_text(handle, column) else { return "" }
    let count = Int(unsafe sqlite3_column_bytes(handle, column))
    return unsafe String(decoding: UnsafeBufferPointer(start: bytes, count: count), as: UTF8.self)
  }
}

extension Statement {
  func number(_ column: Int32) -> UInt128? {
    guard let bytes = unsafe sqlite3_column_blob(handle, column),
      unsafe sqlite3_column_bytes(handle, column) == 16
    else { return nil }
    return unsafe UInt128(bigEndian: bytes.loadUnaligned(as: UInt128.self))
  }
}

/// The current row of a running statement; columns are numbered from 0.
public struct Row: ~Copyable {
  private let statement: Statement

  init(_ statement: Statement) {
    self.statement = statement
  }

  public func integer(_ column: Int32) -> Int64 { statement.integer(column) }
  public func real(_ column: Int32) -> Double { statement.real(column) }
  public func text(_ column: Int32) -> String { statement.text(column) }
  /// A blob of 16 bytes, the most significant first, without making an array of each; nil of any other value.
  public func number(_ column: Int32) -> UInt128? { statement.number(column) }
  public func optionalInteger(_ column: Int32) -> Int64? {
    statement.isNull(column) ? nil : statement.integer(column)
  }
  public func optionalText(_ column: Int32) -> String? {
    statement.isNull(column) ? nil : statement.text(column)
  }
}
