import Curl
import Foundation
import Synchronization
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

  @Test func `an answer beyond the limit is cut off`() async throws {
    let body = String(repeating: "x", count: 100_000)
    try await slack.control(#"{"mode":"status","status":404,"body":"\#(body)"}"#)
    guard case .answered(let status, _, let answer) = try post(hook) else {
      Issue.record("no answer")
      return
    }
    #expect(status == 404 && answer.count == 64 * 1024)
  }
}

/// Connections that serve more than one request, and what becomes of a request when one of them
/// turns out to be dead.
@Suite struct KeptConnectionTests {
  /// Answers so many requests on a connection, then does as told; counts both.
  private final class Server: Sendable {
    enum End { case hangUp, hangUpOnNext, resetOnNext }
    private struct Counts { var connections = 0, requests = 0 }
    private final class State: Sendable { let counts = Mutex(Counts()) }
    private let state = State()
    private let server: LoopbackServer

    init(answering most: Int, then end: End) throws {
      let state = state
      server = try LoopbackServer { connection in
        state.counts.withLock { $0.connections += 1 }
        for served in 0... {
          if served == most, end == .hangUp { return }
          guard Self.readRequest(connection) else { return }
          state.counts.withLock { $0.requests += 1 }
          if served == most { return end == .resetOnNext ? connection.reset() : () }
          connection.write("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
        }
      }
    }

    private static func readRequest(_ connection: LoopbackConnection) -> Bool {
      while let line = connection.line() {
        guard line.isEmpty else { continue }
        return !connection.read().isEmpty
      }
      return false
    }

    var url: String { "http://127.0.0.1:\(server.port)/services/x" }
    var connections: Int { state.counts.withLock { $0.connections } }
    var requests: Int { state.counts.withLock { $0.requests } }
  }

  private static let ok = TransferResult.answered(
    status: 200, retryAfter: nil, body: Array("ok".utf8))

  private func post(_ transfers: Transfers, _ url: String) throws -> TransferResult? {
    try transfers.start(1, HTTPPost(url: url, headers: ["Expect:"], body: Array("x".utf8)))
    for _ in 0..<200 {
      if let ended = transfers.wait(others: [], milliseconds: 50).first { return ended.result }
    }
    return nil
  }

  @Test func `requests to one server share a connection`() throws {
    let server = try Server(answering: 100, then: .hangUp)
    let transfers = try Transfers()
    for _ in 0..<5 { #expect(try post(transfers, server.url) == Self.ok) }
    #expect(server.connections == 1)
  }

  @Test func `one that was closed while nothing was sent is replaced without a word`() async throws
  {
    let server = try Server(answering: 1, then: .hangUp)
    let transfers = try Transfers()
    #expect(try post(transfers, server.url) == Self.ok)
    // Its end is on its way; nothing of ours tells when it is here.
    try await Task.sleep(for: .milliseconds(200))
    #expect(try post(transfers, server.url) == Self.ok)
    #expect(server.connections == 2 && server.requests == 2)
  }

  @Test(arguments: [false, true])
  func `one that ends in place of an answer is told, and nothing is sent twice`(
    isReset: Bool
  ) throws {
    let server = try Server(answering: 1, then: isReset ? .resetOnNext : .hangUpOnNext)
    let transfers = try Transfers()
    #expect(try post(transfers, server.url) == Self.ok)
    guard case .failed(_, let maybeArrived) = try post(transfers, server.url) else {
      Issue.record("not a failure")
      return
    }
    #expect(maybeArrived)
    // Left alone, libcurl sends it a second time.
    #expect(server.requests == 2)
    #expect(try post(transfers, server.url) == Self.ok)
    #expect(server.requests == 3)
  }
}

@Suite struct CurlMailTests {
  private let transfers: Transfers
  private let server: MailServer

  init() throws {
    transfers = try Transfers()
    server = try MailServer()
  }

  private func send(
    _ text: String = "Subject: x\r\n\r\nbody\r\n", needsTLS: Bool = false, port: UInt16? = nil
  ) throws -> TransferResult? {
    try transfers.start(
      3,
      Mail(
        url: "smtp://127.0.0.1:\(port ?? server.port)", from: "luaslack@web1", to: "root@example",
        text: Array(text.utf8), needsTLS: needsTLS))
    for _ in 0..<200 {
      if let ended = transfers.wait(others: [], milliseconds: 50).first {
        #expect(ended.tag == 3)
        return ended.result
      }
    }
    return nil
  }

