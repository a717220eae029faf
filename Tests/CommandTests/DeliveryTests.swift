import Glibc
import TestSupport
import Testing

/// From the spool to Slack, through everything that can be wrong with Slack, its answers, the
/// config and the secret. What was accepted is delivered or kept; nothing is told twice unmarked.
@Suite struct DeliveryTests {
  static let ban = ["ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]
  static let text = ":shield: sshd banned 203.0.113.7 after 5 failures on web1"
  static let repeated = text + " (possible repeat)"

  @Test(arguments: [
    #"{"mode":"status","status":500,"body":"rollup_error","times":1}"#,
    #"{"mode":"status","status":503,"body":"<html>upstream</html>","times":1}"#,
    #"{"mode":"html","times":1}"#,
    #"{"mode":"redirect","times":1}"#,
    #"{"mode":"status","status":408,"body":"","times":1}"#,
  ])
  func `an answer that is no yes is tried again, until it is one`(_ rule: String) async throws {
    let installation = try await Installation()
    try await installation.slack.control(rule)
    _ = try await installation.luaslack(Self.ban)
    let messages = try await installation.slack.waitForMessages(1)
    // A page with 200 or 408 may come from somebody between who passed the request on.
    let isAmbiguous = rule.contains("html\",") || rule.contains("408")
    #expect(messages.map(\.text) == [isAmbiguous ? Self.repeated : Self.text])
    await installation.settle()
    let requests = try await installation.slack.messages()
    #expect(requests.count == 2)
    let delivery = try await installation.waitForDelivery("delivered")
    #expect(delivery["attempts"].number == 2)
  }

  @Test func `the time that Slack asks for is kept, also by what comes later`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":429,"body":"rate_limited","headers":{"Retry-After":"2"},"times":1}"#
    )
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1, acceptedOnly: false)
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    // A flush does not break Slack's own word either.
    _ = try await installation.luaslack(["queue", "flush"])
    let accepted = try await installation.slack.waitForMessages(2)
    #expect(accepted.count == 2)

    let requests = try await installation.slack.messages()
    #expect(requests.count == 3)
    let refused = try #require(requests.first)
    for request in requests.dropFirst() { #expect(request.monotonic - refused.monotonic >= 2) }
  }

  @Test(arguments: [(403, "action_prohibited"), (404, "no_service"), (410, "channel_is_archived")])
  func `a destination that Slack calls dead is named, and its events stay`(
    _ status: Int, _ word: String
  ) async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":\#(status),"body":"\#(word)"}"#)
    _ = try await installation.luaslack(Self.ban)
    await eventually("the destination is dead") {
      (try? await installation.luaslack(["status"]).status) == 2
    }
    let answer = try await installation.luaslack(["status"])
    #expect(answer.output.contains("dead"))
    #expect(answer.output.contains("\(status) \(word)"))
    let delivery = try #require(try await installation.deliveries(all: false).first)
    #expect(delivery["state"].string == "waiting")
    #expect(delivery["reason"].string == "\(status) \(word)")

    // Mended, and hurried by hand.
    try await installation.slack.control(#"{"mode":"ok"}"#)
    #expect(try await installation.luaslack(["queue", "flush"]).status == 0)
    let messages = try await installation.slack.waitForMessages(1)
    #expect(messages.map(\.text) == [Self.text])
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
    #expect(try await installation.slack.messages().count == 2)
  }

  @Test func `queue flush tries at once what waits`() async throws {
    let installation = try await Installation()
    // After five failures the next attempt is 12 s away at the least.
    try await installation.slack.control(#"{"mode":"status","status":500,"body":"rollup_error"}"#)
    _ = try await installation.luaslack(Self.ban)
    for attempt in 1...5 {
      _ = try await installation.slack.waitForMessages(attempt, acceptedOnly: false)
      await eventually("the failure is noted") {
        let delivery = try? await installation.deliveries(all: false).first
        return delivery?["attempts"].number == Double(attempt)
          && delivery?["state"].string == "waiting"
      }
      if attempt == 5 { try await installation.slack.control(#"{"mode":"ok"}"#) }
      let flush = try await installation.luaslack(["queue", "flush"])
      #expect(flush.status == 0)
      #expect(flush.output + flush.errors == "")
    }
    let messages = try await installation.slack.waitForMessages(1, timeout: .seconds(8))
    #expect(messages.map(\.text) == [Self.text])
  }

  @Test func `a refused payload goes out plain, with Slack's word`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":400,"body":"invalid_blocks","times":1}"#)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.hasPrefix("sshd banned 203.0.113.7 after 5 failures on web1"))
    #expect(message.text.contains("invalid_blocks"))
    #expect(message.bodyJSON["attachments"].isNull)
    #expect(message.bodyJSON["blocks"].isNull)
    await installation.settle()
    #expect(try await installation.slack.messages().count == 2)
  }

  @Test func `blocks that Slack itself finds wrong go out plain`() async throws {
    let installation = try await Installation()
    try installation.directory.write(
      "return { ban = function() return { blocks = { { type = 'nonsense' } } } end }",
      to: "formatters/50-wrong.lua")
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.contains("203.0.113.7"))
    #expect(message.text.contains("invalid_blocks"))
    #expect(message.bodyJSON["blocks"].isNull)
  }

  @Test func `what is refused twice becomes a dead letter that can be looked at`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":400,"body":"invalid_payload","times":2}"#)
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(2, acceptedOnly: false)
    await installation.settle()
    #expect(try await installation.slack.messages().count == 2)
    #expect(try await installation.deliveries(all: false).isEmpty)
    let dead = try #require(try await installation.deliveries().first)
    #expect(dead["state"].string == "dead")
    #expect(dead["reason"].string == "400 invalid_payload")
    #expect(dead["subject"].string == "203.0.113.7")
    let list = try await installation.luaslack(["queue", "list", "--all"])
    #expect(list.output.contains("dead") && list.output.contains("203.0.113.7"))

    // It is in nobody's way.
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  @Test func `while nobody answers the event waits, and arrives when somebody does`() async throws {
    let installation = try await Installation()
    try await installation.slack.stop()
    let call = try await installation.luaslack(Self.ban)
    #expect(call.status == 0)
    #expect(call.output + call.errors == "")
    await eventually("the attempt fails") {
      let delivery = try? await installation.deliveries().first
      return delivery?["state"].string == "waiting" && delivery?["attempts"].number == 1
    }
    #expect(try await installation.luaslack(["status"]).status == 1)
    #expect(try await installation.status()["pending"].number == 1)

    let slack = try SlackOnPort(installation.slack.port)
    await eventually("it is delivered") { slack.messages.contains(where: \.accepted) }
    // No connection was made before: there is no doubt to mark.
    #expect(slack.messages.map(\.text) == [Self.text])
    await installation.settle()
  }

  @Test(arguments: [
    #"{"mode":"close","times":1,"accept":true}"#,
    #"{"mode":"reset_before","times":1}"#,
    #"{"mode":"reset_after","times":1,"accept":true}"#,
  ])
  func `after a silence the message is sent again, and says so`(_ rule: String) async throws {
    let installation = try await Installation()
    try await installation.slack.control(rule)
    _ = try await installation.luaslack(Self.ban)
    let requests = try await installation.slack.waitForMessages(2, acceptedOnly: false)
    #expect(requests.last?.text == Self.repeated)
    await installation.settle()
    #expect(try await installation.slack.messages().count == 2)
  }

  @Test(arguments: [SIGKILL, SIGTERM])
  func `what was on its way when luaslackd was ended is sent again, marked`(
    _ signal: Int32
  ) async throws {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"hang","seconds":60}"#)
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(Self.ban)
    // Committed before the first byte; from here on nobody can know how far it came.
    let row = try await installation.waitForDelivery("sending")
    #expect(row["attempts"].number == 1)
    daemon.signal(signal)
    _ = try await daemon.wait()
    #expect(try await installation.deliveries().first?["state"].string == "sending")

    try await installation.slack.control(#"{"mode":"ok"}"#)
    _ = try await installation.luaslack(["ban", "--host=web1", "--", "sshd", "203.0.113.8", "5"])
    let messages = try await installation.slack.waitForMessages(2)
    let other = ":shield: sshd banned 203.0.113.8 after 5 failures on web1"
    #expect(messages.map(\.text).sorted() == [Self.repeated, other].sorted())
    await installation.settle()
  }

  @Test func `the service ends at a TERM, and at once`() async throws {
    let installation = try await Installation()
    let daemon = try await installation.daemon()
    daemon.signal(SIGTERM)
    // Far below its longest pause of five seconds.
    let end = try await daemon.wait(timeout: .seconds(3))
    #expect(end.status == 0)
    #expect(installation.isLockFree)
  }

  @Test func `one message at a time goes out, in the order of the events`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"delay","seconds":0.05}"#)
    for number in 1...10 { _ = try await installation.banUndelivered("203.0.113.\(number)") }
    _ = try await installation.luaslack(["queue", "flush"])
    await installation.settle()
    let messages = try await installation.slack.messages()
    let told = messages.compactMap { $0.text.split(separator: " ").dropFirst(3).first }
    #expect(told == (1...10).map { "203.0.113.\($0)" })
    for (earlier, later) in zip(messages, messages.dropFirst()) {
      #expect(later.monotonic - earlier.monotonic >= 0.05)
    }
  }

  // MARK: - The config and the secret

  @Test func `while the config is broken events wait, and status names its line`() async throws {
    let installation = try await Installation(
      config: "post = [\"ban\"]\nlinger = \"0s\"\nformaters = []\n")
    let call = try await installation.luaslack(Self.ban)
    #expect(call.status == 0)
    #expect(call.output + call.errors == "")
    await eventually("status names the mistake") {
      let status = try? await installation.luaslack(["status"])
      return status?.status == 1
        && status?.output.contains("\(installation.config):3:") == true
        && status?.output.contains("formatters") == true
    }
    #expect(try await installation.slack.messages().isEmpty)

    try installation.directory.write(Installation.config(), to: "config.toml")
    // luaslackd looks at the file now and then; another event would wake it at once.
    let messages = try await installation.slack.waitForMessages(1, timeout: .seconds(20))
    #expect(messages.count == 1)
    #expect(messages.first?.text.contains("203.0.113.7") == true)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test func `a config that breaks later leaves the one that worked in force`() async throws {
    let installation = try await Installation()
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    try installation.directory.write("post = [\"bann\"]\n", to: "config.toml")
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    // The other one tells of the config.
    let texts = try await installation.slack.waitForMessages(3).map(\.text)
    #expect(texts.count == 3)
    #expect(texts.count { $0.contains("203.0.113.8") } == 1)
    #expect(texts.count { $0.contains("its configuration is wrong") } == 1)
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    #expect(status.output.contains("\(installation.config):1:"))
    #expect(status.output.contains("did you mean \"ban\""))
    #expect(daemon.standardError.contains("\(installation.config):1:"))
  }

  @Test(arguments: ["http://192.0.2.1/services/T/B/x", "http://localhost.example/x", "ftp://x/y"])
  func `a webhook that would show its secret on the way is refused`(_ url: String) async throws {
    let installation = try await Installation(webhook: url)
    _ = try await installation.luaslack(Self.ban)
    await eventually("status names the mend") {
      let status = try? await installation.luaslack(["status"])
      return status?.status == 1 && status?.output.contains("must begin with https://") == true
    }
    let row = try #require(try await installation.deliveries().first)
    #expect(row["state"].string == "waiting")
    // Nothing was tried: nothing could have shown.
    #expect(row["attempts"].number == 0)
  }

  @Test(arguments: [
    (0o644, "chmod 0640"), (0o604, "chmod 0640"), (0o660, "chmod go-w"), (0o666, "chmod go-w"),
  ])
  func `a webhook file that others can read or write is refused`(
    _ mode: Int, _ mend: String
  ) async throws {
    let installation = try await Installation()
    let file = installation.directory.file("webhook")
    chmod(file, mode_t(mode))
    _ = try await installation.luaslack(Self.ban)
    await eventually("status names the mend") {
      let status = try? await installation.luaslack(["status"])
      return status?.status == 1 && status?.output.contains(file) == true
        && status?.output.contains(mend) == true
    }
    #expect(try await installation.slack.messages().isEmpty)

    chmod(file, 0o640)
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }
}
