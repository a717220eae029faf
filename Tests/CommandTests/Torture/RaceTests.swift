import Glibc
import TestSupport
import Testing

/// Several luaslackd at once for one spool, started by hand and by bans.
@Suite struct RaceTests {
  @Test func `of deliverers that start at once one serves, and none doubles`() async throws {
    let installation = try await Installation(config: Torture.config())
    let races = Long.isOn ? 40 : 6
    let addresses = Torture.addresses(races * 5)
    var refused = 0
    for race in 0..<races {
      let own = Array(addresses[race * 5..<race * 5 + 5])
      #expect(try await installation.banAll(Array(own.prefix(2)), spawning: false))
      // Three by hand, and whichever the three bans start.
      var rivals = try (1...3).map { _ in try installation.startDaemon() }
      #expect(try await installation.banAll(Array(own.suffix(3))))
      await eventually("all but one have given up") {
        rivals.count { $0.isRunning } <= 1 && installation.daemons().count <= 1
      }
      #expect(try await installation.settle(within: .seconds(30), hurrying: false))
      // The one that is left is the one that serves: a ban needs no other.
      let server = installation.daemons()
      #expect(server.count <= 1)
      for rival in rivals where rival.isRunning { rival.signal(SIGTERM) }
      for rival in rivals {
        let end = try await rival.wait()
        #expect(end.status == 0 || end.status == 69)
        if end.status == 69 { refused += 1 }
      }
      rivals = []
      await eventually("it is free again") {
        installation.daemons().isEmpty && installation.isLockFree
      }
    }
    let accounts = try await installation.accounts()
    let complaints = accounts.complaintsWhenSettled(
      expected: Dictionary(uniqueKeysWithValues: addresses.map { ($0, "default") }))
    #expect(complaints.isEmpty, "\(complaints.prefix(20))")
    #expect(accounts.repeats == 0)
    #expect(try Accounting.illegal(in: installation.database).isEmpty)
    Long.note(
      "several deliverers at once", "\(races) races, \(refused) refused, \(accounts.line)",
      bar: "one serves, 0 doubled, not even marked")
  }
}
