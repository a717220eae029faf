import Glibc
import TestSupport
import Testing

/// fail2ban makes a ban longer from another thread, before or after it hands the ban out.
@Suite struct ProlongingTests {
  private static let ban = [
    "ban", "--time=1795231644", "--bantime=600", "--host=web1", "--", "sshd", "203.0.113.7", "5",
  ]
  private static let prolong = [
    "prolong", "--time=1795231644", "--bantime=7200", "--bancount=2", "--", "sshd", "203.0.113.7",
  ]

  private func bantimes(_ installation: Installation, _ count: Int = 1) async throws -> [String] {
    let messages = try await installation.slack.waitForMessages(count)
    await installation.settle()
    #expect(try await installation.slack.messages().count == count)
    return messages.map { message in
      let strings = message.bodyJSON.strings
      return ["10 minutes", "2 hours"].first { strings.contains($0) } ?? "none"
    }
  }

  @Test func `together they are one message with the longer time, in either order`() async throws {
    for calls in [[Self.ban, Self.prolong], [Self.prolong, Self.ban]] {
      // A formatter that mutes no prolong.
      let installation = try await Installation(
        config: "formatters = [\"minimal\", \"local\"]\n" + Installation.config())
      try installation.directory.write(
        "return function(e, p) p.text = p.text .. ' ' .. slack.duration(e.bantime) end",
        to: "formatters/50-time.lua")
      for call in calls {
        _ = try await installation.luaslack(call, environment: ["LUASLACK_SPAWN": "0"])
      }
      _ = try await installation.luaslack(["queue", "flush"])
      let messages = try await installation.slack.waitForMessages(1)
      await installation.settle()
      #expect(try await installation.slack.messages().count == 1)
      #expect(messages.first?.text.contains("2 hours") == true, "\(messages.map(\.text))")
      let trace = try await installation.luaslack(["trace", "203.0.113.7"])
      #expect(trace.output.contains("folded"))
      #expect(trace.output.contains("told with its ban"), "\(trace.output)")
    }
  }

  @Test func `a prolong that comes when the ban waits for Slack changes it, after a restart too`()
    async throws
  {
    let installation = try await Installation(config: Installation.config(post: ["ban"]))
    try await installation.slack.control(#"{"mode":"status","status":404,"body":"no_service"}"#)
    _ = try await installation.luaslack(Self.ban)
    await eventually("the destination is dead") {
      (try? await installation.luaslack(["status"]).status) == 2
    }
    for process in installation.daemons() { kill(process, SIGKILL) }
    try await installation.slack.control(#"{"mode":"ok"}"#)
    try await installation.slack.reset()
    _ = try await installation.luaslack(Self.prolong)
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await bantimes(installation) == ["2 hours"])
  }

  @Test func `after the ban was told, an ordinary prolong is muted and a critical one is told`()
    async throws
  {
    let installation = try await Installation()
    _ = try await installation.luaslack(Self.ban)
    _ = try await bantimes(installation)
    _ = try await installation.luaslack(Self.prolong)
    let muted = try await installation.waitForDelivery("muted")
    #expect(muted["reason"].string?.contains("an ordinary prolong") == true)
    _ = try await installation.luaslack(
      ["prolong", "--bantime=99999", "--bancount=5", "--host=web1", "--", "sshd", "203.0.113.7"])
    let messages = try await installation.slack.waitForMessages(2)
    #expect(messages.last?.text == ":hourglass: sshd prolonged the ban of 203.0.113.7 on web1")
  }
}
