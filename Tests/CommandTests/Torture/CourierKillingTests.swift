import Foundation
import Glibc
import TestSupport
import Testing

/// luaslackd killed while it delivers: at random moments, at every step that the kernel sees, and by
/// what Slack has just seen. What it leaves is legal each time, and nothing is lost.
@Suite struct CourierKillingTests {
  /// Counts what happens over many kills of one installation.
  private final class Victim {
    let installation: Installation
    var expected: [String: String] = [:]
    var kills = 0
    private var next = 0
    private let addresses = Torture.addresses(5_000)

    init(_ config: String = Torture.config()) async throws {
      installation = try await Installation(config: config)
    }

    /// So many more events that nothing delivers yet.
    func add(_ count: Int) async throws {
      let fresh = Array(addresses[next..<next + count])
      next += count
      for address in fresh { expected[address] = "default" }
      #expect(try await installation.banAll(fresh, spawning: false, atOnce: 2))
    }

    func kill(_ daemon: RunningProgram) async throws {
      daemon.signal(SIGKILL)
      _ = try await daemon.wait()
      try inspect("kill \(kills)")
    }

    func inspect(_ what: String) throws {
      kills += 1
      let illegal = try Accounting.illegal(in: installation.database)
      #expect(illegal.isEmpty, "\(what): \(illegal)")
    }

    /// Delivers the rest and says what does not add up. A kill doubles one message at most.
    func settle() async throws -> Accounting {
      try installation.directory.write(Torture.config(), to: "config.toml")
      try await installation.slack.control(#"{"mode":"ok"}"#)
      let daemon = try installation.startDaemon()
      #expect(try await installation.settle(within: .seconds(120)))
      daemon.signal(SIGTERM)
      _ = try await daemon.wait()
      let accounts = try await installation.accounts()
      let complaints = accounts.complaintsWhenSettled(expected: expected)
      #expect(complaints.isEmpty, "\(complaints.prefix(20))")
      #expect(accounts.repeats <= kills)
      try inspect("the end")
      return accounts
    }
  }

  /// `rate`: the one at which everything goes alone, or one at which what waits is folded.
  @Test(arguments: ["10/1s", "1/1s"])
  func `killed at random moments of a drain it loses nothing`(_ rate: String) async throws {
    let victim = try await Victim(Torture.config(rate: rate, burst: rate == "1/1s" ? 2 : 100))
    try await victim.installation.slack.control(#"{"mode":"delay","seconds":0.01}"#)
    let count = Long.isOn ? 50 : 5
    for _ in 1...count {
      try await victim.add(4)
      let daemon = try victim.installation.startDaemon()
      usleep(UInt32.random(in: 5_000...120_000))
      try await victim.kill(daemon)
    }
    let accounts = try await victim.settle()
    Long.note(
      "killed at random, rate \(rate)",
      "\(count) kills, \(victim.expected.count) events, \(accounts.line)",
      bar: "0 lost, every state legal, a repeat a kill at most")
  }

  /// The calls at which something becomes visible to others: a commit, a removed file, a connection,
  /// a request, an answer.
  private static let steps = [
    "fdatasync", "pwrite64", "unlinkat", "connect", "sendto", "recvfrom", "renameat", "openat",
  ]

  @Test(
    .enabled(if: Tool.strace.works, "needs strace, and the right to use it"),
    arguments: [false, true])
  func `killed at each step it loses nothing`(_ isFolding: Bool) async throws {
    let config = isFolding ? Torture.config(rate: "1/1s", burst: 2) : Torture.config()
    let victim = try await Victim(config)
    // A digest that cannot be sent is made anew each time.
    if isFolding {
      try await victim.installation.slack.control(
        #"{"mode":"status","status":500,"body":"rollup_error"}"#)
    }
    var moments = 0
    for step in Self.steps {
      // Before the first time, the second, …: the further ones in larger strides.
      for time in Long.isOn ? [1, 2, 3, 5, 8, 13, 21, 34] : [1, 3] {
        try await victim.add(6)
        if isFolding {
          _ = try await victim.installation.luaslack(
            ["queue", "flush"], environment: ["LUASLACK_SPAWN": "0"])
        }
        let daemon = try victim.installation.startDaemon([
          Tool.strace.path, "-qq", "-o", "/dev/null", "-e", "trace=\(step)", "-e",
          "inject=\(step):signal=KILL:when=\(time)",
        ])
        // Without its step it goes on, or waits.
        let end = ContinuousClock.now + .milliseconds(400)
        while daemon.isRunning, ContinuousClock.now < end { usleep(5_000) }
        if daemon.isRunning {
          for process in victim.installation.daemons() { Glibc.kill(process, SIGKILL) }
        } else {
          moments += 1
        }
        _ = try await daemon.wait()
        try victim.inspect("\(step) \(time)")
      }
    }
    #expect(moments > 0)
    let accounts = try await victim.settle()
    Long.note(
      "killed at each step, \(isFolding ? "folding" : "each alone")",
      "\(moments) kills at \(Self.steps.count) system calls, \(victim.expected.count) events, "
        + accounts.line, bar: "0 lost, every state legal")
  }

  /// Killed while Slack has the message and has not answered, and just after it has.
  @Test func `killed around Slack's answer it repeats at most, and says so`() async throws {
    let victim = try await Victim()
    let count = Long.isOn ? 20 : 3
    for number in 1...count {
      let isBefore = number % 2 == 0
      try await victim.installation.slack.control(
        isBefore ? #"{"mode":"delay","seconds":5}"# : #"{"mode":"ok"}"#)
      let seen = try await victim.installation.slack.messages().count
      try await victim.add(2)
      let daemon = try victim.installation.startDaemon()
      _ = try await victim.installation.slack.waitForMessages(seen + 1)
      if !isBefore { usleep(UInt32.random(in: 0...3_000)) }
      try await victim.kill(daemon)
    }
    let accounts = try await victim.settle()
    Long.note(
      "killed around the answer", "\(count) kills, \(accounts.line)",
      bar: "0 lost, a repeat a kill at most")
  }
}
