import Foundation
import Glibc
import TestSupport
import Testing

/// A destination that Slack calls dead: somebody is told who is not it, once, and when it is over.
@Suite struct DeadTests {
  private static let config = Installation.config(
    more: """
      fallback = "ops"
      [destination.ops]
      webhook_file = "ops"
      """)
  private static let dead =
    #"{"mode":"status","status":404,"body":"no_service","path":"/services/T000/B000/*"}"#

  private func installation() async throws -> Installation {
    let installation = try await Installation(config: Self.config)
    let url = installation.slack.webhookURL("/services/T000/BOPS/\(Installation.secret)ops")
    try installation.directory.write(url, to: "ops", mode: 0o600)
    // What wishes to mute and to send elsewhere is not asked.
    try installation.directory.write(
      "return function(e, p) if e.kind ~= 'ban' then return slack.mute('all') end end",
      to: "formatters/50-mute.lua")
    try await installation.slack.control(Self.dead)
    return installation
  }

  private func announced(
    _ installation: Installation, _ count: Int
  ) async throws -> [RecordedMessage] {
    try await installation.slack.waitForMessages(count).filter { $0.path.contains("BOPS") }
  }

  @Test func `the fallback is told of a death once, and when it is over`() async throws {
    let installation = try await installation()
    _ = try await installation.luaslack(DeliveryTests.ban)
    let first = try #require(try await announced(installation, 1).first)
    #expect(first.text.contains(": destination default is dead, Slack says: 404 no_service. "))
    #expect(first.text.contains("1 message waits for it; put a new URL into its webhook file"))
    #expect(!first.body.contains(Installation.secret))
    #expect(try await installation.luaslack(["status"]).status == 2)
    // The same death, asked again.
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    _ = try await installation.luaslack(["queue", "flush"])
    await eventually("both were tried") {
      (try? await installation.slack.messages().filter { $0.status == 404 }.count) ?? 0 >= 2
    }
    try await installation.slack.control(
      #"{"mode":"ok","path":"/services/T000/B000/*"}"#)
    _ = try await installation.luaslack(["queue", "flush"])
    let told = try await announced(installation, 4)
    await installation.settle()
    #expect(told.count == 2)
    #expect(told.last?.text.contains("destination default works again, it was dead for ") == true)
    #expect(try await installation.slack.messages(acceptedOnly: true).count == 4)
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test func `without a fallback the log says it, and nobody else`() async throws {
    let installation = try await Installation()
    try await installation.slack.control(Self.dead)
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("it is said") { daemon.standardError.contains("destination default is dead") }
    #expect(try await installation.deliveries().count == 1)
    #expect(!daemon.standardError.contains(Installation.secret))
    daemon.signal(SIGTERM)
    _ = try await daemon.wait(timeout: .seconds(10))
  }

  /// Only root can give a program another /dev.
  @Suite(.enabled(if: geteuid() == 0, "needs root, to mount"))
  struct SystemLogged {
    @Test(arguments: [false, true])
    func `the host's log has one line, whoever started luaslackd`(isByHand: Bool) async throws {
      let installation = try await Installation()
      let mounts = try await PrivateMounts()
      let log = try LogSocket(installation.directory.file("log"))
      try await installation.replaceDev(mounts, log: installation.directory.file("log"))
      try await installation.slack.control(DeadTests.dead)
      let daemon = isByHand ? try await installation.daemon(in: mounts) : nil
      _ = try await installation.luaslack(DeliveryTests.ban, in: mounts)
      var lines: [String] = []
      await eventually("it is logged") {
        lines += log.lines()
        return lines.contains { $0.contains("destination default is dead") }
      }
      // authpriv.err
      let line = try #require(lines.first { $0.contains("is dead") })
      #expect(line.hasPrefix("<83>luaslack["))
      #expect(line.contains("404 no_service"))
      if let daemon {
        #expect(daemon.standardError.contains("destination default is dead"))
        daemon.signal(SIGTERM)
        _ = try await daemon.wait(timeout: .seconds(10))
      } else {
        for process in installation.daemons() { kill(process, SIGTERM) }
        await eventually("it has gone") { installation.daemons().isEmpty }
      }
      lines += log.lines()
      #expect(lines.filter { $0.contains("is dead") }.count == 1)
    }
  }
}
