import Posix
import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct RetentionPolicyTests {
  private static let day: Int64 = 86_400 * 1_000_000

  @Test(arguments: [
    // events, bytes, how many too many
    (0, 0, 0), (1_000_000, 0, 0), (1_000_001, 0, 1), (1_500_000, 0, 1_000),
    (10, 3 << 30, 1_000), (1_000_010, 3 << 30, 1_000),
  ])
  func `what is too much goes in bounded parts`(_ events: Int, _ bytes: Int, _ excess: Int) {
    let plan = Retention().plan(now: 100 * Self.day, events: events, bytes: bytes)
    #expect(plan == Retention.Plan(before: 10 * Self.day, excess: excess))
  }

  @Test(
    arguments: [
      (nil, true, true), (1_000, true, false), (1_000, false, false),
      (1_000 - 1_000_000, false, true), (1_000 - 3_599_000_000, true, false),
      (1_000 - 3_600_000_000, true, true), (2_000, true, true),
    ] as [(Int64?, Bool, Bool)])
  func `it is done once an hour, sooner while there is more, and after a clock was set back`(
    _ lastAt: Int64?, _ wasEnough: Bool, _ isDue: Bool
  ) {
    #expect(Retention.isDue(lastAt: lastAt, wasEnough: wasEnough, now: 1_000) == isDue)
  }
}

/// What goes and what stays, in a real database.
@Suite struct PruningTests {
  private let place: TemporaryDirectory
  private let queue: Queue
  private let day: Int64 = 86_400 * 1_000_000
  private var now: Int64 { 20_000 * day }

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
  }

  private func add(
    daysAgo: Int64, _ state: DeliveryState, finishedDaysAgo: Int64? = nil, bantime: String? = nil
  ) throws -> Int64 {
    let at = now - daysAgo * day
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: at)
    record.set(.bantime, bantime)
    let event = try queue.insert(record, key: nil)
    try queue.noteArrival("\(at + event).1.x", of: event, now: at)
    try queue.insert(
      event: event, destination: "default", outcome: .message(["text": "t"]), now: at)
    let id = try #require(try queue.deliveries(of: event).first?.id)
    try queue.note(attempt: "200 ok", of: id, now: at)
    if state != .waiting {
      try queue.finish(
        id, state, reason: nil, now: now - (finishedDaysAgo ?? daysAgo) * day)
    }
    return event
  }

  private func events() throws -> [Int64] {
    try queue.database.all("SELECT id FROM event ORDER BY id") { $0.integer(0) }
  }

  private func count(_ table: String) throws -> Int64? {
    try queue.database.first("SELECT count(*) FROM \(table)") { $0.integer(0) }
  }

  @Test func `what was told goes after its time with all that hangs on it`() throws {
    _ = try add(daysAgo: 91, .delivered)
    _ = try add(daysAgo: 91, .muted)
    let young = try add(daysAgo: 89, .delivered)
    #expect(try queue.prune(Retention(), now: now) == 2)
    #expect(try events() == [young])
    #expect(try count("delivery") == 1)
    #expect(try count("attempt") == 1)
    #expect(try queue.totals()["default"] == [.delivered: 1])
  }

  @Test func `what waits, young dead letters and bans that still run stay`() throws {
    let kept = [
      try add(daysAgo: 500, .waiting),
      try add(daysAgo: 100, .dead, finishedDaysAgo: 10),
      try add(daysAgo: 100, .delivered, bantime: "-1"),
      try add(daysAgo: 100, .delivered, bantime: "\(200 * 86_400)"),
    ]
    _ = try add(daysAgo: 100, .dead, finishedDaysAgo: 91)
    _ = try add(daysAgo: 100, .delivered, bantime: "600")
    #expect(try queue.prune(Retention(), now: now) == 2)
    #expect(try events() == kept)
  }

  @Test func `beyond the number of events the oldest that are done go`() throws {
    let waiting = try add(daysAgo: 5, .waiting)
    _ = try add(daysAgo: 4, .delivered)
    let last = try add(daysAgo: 3, .delivered)
    var retention = Retention()
    retention.events = 2
    #expect(try queue.prune(retention, now: now) == 1)
    #expect(try events() == [waiting, last])
  }

  @Test func `arrivals and answers go when their files cannot come again`() throws {
    _ = try add(daysAgo: 8, .delivered)
    _ = try add(daysAgo: 6, .delivered)
    try queue.carryOut(QueueRequest(.flush), named: "old", now: now - 8 * day)
    try queue.carryOut(QueueRequest(.flush), named: "new", now: now)
    try queue.prune(Retention(), now: now)
    #expect(try count("arrival") == 1)
    #expect(try queue.answer(to: "old") == nil)
    #expect(try queue.answer(to: "new") != nil)
  }

  @Test func `it is not done twice within the hour`() throws {
    try queue.prune(Retention(), now: now)
    _ = try add(daysAgo: 91, .delivered)
    #expect(try queue.prune(Retention(), now: now + 60_000_000) == 0)
    #expect(try queue.prune(Retention(), now: now + 3_600_000_000) == 1)
  }
}

