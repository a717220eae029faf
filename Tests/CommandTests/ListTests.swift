import TestSupport
import Testing

/// What the config knows of addresses and users, from the file to the message.
@Suite struct ListTests {
  private static let lists = """
    [list]
    scanners = { file = "scanners.txt" }
    office = ["192.0.2.0/24"]
    [mute]
    lists = ["scanners"]
    """

  private func installation(_ scanners: String?, mode: Int = 0o644) async throws -> Installation {
    let installation = try await Installation(config: Installation.config(more: Self.lists))
    if let scanners {
      try installation.directory.write(scanners, to: "scanners.txt", mode: mode)
    }
    return installation
  }

  private func ban(_ ip: String) -> [String] { ["ban", "--host=web1", "--", "sshd", ip, "5"] }

  private func muted(_ installation: Installation) async throws -> Int? {
    try await installation.status()["destinations"][0]["totals"]["muted"].number.map { Int($0) }
  }

  @Test func `a ban from a muted list makes no message, and is counted`() async throws {
    let installation = try await installation("198.51.100.0/24  # a search engine\n")
    let call = try await installation.luaslack(
      ["ban", "--wait", "--", "sshd", "198.51.100.9", "5"])
    #expect(call.status == 0)
    #expect(call.output == "default: muted (in the list scanners (198.51.100.0/24))\n")
    _ = try await installation.luaslack(ban("203.0.113.7"))
    // Not one of the muted lists, though a list.
    _ = try await installation.luaslack(ban("192.0.2.1"))
    let messages = try await installation.slack.waitForMessages(2)
    await installation.settle()
    #expect(messages.allSatisfy { !$0.text.contains("198.51.100.9") })
    #expect(try await installation.slack.messages().count == 2)
    #expect(try await muted(installation) == 1)
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  /// A muted list decides before any formatter runs; one that hangs is not even started.
  @Test func `no formatter is asked about an address in a muted list`() async throws {
    let installation = try await installation("198.51.100.0/24\n")
    try installation.directory.write("error('asked')", to: "formatters/50-own.lua")
    let call = try await installation.luaslack(
      ["ban", "--wait", "--", "sshd", "198.51.100.9", "5"])
    #expect(call.output.hasPrefix("default: muted"))
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).output.contains("asked") == false)
  }

  @Test func `a list that changes while luaslackd runs counts for the next event`() async throws {
    let installation = try await installation("198.51.100.0/24\n")
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(ban("203.0.113.7"))
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    try installation.directory.write("203.0.113.8\n", to: "scanners.txt")
    _ = try await installation.luaslack(ban("203.0.113.8"))
    _ = try await installation.luaslack(ban("198.51.100.9"))
    let messages = try await installation.slack.waitForMessages(2)
    #expect(messages.last?.text.contains("198.51.100.9") == true)
    #expect(try await muted(installation) == 1)
    #expect(daemon.isRunning)
  }

  @Test func `a bad line of a list shows in status until it is mended`() async throws {
    let installation = try await installation("203.0.113.8\n198.51.100.0/33\n")
    _ = try await installation.luaslack(ban("203.0.113.8"))
    await installation.settle()
    #expect(try await muted(installation) == 1)
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    let path = installation.directory.file("scanners.txt")
    #expect(
      status.output.contains(
        "list scanners: \(path):2: not an address or network: 198.51.100.0/33"))
    try installation.directory.write("203.0.113.8\n198.51.100.0/24\n", to: "scanners.txt")
    _ = try await installation.luaslack(ban("198.51.100.9"))
    await installation.settle()
    #expect(try await muted(installation) == 2)
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test(arguments: [(nil, "no such file"), ("203.0.113.8\n", "chmod go-w")] as [(String?, String)])
  func `a list that cannot be had mutes nothing, and status names it`(
    text: String?, problem: String
  ) async throws {
    let installation = try await installation(text, mode: 0o666)
    _ = try await installation.luaslack(ban("203.0.113.8"))
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    await installation.settle()
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    #expect(status.output.contains("list scanners: "))
    #expect(status.output.contains(problem))
  }

  @Test func `--dry-run tells of the list instead of showing a message`() async throws {
    let installation = try await installation("198.51.100.0/24\nx\n")
    let trial = try await installation.luaslack(
      ["ban", "--dry-run", "--", "sshd", "198.51.100.9", "5"])
    #expect(trial.status == 0)
    #expect(trial.output == "")
    #expect(trial.errors.contains("no message: in the list scanners (198.51.100.0/24)"))
    #expect(trial.errors.contains("scanners.txt:2: not an address or network: x"))
  }

  @Test func `a formatter tests its lists, and what is known of user and address`() async throws {
    let installation = try await Installation(
      config: """
        valid_users = ["alice"]
        friendly_networks = ["198.51.100.0/24"]
        \(Installation.config(more: "[list]\noffice = [\"198.51.100.8/29\"]\nnone = []"))
        """)
    try installation.directory.write(
      """
      return { ban = function(event)
        return { text = table.concat({ event.severity, tostring(event.valid_user),
          tostring(event.friendly), table.concat(event.reasons, "+"), event.unban_command,
          event.lists.office and event.lists.office[1] or "no office", tostring(event.lists.none),
          tostring(event.lists.other) }, " / ") }
      end }
      """, to: "formatters/50-own.lua")
    _ = try await installation.luaslack(
      ["ban", "--user=alice", "--", "sshd", "198.51.100.9", "5"])
    _ = try await installation.slack.waitForMessages(1)
    _ = try await installation.luaslack(ban("203.0.113.7"))
    #expect(
      try await installation.slack.waitForMessages(2).map(\.text) == [
        "critical / true / true / alice is a valid user+198.51.100.9 is in a friendly network / "
          + "fail2ban-client set sshd unbanip 198.51.100.9 / 198.51.100.8/29 / false / nil",
        "info / nil / nil /  / fail2ban-client set sshd unbanip 203.0.113.7 / no office / false "
          + "/ nil",
      ])
  }

  @Test func `the ban of a valid user is loud and says how to lift it`() async throws {
    let installation = try await Installation(
      config: "valid_users = [\"alice\"]\n" + Installation.config())
    _ = try await installation.luaslack(
      ["ban", "--user=alice", "--", "sshd", "203.0.113.7", "5"])
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.hasPrefix(":rotating_light: "))
    let strings = message.bodyJSON.strings
    #expect(strings.contains("alice is a valid user"))
    #expect(strings.contains("`fail2ban-client set sshd unbanip 203.0.113.7`"))
  }

  @Test func `config show prints what is known of addresses and users`() async throws {
    let installation = try await Installation(
      config: """
        valid_users = ["alice"]
        friendly_networks = ["198.51.100.0/24"]
        timezone = "Etc/UTC"
        \(Installation.config(more: Self.lists + "\n[limits]\nmemory = \"32 MiB\""))
        """)
    let shown = try await installation.luaslack(["config", "show"])
    #expect(shown.errors == "")
    let path = installation.directory.file("scanners.txt")
    for line in [
      "valid_users = [\"alice\"]", "friendly_networks = [\"198.51.100.0/24\"]",
      "timezone = \"Etc/UTC\"  # UTC0", "[mute]", "lists = [\"scanners\"]",
      "\"office\" = [\"192.0.2.0/24\"]", "\"scanners\" = { file = \"\(path)\" }",
      "memory = \"32 MiB\"", "deadline = \"1s\"",
    ] {
      #expect(shown.output.split(separator: "\n").contains(Substring(line)), "\(line)")
    }
    try installation.directory.write(shown.output, to: "config.toml")
    #expect(try await installation.luaslack(["config", "show"]).output == shown.output)

    let json = try JSON(
      parsing: try await installation.luaslack(["config", "show", "--json"]).output)
    #expect(json["valid_users"][0].string == "alice")
    #expect(json["friendly_networks"][0].string == "198.51.100.0/24")
    #expect(json["timezone"].string == "Etc/UTC")
    #expect(json["zone"].string == "UTC0")
    #expect(json["list"]["scanners"]["file"].string == path)
    #expect(json["list"]["office"][0].string == "192.0.2.0/24")
    #expect(json["mute"]["lists"][0].string == "scanners")
    #expect(json["limits"]["memory"].string == "32 MiB")
    #expect(json["limits"]["depth"].number == 32)
  }
}
