import Foundation
import Glibc
import TestSupport
import Testing

/// Who starts luaslackd, how it lives beside its caller, and that there is never more than one.
@Suite struct WakingTests {
  static let ban = ["ban", "--", "sshd", "203.0.113.7", "5"]

  /// Where a descriptor of a process leads.
  private func target(_ process: pid_t, _ descriptor: Int) -> String? {
    try? FileManager.default.destinationOfSymbolicLink(
      atPath: "/proc/\(process)/fd/\(descriptor)")
  }

  @Test func `the first ban starts a luaslackd that keeps nothing of its caller`() async throws {
    let installation = try await Installation(config: Installation.config(linger: "1h"))
    _ = try await installation.luaslack(Self.ban, environment: ["CALLER": "me"])
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    let process = try #require(installation.daemons().first)
    // fail2ban would wait for whoever holds its pipes, and kill whoever is in its session.
    for descriptor in 0...2 { #expect(target(process, descriptor) == "/dev/null") }
    #expect(getsid(process) == process)
    #expect(Proc.words(of: process, in: "environ").isEmpty)

    // It stays, and the next ban needs no other.
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(2).count == 2)
    #expect(installation.daemons() == [process])
    #expect(!installation.isLockFree)
  }

  @Test func `without linger luaslackd goes when nothing is left`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    await installation.settle()
    #expect(installation.daemons().isEmpty)
    #expect(installation.isLockFree)
  }

  @Test(arguments: [true, false])
  func `where a service is in charge no ban starts a luaslackd`(_ byFile: Bool) async throws {
    let installation = try await Installation()
    mkdir(installation.spool, 0o700)
    if byFile { try installation.directory.write("", to: "spool/managed", mode: 0o600) }
    let call = try await installation.luaslack(
      Self.ban, environment: byFile ? [:] : ["LUASLACK_SPAWN": "0"])
    #expect(call.status == 0)
    #expect(call.output + call.errors == "")
    #expect(installation.daemons().isEmpty)
    #expect(installation.incoming.count == 1)

    // The service finds what was there before it came, and stays when it is done.
    let daemon = try await installation.daemon()
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    #expect(installation.daemons() == [daemon.processID])
  }

  @Test func `a second luaslackd for the same spool refuses`() async throws {
    let installation = try await Installation()
    let first = try await installation.daemon()
    let second = try await run(
      Programs.luaslackd, ["--spool", installation.spool, "--config", installation.config])
    #expect(second.status == 69)
    #expect(second.errors.contains("another luaslackd"))
    #expect(first.isRunning)
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  @Test func `what a killed luaslackd left in the spool is no hindrance`() async throws {
    let installation = try await Installation()
    // A leftover of a luaslackd that was killed: a trigger that nobody reads.
    mkdir(installation.spool, 0o700)
    mkfifo(installation.spool + "/trigger", 0o600)
    try installation.directory.write("", to: "spool/lock", mode: 0o600)
    let call = try await installation.luaslack(Self.ban)
    #expect(call.status == 0)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  /// Whatever lies in `incoming/` and is no file of ours, however much of it and however old.
  @Test func `what cannot be read holds up nothing`() async throws {
    let installation = try await Installation()
    _ = try await installation.banUndelivered("203.0.113.1")
    for number in 1...70 {
      mkdir(installation.spool + "/incoming/\(number).1.folder", 0o700)
    }
    symlink("/etc/passwd", installation.spool + "/incoming/71.1.link")
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(2, timeout: .seconds(5)).count == 2)
    // It does not keep luaslackd busy for ever either.
    await eventually("luaslackd leaves", timeout: .seconds(5)) { installation.daemons().isEmpty }
  }
}
