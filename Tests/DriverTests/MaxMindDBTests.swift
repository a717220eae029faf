import Foundation
import MaxMindDB
import TestSupport
import Testing

@Suite struct MaxMindDBTests {
  private let place: TemporaryDirectory

  init() throws { place = try TemporaryDirectory() }

  private static let keys: Set = ["country", "iso_code", "names", "en", "city"]

  private func written(_ bytes: [UInt8], as name: String = "x.mmdb") throws -> String {
    let path = place.file(name)
    try Data(bytes).write(to: URL(filePath: path))
    return path
  }

  private static func ipv4(_ text: String) -> [UInt8] {
    [UInt8](repeating: 0, count: 10) + [0xff, 0xff]
      + text.split(separator: ".").compactMap { UInt8($0) }
  }

  private static func repeated(_ bytes: [UInt8], _ count: Int) -> [UInt8] {
    Array([[UInt8]](repeating: bytes, count: count).joined())
  }

  private static func database(_ value: AddressDatabase.Value? = nil) -> AddressDatabase {
    var database = AddressDatabase()
    database.add("203.0.113.0/24", value ?? AddressDatabase.city("DE", "Germany", "Berlin"))
    return database
  }

  @Test func `an address is found with what was asked for, and nothing else`() throws {
    var database = Self.database()
    database.add("2001:db8::/32", AddressDatabase.city("NL", "Netherlands", "Delft"))
    let opened = try Database(path: try written(database.bytes()))
    #expect(opened.type == "Test-City" && opened.builtAt > 1_700_000_000)
    let entry = try opened.entry(of: Self.ipv4("203.0.113.7"), keeping: Self.keys)
    let expected = Entry.table([
      "country": .table(["iso_code": .text("DE"), "names": .table(["en": .text("Germany")])]),
      "city": .table(["names": .table(["en": .text("Berlin")])]),
    ])
    #expect(entry == expected)
    var six = [UInt8](repeating: 0, count: 16)
    six.replaceSubrange(0..<4, with: [0x20, 0x01, 0x0d, 0xb8])
    let other = try opened.entry(of: six, keeping: Self.keys)
    #expect(other?["country"]?["iso_code"] == .text("NL"))
    let none = try opened.entry(of: Self.ipv4("198.51.100.1"), keeping: Self.keys)
    #expect(none == nil)
  }

  @Test func `a file that is no whole database is refused`() throws {
    let whole = Self.database().bytes()
    func error(_ bytes: [UInt8]) throws -> String {
      let path = try written(bytes)
      do {
        _ = try Database(path: path)
        return "opened"
      } catch { return "\(error)" }
    }
    #expect(try error([]).contains("cut off"))
    #expect(try error(Array(whole.dropLast(20))) != "opened")
    #expect(try error(Array(whole.prefix(whole.count / 2))).contains("cut off"))
    #expect(try error(Array("<html>not found</html>".utf8)).contains("no database"))
    #expect(try error(AddressDatabase.marker).contains("cut off"))
    // It says that it has more nodes than bytes.
    let huge = AddressDatabase.encoded(AddressDatabase().metadata(nodes: 400_000_000))
    #expect(
      try error([UInt8](repeating: 0, count: 64) + AddressDatabase.marker + huge)
        .contains("damaged"))
  }

  /// libmaxminddb 1.7.1 alone follows these until its stack or the memory is full.
  @Test func `what would be followed without end is followed to a bound`() throws {
    let deep = Self.repeated([0xe1, 0x41, 0x61], 400_000) + [0xe0]
    let arrays = Self.repeated([0x01, 0x04], 400_000) + [0xa0]
    // A table whose member is the table.
    let cycle: [UInt8] = [0xe1, 0x47] + Array("country".utf8) + [0x20, 0x00]
    let self2self: [UInt8] = [0x20, 0x00]
    let many: [UInt8] = [0xff, 0xff, 0xff, 0xff]
    for bytes in [deep, arrays, cycle, self2self, many] {
      let opened = try Database(path: try written(Self.database(.raw(bytes)).bytes()))
      #expect(throws: DatabaseFileError.self) {
        _ = try opened.entry(of: Self.ipv4("203.0.113.7"), keeping: Self.keys)
      }
    }
    // The same in what describes the file.
    for bytes in [deep, cycle] {
      let file = [UInt8](repeating: 0, count: 64) + AddressDatabase.marker + bytes.prefix(120_000)
      let path = try written(file)
      #expect(throws: DatabaseFileError.self) { _ = try Database(path: path) }
    }
  }

  @Test func `texts that are no UTF-8 or megabytes long are kept short and repaired`() throws {
    let long = [UInt8](repeating: 0x61, count: 3_000_000)
    let value = AddressDatabase.Value.map([
      ("city", .bytes([0x78, 0xff, 0xfe, 0x79])), ("country", .bytes(long)),
    ])
    let opened = try Database(path: try written(Self.database(value).bytes()))
    let entry = try opened.entry(of: Self.ipv4("203.0.113.7"), keeping: Self.keys)
    #expect(entry?["city"] == .text("x\u{fffd}\u{fffd}y"))
    #expect(entry?["country"] == .text(String(repeating: "a", count: 512)))
  }

  @Test func `a damaged copy is refused or read, and ends nothing`() throws {
    var random = FixedRandom(seed: 20)
    let whole = Self.database().bytes()
    var opened = 0
    for round in 0..<(Long.isOn ? 20_000 : 1_500) {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...4, using: &random) {
        // Half of the damage where it counts most: behind the tree.
        let start = round % 2 == 0 ? 0 : bytes.count - 400
        bytes[Int.random(in: max(0, start)..<bytes.count, using: &random)] =
          UInt8.random(in: 0...255, using: &random)
      }
      if round % 7 == 0 { bytes.removeLast(Int.random(in: 0..<bytes.count, using: &random)) }
      let path = try written(bytes)
      guard let database = try? Database(path: path) else { continue }
      opened += 1
      for address in ["203.0.113.7", "0.0.0.0", "255.255.255.255", "203.0.112.255"] {
        _ = try? database.entry(of: Self.ipv4(address), keeping: Self.keys)
      }
    }
    #expect(opened > 50)
  }

  /// libmaxminddb reckons with 32 bits where its tree ends, and takes the first of two.
  @Test func `a count that is told twice is refused where one of them is wrong`() throws {
    for count: UInt8 in [0x1f, 0x3f, 0xff] {
      var database = Self.database()
      database.moreMetadata = [("node_count", .raw([0xc4, count, 0xff, 0xff, 0xff]))]
      let path = try written(database.bytes())
      #expect(throws: DatabaseFileError.self) { _ = try Database(path: path) }
    }
    var database = Self.database()
    database.moreMetadata = [("database_type", .text("First"))]
    #expect(try Database(path: try written(database.bytes())).type == "First")
  }

  @Test func `random bytes are no database`() throws {
    var random = FixedRandom(seed: 21)
    for size in [0, 1, 13, 14, 15, 100, 200_000] {
      let bytes = (0..<size).map { _ in UInt8.random(in: 0...255, using: &random) }
      let path = try written(bytes)
      #expect(throws: DatabaseFileError.self) { _ = try Database(path: path) }
      let marked = try written(bytes + AddressDatabase.marker + bytes.prefix(1_000))
      #expect(throws: DatabaseFileError.self) { _ = try Database(path: marked) }
    }
  }
}
