import Testing

@testable import LuaslackCore

@Suite struct PaceTests {
  private let limit = Pace.Limit(interval: 1_000_000, burst: 3)

  /// How many go out when there is always one more, by second.
  private func drain(_ limit: Pace.Limit, seconds: Int) -> [Int] {
    var pace = Pace(limit, now: 0)
    return (0..<seconds).map { second in
      var sent = 0
      for tick in 0..<10 {
        let now = Int64(second) * 1_000_000 + Int64(tick) * 100_000
        pace = pace.reckoned(limit, now: now)
        while pace.nextAt(limit) <= now {
          pace.take()
          sent += 1
        }
      }
      return sent
    }
  }

  @Test func `a burst, then one at a time`() {
    #expect(drain(limit, seconds: 5) == [3, 1, 1, 1, 1])
    #expect(drain(Pace.Limit(interval: 2_000_000, burst: 1), seconds: 5) == [1, 0, 1, 0, 1])
    #expect(drain(Pace.Limit(interval: 100_000, burst: 1), seconds: 2) == [10, 10])
  }

  @Test func `a silence fills the bucket and no more`() {
    var pace = Pace(limit, now: 0)
    for _ in 0..<3 { pace.take() }
    #expect(pace.reckoned(limit, now: 1_500_000).tokens == 1.5)
    #expect(pace.reckoned(limit, now: 3_600_000_000).tokens == 3)
  }

  @Test func `what is still to come is said to the microsecond`() {
    var pace = Pace(limit, now: 0)
    for _ in 0..<3 { pace.take() }
    #expect(pace.nextAt(limit) == 1_000_000)
    #expect(pace.reckoned(limit, now: 999_999).nextAt(limit) == 1_000_000)
    #expect(pace.reckoned(limit, now: 1_000_000).nextAt(limit) == 1_000_000)
  }

  @Test func `Slack's word counts more than the bucket`() {
    var pace = Pace(limit, now: 0)
    pace.obey(retryAfter: 30_000_000, now: 1_000_000)
    #expect(pace.reckoned(limit, now: 30_900_000).nextAt(limit) == 31_000_000)
    // A second one that is shorter does not shorten the first.
    pace.obey(retryAfter: 1_000_000, now: 2_000_000)
    #expect(pace.notBefore == 31_000_000)
  }

  @Test func `a clock that is set back gives nothing`() {
    var pace = Pace(limit, now: 3_600_000_000)
    for _ in 0..<3 { pace.take() }
    #expect(pace.reckoned(limit, now: 1_000_000).tokens == 0)
    #expect(pace.reckoned(limit, now: 1_000_000).nextAt(limit) == 2_000_000)
  }

  @Test func `a bucket that is made smaller holds less at once`() {
    let pace = Pace(Pace.Limit(interval: 1, burst: 100), now: 0)
    #expect(pace.reckoned(limit, now: 0).tokens == 3)
  }
}

/// The courier at a destination's pace.
@Suite struct PacedCourierTests {
  private let setup: Delivering

  init() throws { setup = try Delivering() }

  @Test func `a burst goes out at once, the rest one a second`() throws {
    for ip in ["a", "b", "c", "d", "e"] { try setup.enqueue(ip) }
    try setup.run()
    #expect(setup.transport.posts.count == 3)
    try setup.run(at: 0.9)
    #expect(setup.transport.posts.count == 3)
    try setup.run(at: 1)
    #expect(setup.transport.posts.count == 4)
    try setup.run(at: 2)
    #expect(setup.transport.posts.count == 5)
  }

  @Test func `a restart gives no new burst`() throws {
    for ip in ["a", "b", "c", "d", "e"] { try setup.enqueue(ip) }
    try setup.run()
    setup.restart()
    try setup.run(at: 0.5)
    #expect(setup.transport.posts.count == 3)
  }

  @Test func `two names for one channel share its pace`() throws {
    setup.shareTarget()
    for ip in ["a", "b", "c"] { try setup.enqueue(ip, to: ["default", "other"]) }
    try setup.run()
    #expect(setup.transport.posts.count == 3)
    for second in 1...3 { try setup.run(at: Double(second)) }
    #expect(setup.transport.posts.count == 6)
  }

  @Test func `two channels have each their own`() throws {
    for ip in ["a", "b", "c"] { try setup.enqueue(ip, to: ["default", "other"]) }
    try setup.run()
    #expect(setup.transport.posts.count == 6)
  }

  @Test func `a Retry-After holds whoever sends there`() throws {
    setup.shareTarget()
    setup.transport.answers = [.word(429, "rate_limited", after: 30)]
    try setup.enqueue("a")
    try setup.run()
    try setup.enqueue("b", to: ["other"])
    try setup.run(at: 29)
    #expect(setup.transport.posts.count == 1)
    try setup.run(at: 30)
    #expect(try setup.states() == [.delivered, .waiting])
    try setup.run(at: 31)
    #expect(try setup.states() == [.delivered, .delivered])
  }

  @Test(arguments: [3_600.0, -3_600.0])
  func `no clock that is set cuts a Retry-After short or freezes it`(error: Double) throws {
    setup.transport.answers = [.word(429, "rate_limited", after: 30)]
    try setup.enqueue("a")
    try setup.run()
    setup.error = error
    try setup.run(at: 1)
    try setup.run(at: 29)
    #expect(setup.transport.posts.count == 1)
    // Begun anew when the clock went back, so up to a second later than asked for.
    try setup.run(at: 31.1)
    #expect(try setup.states() == [.delivered])
  }
}
