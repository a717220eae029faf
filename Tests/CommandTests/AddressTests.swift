import Foundation
import TestSupport
import Testing

/// Where addresses are and what they are called, from files and a name server to the message.
@Suite struct AddressTests {
  private static let evil =
    "<!channel> *b* `c` <https://evil.example|bank> & \u{202e}x\u{1b}[31m\nforged"

  private func installation(
    _ database: AddressDatabase?, rdns: String? = nil, formatters: String? = nil,
    linger: String = "60s"
  ) async throws -> Installation {
    var more = #"[geo]"# + "\n" + #"databases = ["city.mmdb"]"# + "\n"
    if let rdns { more += "[rdns]\nenabled = true\n\(rdns)\n" }
    let top = #"formatters = [\#(formatters ?? #""default", "local""#)]"# + "\n"
    let installation = try await Installation(
      config: top + Installation.config(post: ["ban"], linger: linger, more: more))
    if let database { try write(database.bytes(), installation) }
    return installation
  }

  private func write(_ bytes: [UInt8], _ installation: Installation) throws {
    let draft = installation.directory.file("draft.mmdb")
    try Data(bytes).write(to: URL(filePath: draft))
    #expect(rename(draft, installation.directory.file("city.mmdb")) == 0)
  }

  private static func database(_ city: String = "Berlin") -> AddressDatabase {
    var database = AddressDatabase()
    database.add("203.0.113.0/24", AddressDatabase.city("DE", "Germany", city))
    return database
  }

  /// Shows what the event has.
  private static let shown = """
    return { ban = function(event, payload)
      local geo = event.geo or {}
      payload.text = ("%s %s %s %s %s"):format(event.ip, geo.country or "-", geo.city or "-",
        event.rdns or "-", geo.flag or "-")
    end }
    """

  private func ban(_ installation: Installation, _ ip: String) async throws {
    let call = try await installation.luaslack(["ban", "--wait", "--", "sshd", ip, "5"])
    #expect(call.status == 0, "\(call.errors)")
  }

  private func texts(_ installation: Installation, _ count: Int) async throws -> [String] {
    try await installation.slack.waitForMessages(count).map { $0.bodyJSON["text"].string ?? "" }
  }

  // MARK: - Files

  @Test func `a message knows where the address is, and the table of bans its country`()
    async throws
  {
    let installation = try await installation(
      Self.database(), formatters: #""default", "geo""#)
    try await ban(installation, "203.0.113.7")
    try await ban(installation, "198.51.100.7")
    let messages = try await installation.slack.waitForMessages(2).map(\.bodyJSON)
    #expect(messages[0].strings.contains("🇩🇪 Germany, Berlin"))
    #expect(
      messages[0]["text"].string?.contains(
        "🇩🇪 (<https://www.abuseipdb.com/check/203.0.113.7|AbuseIPDB>)") == true)
    #expect(!"\(messages[1])".contains("From"))
    let trace = try await installation.luaslack(["trace", "--json", "203.0.113.7"])
    #expect(trace.output.contains(#""country": "DE""#))
    let copies = try installation.directory.names(in: "spool").filter { $0.hasPrefix("geo-") }
    #expect(copies.count == 1)
    let mode =
      try FileManager.default.attributesOfItem(
        atPath: installation.directory.file("spool/\(copies[0])"))[.posixPermissions] as? Int
    #expect(mode == 0o600)
  }

