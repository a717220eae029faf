import Testing

@testable import LuaslackCore

@Suite struct PacePlayTests {
  private static let second: Int64 = 1_000_000
  private let limit = Pace.Limit(interval: second, burst: 3)

  /// Events at these seconds; negative ones are critical, those beyond 10,000 for a digest.
  private func play(_ times: [Int64]) -> PacePlay {
    PacePlay(
      times.map { time in
        PacePlay.Item(
          at: abs(time) % 10_000 * Self.second, isCritical: time < 0, forDigest: time >= 10_000)
      }, limit, digestWithin: 3_600 * Self.second)
  }

  @Test func `what the pace clears goes alone`() {
    #expect(play([]).fates == [])
    let quiet = play([1, 1, 1, 60, 120])
    #expect(quiet.fates == Array(repeating: .alone, count: 5))
    #expect(quiet.digests.isEmpty)
  }

  @Test func `a storm is told in digests, and each event once`() {
    let storm = play((0..<600).map { Int64($0 / 10) })
    let folded = storm.fates.count { $0 != .alone }
    #expect(folded > 550)
    #expect((2...8).contains(storm.digests.count))
    #expect(storm.digests == storm.digests.sorted())
    for (number, at) in storm.digests.enumerated() {
      let members = storm.fates.indices.filter { storm.fates[$0] == .digest(number) }
      #expect(!members.isEmpty && members.allSatisfy { Int64($0 / 10) * Self.second <= at })
    }
  }

  @Test func `in a storm three critical ones a minute go alone`() {
    let storm = play((0..<300).map { Int64($0 / 10) }.map { $0 % 3 == 1 ? -$0 : $0 })
    let alone = zip(storm.fates, 0...).filter { $0.0 == .alone && ($0.1 / 10) % 3 == 1 }
    #expect(alone.count == 3)
  }

  @Test func `what is left to a digest has one in time, or the next`() {
    let late = play([10_001])
    #expect(late.digests == [3_601 * Self.second] && late.fates == [.digest(0)])
    let next = play([10_001] + Array(repeating: 100, count: 50))
    #expect(next.digests == [100 * Self.second])
    #expect(next.fates.first == .digest(0))
  }

  @Test func `many thousands take no time worth mentioning`() {
    let storm = play((0..<50_000).map { Int64($0 / 100) })
    #expect(storm.fates.count == 50_000)
  }

  @Test(
    arguments: [
      ("1970-01-01", 0), ("2026-11-21", 1_795_219_200), ("2026-11-21T03:27", 1_795_231_620),
      ("2026-11-21 03:27:24Z", 1_795_231_644), ("2024-02-29", 1_709_164_800),
      ("9999-12-31T23:59:59", 253_402_300_799), ("2026-02-29", nil), ("2026-13-01", nil),
      ("2026-11-21T24:00", nil), ("1969-12-31", nil), ("2026-11-2", nil), ("2026/11/21", nil),
      ("", nil), ("2026-11-21T03:27+01", nil), ("yesterday", nil),
    ] as [(String, Int64?)])
  func `a date is read as UTC`(_ text: String, _ seconds: Int64?) {
    #expect(Timestamp.seconds(of: text) == seconds)
    if let seconds { #expect(Timestamp.words(seconds).hasPrefix(text.prefix(10))) }
  }
}
