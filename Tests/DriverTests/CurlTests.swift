import Curl
import TestSupport
import Testing

@Suite struct CurlTests {
  private let slack: FakeSlack
  private let transfers: Transfers

  init() async throws {
    slack = try await FakeSlack()
    transfers = try Transfers()
  }

  private func post(_ url: String, _ body: String = #"{"text":"x"}"#, timeout: Int = 5_000) throws
    -> TransferResult?
  {
    var connecting = Connecting()
    connecting.totalTimeout = timeout
    try transfers.start(
      7,
      HTTPPost(
        url: url, headers: ["Content-Type: application/json", "Expect:"], body: Array(body.utf8),
        connecting: connecting))
    for _ in 0..<2_000 {
      if let ended = transfers.wait(others: [], milliseconds: 50).first {
        #expect(ended.tag == 7)
        return ended.result
      }
    }
    return nil
  }

  private var hook: String { slack.webhookURL("/services/a/b/c") }

  @Test func `body, headers and answer arrive as they are`() async throws {
    let body = #"{"text":"é 😀 \u0000"}"#
    #expect(
      try post(hook, body) == .answered(status: 200, retryAfter: nil, body: Array("ok".utf8)))
    let message = try #require(try await slack.messages().first)
    #expect(message.body == body)
    #expect(message.headers["content-type"] == "application/json")
    #expect(message.headers["user-agent"] == "luaslack")
  }

  @Test func `Retry-After comes as seconds`() async throws {
    try await slack.control(
      #"{"mode":"status","status":429,"body":"rate_limited","headers":{"Retry-After":"7"}}"#)
    #expect(
      try post(hook)
        == .answered(status: 429, retryAfter: 7, body: Array("rate_limited".utf8)))
  }

  @Test func `a redirect is an answer and is not followed`() async throws {
    try await slack.control(#"{"mode":"redirect"}"#)
    guard case .answered(let status, _, _) = try post(hook) else {
      Issue.record("no answer")
      return
    }
    #expect((300..<400).contains(status))
    #expect(try await slack.messages().count == 1)
  }

  @Test(arguments: ["close", "reset_after", "truncated"])
  func `an end after the request went out is ambiguous`(mode: String) async throws {
    try await slack.control(#"{"mode":"\#(mode)"}"#)
    guard case .failed(_, let maybeArrived) = try post(hook) else {
      Issue.record("not a failure")
      return
    }
    #expect(maybeArrived)
  }

  @Test func `a hanging server is left at the time-out`() async throws {
    try await slack.control(#"{"mode":"hang","seconds":30}"#)
    #expect(
      try post(hook, timeout: 300)
        == .failed(reason: "Timeout was reached", maybeArrived: true))
  }

  @Test func `nobody listening is a failure before anything was sent`() async throws {
    try await slack.stop()
    #expect(
      try post(hook) == .failed(reason: "Couldn't connect to server", maybeArrived: false))
  }

  @Test(arguments: ["file:///etc/passwd", "ftp://127.0.0.1/x", "gopher://127.0.0.1/x", "nonsense"])
  func `nothing but http and https is spoken`(url: String) throws {
    guard case .failed(_, let maybeArrived) = try post(url) else {
      Issue.record("not a failure")
      return
    }
    #expect(!maybeArrived)
  }

  @Test func `a reason never shows the path`() async throws {
    try await slack.stop()
    guard case .failed(let reason, _) = try post(slack.webhookURL("/services/verysecret")) else {
      Issue.record("not a failure")
      return
    }
    #expect(!reason.contains("verysecret"))
  }
}
