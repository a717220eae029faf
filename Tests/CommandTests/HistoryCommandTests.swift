import Foundation
import TestSupport
import Testing

/// What luaslack itself was told of, in messages and by `luaslack history`.
@Suite struct HistoryCommandTests {
  private func bans(_ installation: Installation) async throws {
    for (number, (jail, ip)) in [
      ("nginx", "203.0.113.7"), ("sshd", "203.0.113.8"), ("sshd", "203.0.113.7"),
      ("recidive", "203.0.113.7"),
    ].enumerated() {
      // Apart: how often is known of those before.
      let call = try await installation.luaslack([
        "ban", "--wait", "--time=\(Self.start + number * 60)", "--", jail, ip, "5",
      ])
      #expect(call.status == 0, "\(call.errors)")
    }
  }

  /// Before now, so that none is a time to come.
  private static let start = Int(Date.now.timeIntervalSince1970) - 3_600

  @Test func `a message knows the bans before it`() async throws {
    let installation = try await Installation()
    try await bans(installation)
    let messages = try await installation.slack.waitForMessages(4).map(\.bodyJSON)
    #expect(!"\(messages[0])".contains("Before"))
    #expect("\(messages[2])".contains("Before") == false, "two bans are no offence yet")
    #expect("\(messages[3])".contains("sshd after 5 failures, 1 minute before"))
    let next = try await installation.luaslack([
      "ban", "--dry-run", "--time=\(Self.start + 240)", "--", "recidive", "203.0.113.7", "5",
    ])
    #expect(next.status == 0 && next.errors.isEmpty, "\(next.errors)")
    #expect(next.output.contains("recidive after 5 failures, 1 minute before"), "\(next.output)")
  }

  @Test func `a formatter gets the figures`() async throws {
    let installation = try await Installation()
    try installation.directory.write(
      """
      return { ban = function(event, payload)
        local history = event.history
        payload.text = ("%s %d %d %d %s"):format(event.ip, history.address.bans.hour,
          history.network.failures.hour, history.jail.bans.day, table.concat(history.address.jails, ","))
      end }
      """, to: "formatters/50-own.lua")
    try await bans(installation)
    let texts = try await installation.slack.waitForMessages(4).map {
      $0.bodyJSON["text"].string ?? ""
    }
    #expect(
      texts == [
        "203.0.113.7 0 0 0 ", "203.0.113.8 0 5 0 ", "203.0.113.7 1 10 1 nginx",
        "203.0.113.7 2 15 0 sshd,nginx",
      ])
  }

  @Test func `history tells of an address, a network and a jail, and forgets`() async throws {
    let installation = try await Installation()
    try await bans(installation)
    let address = try await installation.luaslack(["history", "203.0.113.7"])
    #expect(address.status == 0, "\(address.errors)")
    #expect(address.output.hasPrefix("203.0.113.7\n"))
    #expect(address.output.contains("jails: recidive 1, sshd 1, nginx 1"))
    let network = try JSON(
      parsing: try await installation.luaslack(["history", "--json", "203.0.113.0/24"]).output)
    #expect(network["newest"].array.count == 4)
    let jail = try await installation.luaslack(["history", "sshd"])
    #expect(jail.output.contains("most in 30 days:"))
    let figures = try JSON(
      parsing: try await installation.luaslack(["history", "--json", "sshd"]).output)
    #expect(figures["first"].number == figures["newest"].array.last?["time"].number)
    let almost = try await installation.luaslack(["history", "203.0.113.7/33"])
    #expect(almost.status == 66 && almost.errors.contains("which is no network"))
    #expect(try await installation.luaslack(["history", ""]).status == 64)
    #expect(figures["last"].number == figures["newest"][0]["time"].number)
    for unknown in ["198.51.100.1", "198.51.100.0/24", "postfix"] {
      let call = try await installation.luaslack(["history", unknown])
      #expect(call.status == 66)
      #expect(call.errors.contains("nothing is known of \(unknown)"))
    }
    let forgotten = try await installation.luaslack(["history", "forget", "203.0.113.7"])
    #expect(forgotten.output == "3 events forgotten\n", "\(forgotten.errors)")
    #expect(try await installation.luaslack(["history", "203.0.113.7"]).status == 66)
    #expect(try await installation.luaslack(["history", "203.0.113.0/24"]).status == 0)
  }
}
