import Foundation
import Glibc
import TestSupport
import Testing

/// A service beside what events and timers start: there is one luaslackd at a time, and the service
/// wins.
@Suite struct HandoverTests {
  private func arguments(_ installation: Installation) -> [String] {
    ["--spool", installation.spool, "--config", installation.config, "--overflow"]
      + [installation.overflow]
  }

  @Test func `a luaslackd that an event started hands over to the service`() async throws {
    let installation = try await Installation(config: Installation.config(linger: "60s"))
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.1", "5"])
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    let first = try #require(installation.daemons().first)

    try installation.directory.write("", to: "spool/managed", mode: 0o600)
    let service = try await installation.daemon()
    await eventually("the first has gone") { installation.daemons() == [service.processID] }
    #expect(first != service.processID)
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.2", "5"])
    #expect(try await installation.slack.waitForMessages(2).count == 2)
    #expect(service.isRunning)
  }

  @Test func `until idle means until then, and not at all where one runs`() async throws {
    let installation = try await Installation()
    _ = try await installation.banUndelivered("203.0.113.1")
    let round = try await run(Programs.luaslackd, ["--until-idle"] + arguments(installation))
    #expect(round.status == 0)
    #expect(try await installation.slack.messages().count == 1)
    let service = try await installation.daemon()
    let second = try await run(Programs.luaslackd, ["--until-idle"] + arguments(installation))
    #expect(second.status == 69)
    #expect(service.isRunning)
  }

  @Test func `status says that a service shall deliver and none does`() async throws {
    let installation = try await Installation()
    mkdir(installation.spool, 0o700)
    try installation.directory.write("", to: "spool/managed", mode: 0o600)
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.1", "5"])
    #expect(installation.daemons().isEmpty)
    #expect(try await installation.luaslack(["status"]).output.contains("no luaslackd runs"))
    let service = try await installation.daemon()
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    #expect(try await !installation.luaslack(["status"]).output.contains("no luaslackd runs"))
    #expect(service.isRunning)
  }
}
