import Foundation
import TestSupport
import Testing

/// A destination with a bot's token: chat.postMessage says no with status 200 and `ok: false`.
@Suite struct BotTests {
  static let ban = DeliveryTests.ban
  static let text = DeliveryTests.text

  private static let config = SecrecyTests.botConfig

  private func error(_ word: String, times: Int = 1, status: Int = 200) -> String {
    #"{"mode":"status","status":\#(status),"times":\#(times),"#
      + #""body":"{\"ok\":false,\"error\":\"\#(word)\"}"}"#
  }

  @Test func `a message is posted in the channel in the bot's name`() async throws {
    let installation = try await Installation(config: Self.config)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.path == "/api/chat.postMessage")
    #expect(message.headers["authorization"] == "Bearer xoxb-\(Installation.secret)")
    #expect(message.headers["content-type"] == "application/json; charset=utf-8")
    #expect(message.bodyJSON["channel"].string == "C01")
    #expect(message.text == Self.text)
    await installation.settle()
    #expect(try await installation.waitForDelivery("delivered")["attempts"].number == 1)
  }

  @Test(arguments: ["ratelimited", "service_unavailable", "fatal_error", "something_new"])
  func `no is no, and is asked again`(_ word: String) async throws {
    let installation = try await Installation(config: Self.config)
    try await installation.slack.control(error(word))
    _ = try await installation.luaslack(Self.ban)
    let messages = try await installation.slack.waitForMessages(1)
    // Of this one Slack says itself that it may have been posted.
    #expect(
      messages.map(\.text) == [word == "fatal_error" ? DeliveryTests.repeated : Self.text])
    await installation.settle()
    #expect(try await installation.slack.messages().count == 2)
  }

  @Test(arguments: ["token_revoked", "invalid_auth", "not_in_channel", "is_archived"])
  func `a bot that may not post is named, and a new token mends it`(
    _ word: String
  ) async throws {
    let installation = try await Installation(config: Self.config)
    try await installation.slack.control(error(word))
    _ = try await installation.luaslack(Self.ban)
    await eventually("the destination is dead") {
      (try? await installation.luaslack(["status"]).status) == 2
    }
    #expect(try await installation.luaslack(["status"]).output.contains(word))
    #expect(try await installation.deliveries(all: false).count == 1)

    try installation.directory.write("xoxb-another\n", to: "token", mode: 0o600)
    _ = try await installation.luaslack(["queue", "flush"])
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.headers["authorization"] == "Bearer xoxb-another")
    #expect(message.text == Self.text)
    await installation.settle()
  }

  @Test func `a refused message goes out plain, with what Slack said of it`() async throws {
    let installation = try await Installation(config: Self.config)
    try await installation.slack.control(
      #"{"mode":"status","status":200,"times":1,"body":"{\"ok\":false,\"error\":\"invalid_blocks\","#
        + #"\"response_metadata\":{\"messages\":[\"[ERROR] must be less than 3001 characters "#
        + #"[json-pointer:/blocks/0/text/text]\"]}}"}"#)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.contains("203.0.113.7"))
    #expect(message.text.contains("invalid_blocks: must be less than 3001 characters"))
    #expect(message.text.contains("json-pointer:/blocks/0/text/text"))
    #expect(message.bodyJSON["channel"].string == "C01")
    await installation.settle()
  }

  @Test func `the time that Slack asks for is kept`() async throws {
    let installation = try await Installation(config: Self.config)
    try await installation.slack.control(
      #"{"mode":"status","status":429,"body":"{\"ok\":false,\"error\":\"ratelimited\"}","#
        + #""headers":{"Retry-After":"2"},"times":1}"#)
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    let requests = try await installation.slack.messages()
    #expect(requests.count == 2)
    if let first = requests.first, let last = requests.last {
      #expect(last.monotonic - first.monotonic >= 2)
    }
  }

  @Test(arguments: [
    ("https://hooks.slack.com/services/T/B/x", 0o600, "begin with xoxb-"),
    ("xoxb-1", 0o644, "chmod 0640"),
  ])
  func `a token that cannot be one, or that others can read, is not used`(
    _ token: String, _ mode: Int, _ mend: String
  ) async throws {
    let installation = try await Installation(config: Self.config)
    let file = try installation.directory.write(token, to: "token", mode: mode)
    _ = try await installation.luaslack(Self.ban)
    await eventually("status names the mend") {
      let status = try? await installation.luaslack(["status"])
      return status?.status == 1 && status?.output.contains("token file \(file)") == true
        && status?.output.contains(mend) == true
    }
    #expect(try await installation.slack.messages().isEmpty)
    #expect(try await installation.deliveries().first?["attempts"].number == 0)
  }

  @Test func `an unban answers in the thread of its ban, also after a restart`() async throws {
    let config = "post = [\"ban\", \"unban\"]\n" + Self.config
    let installation = try await Installation(config: config)
    try installation.directory.write(
      "return { unban = function(_, payload) return payload, { thread = 'reply' } end }",
      to: "formatters/50-thread.lua")
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    _ = try await installation.slack.waitForMessages(2)
    await installation.settle()
    for ip in ["203.0.113.7", "203.0.113.9"] {
      _ = try await installation.luaslack(["unban", "--wait", "--", "sshd", ip])
    }
    let messages = try await installation.slack.waitForMessages(4)
    let ts = try JSON(parsing: try #require(messages.first).answer)["ts"].string
    #expect(ts != nil)
    #expect(messages.map { $0.bodyJSON["thread_ts"].string } == [nil, nil, ts, nil])
    let trial = try await installation.luaslack([
      "unban", "--dry-run", "--", "sshd", "203.0.113.7",
    ])
    #expect(trial.errors.contains("it goes into the thread of its ban's message"))
  }
}
