import Foundation
import TestSupport
import Testing

/// Everything that can go wrong between luaslackd and Slack, mixed at random.
@Suite struct FaultTests {
  /// As `fake-slack --help` tells them. Where it is ambiguous whether a message was posted, both are
  /// there.
  private static let faults = [
    #"{"mode":"reset_before"}"#,
    #"{"mode":"reset_after"}"#,
    #"{"mode":"reset_after","accept":true}"#,
    #"{"mode":"close"}"#,
    #"{"mode":"hang","seconds":5}"#,
    #"{"mode":"hang","seconds":5,"accept":true}"#,
    #"{"mode":"trickle","seconds":5}"#,
    #"{"mode":"truncated"}"#,
    #"{"mode":"truncated","accept":true}"#,
    rateLimited(1), rateLimited(2),
    #"{"mode":"status","status":429,"body":"rate_limited"}"#,
    #"{"mode":"status","status":500,"body":"rollup_error"}"#,
    #"{"mode":"status","status":503,"body":"<html>busy</html>"}"#,
    #"{"mode":"html"}"#,
    #"{"mode":"redirect"}"#,
    #"{"mode":"status","status":200,"body":"{\"ok\":tru"}"#,
  ]

  private static func rateLimited(_ seconds: Int) -> String {
    let body = #"{\"retry_after\":\#(seconds),\"ok\":false,\"error\":\"rate_limited\"}"#
    return
      #"{"mode":"status","status":429,"body":"\#(body)","headers":{"Retry-After":"\#(seconds)"}}"#
  }

  /// Addresses at which no Slack answers: refused, no such name (one that no name server is asked
  /// for, its label is too long), and what does not speak TLS.
  private static func dead(_ slack: FakeSlack, closed: UInt16) -> [String] {
    [
      "http://127.0.0.1:\(closed)/services/T/x/y",
      "https://\(String(repeating: "a", count: 70)).invalid/services/T/x/y",
      "https://127.0.0.1:\(slack.port)/services/T/x/y",
    ]
  }

  @Test func `under all faults at random nothing is lost, and only what is marked is doubled`()
    async throws
  {
    let seed = UInt64.random(in: 1...1_000_000)
    var random = FixedRandom(seed: seed)
    let (events, others) = Long.isOn ? (500, 9) : (24, 3)
    let names = (1...others).map { "d\($0)" }
    let installation = try await Installation(
      config: Torture.config(
        top: "connect_timeout = \"1s\"\ntimeout = \"1s\"", destinations: names))
    func aim(_ name: String, _ url: String?) throws {
      let url = url ?? installation.slack.webhookURL("/services/T/\(name)/secret")
      try installation.directory.write(
        url + "\n", to: name == "default" ? "webhook" : "webhook-\(name)", mode: 0o600)
    }
    let all = ["default"] + names
    for name in all { try aim(name, nil) }
    try await installation.slack.control(
      #"{"mode":"mixed","seed":\#(seed),"share":0.4,"of":[\#(Self.faults.joined(separator: ","))]}"#
    )

    var expected: [String: String] = [:]
    let addresses = Torture.addresses(events)
    for (index, name) in all.enumerated() {
      let own = addresses.indices.filter { $0 % all.count == index }.map { addresses[$0] }
      for address in own { expected[address] = name }
      #expect(try await installation.banAll(own, options: ["--to=\(name)"], spawning: false))
    }
    let daemon = try await installation.daemon()
    // The network fails as well, for a part of the time and of the destinations.
    let closed = try LoopbackServer { _ in }.port
    let dead = Self.dead(installation.slack, closed: closed)
    let end = ContinuousClock.now + .seconds(Long.isOn ? 20 : 2)
    while ContinuousClock.now < end {
      let name = all.randomElement(using: &random) ?? "default"
      let isDead = Int.random(in: 0..<3, using: &random) == 0
      try aim(name, isDead ? dead.randomElement(using: &random) : nil)
      if Int.random(in: 0..<4, using: &random) == 0 {
        _ = try await installation.luaslack(["queue", "flush"])
      }
      try await Task.sleep(for: .milliseconds(100))
    }
    for name in all { try aim(name, nil) }
    let settled = try await installation.settle(within: .seconds(120))
    #expect(settled, "seed \(seed): not settled")

    let accounts = try await installation.accounts()
    let complaints = accounts.complaintsWhenSettled(expected: expected)
    #expect(complaints.isEmpty, "seed \(seed): \(complaints.prefix(20))")
    let requests = try await installation.slack.messages()
    let early = Accounting.insideRetryAfter(requests)
    #expect(early.isEmpty, "seed \(seed): \(early.prefix(20))")
    #expect(try Accounting.illegal(in: installation.database).isEmpty)
    let modes = Set(requests.map(\.mode))
    if Long.isOn { #expect(modes.count >= 10, "seed \(seed): too few faults came: \(modes)") }
    daemon.signal(15)
    _ = try await daemon.wait()
    Long.note(
      "fault matrix",
      "\(events) events, \(requests.count) requests, \(requests.count { $0.mode != "ok" }) of them "
        + "spoilt, \(accounts.line), \(complaints.count) lost or doubled, "
        + "\(early.count) inside a Retry-After, seed \(seed)",
      bar: "0 lost, 0 doubled without a mark, 0 inside a Retry-After")
  }
}
