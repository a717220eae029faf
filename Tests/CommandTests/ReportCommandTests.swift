import Foundation
import Glibc
import TestSupport
import Testing

/// `luaslack report` with the real programs: what it posts, where, and how often.
@Suite struct ReportCommandTests {
  private static let start = Int(Date.now.timeIntervalSince1970)

  private func bans(_ installation: Installation, _ count: Int = 3) async throws {
    for number in 0..<count {
      let call = try await installation.luaslack(
        [
          "ban", "--time=\(Self.start - 60 * (number + 1))", "--user=root", "--", "sshd",
          "203.0.113.\(number % 2)", "5",
        ], environment: number + 1 < count ? ["LUASLACK_SPAWN": "0"] : [:])
      #expect(call.status == 0, "\(call.errors)")
    }
    await installation.settle()
  }

  @Test func `a report tells of the day, whatever the config posts`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["jail_start"]))
    try await bans(installation)
    let call = try await installation.luaslack(["report", "--wait"])
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.output == "1 report on its way\ndefault: delivered\n")
    let message = try #require(try await installation.slack.waitForMessages(1).last)
    #expect(message.text.contains(":bar_chart: report of 24 hours on "))
    #expect(message.text.contains(": 3 bans of 2 addresses; "))
    #expect(message.body.contains("203.0.113.0 (2), 203.0.113.1 (1)"))
    #expect(message.body.contains("203.0.113.0/24 (3)"))
    #expect(message.body.contains("`root` (3)"))
    #expect(message.bodyJSON.liveMarkup == [])
    await installation.settle()
    #expect(try await installation.deliveries().map { $0["kind"].string } == ["report"])
  }

  @Test func `it goes where it is sent, and nowhere else`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[destination.ops]\nwebhook_file = \"ops\""))
    let url = installation.slack.webhookURL("/services/T000/BOPS/\(Installation.secret)ops")
    try installation.directory.write(url, to: "ops", mode: 0o600)
    let call = try await installation.luaslack(["report", "--since", "7d", "--to=ops", "--wait"])
    #expect(call.status == 0 && call.output.hasSuffix("ops: delivered\n"), "\(call)")
    let messages = try await installation.slack.waitForMessages(1)
    #expect(messages.map { $0.path.contains("BOPS") } == [true])
    #expect(messages[0].text.contains("report of 7 days on "))
    await installation.settle()
    for arguments in [["--to=osp"], ["--to=osp", "--dry-run"], ["--to=osp", "--wait"]] {
      let wrong = try await installation.luaslack(["report"] + arguments)
      #expect(wrong.status == 65, "\(arguments)")
      #expect(wrong.errors.contains("there is no destination osp; did you mean \"ops\"?"))
    }
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
  }

  @Test func `a dry run prints it and touches nothing`() async throws {
    let installation = try await Installation()
    let early = try await installation.luaslack(["report", "--dry-run"])
    #expect(early.status == 66)
    #expect(early.errors.contains("nothing was recorded yet"))
    try await bans(installation)
    let sent = try await installation.slack.messages().count
    let before = try await installation.deliveries().count
    let call = try await installation.luaslack(["report", "--dry-run"])
    #expect(call.status == 0, "\(call.errors)")
    let text = try JSON(parsing: call.output)["text"].string ?? ""
    #expect(text.contains(": 3 bans of 2 addresses"))
    let figures = try JSON(parsing: try await installation.luaslack(["report", "--json"]).output)
    #expect(figures["totals"]["bans"]["count"].number == 3)
    #expect(figures["addresses"].array.count == 2)
    #expect(figures["destinations"].array.first?["name"].string == "default")
    #expect(installation.incoming.isEmpty && installation.daemons().isEmpty)
    #expect(try await installation.deliveries().count == before)
    #expect(try await installation.slack.messages().count == sent)
  }

  @Test func `a formatter words it, and a mention of its own is live`() async throws {
    let installation = try await Installation()
    try installation.directory.write(
      """
      return { any = function() error("any") end, report = function(event, payload)
        payload.text = ("%s %d %s %s"):format(event.period, event.totals.bans.count, event.jails[1].name,
          slack.mention("here"))
      end }
      """, to: "formatters/50-own.lua")
    _ = try await installation.luaslack(
      ["ban", "--time=\(Self.start - 60)", "--", "<!channel>", "203.0.113.7", "5"],
      environment: ["LUASLACK_SPAWN": "0"])
    _ = try await installation.luaslack(["report", "--wait"])
    let texts = try await installation.slack.waitForMessages(2).map(\.text)
    #expect(texts.contains("24 hours 1 &lt;!channel&gt; <!here>"), "\(texts)")
  }

  /// The request is in the spool, and its luaslackd is killed at any moment: one report.
  @Test func `a request is carried out once, whenever luaslackd is killed`() async throws {
    let installation = try await Installation()
    for round in 0..<(Long.isOn ? 40 : 8) {
      let call = try await installation.luaslack(
        ["report"], environment: ["LUASLACK_SPAWN": "0"])
      #expect(call.output.hasPrefix("requested; no luaslackd runs"), "\(call)")
      let daemon = try RunningProgram(
        Programs.luaslackd,
        [
          "--until-idle", "--spool", installation.spool, "--config", installation.config,
          "--overflow", installation.overflow,
        ], environment: [:])
      usleep(UInt32.random(in: 0...40_000))
      daemon.signal(SIGKILL)
      _ = try await daemon.wait()
      _ = try await installation.luaslack(["queue", "flush"])
      await installation.settle()
      let made = try await installation.deliveries().filter { $0["kind"].string == "report" }
      #expect(made.count == round + 1)
      #expect(made.allSatisfy { $0["state"].string == "delivered" })
    }
  }

  @Test func `a quiet host hears from its hook, and a dead one is named`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[destination.ops]\nwebhook_file = \"ops\""))
    let url = installation.slack.webhookURL("/services/T000/BOPS/\(Installation.secret)ops")
    try installation.directory.write(url, to: "ops", mode: 0o600)
    let quiet = try await installation.luaslack(["report", "--wait"])
    #expect(quiet.status == 0, "\(quiet.errors)")
    let first = try #require(try await installation.slack.waitForMessages(1).last)
    #expect(first.text.contains(": nothing of this time is known"), "\(first.text)")
    try await installation.slack.control(
      #"{"mode":"status","status":404,"body":"no_service","path":"/services/T000/BOPS/*"}"#)
    _ = try await installation.luaslack([
      "ban", "--time=\(Self.start - 60)", "--to=ops", "--", "sshd", "203.0.113.7", "5",
    ])
    await eventually("ops is dead") {
      (try? await installation.luaslack(["status"]).status) == 2
    }
    _ = try await installation.luaslack(["report", "--wait", "--to=default"])
    let told = try await installation.slack.waitForMessages(2).filter { $0.accepted }
    let report = try #require(told.last { $0.text.contains("report of") })
    #expect(report.text.contains(":warning: "), "\(report.text)")
    #expect(report.text.hasSuffix("; ops is dead"), "\(report.text)")
    // What happens in the second of the asking is the next report's.
    #expect(report.body.contains("`ops`: dead, 0 delivered, "))
    #expect(report.body.contains("1 waiting, the oldest since "))
    #expect(report.body.contains("404 no_service"))
    #expect(!report.body.contains(Installation.secret))
  }

  @Test func `--wait says what became of it`() async throws {
    let installation = try await Installation()
    try await bans(installation, 1)
    try await installation.slack.control(#"{"mode":"hang","seconds":30}"#)
    let call = try await installation.luaslack(["report", "--wait=1s"])
    #expect(call.status == 75 && call.errors.contains("not delivered within 1 s"), "\(call)")
    #expect(!call.errors.contains("NotDelivered"))
  }

  @Test(.enabled(if: geteuid() == 0, "only root can become somebody else"))
  func `nobody else may ask, or read what is known`() async throws {
    let installation = try await Installation()
    try await bans(installation)
    // Nobody's own luaslack is meant; whose it is says the spool.
    for path in ["", "spool"] { chmod(installation.directory.file(path), 0o711) }
    for (arguments, what) in [
      (["report"], "a report"), (["report", "--dry-run"], "a report"),
      (["report", "--json"], "a report"), (["status"], "the status"),
      (["history", "203.0.113.7"], "the history"),
      (["history", "forget", "203.0.113.7"], "the history"), (["queue", "list"], "the queue"),
      (["queue", "flush"], "the queue"), (["trace", "203.0.113.7"], "a trace"),
      (["send-test"], "a test message"),
    ] {
      let call = try await run(
        "/usr/bin/setpriv",
        ["--reuid=65534", "--regid=65534", "--clear-groups", Programs.luaslack] + arguments
          + ["--spool", installation.spool, "--config", installation.config])
      #expect(call.status == 77, "\(arguments) \(call)")
      let sentence = "\(what) is for root and the owner of \(installation.spool); try sudo"
      #expect(call.errors == "luaslack: \(sentence)\n", "\(arguments)")
      #expect(call.output == "")
    }
  }

  @Test func `--wait does not wait for a destination that is dead`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(#"{"mode":"status","status":404,"body":"no_service"}"#)
    let ban = ["ban", "--wait", "--", "sshd", "203.0.113.7", "5"]
    #expect(try await installation.luaslack(ban).status == 75)
    // Of these nothing is tried: that was a moment ago.
    for arguments in [["report", "--wait"], ban] {
      let call = try await installation.luaslack(arguments)
      #expect(call.status == 75, "\(call)")
      let sentence = "the destination is dead, the event stays queued: 404 no_service"
      #expect(call.errors.hasPrefix("luaslack: \(sentence)"), "\(call.errors)")
    }
  }

  @Test func `preview's picture of a report is what was committed`() async throws {
    let installation = try await Installation()
    var pictures = ""
    for sample in ["report", "report-quiet", "hostile-report"] {
      let call = try await installation.luaslack(
        ["preview", "--sample", sample], environment: ["NO_COLOR": "1"])
      #expect(call.status == 0, "\(call.errors)")
      pictures += call.output + "\n"
    }
    for sample in ["report", "report-quiet"] {
      let call = try await installation.luaslack(
        ["preview", "--sample", sample, "report"], environment: ["NO_COLOR": "1"])
      #expect(call.status == 0, "\(call.errors)")
      pictures += call.output + "\n"
    }
    expectGolden(pictures, file: "Golden/preview/report.txt")
  }
}
