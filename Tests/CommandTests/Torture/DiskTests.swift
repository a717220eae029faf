import Foundation
import Glibc
import TestSupport
import Testing

/// The disk of spool and database fills up again and again while events come and Slack stumbles.
@Suite(.enabled(if: geteuid() == 0 && Tool.unshare.works, "needs root and mount namespaces"))
struct DiskTests {
  @Test func `while the disk is full nothing accepted is lost, and with room it goes on`()
    async throws
  {
    let installation = try await Installation(config: Torture.config())
    let mounts = try await installation.mountSmallSpool()
    try await installation.slack.control(
      #"""
      {"mode":"mixed","seed":7,"share":0.1,"of":[{"mode":"reset_after","accept":true},
      {"mode":"status","status":500,"body":"rollup_error"}]}
      """#)
    let (rounds, each) = Long.isOn ? (6, 30) : (2, 10)
    let addresses = Torture.addresses(rounds * each * 2)
    var accepted: [String: String] = [:]
    var inMemory = 0
    for round in 0..<rounds {
      let own = addresses[round * each * 2..<(round + 1) * each * 2]
      for (number, address) in own.enumerated() {
        if number == each { try await installation.fill(mounts) }
        let call = try await installation.luaslack(
          ["ban", "--", "sshd", address, "5"], in: mounts)
        // Full or not: there is memory.
        #expect(call.status == 0)
        accepted[address] = "default"
        if call.errors.contains("kept in memory") { inMemory += 1 }
      }
      usleep(UInt32.random(in: 0...500_000))
      try await mounts.shell("rm '\(installation.spool)/filler'")
    }
    #expect(inMemory > 0)
    // Nobody calls: it goes on by itself. What failed is hurried.
    let settled = try await installation.settle(within: .seconds(90)) { arguments in
      try await installation.luaslack(arguments, in: mounts)
    }
    #expect(settled)
    let (accounts, illegal) = try await installation.accounts(in: mounts)
    let complaints = accounts.complaintsWhenSettled(expected: accepted)
    #expect(complaints.isEmpty, "\(complaints.prefix(20))")
    #expect(illegal.isEmpty)
    #expect(try installation.directory.names(in: "overflow").isEmpty)
    Long.note(
      "full disk",
      "\(rounds) times, \(accepted.count) events, \(inMemory) of them kept in memory, "
        + accounts.line, bar: "0 lost, 0 doubled without a mark")
  }
}
