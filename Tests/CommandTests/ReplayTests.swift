import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// What formatters would have made of what stands in fail2ban's own database: read, and nothing else.
struct ReplayTests {
  /// As fail2ban 1.0.2 makes it (server/database.py), but for the indices and the logs.
  static let schema = """
    CREATE TABLE fail2banDb(version INTEGER);
    INSERT INTO fail2banDb VALUES (4);
    CREATE TABLE jails(name TEXT NOT NULL UNIQUE, enabled INTEGER NOT NULL DEFAULT 1);
    CREATE TABLE bans(jail TEXT NOT NULL, ip TEXT, timeofban INTEGER NOT NULL,
      bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON,
      FOREIGN KEY(jail) REFERENCES jails(name));
    CREATE TABLE bips(ip TEXT NOT NULL, jail TEXT NOT NULL, timeofban INTEGER NOT NULL,
      bantime INTEGER NOT NULL, bancount INTEGER NOT NULL default 1, data JSON,
      PRIMARY KEY(ip, jail), FOREIGN KEY(jail) REFERENCES jails(name));
    """
  /// 2026-11-20 22:00:00 UTC.
  private static let evening = 1_795_212_000

  private func database(_ installation: Installation, _ sql: String) throws -> String {
    let path = installation.directory.file("fail2ban.sqlite3")
    let database = try Database(path, .writing)
    try database.execute(Self.schema + sql)
    return path
  }

  private func ban(
    _ ip: String, after seconds: Int = 0, jail: String = "sshd", data: String = #"{"failures": 5}"#
  ) -> String {
    """
    INSERT INTO bans VALUES ('\(jail)', '\(ip)', \(Self.evening + seconds), 600, 1, '\(data)');
    """
  }

  /// All that its JSON says: the lines of events and digests, and the last one.
  private func replay(
    _ installation: Installation, _ path: String, _ more: [String] = []
  ) async throws -> (lines: [JSON], summary: JSON) {
    let call = try await installation.luaslack(
      ["replay", "--from", path, "--since", "2026-11-20", "--json"] + more)
    try #require(call.status == 0, "\(call.errors)")
    let lines = try call.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
    try #require(!lines.isEmpty)
    return (Array(lines.dropLast()), lines[lines.count - 1]["summary"])
  }

