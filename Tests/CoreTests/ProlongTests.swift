import Posix
import TestSupport
import Testing

@testable import LuaslackCore

/// A ban and its prolong, in either order and at every stage of the one.
@Suite struct ProlongTests {
  private let place: TemporaryDirectory
  private let locations: Locations
  private let queue: Queue
  private let start: Int64 = 1_000_000_000_000_000

  init() throws {
    (place, locations) = try emptySpool()
    queue = try Queue(writing: locations.database)
  }

  private func configuration(
    post: [EventKind] = [.ban, .prolong, .unban], formatters: [String] = []
  ) -> Configuration {
    var configuration = Configuration.plain(place, to: ["default", "other"])
    configuration.formatters = formatters
    configuration.post = post
    configuration.routes = [.init(severities: ["critical"], to: ["default", "other"])]
    return configuration
  }

  /// Takes an event in, by a luaslackd that knows nothing but the rows.
  private func take(
    _ kind: EventKind, _ options: [EventRecord.Option: String] = [:], at second: Double = 0,
    ip: String = "203.0.113.7", to: [String] = [], _ configuration: Configuration? = nil
  ) throws {
    let now = start + Int64(second * 1_000_000)
    var record = EventRecord(kind: kind, jail: "sshd", ip: ip, acceptedAt: now)
    for (option, text) in options { record.set(option, text) }
    record.destinations = to
    _ = try Acceptor(locations).accept(record)
    let courier = Courier(queue, NoTransport(), host: "web1") { 0 }
    let pipeline = Pipeline(locations, queue, courier, host: "web1")
    pipeline.configuration = configuration ?? self.configuration()
    _ = try pipeline.takeIn(now: now)
  }

  private static let ban: [EventRecord.Option: String] = [.time: "1", .bantime: "600"]
  private static let prolong: [EventRecord.Option: String] = [
    .time: "1", .bantime: "7200", .bancount: "2",
  ]

  /// `ban default waiting 2 hours`, one line a delivery.
  private func rows() throws -> [String] {
    try queue.deliveries(pendingOnly: false, limit: 100).map { delivery in
      let payload = try JSONReader.read(delivery.payload)
      let fields = (payload["attachments"]?.array ?? []).flatMap { $0["fields"]?.array ?? [] }
      let bantime = fields.first { $0["title"] == "Ban time" }?["value"]?.string
      return [delivery.kind, delivery.destination, delivery.state.rawValue, bantime]
        .compactMap { $0 }.joined(separator: " ")
    }
  }

  /// The deliveries into which others were folded.
  private func told() throws -> [Int64?] {
    try queue.database.all("SELECT folded_into FROM delivery ORDER BY id") {
      $0.optionalInteger(0)
    }
  }

  // MARK: - The ban was first

  @Test func `a ban that waits is changed, and tells of the prolong`() throws {
    try take(.ban, Self.ban)
    try take(.prolong, Self.prolong, at: 2)
    #expect(try rows() == ["ban default waiting 2 hours", "prolong default folded"])
    #expect(try told() == [nil, 1])
    #expect(try queue.record(of: 1)?.options[.bancount] == "2")
    // Once more, and longer.
    try take(.prolong, [.time: "1", .bantime: "86400"], at: 3)
    #expect(try rows().first == "ban default waiting 1 day")
    #expect(try told() == [nil, 1, 1])
  }

  @Test func `so it is if nobody wants to hear of prolongs`() throws {
    let configuration = configuration(post: [.ban])
    try take(.ban, Self.ban, configuration)
    try take(.prolong, Self.prolong, configuration)
    #expect(try rows() == ["ban default waiting 2 hours"])
  }

