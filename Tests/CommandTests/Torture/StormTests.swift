import Foundation
import TestSupport
import Testing

/// Far more than Slack takes, in a moment: the channel stays readable, and every ban is accounted for.
@Suite struct StormTests {
  @Test func `a storm fits into a few messages, and no request is refused`() async throws {
    let count = Long.isOn ? 1_000 : 80
    // The usual rate and burst; nobody else posts there.
    let installation = try await Installation(
      config:
        "linger = \"0s\"\nwarnings = false\n[destination.default]\nwebhook_file = \"webhook\"\n")
    try await installation.slack.control(#"{"mode":"rate","per_second":1,"burst":5}"#)
    let daemon = try await installation.daemon()
    let addresses = Torture.addresses(count)
    let start = ContinuousClock.now
    #expect(try await installation.banAll(addresses))
    let accepted = ContinuousClock.now - start
    let settled = try await installation.settle(within: .seconds(60), hurrying: false)
    let total = ContinuousClock.now - start
    #expect(settled)
    daemon.signal(15)
    _ = try await daemon.wait()

    let accounts = try await installation.accounts()
    let expected = Dictionary(uniqueKeysWithValues: addresses.map { ($0, "default") })
    let complaints = accounts.complaintsWhenSettled(expected: expected)
    #expect(complaints.isEmpty, "\(complaints.prefix(20))")
    #expect(accounts.messages.count <= 12)
    #expect(accounts.repeats == 0)
    let refused = try await installation.slack.messages().count { $0.status == 429 }
    #expect(refused == 0)
    Long.note(
      "storm",
      "\(count) bans in \(Torture.seconds(accepted)), told in \(accounts.messages.count) messages "
        + "after \(Torture.seconds(total)), \(accounts.line), \(refused) refused with 429",
      bar: "12 messages, 30 s, no 429, all accounted for")
  }
}