  @Test func `a block for each ban, and the counts`() async throws {
    let installation = try await Installation()
    let path = try database(
      installation, ban("203.0.113.7") + ban("2001:db8::7", after: 60, jail: "nginx-http-auth"))
    let call = try await installation.luaslack(["replay", "--from", path, "--since", "2026-11-20"])
    #expect(call.status == 0)
    #expect(
      call.output.hasPrefix(
        """
        2026-11-20 22:00:00 UTC  sshd 203.0.113.7  -> default
          sshd banned 203.0.113.7 after 5 failures on
        """), "\(call.output)")
    #expect(
      call.output.hasSuffix(
        """
        2 bans: nginx-http-auth 1, sshd 1
        default: 2 messages

        """), "\(call.output)")
    #expect(call.errors == "")
  }

  @Test func `nothing is queued, sent or made, and the database stays as it is`() async throws {
    let installation = try await Installation()
    let path = try database(installation, ban("203.0.113.7"))
    let before = try Data(contentsOf: URL(filePath: path))
    let names = try installation.directory.names()
    let (lines, _) = try await replay(installation, path)
    #expect(lines.count == 1)
    #expect(try Data(contentsOf: URL(filePath: path)) == before)
    #expect(try installation.directory.names() == names)
    #expect(try await installation.slack.messages().isEmpty)
  }

  @Test func `time, jail and number choose what is shown`() async throws {
    let installation = try await Installation()
    let path = try database(
      installation,
      (0..<10).map { ban("203.0.113.\($0)", after: $0 * 3_600, jail: "jail\($0 % 2)") }.joined())
    func shown(_ options: String...) async throws -> [String] {
      try await replay(installation, path, options).lines.compactMap { $0["event"]["ip"].string }
    }
    #expect(try await shown().count == 10)
    #expect(try await shown("--until", "2026-11-21T00:00").count == 2)
    #expect(try await shown("--jail=jail1", "--limit=2") == ["203.0.113.7", "203.0.113.9"])
    #expect(try await shown("--jail=x*,*0").count == 5)
    #expect(try await replay(installation, path, ["--limit=2"]).summary["total"].number == 10)
  }

  @Test func `nothing since is no error`() async throws {
    let installation = try await Installation()
    let path = try database(installation, ban("203.0.113.7"))
    let call = try await installation.luaslack(["replay", "--from", path, "--since", "2030-01-01"])
    #expect(call.status == 0)
    #expect(call.output == "no bans\n")
    let (lines, summary) = try await replay(installation, path, ["--jail=nothing"])
    #expect(lines.isEmpty && summary["bans"].number == 0)
  }

  @Test func `formatters, lists, routes and a destination's own words count as in earnest`()
    async throws
  {
    let installation = try await Installation(
      config: """
        [destination.default]
        webhook_file = "webhook"
        [destination.security]
        webhook_file = "webhook"
        formatter = "minimal"
        [[route]]
        jail = "web*"
        to = ["default", "security"]
        [list]
        own = ["198.51.100.0/24"]
        [mute]
        lists = ["own"]

        """)
    try installation.directory.write(
      """
      return { ban = function(event, payload)
        if event.ip == "203.0.113.9" then error("no") end
        if event.matches then payload.text = "lines: " .. event.matches end
        payload.username = event.user
        if event.ip == "203.0.113.8" then return slack.mute("known") end
      end }
      """, to: "formatters/50-x.lua")
    let data = #"{"failures": 3, "user": "root", "matches": ["one", ["t", "w", "o"]]}"#
    let path = try database(
      installation,
      ban("203.0.113.7", data: data) + ban("203.0.113.8", after: 1)
        + ban("203.0.113.9", after: 2, jail: "web1") + ban("198.51.100.7", after: 3))
    let (lines, summary) = try await replay(installation, path)
    #expect(lines.count == 4)
    #expect(lines[0]["payload"]["username"].string == "root")
    #expect(lines[0]["event"]["failures"].number == 3)
    #expect(lines[0]["destinations"].array.map(\.string) == ["default"])
    #expect(lines[1]["payload"].isNull && lines[1]["muted"].string?.hasSuffix("known") == true)
    #expect(lines[2]["destinations"].array.map(\.string) == ["default", "security"])
    let own = lines[2]["own_payloads"]["security"]["text"].string ?? ""
    #expect(own.contains("203.0.113.9") && own != lines[2]["payload"]["text"].string)
    #expect(lines[3]["muted"].string?.contains("list own") == true)
    #expect(summary["problems"].object.keys.contains { $0.hasPrefix("50-x.lua:2: no") })
    #expect(summary["muted"].object.count == 2)
    let withLines = try await replay(installation, path, ["--lines"]).lines
    #expect(withLines.first?["payload"]["text"].string?.hasPrefix("lines: one\ntwo") == true)

    let text = try await installation.luaslack(
      ["replay", "--from", path, "--since", "2026-11-20"])
    #expect(text.output.contains("sshd 203.0.113.8  -> no message: muted by 50-x.lua"))
    #expect(text.output.contains("-> default; security\n"))
    #expect(text.output.contains("\n  for security:\n"))
    let told = text.errors.components(separatedBy: "\n")
    let problem = told.firstIndex { $0.hasSuffix("50-x.lua:2: no (1 event)") }
    #expect(problem.map { told[$0 + 2].hasPrefix("    2 | ") } == true, "\(text.errors)")
  }

  /// Within the minute after which a program is killed here.
  @Test func `of ten thousand rows each is in one message`() async throws {
    let installation = try await Installation(
      config: """
        [destination.default]
        webhook_file = "webhook"

        """)
    let path = try database(
      installation,
      """
      WITH RECURSIVE n(n) AS (SELECT 0 UNION ALL SELECT n + 1 FROM n WHERE n < 9999)
      INSERT INTO bans SELECT 'sshd', '10.0.' || (n / 250) || '.' || (n % 250),
        \(Self.evening) + n / 40, 600, 1, '{"failures": 5, "user": "root"}' FROM n;
      INSERT INTO bips SELECT ip, jail, timeofban, bantime, bancount, data FROM bans;
      """)
    let (lines, summary) = try await replay(installation, path)
    let digests = lines.filter { !$0["digest"].isNull }
    #expect(lines.count - digests.count == 10_000)
    let told = summary["destinations"]["default"]
    let (messages, folded) = (told["messages"].number ?? 0, told["in_digests"].number ?? 0)
    #expect(messages + folded == 10_000)
    #expect(digests.reduce(0) { $0 + ($1["digest"]["count"].number ?? 0) } == folded)
    // Forty a second where one goes out: nearly all are told in a handful of digests.
    #expect(folded > 9_900 && digests.count < 20)
    let first = try #require(digests.first)
    #expect(first["payload"]["text"].string?.contains("bans, in sshd") == true)
    let member = lines.first { $0["digest_at"]["default"].number != nil }
    #expect(member?["digest_at"]["default"].number == first["digest"]["time"].number)
  }

  @Test func `rows that nobody meant do no harm`() async throws {
    let installation = try await Installation()
    let path = try database(
      installation,
      """
      INSERT INTO bans VALUES ('sshd', 'no address <!channel>', \(Self.evening), 600, 1, x'ff00fe');
      INSERT INTO bans VALUES ('sshd', '203.0.113.1', 'soon', 600, 1, NULL);
      INSERT INTO bans VALUES ('sshd', '203.0.113.2', 9000000000000000000, 600, 1, '{}');
      INSERT INTO bans VALUES ('sshd', '203.0.113.3', 1e300, 600, 1, '{}');
      INSERT INTO bans VALUES ('sshd', '203.0.113.4', \(Self.evening + 1), 'long', 'often', '[1]');
      INSERT INTO bans VALUES ('sshd', NULL, \(Self.evening), 600, 1, '{}');
      INSERT INTO bans VALUES ('', '203.0.113.5', \(Self.evening), 600, 1, '{}');
      INSERT INTO bans VALUES (x'1b5b324a', x'ff1b5b324a', \(Self.evening + 2), -1, 1,
        '{"matches": "x", "failures": {}, "user": ["a"], "ip": 5}');
      INSERT INTO bans VALUES ('sshd', '203.0.113.6', \(Self.evening + 3), 1e300, 1e300,
        '{"matches": [1, null, [["x"]], "\\u001b[2J <@U012AB3CD>"], "failures": 1e9}');
      INSERT INTO bans VALUES ('sshd', '203.0.113.7', \(Self.evening + 4), 600, 1,
        '{"user": "' || hex(zeroblob(3000000)) || '"}');
      INSERT INTO bans VALUES (hex(zeroblob(100000)), hex(zeroblob(100000)),
        \(Self.evening + 5), 600, 1, '{"user": "' || hex(zeroblob(100000)) || '"}');
      """)
    let (lines, summary) = try await replay(installation, path, ["--lines"])
    #expect(lines.count == 6)
    #expect(summary["unreadable"].number == 5)
    #expect(lines.allSatisfy { $0["payload"].liveMarkup.isEmpty })
    let call = try await installation.luaslack(
      ["replay", "--from", path, "--since", "2026-11-20", "--lines"])
    #expect(call.status == 0)
    #expect(!call.outputBytes.contains(0x1b))
    #expect(call.errors.contains("5 rows without a time, a jail or an address left out"))
  }

  @Test func `what is no database of fail2ban's is said to be none`() async throws {
    let installation = try await Installation()
    let place = installation.directory
    let good = try database(
      installation, (0..<500).map { ban("203.0.113.\($0)", after: $0) }.joined())
    let bytes = try Data(contentsOf: URL(filePath: good))
    try bytes.prefix(bytes.count / 2).write(to: URL(filePath: place.file("short")))
    try bytes.prefix(60).write(to: URL(filePath: place.file("shorter")))
    var damaged = bytes
    damaged.replaceSubrange(4_096..<16_384, with: Data(repeating: 0xa5, count: 12_288))
    try damaged.write(to: URL(filePath: place.file("damaged")))
    try place.write("", to: "empty")
    try place.write("[sshd]\n", to: "text")
    try Database(place.file("foreign"), .writing).execute("CREATE TABLE bans(jail)")
    try Database(place.file("old"), .writing).execute(
      Self.schema + "UPDATE fail2banDb SET version = 2")
    try Database(place.file("view"), .writing).execute(
      """
      CREATE TABLE fail2banDb(version INTEGER); INSERT INTO fail2banDb VALUES (4);
      CREATE TABLE bips(ip); CREATE VIEW bans AS WITH RECURSIVE n(n) AS
        (SELECT 0 UNION ALL SELECT n + 1 FROM n) SELECT n AS ip FROM n
      """)
    mkfifo(place.file("fifo"), 0o600)
    let expected: [(String, Int32, String)] = [
      ("nothing", 66, "No such file or directory"), (".", 66, "no ordinary file"),
      ("fifo", 66, "no ordinary file"), ("empty", 65, "no SQLite database"),
      ("text", 65, "no SQLite database"), ("shorter", 65, "no SQLite database"),
      ("short", 65, "damaged, or cut short"), ("damaged", 65, "damaged, or cut short"),
      ("foreign", 65, "none of fail2ban's"), ("old", 65, "before 0.11"),
      ("view", 65, "none of fail2ban's"),
    ]
    for (name, status, words) in expected {
      let call = try await installation.luaslack(["replay", "--from", place.file(name)])
      #expect(call.status == status, "\(name): \(call.errors)")
      #expect(call.errors.hasPrefix("luaslack: "), "\(name): \(call.errors)")
      #expect(call.errors.contains(words), "\(name): \(call.errors)")
      #expect(call.errors.split(separator: "\n").count == 1 && call.output == "")
    }
  }

  @Test func `a database that somebody writes is waited for, and not for ever`() async throws {
    let installation = try await Installation()
    let path = try database(installation, ban("203.0.113.7"))
    let writer = try Database(path, .writing)
    try writer.execute("BEGIN EXCLUSIVE; DELETE FROM bans")
    let call = try await installation.luaslack(["replay", "--from", path])
    #expect(call.status == 75)
    #expect(call.errors.contains("another program has been writing it"))
    try writer.execute("ROLLBACK")
    #expect(try await replay(installation, path).lines.count == 1)
  }

  @Test func `a copy with a write-ahead log is read, with it and without`() async throws {
    let installation = try await Installation()
    let path = try database(installation, "PRAGMA journal_mode = WAL;" + ban("203.0.113.7"))
    #expect(!FileManager.default.fileExists(atPath: path + "-wal"))
    #expect(try await replay(installation, path).lines.count == 1)
    #expect(!FileManager.default.fileExists(atPath: path + "-shm"))
    let writer = try Database(path, .writing)
    try writer.execute(ban("203.0.113.8"))
    #expect(FileManager.default.fileExists(atPath: path + "-wal"))
    #expect(try await replay(installation, path).lines.count == 2)
    withExtendedLifetime(writer) {}
  }

  @Test func `a name is a name, whatever SQLite could read in it`() async throws {
    let installation = try await Installation()
    let path = try database(installation, ban("203.0.113.7"))
    let odd = installation.directory.file("a?mode=rwc&b#c %41é")
    try FileManager.default.moveItem(atPath: path, toPath: odd)
    #expect(try await replay(installation, odd).lines.count == 1)
  }

  @Test(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
  func `of a real fail2ban's bans it says what Slack was told`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["ban"]))
    let server = try Fail2banServer(installation)
    try await server.start()
    try server.fail(user: Array("a b <!channel> \u{202e}".utf8), from: "203.0.113.9")
    try await server.client("set", "sshd", "banip", "10.20.0.0/16", "2001:db8::9")
    let sent = try await server.messages(3)
    // fail2ban has it open, and may be writing.
    let from = installation.directory.file("fail2ban.sqlite3")
    try await eventually("fail2ban has written them down") {
      let call = try await installation.luaslack(["replay", "--from", from, "--json"])
      return call.output.split(separator: "\n").count == 4
    }
    try await server.stop()
    let call = try await installation.luaslack(["replay", "--from", from, "--json"])
    let payloads = try call.output.split(separator: "\n").dropLast()
      .map { try JSON(parsing: String($0))["payload"] }
    // In the order in which each came about; neither is that of the times.
    func sorted(_ payloads: [JSON]) -> [JSON] {
      payloads.sorted { ($0["text"].string ?? "") < ($1["text"].string ?? "") }
    }
    #expect(
      sorted(payloads).map(untimed) == sorted(sent.map(\.bodyJSON)).map(untimed),
      "\(call.errors)")
  }

  /// fail2ban's database has the second that is nearest to the time of a ban.
  private func untimed(_ json: JSON) -> JSON {
    switch json {
    case .object(var members):
      members["ts"] = nil
      return .object(members.mapValues(untimed))
    case .array(let items): return .array(items.map(untimed))
    default: return json
    }
  }
}
