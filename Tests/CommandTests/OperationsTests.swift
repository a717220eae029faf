import Foundation
import TestSupport
import Testing

/// What an admin does to the queue and asks of an event, with the real programs.
@Suite struct OperationsTests {
  private static let failing = #"{"mode":"status","status":500,"body":"rollup_error"}"#

  /// One message that waits for a Slack that fails; its id.
  private func waiting(_ installation: Installation, _ ip: String = "203.0.113.7") async throws
    -> String
  {
    try await installation.slack.control(Self.failing)
    _ = try await installation.luaslack(["ban", "--wait=0s", "--", "sshd", ip, "5"])
    var id = ""
    await eventually("it waits") {
      let row = try? await installation.deliveries(all: false).first {
        $0["subject"].string == ip && $0["reason"].string == "500 rollup_error"
      }
      id = row?["id"].number.map { String(Int($0)) } ?? ""
      return !id.isEmpty
    }
    return id
  }

  @Test func `what is held is not sent, not even by a flush, until it is released`() async throws {
    let installation = try await Installation()
    let id = try await waiting(installation)
    let hold = try await installation.luaslack(["queue", "hold", id])
    #expect(hold.status == 0, "\(hold.errors)")
    #expect(hold.output == "1 message held; `luaslack queue release` lets go\n")
    try await installation.slack.control(#"{"mode":"ok"}"#)
    _ = try await installation.luaslack(["queue", "flush"])
    // Nothing is left to do: luaslackd leaves.
    await installation.settle()
    #expect(try await installation.slack.messages(acceptedOnly: true).isEmpty)
    #expect(try await installation.luaslack(["queue", "list"]).output.contains("  held  default"))
    #expect(try await installation.luaslack(["status"]).output.contains("1 held"))
    #expect(try await installation.status()["destinations"][0]["held"].number == 1)

    let release = try await installation.luaslack(["queue", "release"])
    #expect(release.output == "1 message released\n")
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  @Test func `a held destination takes what comes and sends it when released`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.1", "5"])
    let hold = try await installation.luaslack(["queue", "hold", "--destination", "default"])
    #expect(hold.output.hasPrefix("0 messages held"))
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.2", "5"])
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
    let release = try await installation.luaslack(["queue", "release", "--destination=default"])
    #expect(release.output == "1 message released\n")
    #expect(try await installation.slack.waitForMessages(2).count == 2)
  }

  @Test func `a dead letter is tried again`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(
      #"{"mode":"status","status":400,"body":"invalid_payload","times":2}"#)
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.7", "5"])
    let retry = try await installation.luaslack(["queue", "retry", "--dead"])
    #expect(retry.status == 0)
    #expect(retry.output == "1 message to be tried again now\n")
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  @Test func `what is deleted is never sent, and trace says so`() async throws {
    let installation = try await Installation()
    let id = try await waiting(installation)
    let delete = try await installation.luaslack(["queue", "delete", id])
    #expect(delete.output == "1 message deleted\n", "\(delete.errors)")
    try await installation.slack.control(#"{"mode":"ok"}"#)
    await installation.settle()
    #expect(try await installation.slack.messages(acceptedOnly: true).isEmpty)
    #expect(try await installation.luaslack(["trace", id]).output.contains("deleted by hand"))
    let again = try await installation.luaslack(["queue", "delete", id, "99"])
    #expect(again.status == 65)
    #expect(again.errors.contains("\(id) is muted and cannot be deleted"))
    #expect(again.errors.contains("99: there is no such delivery"))
  }

  @Test func `where no luaslackd runs a change is requested`() async throws {
    let installation = try await Installation()
    let hold = try await installation.luaslack(
      ["queue", "hold", "1"], environment: ["LUASLACK_SPAWN": "0"])
    #expect(hold.status == 0)
    #expect(hold.output.hasPrefix("requested; no luaslackd runs"))
    #expect(installation.incoming.count == 1)
  }

  @Test func `queue show has the event, its messages and their payloads`() async throws {
    let installation = try await Installation()
    let id = try await waiting(installation)
    let show = try await installation.luaslack(["queue", "show", id])
    #expect(show.status == 0)
    for part in ["ban sshd 203.0.113.7: accepted", "message \(id) to default", "\"attachments\""] {
      #expect(show.output.contains(part), "\(part)")
    }
    let json = try JSON(
      parsing: try await installation.luaslack(["queue", "show", id, "--json"]).output)
    #expect(json["record"]["ip"].string == "203.0.113.7")
    #expect(json["deliveries"][0]["payload"]["attachments"].array.count == 1)
    let none = try await installation.luaslack(["queue", "show", "99"])
    #expect(none.status == 65)
    #expect(none.errors == "luaslack: there is no message 99\n")
  }

  // MARK: - trace

  @Test func `trace follows an address and its repeats`() async throws {
    let installation = try await Installation()
    let ban = ["ban", "--wait", "--time=1795231644", "--", "sshd", "2001:db8::7", "5"]
    _ = try await installation.luaslack(ban)
    _ = try await installation.luaslack(ban)
    let trace = try await installation.luaslack(["trace", "2001:DB8::7"])
    #expect(trace.status == 0)
    #expect(trace.output.hasPrefix("ban sshd 2001:db8::7: accepted "))
    #expect(trace.output.contains("the same event came once more"))
    #expect(trace.output.contains("to default: delivered"))
    let json = try JSON(
      parsing: try await installation.luaslack(["trace", "2001:db8::7", "--json"]).output)
    #expect(json["total"].number == 1)
    #expect(json["events"][0]["deliveries"][0]["state"].string == "delivered")
    #expect(json["fail2ban"].isNull)
  }

  @Test func `trace tells what each formatter did and what Slack said`() async throws {
    let installation = try await Installation()
    for (name, script) in [
      ("40-silent", "return { any = function() end }"),
      ("50-unbans", "return { unban = function() return { text = 'x' } end }"),
      ("60-broken", "return { ban = function()\n  error('no luck')\nend }"),
      (
        "70-quiet",
        """
        return { ban = function(event)
          if event.ip == "203.0.113.8" then return slack.mute("known scanner") end
        end }
        """
      ),
    ] { try installation.directory.write(script, to: "formatters/\(name).lua") }
    _ = try await waiting(installation)
    try await installation.slack.control(#"{"mode":"ok"}"#)
    _ = try await installation.luaslack(["queue", "flush"])
    _ = try await installation.waitForDelivery("delivered")
    let trace = try await installation.luaslack(["trace", "203.0.113.7"]).output
    let lines = trace.split(separator: "\n").dropFirst().map(String.init)
    let told = [
      "  default.lua: changed it", "  40-silent.lua: no change", "  50-unbans.lua: no handler",
      "  60-broken.lua: failed: 60-broken.lua:2: no luck", "  70-quiet.lua: no change",
    ]
    #expect(lines.prefix(5).elementsEqual(told), "\(trace)")
    // Slack may have failed more than once before the flush.
    #expect(lines.contains { $0.hasSuffix("Z  500 rollup_error") }, "\(trace)")
    #expect(lines.last?.hasSuffix("Z  200 ok") == true, "\(trace)")

    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.8", "5"])
    let muted = try await installation.luaslack(["trace", "203.0.113.8", "--json"]).output
    let event = try JSON(parsing: muted)["events"][0]
    #expect(
      event["formatters"].array.contains {
        $0["outcome"].string == "muted by 70-quiet.lua:2: known scanner"
      }, "\(muted)")
    #expect(event["deliveries"][0]["attempt_log"].array.isEmpty)
  }

  @Test func `trace sees what is not taken in yet`() async throws {
    let installation = try await Installation()
    _ = try await installation.banUndelivered("203.0.113.7")
    let trace = try await installation.luaslack(["trace", "203.0.113.7"])
    #expect(trace.output.contains("luaslackd has not taken it in yet"))
  }

  /// A fail2ban of our own words: its answer, and how long it takes.
  private func client(_ installation: Installation, _ script: String) throws -> String {
    try installation.directory.write("#!/bin/sh\n\(script)\n", to: "client", mode: 0o755)
  }

  @Test func `trace of an unknown address asks fail2ban's log and configuration`() async throws {
    let installation = try await Installation()
    let log = try installation.directory.write(
      """
      2026-11-21 12:00:01,456 fail2ban.actions        [77]: NOTICE  [sshd] Ban 203.0.113.7

      """, to: "fail2ban.log")
    let client = try client(
      installation,
      """
      [ "$*" = -d ] || exit 1
      echo "['add', 'sshd', 'auto']"
      echo "['set', 'sshd', 'addaction', 'iptables-multiport']"
      """)
    let options = ["--fail2ban-log", log, "--fail2ban-client", client]
    let trace = try await installation.luaslack(["trace", "203.0.113.7"] + options)
    #expect(trace.status == 0)
    #expect(
      trace.output == """
        nothing is known of 203.0.113.7
          fail2ban banned it at 2026-11-21 12:00:01 in jail sshd, but luaslack was not called: \
        jail sshd does not use action luaslack
            2026-11-21 12:00:01  [sshd] Ban 203.0.113.7

        """)
    let json = try JSON(
      parsing: try await installation.luaslack(["trace", "203.0.113.7", "--json"] + options).output)
    #expect(json["fail2ban"]["log"].array.count == 1)
  }

  @Test(arguments: ["exit 1", "echo half; exit 3", "sleep 60"])
  func `a fail2ban-client that does not answer holds nobody up`(_ script: String) async throws {
    let installation = try await Installation()
    let client = try client(installation, "exec \(script)".replacing("exec echo", with: "echo"))
    let trace = try await installation.luaslack([
      "trace", "203.0.113.7", "--fail2ban-log", "/nonexistent", "--fail2ban-client", client,
    ])
    #expect(trace.status == 0)
    #expect(trace.output.contains("/nonexistent cannot be read"))
  }

  // MARK: - history

  @Test func `an address is forgotten when nothing of it waits`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.8", "5"])
    let id = try await waiting(installation)
    let refused = try await installation.luaslack(["history", "forget", "203.0.113.7"])
    #expect(refused.status == 65)
    #expect(refused.errors.contains("still to be sent, the first is \(id)"))
    try await installation.slack.control(#"{"mode":"ok"}"#)
    _ = try await installation.luaslack(["queue", "flush"])
    _ = try await installation.slack.waitForMessages(2)
    await installation.settle()
    let forget = try await installation.luaslack(["history", "forget", "203.0.113.7"])
    #expect(forget.output == "1 event forgotten\n", "\(forget.errors)")
    await installation.settle()
    let database = try Data(contentsOf: URL(filePath: installation.database))
    #expect(database.range(of: Data("203.0.113.7".utf8)) == nil)
    #expect(database.range(of: Data("203.0.113.8".utf8)) != nil)
  }
}
