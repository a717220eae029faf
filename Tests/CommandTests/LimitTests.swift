import SQLite
import TestSupport
import Testing

/// What the config says of how formatters run, in the real sandbox.
@Suite struct LimitTests {
  private func installation(_ more: String, formatter: String? = nil) async throws -> Installation {
    let installation = try await Installation(config: more + "\n" + Installation.config())
    if let formatter {
      try installation.directory.write(formatter, to: "formatters/50-own.lua")
    }
    return installation
  }

  @Test func `at the floors the shipped formatter still does its part`() async throws {
    let limits = """
      limits.memory = "4 MiB"
      limits.source = "16 KiB"
      limits.result = "32 KiB"
      limits.nodes = 1000
      limits.depth = 8
      """
    let installation = try await installation(limits)
    _ = try await installation.luaslack(
      [
        "ban", "--host=web1", "--user=root", "--bantime=600",
        "--matches=" + String(repeating: "Failed password for root\n", count: 600), "--", "sshd",
        "203.0.113.7", "5",
      ])
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text == ":shield: sshd banned 203.0.113.7 after 5 failures on web1")
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test func `the memory that the config gives is what a formatter has`() async throws {
    let script = "return { ban = function() return { text = #('x'):rep(6 << 20) .. '' } end }"
    let small = try await installation("limits.memory = \"4 MiB\"", formatter: script)
    let refused = try await small.luaslack(["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"])
    #expect(refused.errors.contains("memory limit (4 MiB)"))
    let large = try await installation("limits.memory = \"20 MiB\"", formatter: script)
    let taken = try await large.luaslack(["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"])
    #expect(taken.errors == "")
    #expect(taken.output.contains("6291456"))
  }

  @Test func `a formatter tells the time in the zone of the config`() async throws {
    let installation = try await installation(
      "timezone = \"Asia/Kolkata\"",
      formatter: "return { ban = function() return { text = os.date('%Y-%m-%d %H:%M') } end }")
    let trial = try await installation.luaslack(
      ["ban", "--dry-run", "--time=1795231644", "--", "sshd", "203.0.113.7", "5"])
    #expect(trial.errors == "")
    #expect(try JSON(parsing: trial.output)["text"].string == "2026-11-21 08:57")
  }

  /// What is tried is what runs: every command that tries a formatter meets the limit that production
  /// meets, and says the same of it.
  @Test func `a limit that is changed once is changed everywhere`() async throws {
    let installation = try await installation(
      "",
      formatter: "return { ban = function(e) return { text = ('x'):rep(33800) .. e.ip } end }")
    let directory = installation.directory
    let event = try directory.write(
      #"{"kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": 5}"#,
      to: "formatters/cases/50-own/ban/event.json")
    #expect(try await installation.luaslack(["formatter", "test", "--record"]).status == 65)
    let database = try Database(directory.file("fail2ban.sqlite3"), .writing)
    try database.execute(
      ReplayTests.schema
        + "INSERT INTO bans VALUES ('sshd', '203.0.113.7', 1795212000, 600, 1, '{\"failures\": 5}')"
    )
    let trials = [
      ["check"], ["preview", "--json"], ["preview", "--json", "--event", event],
      ["preview", "--json", directory.file("formatters/50-own.lua")],
      ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"], ["formatter", "test"],
      ["replay", "--from", directory.file("fail2ban.sqlite3"), "--since", "2026-11-20"],
    ]
    let error = "50-own.lua:1: the payload: more text or more values than a result may have"
    func said() async throws -> [Bool] {
      var said: [Bool] = []
      for trial in trials {
        let call = try await installation.luaslack(trial)
        said.append((call.output + call.errors).contains(error))
      }
      _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.7", "5"])
      let before = said.filter { $0 }.isEmpty ? 0 : 1
      let message = try await installation.slack.waitForMessages(before + 1).last
      return said + [message?.bodyJSON.strings.contains { $0.contains(error) } ?? false]
    }
    #expect(try await said() == Array(repeating: false, count: trials.count + 1))
    try directory.write(
      "limits.result = \"32 KiB\"\n" + directory.read("config.toml"), to: "config.toml")
    #expect(try await said() == Array(repeating: true, count: trials.count + 1))
  }
}
