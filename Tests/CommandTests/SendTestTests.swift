import Foundation
import TestSupport
import Testing

/// `luaslack send-test` with the real programs.
@Suite struct SendTestTests {
  @Test func `a test arrives, is marked, and is not in the history`() async throws {
    let installation = try await Installation()
    let test = try await installation.luaslack(["send-test"])
    #expect(test.status == 0, "\(test.errors)")
    #expect(test.output == "default: delivered (200 ok)\n")
    let messages = try await installation.slack.messages()
    #expect(messages.map(\.status) == [200])
    #expect(messages.first?.text.contains("TEST from luaslack on ") == true)
    #expect(try await installation.deliveries().isEmpty)
    let status = try await installation.status()
    #expect(status["destinations"][0]["totals"]["delivered"].number == 0)
    #expect(!status["destinations"][0]["last_ok_at"].isNull)
    await installation.settle()
  }

  static let refusals: [(String, String, Int32)] = [
    (
      #"{"mode":"status","status":404,"body":"no_service"}"#,
      "404 no_service, the destination is dead", 69
    ),
    (#"{"mode":"status","status":400,"body":"invalid_payload"}"#, "400 invalid_payload", 69),
    (#"{"mode":"status","status":500,"body":"rollup_error"}"#, "500 rollup_error", 75),
    (#"{"mode":"close"}"#, "not delivered: ", 75),
  ]

  @Test(arguments: refusals)
  func `Slack's own word is printed, and nothing is tried again`(
    _ rule: String, _ word: String, _ exit: Int32
  ) async throws {
    let installation = try await Installation()
    try await installation.slack.control(rule)
    let test = try await installation.luaslack(["send-test"])
    #expect(test.status == exit)
    #expect(test.output.hasPrefix("default: not delivered: "))
    #expect(test.output.contains(word))
    #expect(!test.output.contains(Installation.secret))
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
    #expect(try await installation.deliveries().isEmpty)
  }

  @Test func `Slack's Retry-After holds for tests as well`() async throws {
    let installation = try await Installation()
    let limited = #"{"ok":false,"error":"rate_limited","retry_after":3000}"#
    try await installation.slack.control(
      #"{"mode":"status","status":429,"times":1,"body":\#(String(reflecting: limited))}"#)
    let first = try await installation.luaslack(["send-test"])
    #expect(first.status == 75)
    #expect(first.output.contains("429 rate_limited, to wait for 3000 s"))
    let second = try await installation.luaslack(["send-test"])
    #expect(second.status == 75)
    #expect(second.output.contains("lets nothing out before"))
    #expect(try await installation.slack.messages().count == 1)
  }

  @Test func `what cannot be sent says why`() async throws {
    let installation = try await Installation()
    let unknown = try await installation.luaslack(["send-test", "--to", "defualt", "--json"])
    #expect(unknown.status == 65)
    let json = try JSON(parsing: unknown.output)
    #expect(json["delivered"].bool == false)
    #expect(json["word"].string?.contains(#"did you mean "default"?"#) == true)

    try installation.directory.write("no url\n", to: "webhook", mode: 0o600)
    let secret = try await installation.luaslack(["send-test"])
    #expect(secret.status == 78)
    #expect(secret.output.contains("is not a URL"))

    try installation.directory.write("[destination.default\n", to: "broken.toml")
    let broken = try await Installation()
    let config = try await broken.luaslack([
      "send-test", "--config", installation.directory.file("broken.toml"),
    ])
    #expect(config.status == 78)
    #expect(config.output.contains("broken.toml"))
    for process in broken.daemons() { kill(process, SIGTERM) }
  }

  @Test func `a destination that works again is told by a test, and what waited goes out`()
    async throws
  {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"status","status":404,"body":"no_service"}"#)
    _ = try await installation.luaslack(["ban", "--wait=0s", "--", "sshd", "203.0.113.7", "5"])
    await eventually("the destination is dead") {
      (try? await installation.status())?["state"].string == "destination_dead"
    }
    try await installation.slack.control(#"{"mode":"ok"}"#)
    let test = try await installation.luaslack(["send-test"])
    #expect(test.status == 0)
    _ = try await installation.waitForDelivery("delivered")
  }

  @Test func `where nobody may start luaslackd, that is said`() async throws {
    let installation = try await Installation()
    let test = try await installation.luaslack(
      ["send-test"], environment: ["LUASLACK_SPAWN": "0"])
    #expect(test.status == 75)
    #expect(test.output.contains("no luaslackd runs"))
  }
}
