import Foundation
import TestSupport
import Testing

/// What people and their programs get told: `--wait`, `--dry-run`, `status`, `queue`, `config`.
@Suite struct ReportingTests {
  static let ban = ["ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]

  private func waiting(_ time: String = "") -> [String] {
    ["ban", "--wait\(time)", "--", "sshd", "203.0.113.7", "5"]
  }

  // MARK: - --wait

  @Test(arguments: ["", "=10s", "=1m", "=10"])
  func `--wait returns when the message is delivered, and says where`(_ time: String) async throws {
    let installation = try await Installation()
    let call = try await installation.luaslack(waiting(time))
    #expect(call.status == 0)
    #expect(call.output == "default: delivered\n")
    #expect(call.errors == "")
    #expect(try await installation.slack.messages(acceptedOnly: true).count == 1)
    let list = try await installation.luaslack(["queue", "list", "--all"])
    #expect(list.output.hasSuffix("  1 attempt\n"), "\(list.output)")
  }

  @Test func `--wait tells of a message that was given up`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":400,"body":"invalid_payload"}"#)
    let call = try await installation.luaslack(waiting())
    #expect(call.status == 69)
    #expect(call.output == "default: dead (400 invalid_payload)\n")
  }

  @Test(arguments: [
    (#"{"mode":"status","status":500,"body":"rollup_error"}"#, "500 rollup_error"),
    (#"{"mode":"status","status":404,"body":"no_service"}"#, "404 no_service"),
  ])
  func `--wait tells why a message still waits`(_ rule: String, _ reason: String) async throws {
    let installation = try await Installation()
    try await installation.slack.control(rule)
    let call = try await installation.luaslack(waiting("=1s"))
    #expect(call.status == 75)
    #expect(call.output == "")
    #expect(call.errors.contains("stays queued"))
    #expect(call.errors.contains(reason))
    #expect(try await installation.deliveries(all: false).count == 1)
  }

  /// Nothing was tried, so that no delivery knows the reason; the destination does.
  @Test func `--wait tells of a secret that cannot be had`() async throws {
    let installation = try await Installation(webhook: "http://192.0.2.1/services/T/B/x")
    let call = try await installation.luaslack(waiting("=1s"))
    #expect(call.status == 75)
    #expect(call.errors.contains("must begin with https://"))
  }

  @Test func `--wait tells that nobody has taken the event in`() async throws {
    let installation = try await Installation()
    let call = try await installation.luaslack(
      waiting("=1s"), environment: ["LUASLACK_SPAWN": "0"])
    #expect(call.status == 75)
    #expect(call.errors.contains("luaslackd has not taken it in"))
    #expect(installation.incoming.count == 1)
  }

  @Test func `--wait tells of an event that makes no message`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["unban"]))
    let call = try await installation.luaslack(waiting())
    #expect(call.status == 0)
    #expect(call.output.contains("`post`"))
  }

  @Test func `the time of --wait may stand apart`() async throws {
    let installation = try await Installation()
    let call = try await installation.luaslack([
      "ban", "--wait", "20s", "--", "sshd", "203.0.113.7", "5",
    ])
    #expect(call.status == 0)
    let messages = try await installation.slack.messages()
    #expect(messages.count == 1)
    #expect(messages.first?.text.contains("sshd banned 203.0.113.7 after 5") == true)
  }

  @Test func `--wait tells of each destination`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[destination.other]\nwebhook_file = \"webhook2\""))
    try installation.directory.write(
      installation.slack.webhookURL("/services/T000/B222/other"), to: "webhook2", mode: 0o600)
    let call = try await installation.luaslack(
      ["ban", "--wait", "--to=default,other", "--", "sshd", "203.0.113.7", "5"])
    #expect(call.status == 0)
    let lines = call.output.split(separator: "\n")
    #expect(Set(lines) == ["default: delivered", "other: delivered"])
  }

  // MARK: - --dry-run

  @Test func `--dry-run prints what would be sent, byte for byte`() async throws {
    let installation = try await Installation()
    let options = ["--host=web1", "--time=1795231644", "--user=<b>", "--matches=one\ntwo"]
    let rest = ["--", "sshd", "203.0.113.7", "5"]
    let trial = try await installation.luaslack(["ban", "--dry-run"] + options + rest)
    #expect(trial.status == 0)
    #expect(trial.errors == "")
    #expect(!FileManager.default.fileExists(atPath: installation.spool))
    #expect(try await installation.slack.messages().isEmpty)

    _ = try await installation.luaslack(["ban"] + options + rest)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(try JSON(parsing: trial.output) == message.bodyJSON)
  }

  @Test func `--dry-run needs no config, and says that it went without`() async throws {
    let installation = try await Installation()
    let trial = try await installation.luaslack(
      ["ban", "--dry-run", "--config=/nonexistent/config.toml", "--", "sshd", "203.0.113.7", "5"])
    #expect(trial.status == 0)
    #expect(trial.errors.contains("/nonexistent/config.toml"))
    #expect(try JSON(parsing: trial.output)["text"].string?.contains("203.0.113.7") == true)
  }

  @Test func `--dry-run refuses a wrong config with its line`() async throws {
    let installation = try await Installation(config: "post = [\"ban\"]\n[destinaton.default]\n")
    let trial = try await installation.luaslack(
      ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"])
    #expect(trial.status == 78)
    #expect(trial.output == "")
    #expect(trial.errors.contains("\(installation.config):2:"))
    #expect(trial.errors.contains("did you mean \"destination\""))
  }

  @Test func `--dry-run says what the config would keep from being sent`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["unban"]))
    let trial = try await installation.luaslack(
      ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"])
    #expect(trial.status == 0)
    #expect(trial.errors.contains("`post`"))
  }

  // MARK: - status, queue, config

  @Test func `status before anything happened is fine and makes nothing`() async throws {
    let installation = try await Installation()
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 0)
    #expect(status.output.hasPrefix("ok: "))
    let list = try await installation.luaslack(["queue", "list"])
    #expect(list.status == 0)
    #expect(list.output == "")
    #expect(!FileManager.default.fileExists(atPath: installation.spool))
  }

  @Test func `status as JSON has the members of its contract`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--wait", "--host=web1", "--", "sshd", "::1", "5"])
    let status = try await installation.status()
    #expect(
      Set(status.object.keys) == [
        "schema", "version", "host", "config", "destinations", "pending", "state", "notices",
        "warnings",
      ])
    #expect(status["schema"].number == 1)
    #expect(status["version"].string?.split(separator: ".").count == 3)
    #expect(status["host"].string?.isEmpty == false)
    #expect(status["config"].string == installation.config)
    #expect(status["pending"].number == 0)
    let destination = status["destinations"][0]
    #expect(
      Set(destination.object.keys) == [
        "name", "state", "pending", "oldest_pending_at", "next_attempt_at", "last_ok_at",
        "last_error", "totals", "held", "is_held", "pending_in_digests",
      ])
    #expect(destination["name"].string == "default")
    #expect(destination["state"].string == "ok")
    #expect(destination["pending"].number == 0)
    for name in ["oldest_pending_at", "next_attempt_at", "last_error"] {
      #expect(destination[name].isNull)
    }
    let date = try #require(destination["last_ok_at"].string)
    #expect(ISO8601DateFormatter().date(from: date) != nil)
    let totals = destination["totals"].object.mapValues(\.number)
    #expect(
      totals == [
        "waiting": 0, "sending": 0, "delivered": 1, "folded": 0, "muted": 0, "dead": 0,
      ])
  }

  @Test func `status counts what is not taken in yet`() async throws {
    let installation = try await Installation()
    for number in 1...3 { _ = try await installation.banUndelivered("203.0.113.\(number)") }
    #expect(try await installation.status()["pending"].number == 3)
    #expect(try await installation.luaslack(["status"]).output.hasPrefix("ok: 3 pending"))
  }

  @Test func `while something waits, status says since when and until when`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"status","status":500,"body":"rollup_error"}"#)
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1, acceptedOnly: false)
    await eventually("the failure is noted") {
      (try? await installation.luaslack(["status"]).status) == 1
    }
    let destination = try await installation.status()["destinations"][0]
    #expect(destination["state"].string == "failing")
    #expect(destination["pending"].number == 1)
    #expect(destination["last_error"].string == "500 rollup_error")
    #expect(destination["oldest_pending_at"].string?.hasSuffix("Z") == true)
    #expect(destination["next_attempt_at"].string?.hasSuffix("Z") == true)
  }

  @Test func `queue list shows what waits, and everything if asked`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.1", "5"])
    try await installation.slack.control(#"{"mode":"status","status":500,"body":"rollup_error"}"#)
    _ = try await installation.luaslack(["ban", "--wait=0s", "--", "sshd", "203.0.113.2", "5"])
    await eventually("it waits") {
      (try? await installation.deliveries(all: false).first?["reason"].string) == "500 rollup_error"
    }
    let pending = try await installation.luaslack(["queue", "list"])
    #expect(pending.status == 0)
    #expect(pending.output.split(separator: "\n").count == 1)
    #expect(pending.output.contains("203.0.113.2"))
    #expect(pending.output.contains("500 rollup_error"))
    let all = try await installation.luaslack(["queue", "list", "--all"])
    #expect(all.output.split(separator: "\n").count == 2)
    let newest = try await installation.luaslack(["queue", "list", "--all", "--limit=1"])
    // Between the two calls there may have been one more attempt.
    let attempts = /[0-9]+ attempts/
    #expect(
      newest.output.replacing(attempts, with: "") == pending.output.replacing(attempts, with: ""))

    let row = try #require(try await installation.deliveries(all: false).first)
    #expect(
      Set(row.object.keys) == [
        "id", "event", "destination", "state", "reason", "attempts", "accepted_at",
        "next_attempt_at", "kind", "jail", "subject", "held", "class", "folded_into",
      ])
  }

  @Test func `what queue list shows of an event steers no terminal`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(
      ["ban", "--wait", "--", "ja\u{1B}[31mil", "a\u{202E}b\nwaiting c", "5"])
    let list = try await installation.luaslack(["queue", "list", "--all"])
    #expect(list.output.split(separator: "\n").count == 1)
    #expect(!list.output.contains("\u{1B}") && !list.output.contains("\u{202E}"))
  }

  @Test func `config show prints a config that means the same`() async throws {
    let installation = try await Installation(
      config: Installation.config(linger: "2m", more: "[destination.b]\nwebhook_file = \"/x/b\""))
    let first = try await installation.luaslack(["config", "show"])
    #expect(first.status == 0)
    #expect(first.errors == "")
    #expect(first.output.contains("linger = \"120s\""))
    #expect(first.output.contains(installation.directory.file("webhook")))
    try installation.directory.write(first.output, to: "config.toml")
    let second = try await installation.luaslack(["config", "show"])
    #expect(second.output == first.output)

    let text = try await installation.luaslack(["config", "show", "--json"]).output
    let json = try JSON(parsing: text)
    #expect(json["linger"].number == 120)
    #expect(json["destination"]["b"]["webhook_file"].string == "/x/b")
    #expect(json["spool"].string == installation.spool)
  }

  @Test(arguments: [
    ("lingr = 3", 3, "did you mean \"linger\""),
    ("[destination.default]\nwebhook_fil = \"x\"", 4, "did you mean \"webhook_file\""),
    ("post = [\"bam\"]", 3, "did you mean \"ban\""),
    ("linger = \"soon\"", 3, "linger"),
    ("[destination.default]\nwebhook_file = 5", 4, "webhook_file"),
    ("linger = = 5", 3, "value"),
    ("[destination.other]\nwebhook_file = \"x\"", 3, "destination.default"),
  ])
  func `a mistake in the config is named with its line`(
    _ text: String, _ line: Int, _ hint: String
  ) async throws {
    let installation = try await Installation(config: "# one\n# two\n\(text)\n")
    let shown = try await installation.luaslack(["config", "show"])
    #expect(shown.status == 78)
    #expect(shown.output == "")
    #expect(shown.errors.hasPrefix("luaslack: \(installation.config):\(line): "))
    #expect(shown.errors.contains(hint))
  }
}
