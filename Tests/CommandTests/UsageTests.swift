import TestSupport
import Testing

/// The command line itself: help, mistakes, versions. Help is part of the contract.
@Suite struct UsageTests {
  static let commands: [[String]] = [
    [], ["ban"], ["unban"], ["prolong"], ["jail-start"], ["jail-stop"], ["jail-flush"], ["status"],
    ["check"], ["queue"], ["queue", "list"], ["queue", "show"], ["queue", "flush"],
    ["queue", "retry"], ["queue", "hold"], ["queue", "release"], ["queue", "delete"], ["trace"],
    ["history"], ["history", "forget"], ["config"], ["config", "show"], ["send-test"], ["init"],
    ["doctor"], ["replay"], ["notify"], ["preview"],
    ["formatter"], ["formatter", "test"], ["formatter", "new"],
  ]

  @Test(arguments: commands)
  func `the help of a command is what was committed`(_ command: [String]) async throws {
    let help = try await run(Programs.luaslack, command + ["--help"])
    #expect(help.status == 0)
    #expect(help.errors == "")
    expectGolden(help.output, file: "Golden/\((["luaslack"] + command).joined(separator: "-")).txt")
  }

  @Test func `the help of luaslackd is what was committed`() async throws {
    let help = try await run(Programs.luaslackd, ["--help"])
    #expect(help.status == 0)
    expectGolden(help.output, file: "Golden/luaslackd.txt")
  }

  @Test(arguments: [
    (["statsu"], "status"), (["bann", "--", "sshd", "203.0.113.7"], "ban"),
    (["queue", "lst"], "list"), (["formatter", "tset"], "test"), (["status", "--jsn"], "--json"),
    (["queue", "list", "--al"], "--all"),
  ])
  func `a mistyped word is answered with the nearest one`(
    _ arguments: [String], _ meant: String
  ) async throws {
    let installation = try await Installation()
    let call = try await installation.luaslack(arguments)
    #expect(call.status == 64)
    #expect(call.output == "")
    #expect(call.errors.contains("'\(meant)'") || call.errors.contains("\"\(meant)\""))
  }

  @Test(arguments: [
    ["ban"], ["ban", "--", "sshd"], ["unban", "--", "sshd", "203.0.113.7", "5"], ["jail-start"],
    ["ban", "--wait=soon", "--", "sshd", "203.0.113.7", "5"], ["queue", "list", "--limit=few"],
    ["queue", "retry"], ["queue", "hold"], ["queue", "delete"], ["queue", "show", "x"], ["trace"],
    ["history", "forget"], ["replay", "--since=soon"], ["replay", "--since=2026-02-30"],
    ["replay", "--limit=0"],
  ])
  func `a call that means nothing is refused and leaves nothing`(
    _ arguments: [String]
  ) async throws {
    let installation = try await Installation()
    let call = try await installation.luaslack(arguments)
    #expect(call.status == 64)
    #expect(call.output == "")
    #expect(call.errors.contains("Usage:"))
    #expect(installation.incoming.isEmpty)
  }

  @Test(arguments: [Programs.luaslack, Programs.luaslackd])
  func `a program tells its version`(_ program: String) async throws {
    let version = try await run(program, ["--version"])
    #expect(version.status == 0)
    #expect(version.output.split(separator: ".").count == 3)
    let status = try await Installation().status()
    #expect(status["version"].string.map { $0 + "\n" } == version.output)
  }
}