  @Test func `a mail arrives as it is`() throws {
    let text = "Subject: x\r\n\r\n.\r\n..a\r\n" + String(repeating: "y", count: 70_000) + "\r\n"
    #expect(try send(text) == .replied(code: 250, text: "250 ok", bodySent: true))
    let mail = try #require(server.mails.first)
    #expect(mail.from == "luaslack@web1" && mail.to == ["root@example"] && mail.text == text)
    #expect(server.lines.last == "QUIT")
  }

  @Test(arguments: [
    ("MAIL", "451 4.7.1 greylisted", 451), ("RCPT", "550 5.1.1 no such user", 550),
    ("RCPT", "450 4.2.0 later", 450), ("DATA", "554 5.5.1 no", 554),
  ])
  func `a refusal before the mail has the server's words`(
    word: String, reply: String, code: Int
  ) throws {
    server.refuse([word: reply])
    #expect(try send() == .replied(code: code, text: reply, bodySent: false))
    #expect(server.mails.isEmpty)
  }

  @Test func `a refusal of several lines is one text`() throws {
    server.refuse(["RCPT": "550-5.7.1 not\r\n550 5.7.1 you"])
    #expect(
      try send() == .replied(code: 550, text: "550-5.7.1 not 550 5.7.1 you", bodySent: false))
  }

  @Test func `a refusal of the mail itself is told from one of its receiver`() throws {
    server.refuse([".": "554 5.6.0 spam"])
    #expect(try send() == .replied(code: 554, text: "554 5.6.0 spam", bodySent: true))
  }

  @Test func `no reply to the mail is ambiguous, none before it is not`() throws {
    for (word, expected) in [(".", true), ("DATA", false), ("RCPT", false), ("EHLO", false)] {
      server.refuse([word: ""])
      guard case .failed(_, let maybeArrived) = try send() else {
        Issue.record("not a failure: \(word)")
        continue
      }
      #expect(maybeArrived == expected, "\(word)")
    }
  }

  @Test func `nobody listening is a failure`() throws {
    let port = try MailServer().port
    #expect(
      try send(port: port) == .failed(reason: "Couldn't connect to server", maybeArrived: false))
  }

  @Test func `without the TLS that is needed nothing is said of the mail`() throws {
    guard case .failed(let reason, let maybeArrived) = try send(needsTLS: true) else {
      Issue.record("not a failure")
      return
    }
    #expect(reason == "Requested SSL level failed" && !maybeArrived)
    #expect(!server.lines.contains { $0.contains("root@example") || $0.contains("luaslack@") })
  }
}

/// TLS to a server with a certificate of the test's own, and the way through a proxy.
@Suite struct CurlTLSTests {
  private let slack: FakeSlack
  private let transfers: Transfers
  private let authority: Authority

  init() async throws {
    slack = try await FakeSlack()
    transfers = try Transfers()
    authority = try await Authority()
  }

  private func certificates(_ authority: Authority) throws -> [UInt8] {
    Array(try String(contentsOfFile: authority.file, encoding: .utf8).utf8)
  }