  @Test(arguments: [DeliveryState.delivered, .sending, .muted, .dead])
  func `a ban that is told, or being told, is not changed`(state: DeliveryState) throws {
    try take(.ban, Self.ban)
    try queue.finish(1, state, reason: nil, now: start)
    try take(.prolong, Self.prolong)
    #expect(
      try rows() == ["ban default \(state.rawValue) 10 minutes", "prolong default waiting 2 hours"])
    #expect(try queue.record(of: 1)?.options[.bantime] == "600")
  }

  @Test func `nor is one that may have arrived, or was refused once`() throws {
    for (number, column) in ["maybe_sent", "is_plain"].enumerated() {
      let ip = "192.0.2.\(number)"
      try take(.ban, Self.ban, ip: ip)
      try queue.database.execute(
        "UPDATE delivery SET \(column) = 1 WHERE id = (SELECT max(id) FROM delivery)")
      try take(.prolong, Self.prolong, ip: ip)
      #expect(
        try rows().suffix(2)
          == ["ban default waiting 10 minutes", "prolong default waiting 2 hours"])
    }
  }

  @Test func `each destination by itself`() throws {
    try take(.ban, Self.ban, to: ["default", "other"])
    try queue.finish(1, .delivered, reason: nil, now: start)
    try take(.prolong, Self.prolong, to: ["default", "other"])
    #expect(
      try rows() == [
        "ban default delivered 10 minutes", "ban other waiting 2 hours",
        "prolong default waiting 2 hours", "prolong other folded",
      ])
    #expect(try told() == [nil, nil, nil, 2])
  }

  @Test func `a ban that becomes critical concerns more destinations`() throws {
    try take(.ban, Self.ban)
    try take(.prolong, [.time: "1", .bantime: "-1", .bancount: "5"])
    #expect(
      try rows() == [
        "ban default waiting for good", "ban other waiting for good", "prolong default folded",
        "prolong other folded",
      ])
    #expect(try told() == [nil, nil, 1, 2])
  }

  @Test func `what is held stays held, and when it is due stays`() throws {
    try take(.ban, Self.ban)
    try queue.database.execute("UPDATE delivery SET held = 1, next_attempt_at = 5, attempts = 3")
    try take(.prolong, Self.prolong)
    let ban = try #require(try queue.deliveries(of: 1).first)
    #expect(ban.isHeld && ban.nextAttemptAt == 5 && ban.attempts == 3)
    #expect(try rows() == ["ban default waiting 2 hours", "prolong default folded"])
  }

  @Test func `a ban in a digest that waits needs its record changed only`() throws {
    try take(.ban, Self.ban)
    try take(.jailStart, [:], configuration(post: [.jailStart]))
    try queue.finish(1, .folded, reason: nil, now: start)
    try queue.database.execute("UPDATE delivery SET folded_into = 2 WHERE id = 1")
    try take(.prolong, Self.prolong)
    #expect(try rows().first == "ban default folded 10 minutes")
    #expect(try rows().last == "prolong default folded")
    #expect(try told() == [2, nil, 1])
    #expect(try queue.record(of: 1)?.options[.bantime] == "7200")
    // Told.
    try queue.finish(2, .delivered, reason: nil, now: start)
    try take(.prolong, [.time: "1", .bantime: "86400"])
    #expect(try rows().last == "prolong default waiting 1 day")
    #expect(try queue.record(of: 1)?.options[.bantime] == "7200")
  }

  @Test func `the ban of before an unban is another one`() throws {
    try take(.ban, Self.ban)
    try take(.unban, [.time: "1"])
    try take(.prolong, Self.prolong)
    #expect(
      try rows() == [
        "ban default waiting 10 minutes", "unban default waiting",
        "prolong default waiting 2 hours",
      ])
  }

  @Test func `the ban of another address or jail is not meant`() throws {
    try take(.ban, Self.ban)
    try take(.prolong, Self.prolong, ip: "203.0.113.8")
    #expect(
      try rows() == ["ban default waiting 10 minutes", "prolong default waiting 2 hours"])
  }

  @Test func `a ban that comes again, for others too, has the time it now has`() throws {
    try take(.ban, Self.ban)
    try take(.prolong, Self.prolong, at: 1)
    try take(.ban, Self.ban, at: 2)
    try take(.ban, [.time: "1", .bantime: "600", .restored: "1"], at: 3, to: ["other"])
    #expect(
      try rows() == [
        "ban default waiting 2 hours", "prolong default folded", "ban other waiting 2 hours",
      ])
  }

  @Test func `a prolong without a time changes nothing`() throws {
    try take(.ban, Self.ban)
    try take(.prolong, [.time: "1", .bancount: "3"])
    #expect(try rows() == ["ban default waiting 10 minutes", "prolong default waiting"])
    #expect(try queue.deliveries(of: 2).first?.nextAttemptAt == start)
  }

  // MARK: - The prolong was first

  @Test(arguments: [0.1, 15])
  func `a ban that comes soon has the prolong's time from the start`(later: Double) throws {
    try take(.prolong, Self.prolong)
    #expect(try queue.deliveries(of: 1).first?.nextAttemptAt == start + 15_000_000)
    #expect(try queue.nextAttempt(for: "default") == start + 15_000_000)
    try take(.ban, Self.ban, at: later)
    #expect(try rows() == ["prolong default folded 2 hours", "ban default waiting 2 hours"])
    #expect(try told() == [2, nil])
    #expect(try queue.deliveries(of: 1).first?.reason == "told with its ban")
    #expect(try queue.deliveries(of: 2).first?.nextAttemptAt == start + Int64(later * 1_000_000))
    #expect(try queue.record(of: 2)?.options[.bancount] == "2")
    // What it tells of is not in its way.
    let next = try queue.next(for: "default", .events, now: start + 15_000_000)
    #expect(next?.event == 2)
  }

  @Test func `one that comes later is another message`() throws {
    try take(.prolong, Self.prolong)
    try take(.ban, Self.ban, at: 15.1)
    #expect(
      try rows() == ["prolong default waiting 2 hours", "ban default waiting 10 minutes"])
  }

  @Test func `a prolong that was told meanwhile stays told`() throws {
    try take(.prolong, Self.prolong)
    try queue.finish(1, .delivered, reason: nil, now: start)
    try take(.ban, Self.ban, at: 10)
    #expect(
      try rows() == ["prolong default delivered 2 hours", "ban default waiting 2 hours"])
  }

  @Test func `of several the last counts, and all are told by the ban, also if nobody wants them`()
    throws
  {
    try take(.prolong, Self.prolong)
    try take(.prolong, [.time: "1", .bantime: "86400"], at: 1, configuration(post: [.ban]))
    try take(.ban, Self.ban, at: 2)
    #expect(try rows() == ["prolong default folded 2 hours", "ban default waiting 1 day"])
  }

  @Test func `a prolong that is held is told by its ban as well, and held with it`() throws {
    try take(.prolong, Self.prolong)
    try queue.database.execute(
      "UPDATE delivery SET held = 1; UPDATE destination SET held = 1 WHERE name = 'default'")
    try take(.ban, Self.ban, at: 2)
    #expect(try rows() == ["prolong default folded 2 hours", "ban default waiting 2 hours"])
    #expect(try queue.deliveries(pendingOnly: false, limit: 9).map(\.isHeld) == [false, true])
  }

  @Test func `a prolong of a ban that was lifted is not that of the next`() throws {
    try take(.prolong, Self.prolong)
    try take(.unban, [.time: "1"], at: 1)
    try take(.ban, [.time: "3", .bantime: "600"], at: 3)
    #expect(try rows().last == "ban default waiting 10 minutes")
  }

  @Test func `a repeated ban finds its prolongs told`() throws {
    try take(.prolong, Self.prolong)
    try take(.ban, Self.ban, at: 1)
    try take(.ban, Self.ban, at: 2)
    try take(.prolong, Self.prolong, at: 3)
    #expect(try rows() == ["prolong default folded 2 hours", "ban default waiting 2 hours"])
  }

  // MARK: - Accounts

  @Test func `what waits is counted right all along`() throws {
    try take(.prolong, Self.prolong)
    try take(.ban, Self.ban, at: 1)
    try take(.prolong, [.time: "1", .bantime: "86400"], at: 2)
    #expect(try queue.totals()["default"]?.filter { $0.value > 0 } == [.waiting: 1, .folded: 2])
    let waiting = try queue.pendingBytes()
    try queue.finish(2, .delivered, reason: nil, now: start)
    #expect(waiting > 0)
    #expect(try queue.pendingBytes() == 0)
  }
}