@Suite struct JournalTests {
  @Test func `a storm leaves so many lines a second and a sum`() {
    var pace = JournalPace()
    func told(_ count: Int, _ now: Int64) -> [Int] {
      let (lines, leftOut) = pace.admit(count, now: now)
      return [lines, leftOut]
    }
    #expect(told(15, 0) == [15, 0])
    #expect(told(15, 500_000) == [5, 0])
    #expect(told(7, 900_000) == [0, 0])
    #expect(told(0, 1_000_000) == [0, 17])
    #expect(told(1, 1_100_000) == [1, 0])
    #expect(told(100, 5_000_000) == [20, 0])
    #expect(told(0, 6_000_000) == [0, 80])
  }

  @Test func `what comes to an end is told once, whoever ended it, and nothing that was undone`()
    throws
  {
    let place = try TemporaryDirectory()
    let queue = try Queue(writing: place.file("q.db"))
    try queue.beginJournal()
    for (ip, outcome) in [
      ("192.0.2.1", .message(["text": "t"])), ("a\nb", .muted("muted by x.lua:1")),
      ("192.0.2.3", .message(["text": "t"])),
    ] as [(String, Formatting.Result.Outcome)] {
      let event = try queue.insert(
        EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: 1), key: nil)
      try queue.insert(event: event, destination: "d", outcome: outcome, now: 1)
    }
    #expect(try queue.settledCount() == 1)
    struct Undone: Error {}
    #expect(throws: DatabaseError.self) {
      try queue.transaction { () throws(DatabaseError) in
        try queue.finish(1, .dead, reason: "x", now: 1)
        throw DatabaseError(code: 1, message: "")
      }
    }
    try queue.finish(1, .delivered, reason: nil, now: 2)
    try queue.finish(3, .dead, reason: "400 no_text", now: 2)
    #expect(
      try queue.takeSettled(lines: 10) == [
        "ban sshd a b: d muted (muted by x.lua:1)", "ban sshd 192.0.2.1: d delivered",
        "ban sshd 192.0.2.3: d dead (400 no_text)",
      ])
    #expect(try queue.settledCount() == 0)
  }
}