  @Test func `a new file counts for the next event, and its old copy goes`() async throws {
    let installation = try await installation(Self.database())
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    try await ban(installation, "203.0.113.7")
    try write(Self.database("Potsdam").bytes(), installation)
    try await ban(installation, "203.0.113.8")
    #expect(
      try await texts(installation, 2) == [
        "203.0.113.7 DE Berlin - 🇩🇪", "203.0.113.8 DE Potsdam - 🇩🇪",
      ])
    let copies = try installation.directory.names(in: "spool").filter { $0.contains("geo-") }
    #expect(copies.count == 1)
  }

  @Test func `a large file under two names is read twice, and neither is in the other's way`()
    async throws
  {
    let installation = try await Installation(
      config: Installation.config(
        post: ["ban"], more: #"[geo]"# + "\n" + #"databases = ["city.mmdb", "same.mmdb"]"# + "\n"))
    var database = Self.database()
    // It is copied in several steps.
    database.add(
      "198.51.100.0/24", .map([("padding", .bytes([UInt8](repeating: 7, count: 12 << 20)))]))
    try write(database.bytes(), installation)
    try FileManager.default.createSymbolicLink(
      atPath: installation.directory.file("same.mmdb"), withDestinationPath: "city.mmdb")
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    let daemon = try await installation.daemon()
    try await eventually("both are copied") {
      try await ban(installation, "203.0.113.7")
      return try installation.directory.names(in: "spool").filter { $0.hasPrefix("geo-") }.count
        == 2
    }
    try await ban(installation, "203.0.113.8")
    #expect(try await installation.slack.messages().last?.text == "203.0.113.8 DE Berlin - 🇩🇪")
    #expect(try await installation.luaslack(["status"]).status == 0)
    #expect(daemon.isRunning)
  }

  @Test func `a copy that a power cut has spoilt is made anew`() async throws {
    let installation = try await installation(Self.database(), linger: "0s")
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    // Copies of what was written less than a second before are not believed anyway.
    var old = [
      timespec(tv_sec: 1_700_000_000, tv_nsec: 0), timespec(tv_sec: 1_700_000_000, tv_nsec: 0),
    ]
    #expect(utimensat(AT_FDCWD, installation.directory.file("city.mmdb"), &old, 0) == 0)
    try await ban(installation, "203.0.113.7")
    await installation.settle()
    let copy = try #require(
      try installation.directory.names(in: "spool").first { $0.contains("geo-") })
    let path = installation.directory.file("spool/" + copy)
    let size = try Data(contentsOf: URL(filePath: path)).count
    try Data(count: size).write(to: URL(filePath: path))
    try await ban(installation, "203.0.113.8")
    #expect(try await texts(installation, 2).last == "203.0.113.8 DE Berlin - 🇩🇪")
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  /// Mapped directly, the first of these would end luaslackd with SIGBUS.
  @Test func `a file that is cut off or written over in use ends nothing`() async throws {
    let installation = try await installation(Self.database())
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    try await ban(installation, "203.0.113.7")
    let daemon = installation.daemons()
    let path = installation.directory.file("city.mmdb")
    #expect(truncate(path, 100) == 0)
    try await ban(installation, "203.0.113.8")
    #expect(truncate(path, 0) == 0)
    try await ban(installation, "203.0.113.9")
    let file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.write(contentsOf: Data(repeating: 0xff, count: 200_000))
    try file.close()
    try await ban(installation, "203.0.113.10")
    let wrong = try await installation.luaslack(["status"])
    #expect(wrong.status == 1 && wrong.output.contains("geo database \(path): "))
    #expect(wrong.output.contains("put a whole one in its place"))
    // The last that was whole serves meanwhile.
    let texts = try await texts(installation, 4)
    #expect(texts.allSatisfy { $0.contains("DE Berlin") }, "\(texts)")
    #expect(daemon.count == 1 && installation.daemons() == daemon)
    try write(Self.database("Potsdam").bytes(), installation)
    try await ban(installation, "203.0.113.11")
    #expect(try await self.texts(installation, 5).last?.contains("Potsdam") == true)
    let mended = try await installation.luaslack(["status"])
    #expect(mended.status == 0 && !mended.output.contains("geo database"))
  }

  @Test func `an absent, unreadable or senseless file costs no message`() async throws {
    let installation = try await installation(nil)
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    let path = installation.directory.file("city.mmdb")
    func problem(_ ip: String) async throws -> String {
      try await ban(installation, ip)
      let status = try await installation.luaslack(["status"])
      return status.output.split(separator: "\n").first { $0.contains("geo database") }
        .map(String.init) ?? "none"
    }
    #expect(try await problem("203.0.113.1").contains("no such file"))
    try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: false)
    #expect(try await problem("203.0.113.2").contains("no ordinary file"))
    try FileManager.default.removeItem(atPath: path)
    #expect(mkfifo(path, 0o600) == 0)
    #expect(try await problem("203.0.113.3").contains("no ordinary file"))
    try FileManager.default.removeItem(atPath: path)
    try write(Array("<html>".utf8), installation)
    #expect(try await problem("203.0.113.4").contains("no database"))
    try write([], installation)
    #expect(try await problem("203.0.113.5").contains("no database"))
    let nested = [[UInt8]](repeating: [0xe1, 0x41, 0x61], count: 300_000)
    let deep = Array(nested.joined()) + [0xe0]
    var database = AddressDatabase()
    database.add("203.0.113.0/24", .raw(deep))
    try write(database.bytes(), installation)
    // Which address it chokes on is known when one is looked up.
    try await ban(installation, "203.0.113.6")
    #expect(try await problem("203.0.113.7").contains("damaged"))
    #expect(try await texts(installation, 7).allSatisfy { $0.hasSuffix(" - - - -") })
  }

  @Test func `a dry run and preview know it too, as any user and without a copy`() async throws {
    let installation = try await installation(
      Self.database(), formatters: #""default", "geo""#)
    let dry = try await installation.luaslack([
      "ban", "--dry-run", "--", "sshd", "203.0.113.7", "5",
    ])
    #expect(dry.status == 0 && dry.output.contains("Germany, Berlin"), "\(dry.errors)")
    try installation.directory.write(
      #"{"kind": "ban", "jail": "sshd", "ip": "203.0.113.7"}"#, to: "event.json")
    let preview = try await installation.luaslack([
      "preview", "--event", installation.directory.file("event.json"),
    ])
    #expect(preview.output.contains("Germany, Berlin"), "\(preview.errors)")
    try write([1, 2, 3], installation)
    let wrong = try await installation.luaslack([
      "ban", "--dry-run", "--", "sshd", "203.0.113.7", "5",
    ])
    #expect(wrong.status == 0 && wrong.errors.contains("geo database"))
    #expect(!FileManager.default.fileExists(atPath: installation.spool))
  }

  @Test(arguments: ["default", "blocks", "minimal"])
  func `hostile texts of a database arrive inert`(first: String) async throws {
    var database = AddressDatabase()
    database.add(
      "203.0.113.0/24",
      .map([
        (
          "country", .map([("iso_code", .text("<!")), ("names", .map([("en", .text(Self.evil))]))])
        ),
        ("city", .bytes(Array("x".utf8) + [0xff, 0xfe] + Array("y".utf8))),
        (
          "autonomous_system_organization",
          .bytes(Array(Self.evil.utf8) + [UInt8](repeating: 0x61, count: 2_000_000))
        ),
      ]))
    let installation = try await installation(database, formatters: #""\#(first)", "geo""#)
    try await ban(installation, "203.0.113.7")
    let message = try #require(try await installation.slack.waitForMessages(1).first).bodyJSON
    let link = "<https://www.abuseipdb.com/check/203.0.113.7|AbuseIPDB>"
    let text = message.strings.map { $0.replacing(link, with: "") }
    for string in text where !string.contains("<!date^") {
      #expect(!string.contains("<") && !string.contains("\u{202e}") && !string.contains("\u{1b}"))
    }
    #expect(first == "minimal" || text.contains { $0.contains("&lt;!channel&gt;") })
    #expect(text.allSatisfy { $0.count < 1_000 })
  }

  // MARK: - Names

  private static let confirmed: NameServer.Rule = { question in
    switch question.type {
    case 12: .records([.name("host.example.org")])
    case 1: .records([.address("203.0.113.7")])
    default: .records([])
    }
  }

  @Test func `a name that leads back is told, and asked for once`() async throws {
    let server = try NameServer(Self.confirmed)
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"\ntimeout_ms = 2000")
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    try await ban(installation, "203.0.113.7")
    let again = try await installation.luaslack([
      "ban", "--wait", "--", "nginx", "203.0.113.7", "5",
    ])
    #expect(again.status == 0)
    // Its name leads to another address.
    try await ban(installation, "203.0.113.8")
    let texts = try await texts(installation, 3)
    #expect(texts[0] == "203.0.113.7 DE Berlin host.example.org 🇩🇪")
    #expect(texts[1] == texts[0])
    #expect(texts[2] == "203.0.113.8 DE Berlin - 🇩🇪")
    #expect(
      server.asked.map(\.name) == [
        "7.113.0.203.in-addr.arpa", "host.example.org", "8.113.0.203.in-addr.arpa",
        "host.example.org",
      ])
  }

  @Test func `an address of IPv6 has a name, also if that comes over TCP`() async throws {
    let server = try NameServer { question in
      switch question.type {
      case 12: .truncated([.name("six.example.org")])
      case 28: .records([.address("2001:db8::7")])
      default: .records([])
      }
    }
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"\ntimeout_ms = 2000")
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    try await ban(installation, "2001:db8::7")
    #expect(try await texts(installation, 1) == ["2001:db8::7 - - six.example.org -"])
    #expect(server.asked.contains { $0.isTCP })
  }

  @Test func `what lies, raves or is hostile names nothing`() async throws {
    let names = Mutable<[NameServer.Behaviour]>([
      .records([.name(labels: [Array("<!channel>".utf8), Array("example".utf8)])]),
      .records([.name(labels: [[0x61, 0x0a, 0x62], Array("example".utf8)])]),
      .records([.name(labels: [[0xff, 0xfe], Array("example".utf8)])]),
      .records([.name("203.0.113.7")]), .records([.raw(12, [0xc0, 0xff])]), .garbage([1, 2, 3]),
      .spoofed([.name("host.example.org")]), .code(3), .code(2),
    ])
    let server = try NameServer { question in
      question.type == 12 ? names.first : .records([.address("203.0.113.7")])
    }
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"\ntimeout_ms = 100")
    try installation.directory.write(Self.shown, to: "formatters/50-own.lua")
    var count = 0
    while !names.isEmpty {
      count += 1
      let daemons = installation.daemons()
      try await ban(installation, "203.0.113.\(count)")
      #expect(count == 1 || daemons == installation.daemons())
      names.removeFirst()
    }
    let texts = try await texts(installation, count)
    #expect(texts.allSatisfy { $0.hasSuffix(" DE Berlin - 🇩🇪") }, "\(texts)")
  }

  @Test func `a resolver that never answers costs no message, and is soon asked no more`()
    async throws
  {
    let server = try NameServer { _ in .silence }
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"\ntimeout_ms = 50")
    for number in 1...8 { try await ban(installation, "203.0.113.\(number)") }
    #expect(try await installation.slack.waitForMessages(8).count == 8)
    // Three batches with two questions each; a busy machine may cut the second ones off.
    #expect((3...6).contains(server.asked.count), "\(server.asked)")
    let status = try await installation.luaslack(["status"])
    #expect(status.output.contains("rdns: nobody answers"))
  }

  @Test func `in a storm nobody is asked`() async throws {
    let server = try NameServer(Self.confirmed)
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"")
    for number in 1...40 {
      #expect(try await installation.banUndelivered("198.51.100.\(number)").status == 0)
    }
    let daemon = try await installation.daemon()
    await eventually("all are taken in") { installation.incoming.isEmpty }
    #expect(server.asked.isEmpty)
    #expect(daemon.isRunning)
  }

  @Test func `without rdns nobody is asked`() async throws {
    let server = try NameServer(Self.confirmed)
    let installation = try await installation(Self.database(), linger: "0s")
    let config = try installation.directory.read("config.toml")
    try installation.directory.write(
      config + "[rdns]\nenabled = false\nserver = \"\(server.address)\"\n", to: "config.toml")
    try await ban(installation, "203.0.113.7")
    #expect(server.asked.isEmpty)
  }

  // MARK: - doctor

  @Test func `doctor tells of files and resolver, with the mend`() async throws {
    let server = try NameServer { _ in .code(3) }
    let installation = try await installation(
      Self.database(), rdns: "server = \"\(server.address)\"\ntimeout_ms = 2000")
    try await ban(installation, "198.51.100.1")
    func findings() async throws -> [JSON] {
      let call = try await installation.luaslack(["doctor", "--json"])
      return try JSON(parsing: call.output)["findings"].array.filter {
        ["geo database", "rdns"].contains($0["subject"].string)
      }
    }
    let well = try await findings()
    #expect(well.map { $0["state"].string } == ["ok", "ok"], "\(well)")
    #expect(well.first?["found"].string?.contains("city.mmdb: Test-City of 20") == true)
    var old = Self.database()
    old.builtAt = 1_700_000_000
    try write(old.bytes(), installation)
    let stale = try await findings()
    #expect(stale.first?["state"].string == "warning")
    #expect(stale.first?["mend"].string?.contains("newer") == true)
    try write(Array("nothing".utf8), installation)
    server.answer { _ in .silence }
    let wrong = try await findings()
    #expect(wrong.map { $0["state"].string } == ["warning", "warning"])
    #expect(wrong.first?["found"].string?.contains("no database") == true)
    #expect(wrong.last?["found"].string?.contains("does not answer") == true)
  }
}

/// A list that a name server takes from while a test goes on.
private final class Mutable<Items: RangeReplaceableCollection & Sendable>: @unchecked Sendable
where Items.Element: Sendable {
  private let lock = NSLock()
  private var items: Items
  init(_ items: Items) { self.items = items }
  var isEmpty: Bool { lock.withLock { items.isEmpty } }
  var first: Items.Element { lock.withLock { items[items.startIndex] } }
  func removeFirst() { lock.withLock { _ = items.removeFirst() } }
}
