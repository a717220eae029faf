import TestSupport
import Testing

/// The command line itself: help, mistakes, versions. Help is part of the contract.
@Suite struct UsageTests {
  static let commands: [[String]] = [
    [], ["ban"], ["unban"], ["prolong"], ["jail-start"], ["jail-stop"], ["jail-flush"], ["status"],
    ["check"], ["queue"], ["queue", "list"], ["queue", "show"], ["queue", "flush"],
    ["queue", "retry"], ["queue", "hold"], ["queue", "release"], ["queue", "delete"], ["trace"],
    ["history"], ["history", "show"], ["history", "forget"], ["config"], ["config", "show"],
    ["send-test"], ["init"],
    ["doctor"], ["replay"], ["report"], ["notify"], ["preview"],
    ["formatter"], ["formatter", "test"], ["formatter", "new"],
  ]

  @Test(arguments: commands)
  func `the help of a command is what was committed`(_ command: [String]) async throws {
    let help = try await run(Programs.luaslack, command + ["--help"])
    #expect(help.status == 0)
    #expect(help.errors == "")
    expectGolden(help.output, file: "Golden/\((["luaslack"] + command).joined(separator: "-")).txt")
  }

  @Test(arguments: commands)
  func `help fits a terminal, shouts nothing and begins with an example`(
    _ command: [String]
  ) async throws {
    let help = try await run(Programs.luaslack, command + ["--help"]).output
    for line in help.split(separator: "\n") {
      #expect(line.count <= 80, "\(line)")
      #expect(line.wholeMatch(of: /[A-Z][A-Z ,;]+:/) == nil, "\(line)")
    }
    let example = try #require(help.firstRange(of: "\nExample")?.lowerBound)
    #expect(example < (help.firstRange(of: "\nUsage:")?.lowerBound ?? help.startIndex))
    let examples = help[example...].dropFirst().split(
      separator: "\n", omittingEmptySubsequences: false
    ).dropFirst().prefix { $0 != "" }
    #expect(examples.allSatisfy { $0.hasPrefix("  ") }, "an example is broken: \(examples)")
    // The statuses come last.
    if let statuses = help.firstRange(of: "\nExit status:") {
      #expect(!help[statuses.upperBound...].contains("\n\n"))
    }
    // The same, asked for in the other way, but where that is a page of its own.
    guard command != ["formatter"] else { return }
    let other = try await run(Programs.luaslack, ["help"] + command)
    #expect(other.output == help)
  }

  @Test func `all that a formatter can use is on one page`() async throws {
    let page = try await run(Programs.luaslack, ["help", "formatter"])
    #expect(page.status == 0 && page.errors == "")
    expectGolden(page.output, file: "Golden/luaslack-help-formatter.txt")
  }

  @Test func `a jail's commands show no option of a ban, and take them all`() async throws {
    let installation = try await Installation()
    for command in ["jail-start", "jail-stop", "jail-flush"] {
      let help = try await run(Programs.luaslack, [command, "--help"]).output
      #expect(help.contains("--time") && help.contains("--to") && !help.contains("--bantime"))
      let call = try await installation.luaslack([command, "--bantime", "5", "--id=x", "sshd"])
      #expect(call.status == 0 && call.errors == "", "\(call.errors)")
    }
  }

  @Test func `the help of luaslackd is what was committed`() async throws {
    let help = try await run(Programs.luaslackd, ["--help"])
    #expect(help.status == 0)
    expectGolden(help.output, file: "Golden/luaslackd.txt")
  }

  @Test(arguments: [
    (["statsu"], "status"), (["bann", "--", "sshd", "203.0.113.7"], "ban"),
    (["queue", "lst"], "list"), (["formatter", "tset"], "test"), (["status", "--jsn"], "--json"),
    (["queue", "list", "--al"], "--all"), (["help", "statsu"], "status"),
    (["help", "queue", "hodl"], "hold"), (["history", "forgot", "203.0.113.7"], "forget"),
    (["preview", "--sample", "recidiv"], "recidive"),
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

  @Test func `a formatter or destination that is mistyped is answered with the nearest`()
    async throws
  {
    let installation = try await Installation()
    try installation.directory.write("return {}\n", to: "formatters/50-colours.lua")
    for (typed, meant) in [("50-colors.lua", "50-colours.lua"), ("minmal", "minimal")] {
      for command in ["check", "preview"] {
        let call = try await installation.luaslack([command, typed])
        #expect((call.output + call.errors).contains("did you mean \"\(meant)\"?"), "\(typed)")
      }
    }
    #expect(try await installation.luaslack(["check", "50-colours.lua"]).status == 0)
    #expect(try await installation.luaslack(["preview", "minimal"]).status == 0)
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.7"])
    for arguments in [
      ["send-test", "--to", "defualt"], ["queue", "hold", "--destination", "defualt"],
    ] {
      let call = try await installation.luaslack(arguments)
      #expect((call.output + call.errors).contains("did you mean \"default\"?"), "\(arguments)")
    }
  }

  @Test(arguments: [
    ["ban"], ["ban", "--", "sshd"], ["unban", "--", "sshd", "203.0.113.7", "5"], ["jail-start"],
    ["ban", "--wait=soon", "--", "sshd", "203.0.113.7", "5"], ["queue", "list", "--limit=few"],
    ["queue", "retry"], ["queue", "hold"], ["queue", "delete"], ["queue", "show", "x"], ["trace"],
    ["history", "forget"], ["replay", "--since=soon"], ["replay", "--since=2026-02-30"],
    ["replay", "--limit=0"], ["report", "--since=soon"], ["report", "--since=59m"],
    ["report", "--since=91d"], ["report", "--since=-1d"], ["report", "--json", "--dry-run"],
    ["report", "--wait=soon"],
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
