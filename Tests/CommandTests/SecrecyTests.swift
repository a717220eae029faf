import Foundation
import TestSupport
import Testing

/// Whoever knows the webhook's path or the bot's token can post in the channel. It stands in its file
/// and in the requests, and nowhere else, least of all when something fails.
@Suite struct SecrecyTests {
  static let path = "/services/T000/B000/\(Installation.secret)"

  struct Fault: CustomTestStringConvertible, Sendable {
    let testDescription: String
    /// What becomes of the destination; nil: the config is refused, and there is none.
    let state: String?
    /// The rule of the fake Slack.
    var rule: String?
    /// What the webhook file holds instead of the fake Slack's URL.
    var webhook: String?
    /// The config instead of the usual one.
    var config: String?

    init(
      _ what: String, _ state: String?, rule: String? = nil, webhook: String? = nil,
      config: String? = nil
    ) {
      (testDescription, self.state) = (what, state)
      (self.rule, self.webhook, self.config) = (rule, webhook, config)
    }
  }

  static let faults: [Fault] = [
    Fault("all is well", "ok", rule: #"{"mode":"ok"}"#),
    Fault(
      "an error of Slack's", "failing",
      rule: #"{"mode":"status","status":500,"body":"rollup_error"}"#),
    Fault("a dead webhook", "dead", rule: #"{"mode":"status","status":404,"body":"no_service"}"#),
    // The message is dead; the webhook that said so is well.
    Fault(
      "a refused payload", "ok",
      rule: #"{"mode":"status","status":400,"body":"invalid_payload"}"#),
    Fault(
      "a proxy that quotes the address", "failing",
      rule: #"{"mode":"status","status":502,"body":"cannot reach \#(path)"}"#),
    Fault(
      "a proxy that quotes the address in JSON", "failing",
      rule: #"{"mode":"status","status":404,"body":"{\"error\":\"no route \#(path)\"}"}"#),
    Fault("a redirect", "failing", rule: #"{"mode":"redirect"}"#),
    Fault("a closed connection", "failing", rule: #"{"mode":"close"}"#),
    Fault("an answer cut short", "failing", rule: #"{"mode":"truncated"}"#),
    Fault("nobody listens", "failing", webhook: "http://127.0.0.1:1\(path)"),
    Fault("no such host", "failing", webhook: "https://slack.invalid\(path)"),
    Fault("no TLS at the other end", "failing", webhook: "https://127.0.0.1:1\(path)"),
    Fault("a port that is none", "failing", webhook: "http://127.0.0.1:99999\(path)"),
    Fault("plain http", "failing", webhook: "http://192.0.2.1\(path)"),
    Fault("no URL at all", "failing", webhook: Installation.secret),
    Fault("two lines", "failing", webhook: "https://127.0.0.1\(path)\nhttps://127.0.0.1\(path)"),
    Fault("a character that is wrong", "failing", webhook: "https://127.0.0.1\(path)ü"),
    Fault(
      "a user before the host", "failing", webhook: "https://\(Installation.secret)@127.0.0.1/"),
    Fault(
      "the URL in place of its file", nil,
      config: "[destination.default]\nwebhook_file = \"https://127.0.0.1\(path)\"\n"),
    Fault(
      "a proxy that is not there", "failing", webhook: "https://slack.invalid\(path)",
      config: "https_proxy = \"http://127.0.0.1:1\"\n" + Installation.config()),
  ]

  /// The same with a bot's token.
  static let botConfig = """
    linger = "0s"
    [destination.default]
    token_file = "token"
    channel = "C01"
    api_url = "API_URL"

    """

  private static func error(_ word: String, _ more: String = "") -> String {
    #"{"mode":"status","status":200,"body":"{\"ok\":false,\"error\":\"\#(word)\"\#(more)}"}"#
  }

  static let botFaults: [Fault] = [
    Fault("all is well", "ok", rule: #"{"mode":"ok"}"#, config: botConfig),
    Fault("a revoked token", "dead", rule: error("token_revoked"), config: botConfig),
    Fault("a busy Slack", "failing", rule: error("ratelimited"), config: botConfig),
    Fault("an unknown word", "failing", rule: error(Installation.secret), config: botConfig),
    Fault(
      "a refusal that quotes the token", "ok",
      rule: error(
        "invalid_blocks",
        #",\"response_metadata\":{\"messages\":[\"xoxb-\#(Installation.secret)\"]}"#),
      config: botConfig),
    Fault(
      "a proxy that quotes the token", "failing",
      rule: #"{"mode":"status","status":502,"body":"Bearer xoxb-\#(Installation.secret)"}"#,
      config: botConfig),
    Fault("a redirect", "failing", rule: #"{"mode":"redirect"}"#, config: botConfig),
    Fault("a closed connection", "failing", rule: #"{"mode":"close"}"#, config: botConfig),
    Fault(
      "nobody listens", "failing",
      config: botConfig.replacing("API_URL", with: "http://127.0.0.1:1/api")),
    Fault(
      "no TLS at the other end", "failing",
      config: botConfig.replacing("API_URL", with: "https://127.0.0.1:1/api")),
    Fault(
      "the token in place of its file", nil,
      config: botConfig.replacing("\"token\"", with: "\"xoxb-\(Installation.secret)\"")),
    Fault(
      "the token in the config", nil,
      config: botConfig.replacing(
        "token_file = \"token\"", with: "token = \"\(Installation.secret)\"")),
  ]

  @Test(arguments: faults + botFaults)
  func `the secret is nowhere to be seen`(_ fault: Fault) async throws {
    let installation = try await Installation(config: fault.config, webhook: fault.webhook)
    if let rule = fault.rule { try await installation.slack.control(rule) }
    let daemon = try await installation.daemon()
    // `--wait` says everything that is known of a failure.
    let said = try await installation.luaslack([
      "ban", "--wait=1s", "--time=1795231644", "--", "sshd", "203.0.113.7", "5",
    ])
    // It got as far as it can get.
    var state: String?
    await eventually("the destination is \(fault.state ?? "not there")") {
      let status = (try? await installation.status()) ?? .null
      state = status["destinations"][0]["state"].string
      return status["destinations"] != .null && state == fault.state
    }
    #expect(state == fault.state)
    if said.status != 0 { #expect(!said.errors.isEmpty || !said.output.isEmpty) }

    var seen = ["ban": said.output + said.errors]
    for command in [
      ["status"], ["status", "--json"], ["queue", "list", "--all"],
      ["queue", "list", "--all", "--json"], ["config", "show"], ["config", "show", "--json"],
      ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"],
    ] {
      let result = try await installation.luaslack(command)
      seen[command.joined(separator: " ")] = result.output + result.errors
    }
    seen["its arguments"] = Proc.words(of: daemon.processID, in: "cmdline").joined(separator: " ")
    seen["its environment"] = Proc.words(of: daemon.processID, in: "environ").joined(separator: " ")
    seen.merge(installation.filesInSpool) { first, _ in first }
    daemon.signal(SIGTERM)
    let end = try await daemon.wait()
    seen["luaslackd"] = end.output + end.errors
    seen.merge(installation.filesInSpool) { first, second in first + second }

    #expect(seen["its arguments"]?.contains("--spool") == true)
    #expect(seen.keys.contains { $0.hasPrefix("luaslack.db") })
    for (place, text) in seen {
      // Not inside the macro, which would print all of it.
      let isSeen = text.contains(Installation.secret)
      #expect(!isSeen, "seen in \(place)")
    }
  }

  @Test func `a luaslackd started by a ban shows it to nobody while it sends`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"hang","seconds":30}"#)
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.7", "5"])
    _ = try await installation.waitForDelivery("sending")
    let process = try #require(installation.daemons().first)
    #expect(Proc.words(of: process, in: "cmdline").contains(installation.spool))
    for file in ["cmdline", "environ"] {
      let text = Proc.words(of: process, in: file).joined(separator: " ")
      #expect(!text.contains(Installation.secret))
    }
    // It was given no environment at all: nothing of the caller's goes with it.
    #expect(Proc.words(of: process, in: "environ").isEmpty)
  }

  @Test func `a webhook inside the config is refused and not repeated`() async throws {
    let installation = try await Installation(
      config: """
        linger = "0s"
        [destination.default]
        webhook = "https://hooks.slack.com\(Self.path)"
        """)
    let shown = try await installation.luaslack(["config", "show"])
    #expect(shown.status == 78)
    #expect(shown.errors.contains("\(installation.config):3:"))
    #expect(shown.errors.contains("webhook_file"))
    #expect(!(shown.output + shown.errors).contains(Installation.secret))
  }
}

extension Installation {
  /// The content of every file below the spool and the overflow, by its name there.
  var filesInSpool: [String: String] {
    var contents: [String: String] = [:]
    for root in [spool, overflow] {
      for name in FileManager.default.enumerator(atPath: root)?.compactMap({ $0 as? String }) ?? []
      {
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(root)/\(name)")
        // Not the FIFO: reading it would wait for a writer.
        guard attributes?[.type] as? FileAttributeType == .typeRegular else { continue }
        let bytes = FileManager.default.contents(atPath: "\(root)/\(name)") ?? Data()
        contents[name] = String(decoding: bytes, as: UTF8.self)
      }
    }
    return contents
  }
}