  private func post(
    _ url: String, certificates: [UInt8]?, proxy: Proxy? = nil, proxyURL: String? = nil,
    noProxy: [String] = []
  ) throws -> TransferResult? {
    var connecting = Connecting()
    connecting.certificates = certificates
    connecting.httpsProxy = proxy?.url ?? proxyURL
    connecting.noProxy = noProxy
    try transfers.start(
      1,
      HTTPPost(
        url: url, headers: ["Expect:", "Authorization: Bearer verysecret"],
        body: Array(#"{"text":"x"}"#.utf8), connecting: connecting))
    for _ in 0..<400 {
      if let ended = transfers.wait(others: [], milliseconds: 50).first { return ended.result }
    }
    return nil
  }

  private static let ok = TransferResult.answered(
    status: 200, retryAfter: nil, body: Array("ok".utf8))

  private func failure(_ what: String) -> TransferResult {
    .failed(reason: "TLS: " + what, maybeArrived: false)
  }

  @Test func `certificates of the config's stand in place of the system's`() async throws {
    let front = try await TLSFront(
      to: slack.port, certificate: try await authority.certificate(for: "127.0.0.1"))
    let url = "https://127.0.0.1:\(front.port)/services/a/b/c"
    let unknown = failure("nobody known here has signed the certificate")
    #expect(try post(url, certificates: nil) == unknown)
    #expect(try post(url, certificates: try certificates(try await Authority())) == unknown)
    #expect(try await slack.messages().isEmpty)
    #expect(try post(url, certificates: try certificates(authority)) == Self.ok)
    #expect(try await slack.messages().count == 1)
  }

  @Test func `a certificate that has expired, or is another host's, ends it`() async throws {
    let expired = try await TLSFront(
      to: slack.port,
      certificate: try await authority.certificate(for: "127.0.0.1", expired: true))
    let known = try certificates(authority)
    #expect(
      try post("https://127.0.0.1:\(expired.port)/services/x", certificates: known)
        == failure("the certificate has expired"))
    let other = try await TLSFront(
      to: slack.port, certificate: try await authority.certificate(for: "127.0.0.2"))
    #expect(
      try post("https://127.0.0.1:\(other.port)/services/x", certificates: known)
        == failure("the certificate is another host's"))
    #expect(try await slack.messages().isEmpty)
  }

  @Test func `TLS before 1.2 is not spoken`() async throws {
    let front = try await TLSFront(
      to: slack.port, certificate: try await authority.certificate(for: "127.0.0.1"),
      options: "openssl-min-proto-version=TLS1.0,openssl-max-proto-version=TLS1.1,"
        + "cipher=ALL:@SECLEVEL=0")
    let result = try post(
      "https://127.0.0.1:\(front.port)/services/x", certificates: try certificates(authority))
    #expect(result == .failed(reason: "SSL connect error", maybeArrived: false))
  }

  @Test func `a server that speaks no TLS is a failure, and so are certificates that are none`()
    throws
  {
    let other = try MailServer()
    #expect(
      try post("https://127.0.0.1:\(other.port)/services/x", certificates: nil)
        == .failed(reason: "SSL connect error", maybeArrived: false))
    guard
      case .failed(_, false) = try post(
        "https://127.0.0.1:\(slack.port)/x", certificates: Array("no PEM".utf8))
    else {
      Issue.record("not a failure")
      return
    }
  }

  @Test func `a proxy leads the way and learns nothing but the host`() async throws {
    let front = try await TLSFront(
      to: slack.port, certificate: try await authority.certificate(for: "hooks.slack.test"))
    let proxy = try Proxy(to: front.port)
    let url = "https://hooks.slack.test/services/T/B/verysecret"
    #expect(try post(url, certificates: try certificates(authority), proxy: proxy) == Self.ok)
    let message = try #require(try await slack.messages().first)
    #expect(message.headers["authorization"] == "Bearer verysecret")
    #expect(proxy.heads.map(\.first) == ["CONNECT hooks.slack.test:443 HTTP/1.1"])
    let seen = proxy.heads.joined().joined() + String(decoding: proxy.passed, as: UTF8.self)
    #expect(!seen.contains("verysecret"))
  }

  @Test func `a proxy that refuses is a failure before anything was sent`() async throws {
    let proxy = try Proxy(to: slack.port, refusal: "407 Proxy Authentication Required")
    guard
      case .failed(_, let maybeArrived) = try post(
        "https://hooks.slack.test/services/x", certificates: nil, proxy: proxy)
    else {
      Issue.record("not a failure")
      return
    }
    #expect(!maybeArrived)
  }

  @Test func `this machine, http and what no_proxy names are reached without it`() async throws {
    let front = try await TLSFront(
      to: slack.port, certificate: try await authority.certificate(for: "127.0.0.1"))
    let proxy = try Proxy(to: front.port)
    let known = try certificates(authority)
    let direct = "https://127.0.0.1:\(front.port)/services/x"
    #expect(try post(direct, certificates: known, proxy: proxy) == Self.ok)
    #expect(try post(slack.webhookURL(), certificates: nil, proxy: proxy) == Self.ok)
    for pattern in ["slack.invalid", ".invalid"] {
      // Without the proxy somebody would have to know the name.
      #expect(
        try post(
          "https://hooks.slack.invalid/x", certificates: known, proxy: proxy, noProxy: [pattern])
          == .failed(reason: "Couldn't resolve host name", maybeArrived: false))
    }
    #expect(proxy.heads.isEmpty)
  }
}
