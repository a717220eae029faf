import Foundation
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct ListTests {
  private let place: TemporaryDirectory
  private let path: String
  private var lists = Lists()
  private let now: Int64 = 1_795_231_660_000_000

  init() throws {
    place = try TemporaryDirectory()
    path = place.file("scanners.txt")
  }

  private mutating func load(
    now: Int64 = 1_795_231_660_000_000
  ) -> (context: EventContext, problems: [String: String]) {
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.lists = ["scanners": .file(path), "office": .inline(["192.0.2.0/24"])]
    return lists.context(of: configuration, now: now)
  }

  private func entries(_ context: EventContext, _ address: String) throws -> [String]? {
    context.lists["scanners"]?.entries(containing: try #require(Network(address)))
  }

  /// Sets the file's time, which decides whether it counts as changed.
  private func touch(_ seconds: Int64) throws {
    try FileManager.default.setAttributes(
      [.modificationDate: Date(timeIntervalSince1970: Double(seconds))], ofItemAtPath: path)
  }

  @Test mutating func `a file holds one address or network a line, and comments`() throws {
    try place.write(
      "# scanners\n\n198.51.100.0/24\n  203.0.113.7\t# one host\r\n#1.2.3.4\n2001:db8::/32",
      to: "scanners.txt")
    let (context, problems) = load()
    #expect(problems.isEmpty)
    #expect(context.lists["scanners"]?.count == 3)
    #expect(context.lists["office"]?.count == 1)
    #expect(try entries(context, "198.51.100.9") == ["198.51.100.0/24"])
    #expect(try entries(context, "203.0.113.7") == ["203.0.113.7"])
    #expect(try entries(context, "1.2.3.4") == [])
  }

  @Test(arguments: [
    ("x\n203.0.113.7\n", ":1: not an address or network: x"),
    ("203.0.113.7\n\n1.2.3\n", ":3: not an address or network: 1.2.3"),
    (
      "203.0.113.7\n010.1.1.1\n\u{1b}[2J\n::1/129",
      ":2: not an address or network: 010.1.1.1; 3 lines are wrong"
    ),
    ("203.0.113.7\n\u{1b}[2J`", ":2: not an address or network: [2J'"),
    (
      "203.0.113.7 198.51.100.1\n203.0.113.7",
      ":1: not an address or network: 203.0.113.7 198.51.100.1"
    ),
  ])
  func `a line that is none is named, and the others count`(text: String, problem: String) {
    let loaded = Lists.parse(Array(text.utf8), path: "/l.txt")
    #expect(loaded.problem == "/l.txt" + problem)
    #expect(loaded.networks.count == 1)
  }

  @Test mutating func `a file that is not there, or may be anybody's, is an empty list and named`()
    throws
  {
    let missing = load()
    #expect(missing.problems == ["scanners": "\(path): no such file"])
    #expect(missing.context.lists["scanners"]?.count == 0)
    #expect(missing.context.lists["office"]?.count == 1)
    try place.write("203.0.113.7", to: "scanners.txt", mode: 0o666)
    #expect(load().problems == ["scanners": "\(path): can be written by others; chmod go-w"])
    #expect(try entries(load().context, "203.0.113.7") == [])
    try place.write("203.0.113.7", to: "scanners.txt", mode: 0o644)
    #expect(load().problems.isEmpty)
    #expect(try entries(load().context, "203.0.113.7") == ["203.0.113.7"])
  }

  @Test mutating func `a file beyond the limit is not read`() throws {
    try place.write(String(repeating: "#", count: Lists.sizeLimit + 1), to: "scanners.txt")
    #expect(load().problems == ["scanners": "\(path): larger than 8192 KiB"])
  }

  @Test mutating func `what changed is read again, also with its size and time as before`() throws {
    let seconds = now / 1_000_000
    try place.write("203.0.113.7\n", to: "scanners.txt")
    try touch(seconds - 100)
    #expect(try entries(load().context, "203.0.113.7") == ["203.0.113.7"])
    // The kernel's clock for this ticks every few milliseconds.
    usleep(20_000)
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data("203.0.113.8\n".utf8))
    try handle.close()
    try touch(seconds - 100)
    #expect(try entries(load().context, "203.0.113.8") == ["203.0.113.8"])
    #expect(try entries(load().context, "203.0.113.7") == [])
  }

  @Test mutating func `two changes within a tick of the clock are both seen`() throws {
    let seconds = now / 1_000_000
    try place.write("203.0.113.7\n", to: "scanners.txt")
    try touch(seconds)
    #expect(try entries(load(now: now + 10_000).context, "203.0.113.7") == ["203.0.113.7"])
    let handle = try #require(FileHandle(forWritingAtPath: path))
    try handle.write(contentsOf: Data("203.0.113.8\n".utf8))
    try handle.close()
    try touch(seconds)
    #expect(try entries(load(now: now + 20_000).context, "203.0.113.8") == ["203.0.113.8"])
  }
}