@Suite struct RecoveryTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory()
  }

  /// So many events with one delivery each, every second of them delivered; in one file.
  private func make(_ count: Int) throws {
    let queue = try Queue(writing: place.file("old.db"))
    try queue.transaction { () throws(DatabaseError) in
      for number in 1...count {
        let ip = "192.0.2.\(number)"
        var record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: 7)
        record.setMatches(String(repeating: "x", count: 500))
        let event = try queue.insert(record, key: nil)
        let payload: Value = ["text": .string(ip + String(repeating: "y", count: 500))]
        try queue.insert(event: event, destination: "d", outcome: .message(payload), now: 7)
        if number % 2 == 0 {
          try queue.finish(Int64(number), .delivered, reason: nil, now: 8)
        }
      }
    }
    try queue.markSending(1)
    try queue.database.execute("PRAGMA wal_checkpoint(TRUNCATE); PRAGMA journal_mode = DELETE")
  }

  private func recover() throws -> Queue {
    let queue = try Queue(writing: place.file("new.db"))
    try queue.recover(from: place.file("old.db"), host: "web1", now: 100)
    return queue
  }

  @Test func `what waited is taken over once, and told`() throws {
    try make(20)
    let queue = try recover()
    try queue.recover(from: place.file("old.db"), host: "web1", now: 200)
    let deliveries = try queue.deliveries(pendingOnly: true, limit: 100)
    #expect(deliveries.count == 11)
    #expect(deliveries.first?.maybeSent == true)
    #expect(deliveries.dropFirst().first?.maybeSent == false)
    #expect(deliveries.first?.subject == "192.0.2.1")
    #expect(deliveries.first?.acceptedAt == 7)
    #expect(try queue.record(of: 1)?.matches?.count == 500)
    #expect(deliveries.last?.destination == "default")
    #expect(
      deliveries.last?.payload.contains("10 messages that waited were saved from it") == true)
  }

  @Test(arguments: [3, 8, 20, 40])
  func `a broken page costs what is on it and no more`(_ page: Int) throws {
    try make(200)
    var bytes = try [UInt8](contentsOf: place.file("old.db"))
    for index in (page * 4_096)..<((page + 1) * 4_096) { bytes[index] = 0xff }
    try bytes.write(to: place.file("old.db"))
    let count = try recover().deliveries(pendingOnly: true, limit: 1_000).count - 1
    #expect((60...100).contains(count), "\(count)")
  }

  @Test func `where nothing can be read, that is told`() throws {
    try place.write(String(repeating: "rubbish ", count: 1_000), to: "old.db")
    let deliveries = try recover().deliveries(pendingOnly: true, limit: 10)
    #expect(deliveries.count == 1)
    #expect(deliveries.first?.payload.contains("0 messages that waited were saved") == true)
  }
}

extension [UInt8] {
  fileprivate init(contentsOf path: String) throws {
    self = try FileDescriptor.open(reading: path).readAll(limit: 1 << 24)
  }

  fileprivate func write(to path: String) throws {
    let parts = path.split(separator: "/")
    let directory = try Directory.open("/" + parts.dropLast().joined(separator: "/"))
    let name = String(try #require(parts.last))
    try directory.remove(name)
    try directory.create(name).write(self)
  }
}

@Suite struct PendingLimitTests {
  @Test func `beyond the limit events keep who, how often and when, and status says so`() throws {
    let (place, locations) = try emptySpool()
    let queue = try Queue(writing: locations.database)
    let courier = Courier(queue, NoTransport(), host: "web1") { 0 }
    let pipeline = Pipeline(locations, queue, courier, host: "web1")
    var configuration = Configuration.plain(place)
    configuration.retention.pendingBytes = 0
    pipeline.configuration = configuration
    for number in 1...2 {
      var record = EventRecord(
        kind: .ban, jail: "sshd", ip: "192.0.2.\(number)", acceptedAt: Int64(number))
      record.setFailures("5")
      record.set(.time, "1795231644")
      record.setMatches("a line")
      record.setField("name", "text")
      _ = try Acceptor(locations).accept(record)
    }
    _ = try pipeline.takeIn(now: 10)
    let whole = try #require(try queue.record(of: 1))
    #expect(whole.matches == "a line" && !whole.isReduced)
    let reduced = try #require(try queue.record(of: 2))
    #expect(reduced.matches == nil && reduced.fields.isEmpty && reduced.isReduced)
    #expect(reduced.failures == "5" && reduced.options[.time] == "1795231644")
    #expect(
      try queue.deliveries(of: 2).first?.payload
        == #"{"text":"sshd banned 192.0.2.2 after 5 failures on web1"}"#)
    #expect(try queue.notices().map(\.subject) == ["spool pending"])

    // When that has gone out, all is as ever.
    for id in [1, 2] as [Int64] { try queue.finish(id, .delivered, reason: nil, now: 11) }
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.3", acceptedAt: 12)
    record.setMatches("a line")
    _ = try Acceptor(locations).accept(record)
    pipeline.configuration?.retention.pendingBytes = 1 << 20
    _ = try pipeline.takeIn(now: 13)
    #expect(try queue.record(of: 3)?.matches == "a line")
    #expect(try queue.notices().isEmpty)
  }
}
