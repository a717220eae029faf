import Posix
import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// History over a year of bans, made by Benchmarks/History: right, and soon enough for a message that waits for it.
/// `LUASLACK_LONG=1`: a million of them. How long that takes in the programs as they are shipped, `make bench` says.
@Suite struct YearTests {
  private static let count = Long.isOn ? 1_000_000 : 20_000
  private static let end = Clock.now() / 1_000_000

  private static func filled(_ place: TemporaryDirectory) throws -> (Queue, [Year.Ban]) {
    let queue = try Queue(writing: place.file("luaslack.db"))
    let bans = Array(Year(count, end: end))
    for start in stride(from: 0, to: bans.count, by: 1_000) {
      try queue.transaction { () throws(DatabaseError) in
        for index in start..<min(start + 1_000, bans.count) {
          try queue.remember(bans[index].record, as: Int64(index + 1))
        }
        try queue.writePulses()
      }
    }
    return (queue, bans)
  }

  private static func count(
    _ bans: [Year.Ban], _ window: History.Window, until at: Int64,
    where isWanted: (Year.Ban) -> Bool
  ) -> History.Count {
    var count = History.Count()
    for ban in bans.reversed() {
      if ban.at <= at - window.seconds { break }
      guard isWanted(ban) else { continue }
      count.bans += 1
      count.failures += ban.failures
    }
    return count
  }

  /// Against a plain count of all that came before.
  private static func check(_ history: History, of ban: Year.Ban, _ bans: [Year.Ban]) {
    let address = Network(ban.ip)
    let start = address?.owner.description.split(separator: "/").first.map {
      String($0.dropLast($0.contains(":") ? 0 : 1))
    }
    for window in History.Window.allCases {
      #expect(
        history.address[window] == count(bans, window, until: ban.at) { $0.ip == ban.ip })
      #expect(
        history.networkFigures[window]
          == count(bans, window, until: ban.at) { $0.ip.hasPrefix(start ?? "-") })
    }
    #expect(history.previous?.at == bans.last { $0.ip == ban.ip }?.at)
  }

  @Test func `figures of a year are right, and stay right when the year is pruned`() throws {
    let place = try TemporaryDirectory()
    let (queue, bans) = try Self.filled(place)
    var random = FixedRandom(seed: 7)
    var asked: [Year.Ban] = []
    for _ in 0..<20 {
      // Who comes next is who came before: by far the most are of networks that are known.
      let template = try #require(bans.randomElement(using: &random))
      let ban = Year.Ban(
        at: Self.end, jail: template.jail, ip: template.ip, failures: 5, user: template.user,
        country: "")
      Self.check(try #require(try queue.history(before: ban.record)), of: ban, bans)
      asked.append(ban)
    }

    var retention = Retention()
    retention.history = 31 * 86_400
    let runs = Int64(Self.count / Retention.batch + 2)
    let now = Self.end * 1_000_000
    for run in 0..<runs { try queue.prune(retention, now: now + run * Retention.shortInterval) }
    let left = try queue.database.first("SELECT count(*), min(at) FROM ban") {
      (count: $0.integer(0), first: $0.integer(1))
    }
    // What is too old moves on with the clock.
    let first = try #require(left?.first)
    #expect(first >= Self.end - 31 * 86_400)
    #expect(first < Self.end - 31 * 86_400 + runs * Retention.shortInterval / 1_000_000 + 86_400)
    let recent = bans.filter { $0.at >= first }
    #expect(left?.count == Int64(recent.count))
    for ban in asked {
      let history = try #require(try queue.history(before: ban.record))
      Self.check(history, of: ban, recent)
    }
  }

  @Test func `what is remembered is what the tables have`() throws {
    let place = try TemporaryDirectory()
    let queue = try Queue(writing: place.file("luaslack.db"))
    let bans = Array(Year(3_000, end: Self.end))
    for (index, ban) in bans.enumerated() {
      let warm = try queue.history(before: ban.record)
      if index % 50 == 0 {
        try queue.writePulses()
        queue.cache.empty()
        #expect(try queue.history(before: ban.record) == warm)
      }
      try queue.remember(ban.record, as: Int64(index + 1))
    }
  }

  @Test func `what is undone was never counted`() throws {
    let place = try TemporaryDirectory()
    let queue = try Queue(writing: place.file("luaslack.db"))
    let ban = Year.Ban(
      at: Self.end - 9, jail: "sshd", ip: "10.0.0.1", failures: 5, user: "root", country: "")
    _ = try queue.history(before: ban.record)
    #expect(throws: DatabaseError.self) {
      try queue.transaction { () throws(DatabaseError) in
        try queue.remember(ban.record, as: 1)
        throw DatabaseError(code: 13, message: "full")
      }
    }
    try queue.transaction { () throws(DatabaseError) in try queue.writePulses() }
    let history = try #require(try queue.history(before: ban.record))
    #expect(history.address.last == nil)
    #expect(history.jail.last == nil)
    #expect(history.userAddresses == 1)
  }
}
