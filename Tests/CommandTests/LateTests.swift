import SQLite
import TestSupport
import Testing

/// What could not be sent for long: it says so, and wakes nobody up any more.
@Suite struct LateTests {
  private static let loud = """
    return { ban = function(event, payload)
      payload.text = slack.mention("here") .. " " .. payload.text
    end }
    """

  /// A ban that was accepted so many minutes ago, about to be let go.
  private func late(minutes: Int, config: String? = nil) async throws -> Installation {
    let installation = try await Installation(config: config)
    try installation.directory.write(Self.loud, to: "formatters/50-loud.lua")
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.1", "5"])
    _ = try await installation.luaslack(["queue", "hold", "--destination", "default"])
    _ = try await installation.luaslack(DeliveryTests.ban)
    await installation.settle()
    try Database(installation.database, .writing).run(
      "UPDATE event SET accepted_at = accepted_at - ? WHERE subject = '203.0.113.7'",
      .integer(Int64(minutes) * 60_000_000))
    _ = try await installation.luaslack(["queue", "release", "--destination", "default"])
    return installation
  }

  @Test func `a message that was held up says since when, and mentions nobody`() async throws {
    let installation = try await late(minutes: 200)
    let message = try #require(try await installation.slack.waitForMessages(2).last)
    #expect(message.text.hasPrefix("here \(DeliveryTests.text) (delayed 3 h, accepted 20"))
    #expect(message.text.hasSuffix(" UTC)"))
    // What is stored is what the formatter made.
    await installation.settle()
    let shown = try await installation.luaslack(["trace", "203.0.113.7", "--json"])
    #expect(shown.output.contains("<!here>"))
  }

  @Test func `up to which age somebody is mentioned is the config's word`() async throws {
    let config = "mention_max_age = \"1h\"\n" + Installation.config()
    let installation = try await late(minutes: 20, config: config)
    let message = try #require(try await installation.slack.waitForMessages(2).last)
    #expect(message.text.hasPrefix("<!here> \(DeliveryTests.text) (delayed 20 min, accepted 20"))
    await installation.settle()
  }
}
