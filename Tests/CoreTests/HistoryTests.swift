import Foundation
import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// What is known of earlier bans, against a plain count of the same bans.
@Suite struct HistoryTests {
  private static let now: Int64 = 1_795_231_644

  private static func ban(
    _ ip: String, jail: String = "sshd", at: Int64 = now, failures: Int = 5, user: String? = nil
  ) -> EventRecord {
    var record = EventRecord(kind: .ban, jail: jail, ip: ip, acceptedAt: now * 1_000_000)
    record.set(.time, String(at))
    record.setFailures(String(failures))
    record.set(.user, user)
    return record
  }

  private final class Bans {
    let place: TemporaryDirectory
    let queue: Queue
    private(set) var all: [EventRecord] = []

    init() throws {
      place = try TemporaryDirectory()
      queue = try Queue(writing: place.file("luaslack.db"))
    }

    func add(_ records: [EventRecord]) throws {
      try queue.transaction { () throws(DatabaseError) in
        for record in records {
          let id = try queue.insert(record, key: nil)
          try queue.remember(record, as: id)
        }
        try queue.writePulses()
      }
      all += records
    }

    func history(_ record: EventRecord) throws -> History {
      try #require(try queue.history(before: record))
    }
  }

  /// Counted one by one; of the pulses, those that begin in time.
  private static func count(
    _ records: [EventRecord], _ window: History.Window, until at: Int64 = now,
    in length: Int64? = nil, where isWanted: (EventRecord) -> Bool
  ) -> History.Count {
    var count = History.Count()
    for record in records where isWanted(record) {
      let second = Int64(record.options[.time] ?? "") ?? 0
      let isIn =
        length.map { second - second % $0 > at - window.seconds - $0 }
        ?? (second > at - window.seconds)
      guard isIn, second <= at else { continue }
      count.bans += 1
      count.failures += Int64(record.failures ?? "") ?? 0
    }
    return count
  }

