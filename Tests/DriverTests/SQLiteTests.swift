import SQLite
import TestSupport
import Testing

@Suite struct SQLiteTests {
  private let place: TemporaryDirectory
  private let database: Database

  init() throws {
    place = try TemporaryDirectory()
    database = try Database(place.file("test.db"), .writing)
    try database.execute("CREATE TABLE t (id INTEGER PRIMARY KEY, text TEXT)")
  }

  private func texts() throws -> [String?] {
    try database.all("SELECT text FROM t ORDER BY id") { $0.optionalText(0) }
  }

  @Test(arguments: [
    "", "a", "é😀", "a\u{0}b", "'; DROP TABLE t; --", String(repeating: "x", count: 100_000),
  ])
  func `text goes in and comes out as it is`(text: String) throws {
    try database.run("INSERT INTO t (text) VALUES (?)", .text(text))
    #expect(try texts() == [text])
  }

  @Test func `null is not the empty text`() throws {
    try database.run("INSERT INTO t (text) VALUES (?)", .text(nil as String?))
    #expect(try texts() == [nil])
  }

  @Test func `a statement that stopped early can be run again`() throws {
    for number in 0..<3 { try database.run("INSERT INTO t (text) VALUES (?)", .text("\(number)")) }
    for _ in 0..<3 {
      #expect(try database.first("SELECT text FROM t ORDER BY id") { $0.text(0) } == "0")
    }
    #expect(database.lastInsertedRow == 3)
  }

  private struct Stop: Error {}

  @Test func `a transaction that throws leaves nothing behind`() throws {
    #expect(throws: (any Error).self) {
      try database.transaction { () throws(any Error) in
        try database.run("INSERT INTO t (text) VALUES ('x')")
        throw Stop()
      } failed: {
        $0
      }
    }
    #expect(try texts().isEmpty)
    try database.transaction { () throws(DatabaseError) in
      try database.run("INSERT INTO t (text) VALUES ('y')")
    } failed: {
      $0
    }
    #expect(try texts() == ["y"])
  }

  @Test func `errors carry SQLite's words and no values`() {
    let error = #expect(throws: DatabaseError.self) {
      try database.run("INSERT INTO missing VALUES (?)", .text("secret"))
    }
    #expect(error?.description == "database: no such table: missing")
  }

  @Test func `a reader cannot write`() throws {
    let reader = try Database(place.file("test.db"), .reading)
    #expect(throws: DatabaseError.self) { try reader.run("INSERT INTO t (text) VALUES ('x')") }
  }

  @Test func `reading makes no database`() throws {
    let error = #expect(throws: DatabaseError.self) {
      try Database(place.file("none.db"), .reading)
    }
    #expect(error?.cannotOpen == true)
    #expect(try place.names() == ["test.db"])
  }

  @Test func `a file that is no database is recognised as damaged`() throws {
    let path = try place.write(String(repeating: "no database ", count: 100), to: "bad.db")
    let error = #expect(throws: DatabaseError.self) {
      try Database(path, .writing).execute("CREATE TABLE t (a)")
    }
    #expect(error?.isCorrupt == true)
  }
}
