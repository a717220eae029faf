import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// Early warning by the real programs, which are killed on the way.
@Suite struct WarningCommandTests {
  private static let rule = """
    [[warning]]
    name = "knocking"
    bans = 5
    within = "1m"
    by = "jail"
    jail = "ssh*"
    mention = "here"
    """

  private static func config() -> String {
    Installation.config(post: ["warning"], linger: "0s", more: rule)
  }

  /// What happened so far happened two minutes earlier, as if nobody had looked since.
  private func age(_ installation: Installation) throws {
    let database = try Database(installation.database, .writing)
    try database.execute(
      """
      UPDATE counted SET at = at - 120000000;
      UPDATE incident SET since = since - 120000000, last = last - 120000000
      """)
  }

  private func kill(_ daemon: RunningProgram) async throws {
    daemon.signal(SIGKILL)
    _ = try await daemon.wait()
  }

  @Test func `an attack is told once and ended once by luaslackds that are killed`() async throws {
    let installation = try await Installation(config: Self.config())
    for number in 1...4 {
      #expect(try await installation.banUndelivered("203.0.113.\(number)").status == 0)
    }
    var daemon = try await installation.daemon()
    await eventually("the first are taken in") { installation.incoming.isEmpty }
    try await kill(daemon)
    _ = try await installation.banUndelivered("203.0.113.5")
    daemon = try await installation.daemon()
    let started = try await installation.slack.waitForMessages(1)
    #expect(
      started.first?.text.hasPrefix(":warning: <!here> early warning on ") == true
        && started.first?.text.contains("5 bans within ") == true
        && started.first?.text.hasSuffix(", jail `sshd`") == true)
    // What is killed before it has noted the answer sends again.
    try await eventually("the start is told") {
      try await installation.status()["pending"].number == 0
    }
    try await kill(daemon)
    for number in 6...9 { _ = try await installation.banUndelivered("198.51.100.\(number)") }
    daemon = try await installation.daemon()
    await eventually("the others are taken in") { installation.incoming.isEmpty }
    let status = try await installation.luaslack(["status"])
    #expect(status.output.contains("  warning knocking, jail sshd: 9 bans, began "))
    #expect(try await installation.status()["warnings"][0]["bans"].number == 9)
    try await kill(daemon)
    try age(installation)
    daemon = try await installation.daemon()
    let messages = try await installation.slack.waitForMessages(2)
    #expect(messages.count == 2)
    #expect(messages.last?.text.hasPrefix(":white_check_mark: early warning on ") == true)
    #expect(messages.last?.text.contains(" 9 bans from 2 networks") == true)
    #expect(messages.last?.text.contains(", jail `sshd`") == true)
    try await eventually("all is told") { try await installation.status()["pending"].number == 0 }
    try await kill(daemon)
    daemon = try await installation.daemon()
    #expect(try await installation.slack.messages().count == 2)
    #expect(try await installation.status()["warnings"].array.isEmpty)
    daemon.signal(SIGTERM)
    _ = try await daemon.wait()
  }

  @Test func `a luaslackd that an event started stays until what has begun is over`() async throws {
    let installation = try await Installation(config: Self.config())
    for number in 1...5 {
      _ = try await installation.luaslack(KillingTests.ban("203.0.113.\(number)"))
    }
    _ = try await installation.slack.waitForMessages(1)
    try await eventually("nothing waits") { try await installation.status()["pending"].number == 0 }
    // It would have left by now.
    try await Task.sleep(for: .milliseconds(500))
    #expect(installation.daemons().count == 1)
    try installation.directory.write(
      Self.config().replacing(Self.rule, with: "warnings = false"), to: "config.toml")
    _ = try await installation.luaslack(["queue", "flush"])
    // `warnings` stands in the last table there: the config that worked counts, and the rule with it.
    #expect(installation.daemons().count == 1)
    try installation.directory.write(
      "warnings = false\n" + Self.config(), to: "config.toml")
    _ = try await installation.luaslack(["queue", "flush"])
    // Beside it, luaslackd tells of the config that was wrong meanwhile.
    try await eventually("the end is told") {
      try await installation.slack.messages().contains {
        $0.text.contains(" no longer watched after ")
      }
    }
    await installation.settle()
  }

  @Test func `a timer's luaslackd leaves what has begun to the next one`() async throws {
    let installation = try await Installation(config: Self.config())
    for number in 1...5 { _ = try await installation.banUndelivered("203.0.113.\(number)") }
    let arguments = [
      "--until-idle", "--spool", installation.spool, "--config", installation.config,
      "--overflow", installation.overflow,
    ]
    #expect(try await run(Programs.luaslackd, arguments).status == 0)
    // Only of the beginning: it did not wait for the end.
    #expect(try await installation.slack.messages().count == 1)
    try age(installation)
    #expect(try await run(Programs.luaslackd, arguments).status == 0)
    let texts = try await installation.slack.messages().map(\.text)
    #expect(texts.count == 2 && texts.last?.contains("over") == true, "\(texts)")
  }

  @Test func `six sites that are attacked at once are all named, and somebody is called`()
    async throws
  {
    let rule = """
      [[warning]]
      name = "site"
      bans = 3
      within = "1m"
      by = "field:site"
      mention = "here"
      """
    let config = Installation.config(post: ["ban", "warning"], more: rule)
      .replacing("rate = \"10/1s\"\nburst = 100", with: "rate = \"1/1s\"\nburst = 3")
    let installation = try await Installation(config: config)
    let sites = (1...6).map { "shop\($0).example" }
    for (index, site) in (sites + sites + sites).enumerated() {
      _ = try await installation.banUndelivered(
        "203.0.113.\(index + 1)", ["--field", "site=\(site)"])
    }
    let daemon = try await installation.daemon()
    _ = try await installation.slack.waitForMessages(4)
    try await eventually("all is told") { try await installation.status()["pending"].number == 0 }
    let messages = try await installation.slack.messages()
    #expect(messages.contains { $0.text.contains("<!here> ") && $0.text.contains(" events on ") })
    for site in sites {
      #expect(messages.count { $0.body.contains(", site `\(site)`") } == 1, "\(site)")
    }
    try await kill(daemon)
  }

  @Test func `the rules in effect are shown`() async throws {
    let installation = try await Installation(
      config: "[destination.default]\nwebhook_file = \"webhook\"\n")
    let shown = try await installation.luaslack(["config", "show"])
    #expect(shown.output.contains("warnings = true\n"))
    #expect(
      shown.output.contains(
        "[[warning]]\nname = \"busy-jail\"\nbans = 50\nwithin = \"600s\"\nby = \"jail\"\n"))
    try installation.directory.write(shown.output, to: "config.toml")
    let again = try await installation.luaslack(["config", "show"])
    #expect(again.status == 0 && again.output == shown.output)
  }
}