  @Test func `figures are those of a plain count`() throws {
    let bans = try Bans()
    var random = FixedRandom(seed: 7)
    let jails = ["sshd", "nginx-http-auth", "recidive"]
    try bans.add(
      (0..<3_000).map { _ in
        let ip =
          Bool.random(using: &random)
          ? "203.0.\(Int.random(in: 112...114, using: &random)).\(Int.random(in: 0...40, using: &random))"
          : "2001:db8:\(Int.random(in: 1...2, using: &random))::\(Int.random(in: 1...40, using: &random))"
        return Self.ban(
          ip, jail: jails.randomElement(using: &random) ?? "",
          at: Self.now - Int64.random(in: 0...(40 * 86_400), using: &random),
          failures: Int.random(in: 0...9, using: &random))
      })
    for (ip, network) in [("203.0.113.7", "203.0.113.0/24"), ("2001:DB8:1::7", "2001:db8:1::/48")] {
      let history = try bans.history(Self.ban(ip))
      #expect(history.network == network)
      let (address, owner) = (try #require(Network(ip)), try #require(Network(network)))
      for window in History.Window.allCases {
        #expect(
          history.address[window]
            == Self.count(bans.all, window) { Network($0.ip) == address })
        #expect(
          history.networkFigures[window]
            == Self.count(bans.all, window) { Network($0.ip).map(owner.contains) == true })
        let length: Int64 = window == .hour || window == .day ? 300 : 3_600
        #expect(
          history.jail[window]
            == Self.count(bans.all, window, in: length) { $0.jail == "sshd" })
      }
      let own = bans.all.filter { Network($0.ip) == address }
      let times = own.compactMap { Int64($0.options[.time] ?? "") }
      #expect(history.address.first == times.min())
      #expect(history.address.last == times.max())
      #expect(history.previous?.at == times.max())
      #expect(Set(history.jails) == Set(own.map(\.jail)).subtracting(["sshd"]))
    }
  }

  @Test func `an address is the same however it is written, and no address has a history too`()
    throws
  {
    let bans = try Bans()
    try bans.add([
      Self.ban("2001:db8:0:0::7", at: Self.now - 60),
      Self.ban("::ffff:203.0.113.7", at: Self.now - 60),
      Self.ban("alice@example.org", at: Self.now - 60),
      Self.ban("203.0.113.0/24", at: Self.now - 60),
    ])
    #expect(try bans.history(Self.ban("2001:DB8::7")).address[.hour].bans == 1)
    #expect(try bans.history(Self.ban("203.0.113.7")).address[.hour].bans == 1)
    // The network's own ban is within it.
    #expect(try bans.history(Self.ban("203.0.113.9")).networkFigures[.hour].bans == 2)
    #expect(try bans.history(Self.ban("203.0.113.0/24")).previous?.jail == "sshd")
    let name = try bans.history(Self.ban("alice@example.org"))
    #expect(name.address[.hour].bans == 1)
    #expect(name.network == nil)
    #expect(try bans.history(Self.ban("bob@example.org")).address.last == nil)
  }

  @Test func `what comes after an event does not count, and a time to come is none`() throws {
    let bans = try Bans()
    var future = Self.ban("203.0.113.7", at: Self.now + 1_000_000)
    future.acceptedAt = (Self.now - 100) * 1_000_000
    try bans.add([Self.ban("203.0.113.7", at: Self.now), future])
    let before = try bans.history(Self.ban("203.0.113.7", at: Self.now - 50))
    #expect(before.address[.hour].bans == 1)
    #expect(before.previous?.at == Self.now - 100)
  }

  @Test func `addresses of one user are counted within a day`() throws {
    let bans = try Bans()
    try bans.add(
      (1...12).map { Self.ban("203.0.113.\($0)", at: Self.now - Int64($0) * 3_600, user: "alice") }
        + [Self.ban("203.0.113.1", at: Self.now - 10, user: "alice")]
        + [Self.ban("203.0.113.99", at: Self.now - 90_000, user: "alice")])
    #expect(try bans.history(Self.ban("203.0.113.1", user: "alice")).userAddresses == 12)
    #expect(try bans.history(Self.ban("203.0.113.77", user: "alice")).userAddresses == 13)
    #expect(try bans.history(Self.ban("203.0.113.77", user: "bob")).userAddresses == 1)
    #expect(try bans.history(Self.ban("203.0.113.77")).userAddresses == 0)
  }

  @Test func `figures outlive the events, and go with their address`() throws {
    let bans = try Bans()
    try bans.add(
      (0..<50).map { Self.ban("203.0.113.\($0 % 5)", at: Self.now - 100 + Int64($0)) })
    var retention = Retention()
    retention.events = 10
    #expect(try bans.queue.prune(retention, now: Self.now * 1_000_000) == 40)
    let history = try bans.history(Self.ban("203.0.113.1"))
    #expect(history.address[.hour].bans == 10)
    #expect(history.jail[.hour].bans == 50)

    var answer = QueueRequest.Answer()
    try bans.queue.forget("203.0.113.1", &answer)
    #expect(answer.problems == [])
    let after = try bans.history(Self.ban("203.0.113.1"))
    #expect(after.address.last == nil)
    #expect(after.networkFigures[.hour].bans == 40)

    retention.history = 3_600
    _ = try bans.queue.prune(retention, now: (Self.now + 200 * 86_400) * 1_000_000)
    #expect(try bans.history(Self.ban("203.0.113.2")).networkFigures.last == nil)
    #expect(try bans.history(Self.ban("203.0.113.2")).jail.last == nil)
  }

  @Test func `of many in a row the first is still known`() throws {
    let bans = try Bans()
    let others = (0..<(2 * PastBans.most + 50)).map {
      Self.ban("203.0.113.\($0 % 200)", at: Self.now - 10_000 + Int64($0))
    }
    _ = try bans.history(Self.ban("203.0.113.7"))
    try bans.add(others)
    let warm = try bans.history(Self.ban("203.0.113.7"))
    #expect(warm.networkFigures.first == Self.now - 10_000)
    bans.queue.cache.empty()
    #expect(try bans.history(Self.ban("203.0.113.7")) == warm)
  }

  @Test
  func
    `a forgotten id's number goes to the next event, and no row of the old one stands in its way`()
    throws
  {
    let bans = try Bans()
    var record = Self.ban("203.0.113.9", at: Self.now - 9)
    record.set(.id, "alice")
    func take(_ record: EventRecord) throws {
      let id = try bans.queue.insert(record, key: nil)
      try bans.queue.remember(record, as: id)
      try bans.queue.writePulses()
    }
    try take(record)
    var answer = QueueRequest.Answer()
    try bans.queue.forget("alice", &answer)
    #expect(answer.count == 1)
    #expect(try bans.queue.database.first("SELECT count(*) FROM ban") { $0.integer(0) } == 0)
    // Whatever is left in it.
    try bans.queue.remember(Self.ban("203.0.113.8", at: Self.now - 8), as: 1)
    try take(Self.ban("203.0.113.7", at: Self.now - 7))
    #expect(try bans.history(Self.ban("203.0.113.7")).address[.hour].bans == 1)
  }

  @Test func `of a user each address counts, however often one comes`() throws {
    let bans = try Bans()
    func ban(_ ip: String, at second: Int64) -> EventRecord {
      var record = Self.ban(ip, at: Self.now - second)
      record.set(.user, "bob")
      return record
    }
    try bans.add(
      (1...30).map { ban("192.0.2.\($0)", at: 5_000) }
        + (0..<UserBans.most + 5).map { ban("203.0.113.9", at: 1_000 - Int64($0)) })
    bans.queue.cache.empty()
    #expect(try bans.history(ban("198.51.100.1", at: 0)).userAddresses == 32)
  }

  @Test func `an id of any length is forgotten, in what rules count as well`() throws {
    let bans = try Bans()
    let id = String(repeating: "ab`\"", count: 50)
    var record = Self.ban("", at: Self.now - 9)
    record.set(.id, id)
    try bans.add([record])
    try bans.queue.database.run(
      "INSERT INTO counted (event, at, fields) VALUES (1, ?, '{}')",
      .integer(Self.now * 1_000_000))
    var report = EventRecord(kind: .report, jail: "", acceptedAt: Self.now * 1_000_000)
    report.known["addresses"] = [["name": .string(Report.clean(id))]]
    let told = try bans.queue.insert(report, key: nil)
    var answer = QueueRequest.Answer()
    try bans.queue.forget(id, &answer)
    #expect(answer.problems == [] && answer.count > 0)
    for table in ["ban", "counted"] {
      let left = try bans.queue.database.first("SELECT count(*) FROM \(table)") { $0.integer(0) }
      #expect(left == 0, "\(table)")
    }
    #expect(try bans.queue.record(of: told)?.known["addresses"] == [])
  }

  @Test func `no number of failures is too large to be counted`() throws {
    let bans = try Bans()
    func huge(_ ip: String) -> EventRecord {
      var record = Self.ban(ip, at: Self.now - 9)
      record.setFailures("\(Int64.max)")
      return record
    }
    try bans.add([huge("203.0.113.7"), huge("203.0.113.8"), huge("203.0.113.7")])
    let history = try bans.history(Self.ban("203.0.113.7"))
    #expect(history.address[.hour] == History.Count(bans: 2, failures: 2_000_000))
    #expect(history.jail[.hour] == History.Count(bans: 3, failures: 3_000_000))
  }

  @Test func `what is forgotten in the middle of a batch takes no other ban along`() throws {
    let bans = try Bans()
    try bans.queue.transaction { () throws(DatabaseError) in
      try bans.queue.remember(Self.ban("203.0.113.7", at: Self.now - 9), as: 1)
      var answer = QueueRequest.Answer()
      try bans.queue.forget("198.51.100.9", &answer)
      try bans.queue.remember(Self.ban("203.0.113.8", jail: "nginx", at: Self.now - 9), as: 2)
      try bans.queue.writePulses()
    }
    let reading = try Queue(reading: bans.place.file("luaslack.db"))
    #expect(try reading.history(before: Self.ban("203.0.113.7"))?.jail[.hour].bans == 1)
    #expect(
      try reading.history(before: Self.ban("203.0.113.7", jail: "nginx"))?.jail[.hour].bans == 1)
  }

  @Test func `a ban from a clock that was ahead hides none of a jail's others`() throws {
    let bans = try Bans()
    try bans.add([Self.ban("203.0.113.7", at: Self.now - 60)])
    var ahead = Self.ban("203.0.113.8", at: Self.now + 46 * 86_400)
    ahead.acceptedAt = (Self.now + 46 * 86_400) * 1_000_000
    _ = try bans.history(ahead)
    try bans.add([ahead])
    for _ in 0..<2 {
      let jail = try bans.history(Self.ban("203.0.113.9")).jail
      #expect(jail[.hour].bans == 1 && jail[.month].bans == 1)
      #expect(try #require(jail.last) <= Self.now)
      bans.queue.cache.empty()
    }
  }

  @Test func `what is too much to be counted from before is no figure of a report`() throws {
    let place = try TemporaryDirectory()
    let path = place.file("luaslack.db")
    let (all, day) = (Int64(Queue.mostRemembered + 2_000), Int64(86_400))
    do {
      let old = try Database(path, .writing)
      for step in Schema.steps.prefix(Schema.bans) { try old.execute(step) }
      try old.execute("PRAGMA user_version = \(Schema.bans)")
      // One each 40 seconds until now: 47 days.
      try old.run(
        """
        INSERT INTO event (kind, jail, subject, accepted_at, record)
        WITH RECURSIVE ban (n) AS (SELECT ?1 UNION ALL SELECT n - 1 FROM ban WHERE n > 1)
        SELECT 'ban', 'sshd', '203.0.113.7', (?2 - 40 * n) * 1000000, json_object('kind', 'ban',
          'jail', 'sshd', 'ip', '203.0.113.7', 'accepted_at', (?2 - 40 * n) * 1000000) FROM ban
        """, .integer(all), .integer(Self.now))
    }
    let queue = try Queue(writing: path)
    let known = Self.now - 40 * Int64(Queue.mostRemembered)
    for days in [20, 30] {
      let period = ReportPeriod(until: Self.now, length: Int(Int64(days) * day))
      let report = try queue.report(of: period, EventContext(), now: Self.now * 1_000_000)
      let isWhole = Self.now - 2 * Int64(days) * day > known
      #expect(report.bans.before.map { _ in true } ?? false == isWhole, "\(days)")
    }
  }

  @Test func `bans that were taken in before are counted from then on`() throws {
    let place = try TemporaryDirectory()
    let path = place.file("luaslack.db")
    do {
      let old = try Database(path, .writing)
      for step in Schema.steps.prefix(Schema.bans) { try old.execute(step) }
      try old.execute("PRAGMA user_version = \(Schema.bans)")
      let record = JSONWriter.compact(Self.ban("203.0.113.7", at: Self.now - 60).value)
      try old.run(
        """
        INSERT INTO event (kind, jail, subject, accepted_at, record)
        VALUES ('ban', 'sshd', '203.0.113.7', ?, ?)
        """, .integer(Self.now * 1_000_000), .text(record))
    }
    let queue = try Queue(writing: path)
    let history = try queue.history(before: Self.ban("203.0.113.7"))
    #expect(history?.address[.hour] == History.Count(bans: 1, failures: 5))
    #expect(history?.jail[.hour].bans == 1)
  }

  // MARK: - What follows

  private static func event(_ record: EventRecord, _ history: History) -> Event {
    var record = record
    record.known["history"] = history.value
    let context = EventContext(validUsers: ["alice"], friendlyNetworks: [])
    return Event(record, host: "web1", now: now * 1_000_000, context: context)
  }

  @Test func `a repeat offender is a warning, and so is an account that many addresses try`() {
    var history = History()
    history.address[.week] = History.Count(bans: 1, failures: 5)
    #expect(Self.event(Self.ban("203.0.113.7"), history).severity == .info)
    history.address[.week] = History.Count(bans: 2, failures: 10)
    let third = Self.event(Self.ban("203.0.113.7"), history)
    #expect(third.severity == .warning)
    #expect(third.value["reasons"] == ["third ban of this address in 7 days"])

    var counted = Self.ban("203.0.113.7")
    counted.set(.bancount, "3")
    #expect(Self.event(counted, history).value["reasons"] == ["third ban of this address"])

    var many = History()
    many.userAddresses = 10
    #expect(Self.event(Self.ban("203.0.113.7", user: "root"), many).severity == .info)
    let aimed = Self.event(Self.ban("203.0.113.7", user: "bob"), many)
    #expect(aimed.value["reasons"] == ["10 addresses tried this user within a day"])
    #expect(Self.event(Self.ban("203.0.113.7", user: "alice"), many).severity == .critical)
  }

  @Test func `a prolong does not count its own ban twice`() {
    var history = History()
    history.address[.week] = History.Count(bans: 2, failures: 10)
    var prolong = EventRecord(
      kind: .prolong, jail: "sshd", ip: "203.0.113.7", acceptedAt: Self.now * 1_000_000)
    prolong.set(.bantime, "600")
    #expect(Self.event(prolong, history).severity == .info)
    history.address[.week].bans = 3
    #expect(
      Self.event(prolong, history).value["reasons"] == ["third ban of this address in 7 days"])
  }

  @Test func `no time of an event is too early for the ban before it`() throws {
    var history = History()
    history.previous = History.Ban(jail: "sshd", at: Self.now, failures: 5)
    var record = Self.ban("203.0.113.7", jail: "recidive")
    record.set(.time, "\(Int64.min)")
    let payload = BuiltIn.payload(Self.event(record, history))
    let fields = payload["attachments"]?.array?.first?["fields"]?.array ?? []
    #expect(fields.contains { $0["value"] == "sshd after 5 failures" })
  }

  @Test func `recidive names the ban before it`() throws {
    var history = History()
    history.previous = History.Ban(jail: "sshd", at: Self.now - 7_200, failures: 5)
    let payload = BuiltIn.payload(Self.event(Self.ban("203.0.113.7", jail: "recidive"), history))
    let fields = payload["attachments"]?.array?.first?["fields"]?.array ?? []
    let before = try #require(fields.first { $0["title"] == "Before" })
    #expect(before["value"] == "sshd after 5 failures, 2 hours before")
  }

  @Test func `what a file says that luaslackd knows is not believed`() throws {
    var record = Self.ban("203.0.113.7")
    record.known["history"] = ["address": ["bans": ["week": 9]]]
    guard case .event(let read) = try SpoolFile.read(SpoolFile.bytes(.event(record))) else {
      Issue.record("no event")
      return
    }
    #expect(read.known.isEmpty)
    // In the database it is.
    #expect(EventRecord(record.value)?.known == record.known)
  }
}
