import Posix
import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// Pictures of numbers, and the time that a report tells of.
@Suite struct ReportPictureTests {
  @Test(
    arguments: [
      ([], ""), ([0, 0, 0], "..."), ([1], "█"), ([0, 1, 100], ".▁█"), ([1, 2, 3, 4], "▂▄▆█"),
      ([8, 7, 6, 5, 4, 3, 2, 1, 0], "█▇▆▅▄▃▂▁."), ([-5, 0, 5], "..█"),
      ([.max, .max - 1, 1], "██▁"), ([.min, .max], ".█"),
    ] as [([Int64], String)])
  func `a line of bars`(counts: [Int64], picture: String) {
    #expect(Bars.line(counts) == picture)
  }

  @Test(
    arguments: [
      (0, 10, ""), (-1, 10, ""), (1, 0, ""), (10, 10, "████"), (5, 10, "██"), (1, 1_000_000, "▏"),
      (11, 16, "██▊"), (20, 10, "████"), (.max, .max, "████"),
    ] as [(Int64, Int64, String)])
  func `a bar that lies`(count: Int64, most: Int64, picture: String) {
    #expect(Bars.bar(count, of: most, width: 4) == picture)
  }

  @Test(
    arguments: [
      ("24h", 24, 3_600, "24 hours", "hour"), ("7d", 7, 86_400, "7 days", "day"),
      ("1h", 12, 300, "1 hour", "5 minutes"), ("90m", 18, 300, "90 minutes", "5 minutes"),
      ("30d", 30, 86_400, "30 days", "day"), ("90d", 13, 604_800, "90 days", "week"),
      ("1d", 24, 3_600, "24 hours", "hour"), ("25h", 25, 3_600, "25 hours", "hour"),
      ("49h", 3, 86_400, "49 hours", "day"),
    ])
  func `a period has a few bars of a natural length`(
    text: String, bars: Int, step: Int64, words: String, stepWords: String
  ) throws {
    let period = ReportPeriod(until: 1_795_231_644, length: try #require(ReportPeriod.parse(text)))
    #expect(period.bars == bars && period.step == step)
    #expect(period.words == words && period.stepWords == stepWords)
    #expect(period.beforeSince + 2 * period.length == period.until)
  }

  @Test(arguments: [
    "", "0", "59m", "91d", "-1d", "7w", "d", "1e3h", "99999999999999999999d", "24 h",
  ])
  func `what is no period is none`(text: String) {
    #expect(ReportPeriod.parse(text) == nil)
  }

  @Test func `every length within the range has between one and some thirty bars`() {
    for length in stride(from: 3_600, through: 90 * 86_400, by: 1_800) {
      let period = ReportPeriod(until: 0, length: length)
      #expect((1...48).contains(period.bars), "\(length)")
      #expect(Int64(period.bars) * period.step >= period.length)
    }
  }

  @Test(
    arguments: [(5, nil, nil, nil), (5, 0, 5, nil), (5, 4, 1, 25), (0, 4, -4, -100), (4, 4, 0, 0)]
      as [(Int64, Int64?, Int64?, Int64?)])
  func `a total is compared with what is known`(
    count: Int64, before: Int64?, difference: Int64?, percent: Int64?
  ) {
    let total = Report.Total(count: count, before: before)
    #expect(total.difference == difference && total.percent == percent)
  }
}

/// Figures against a plain count of the same events, which went through spool and pipeline.
@Suite struct ReportFiguresTests {
  private let place: TemporaryDirectory
  private let locations: Locations
  private let queue: Queue
  private let pipeline: Pipeline<NoTransport>
  private static let now: Int64 = 1_795_231_644
  private static let day: Int64 = 86_400

  init() throws {
    (place, locations) = try emptySpool()
    queue = try Queue(writing: locations.database)
    try queue.database.execute("PRAGMA synchronous = OFF")
    pipeline = Pipeline(
      locations, queue, Courier(queue, NoTransport(), host: "web1") { 0 }, host: "web1")
    var configuration = Configuration.plain(place, to: ["default", "ops"])
    configuration.post = []
    configuration.validUsers = ["alice"]
    pipeline.configuration = configuration
  }

  private struct Entry {
    var kind = EventKind.ban
    var jail = "sshd"
    var ip = "203.0.113.7"
    var at: Int64
    var failures: Int64 = 5
    var user: String?
    var restored = false
  }

  /// Taken in as they happen.
  private func take(_ entries: [Entry]) throws {
    for batch in stride(from: 0, to: entries.count, by: 200) {
      var latest: Int64 = 0
      for entry in entries[batch..<min(batch + 200, entries.count)] {
        var record = EventRecord(
          kind: entry.kind, jail: entry.kind == .notify ? "" : entry.jail,
          ip: entry.kind == .notify ? "" : entry.ip, acceptedAt: entry.at * 1_000_000)
        if entry.kind == .ban {
          record.set(.time, String(entry.at))
          record.setFailures(String(entry.failures))
          record.set(.user, entry.user)
          if entry.restored { record.set(.restored, "1") }
        }
        if entry.kind == .notify { record.setTitle("title") }
        _ = try Acceptor(locations).accept(record)
        latest = max(latest, entry.at)
      }
      while try pipeline.takeIn(now: latest * 1_000_000) {}
    }
  }

  private func report(_ length: Int64 = day, until: Int64 = now) throws -> Report {
    try queue.report(
      of: ReportPeriod(until: until, length: Int(length)),
      EventContext(validUsers: ["alice"], friendlyNetworks: [], unknownUsers: .short),
      now: until * 1_000_000)
  }

  private static func entries(_ count: Int, days: Int64) -> [Entry] {
    var random = FixedRandom(seed: 11)
    return (0..<count).map { index in
      var entry = Entry(at: now - days * day + Int64(index) * days * day / Int64(count))
      entry.kind =
        [.ban, .ban, .ban, .unban, .notify, .prolong].randomElement(using: &random) ?? .ban
      entry.jail = ["sshd", "nginx", "recidive"].randomElement(using: &random) ?? ""
      entry.ip =
        Bool.random(using: &random)
        ? "203.0.\(Int.random(in: 112...114, using: &random)).\(Int.random(in: 0...9, using: &random))"
        : "2001:db8:\(Int.random(in: 1...2, using: &random))::\(Int.random(in: 1...9, using: &random))"
      entry.failures = Int64.random(in: 0...9, using: &random)
      entry.user = ["root", "alice", "hunter2", nil].randomElement(using: &random) ?? nil
      return entry
    }
  }

  private static func top(_ names: [String], _ most: Int = 10) -> [String: Int64] {
    var counts: [String: Int64] = [:]
    for name in names { counts[name, default: 0] += 1 }
    let sorted = counts.sorted { ($1.value, $0.key) < ($0.value, $1.key) }
    return Dictionary(uniqueKeysWithValues: sorted.prefix(most).map { ($0.key, $0.value) })
  }

  @Test(arguments: [3_600, day, 7 * day, 10 * day])
  func `figures are those of a plain count`(length: Int64) throws {
    let entries = Self.entries(1_500, days: 25)
    try take(entries)
    let report = try report(length)
    let (from, before) = (Self.now - length, Self.now - 2 * length)
    let all = entries.filter { $0.at < Self.now }
    func within(_ kind: EventKind, _ range: Range<Int64>) -> [Entry] {
      all.filter { $0.kind == kind && range.contains($0.at) }
    }
    let (bans, old) = (within(.ban, from..<Self.now), within(.ban, before..<from))
    #expect(report.knownSince == nil && report.eventsSince == nil)
    #expect(report.bans == Report.Total(count: Int64(bans.count), before: Int64(old.count)))
    #expect(report.failures.count == bans.reduce(0) { $0 + $1.failures })
    #expect(report.failures.before == old.reduce(0) { $0 + $1.failures })
    for kind in [EventKind.unban, .prolong, .notify] {
      #expect(report.others[kind]?.count == Int64(within(kind, from..<Self.now).count))
      #expect(report.others[kind]?.before == Int64(within(kind, before..<from).count))
    }
    #expect(report.bars.reduce(0, +) == report.bans.count)
    for (index, bar) in report.bars.enumerated() {
      let end = Self.now - Int64(report.bars.count - 1 - index) * report.period.step
      let range = (end - report.period.step)..<end
      #expect(bar == Int64(bans.count { range.contains($0.at) }))
    }
    for jail in report.jails {
      #expect(jail.bans.count == Int64(bans.count { $0.jail == jail.name }))
      #expect(jail.bans.before == Int64(old.count { $0.jail == jail.name }))
      #expect(jail.failures == bans.reduce(0) { $0 + ($1.jail == jail.name ? $1.failures : 0) })
    }
    let addresses = bans.compactMap { Network($0.ip)?.description }
    #expect(report.addressCount == Int64(Set(addresses).count))
    #expect(report.addresses.count == min(10, Set(addresses).count))
    for share in report.addresses {
      #expect(share.bans == Int64(addresses.count { $0 == share.name }))
    }
    let networks = bans.compactMap { Network($0.ip)?.owner.description }
    #expect(
      Dictionary(uniqueKeysWithValues: report.networks.map { ($0.name, $0.bans) })
        == Self.top(networks))
    for share in report.networks {
      let within = bans.filter { Network($0.ip)?.owner.description == share.name }
      #expect(share.addresses == Int64(Set(within.map(\.ip)).count))
    }
    let users = bans.compactMap(\.user).map { $0 == "hunter2" ? "hun…" : $0 }
    #expect(
      Dictionary(uniqueKeysWithValues: report.users.map { ($0.name, $0.bans) }) == Self.top(users))
    let kept = all.filter { $0.kind == .ban }
    for offender in report.offenders {
      let own = kept.filter { Network($0.ip)?.description == offender.name }
      #expect(offender.bans == Int64(own.count { $0.at >= Self.now - 30 * Self.day }))
      #expect(offender.total == Int64(own.count))
      #expect(offender.first == own.map(\.at).min() && offender.last == own.map(\.at).max())
      #expect(Set(offender.jails) == Set(own.map(\.jail)))
    }
    #expect(report.offenders.count == 5)
    #expect(report.lastBan == kept.map(\.at).max())
  }

  @Test func `a period ends before its last second, and the one before where it begins`() throws {
    let from = Self.now - Self.day
    try take(
      [from - Self.day - 1, from - Self.day, from - 1, from, Self.now - 1, Self.now, Self.now + 1]
        .enumerated().map { Entry(ip: "203.0.113.\($0)", at: $1) })
    let report = try report()
    #expect(report.bans == Report.Total(count: 2, before: 2))
    #expect(report.bars.first == 1 && report.bars.last == 1)
    #expect(report.bars.count == 24)
    #expect(Set(report.addresses.map(\.name)) == ["203.0.113.3", "203.0.113.4"])
  }

  @Test func `what fail2ban repeats counts once, when it happened`() throws {
    let ban = Entry(at: Self.now - 2 * Self.day)
    try take([ban])
    // fail2ban starts anew, and a file is found again: the same bans, later.
    var again = EventRecord(
      kind: .ban, jail: "sshd", ip: ban.ip, acceptedAt: (Self.now - 60) * 1_000_000)
    again.set(.time, String(ban.at))
    again.set(.restored, "1")
    for _ in 0..<3 { _ = try Acceptor(locations).accept(again) }
    _ = try pipeline.takeIn(now: (Self.now - 60) * 1_000_000)
    #expect(try report().bans.count == 0)
    #expect(try report(7 * Self.day).bans.count == 1)
    #expect(try report(7 * Self.day).offenders == [])
  }

  /// A clock that was wrong: a time to come counts as the moment at which it was taken in.
  @Test func `a clock that jumps costs no ban and counts none twice`() throws {
    try take([Entry(ip: "203.0.113.1", at: Self.now - 2 * Self.day - 10)])
    var ahead = EventRecord(
      kind: .ban, jail: "sshd", ip: "203.0.113.2", acceptedAt: (Self.now - 100) * 1_000_000)
    ahead.set(.time, String(Self.now + 10 * Self.day))
    _ = try Acceptor(locations).accept(ahead)
    _ = try pipeline.takeIn(now: (Self.now - 100) * 1_000_000)
    // Back by an hour: what happens now is before what was.
    try take([Entry(ip: "203.0.113.3", at: Self.now - 3_700)])
    let report = try report()
    #expect(report.bans == Report.Total(count: 2, before: 0))
    #expect(report.lastBan == Self.now - 100)
  }

  // MARK: - What is not known

  @Test func `the day on which luaslack came is compared with nothing`() throws {
    let nothing = try report()
    #expect(nothing.knownSince == Self.now && nothing.bans == Report.Total())
    #expect(nothing.lastBan == nil && nothing.isQuiet)
    // A ban from before, that fail2ban repeats at the first start.
    let first = Self.now - 3 * 3_600
    try take([Entry(at: first), Entry(ip: "203.0.113.8", at: first + 60)])
    let report = try report()
    #expect(report.knownSince == first && report.eventsSince == first)
    #expect(report.bans.count == 2 && report.bans.before == nil)
    #expect(try self.report(3_600).bans.before == 0)
    #expect(try self.report(3_600).knownSince == nil)
  }

  @Test func `an early warning counts once, in the period in which it began`() throws {
    for (phase, age) in [("started", 60), ("over", 30), ("over", 20), ("started", 5_400)] {
      var record = EventRecord(
        kind: .warning, jail: "sshd", acceptedAt: (Self.now - Int64(age)) * 1_000_000)
      record.known["phase"] = .string(phase)
      _ = try queue.insert(record, key: nil)
    }
    let report = try report(3_600)
    #expect(report.others[.warning]?.count == 1)
  }

  @Test func `what was pruned is not counted as nothing`() throws {
    let entries = Self.entries(1_000, days: 20)
    try take(entries)
    var retention = Retention()
    retention.events = 300
    try prune(retention)
    // Events went for their room; bans stay.
    let bans = entries.filter { $0.kind == .ban && $0.at >= Self.now - 10 * Self.day }
    var report = try report(10 * Self.day)
    #expect(report.bans.count == Int64(bans.count) && report.knownSince == nil)
    #expect(report.bans.before != nil)
    let since = try #require(report.eventsSince)
    #expect(report.others[.unban]?.before == nil)
    #expect(
      report.others[.unban]?.count
        == Int64(entries.count { $0.kind == .unban && $0.at >= since && $0.at < Self.now }))
    // Now bans go too.
    retention.history = Int(5 * Self.day)
    try prune(retention)
    report = try self.report(10 * Self.day)
    let known = try #require(report.knownSince)
    #expect((Self.now - 5 * Self.day - 10_800...Self.now - 5 * Self.day + 7_200).contains(known))
    #expect(
      report.bans == Report.Total(count: Int64(entries.count { $0.kind == .ban && $0.at >= known }))
    )
    #expect(try self.report(5 * Self.day).bans.before == nil)
    let one = try self.report()
    #expect(one.knownSince == nil && one.bans.before != nil)
  }

  private func prune(_ retention: Retention) throws {
    for round in 0..<2 {
      _ = try queue.prune(retention, now: (Self.now + Int64(round) * 3_601) * 1_000_000)
    }
  }

  // MARK: - Asked for

  private func ask(_ length: Int64 = day, to: [String] = [], at second: Int64 = now) throws
    -> String
  {
    var request = QueueRequest(.report)
    request.period = ReportPeriod(until: second, length: Int(length))
    request.destinations = to
    return try Acceptor(locations).request(request, now: second * 1_000_000)
  }

  private func reports() throws -> [EventRecord] {
    try queue.database.all("SELECT record FROM event WHERE kind = 'report' ORDER BY id") {
      $0.text(0)
    }.compactMap { (try? JSONReader.read($0)).flatMap { EventRecord($0) } }
  }

  @Test func `a request makes one report, however often its file is found`() throws {
    try take([Entry(at: Self.now - 60), Entry(kind: .unban, at: Self.now - 30)])
    let name = try ask()
    let file = place.file("spool/incoming/\(name)")
    let bytes = try FileDescriptor.open(reading: file).readAll(limit: 1 << 20)
    _ = try pipeline.takeIn(now: Self.now * 1_000_000)
    // The file outlived its commit.
    let again = try FileDescriptor.open(writing: file)
    try again.write(bytes)
    _ = try pipeline.takeIn(now: Self.now * 1_000_000)
    let made = try reports()
    #expect(made.count == 1)
    #expect(made.first?.known["totals"]?["bans"]?["count"] == 1)
    #expect(try queue.answer(to: name) == QueueRequest.Answer(count: 1))
    // Whatever `post` lists.
    #expect(try queue.deliveries(pendingOnly: true, limit: 10).map(\.kind) == ["report"])
    let event = try #require(try queue.event(ofArrival: name))
    #expect(try queue.deliveries(of: event).map(\.destination) == ["default"])
  }

  @Test func `it goes where it was asked to, and nowhere if there is no such place`() throws {
    _ = try ask(to: ["ops"])
    let wrong = try ask(to: ["osp"], at: Self.now + 1)
    _ = try pipeline.takeIn(now: (Self.now + 1) * 1_000_000)
    #expect(
      try queue.deliveries(pendingOnly: true, limit: 10).map(\.destination) == ["ops"])
    let answer = try #require(try queue.answer(to: wrong))
    #expect(answer.problems == ["there is no destination osp; did you mean \"ops\"?"])
    #expect(answer.count == 0)
  }

  @Test func `what a storm folds is no report`() throws {
    _ = try ask()
    _ = try pipeline.takeIn(now: Self.now * 1_000_000)
    #expect(try queue.deliveries(pendingOnly: true, limit: 10).map(\.class) == [.critical])
  }

  @Test func `an address that is forgotten is in no report either`() throws {
    try take([Entry(ip: "203.0.113.9", at: Self.now - 60), Entry(at: Self.now - 50)])
    _ = try ask()
    _ = try pipeline.takeIn(now: Self.now * 1_000_000)
    #expect("\(try reports())".contains("203.0.113.9"))
    var answer = QueueRequest.Answer()
    try queue.forget("203.0.113.9", &answer)
    #expect(answer.problems.first?.contains("still to be sent") == true)
    let delivery = try #require(try queue.deliveries(pendingOnly: true, limit: 1).first)
    try queue.finish(delivery.id, .delivered, reason: nil, now: Self.now * 1_000_000)
    answer = QueueRequest.Answer()
    try queue.forget("203.0.113.9", &answer)
    #expect(answer.problems == [] && answer.count == 1)
    #expect(!"\(try reports())".contains("203.0.113.9"))
    #expect(try queue.delivery(delivery.id)?.payload == "{}")
    let left = try #require(try reports().first)
    // What is left of it can still be looked at.
    let event = Event(left, host: "web1", now: 0)
    #expect(left.known["totals"]?["bans"]?["count"] == 2)
    #expect(BuiltIn.payload(event)["text"]?.string?.contains("2 bans") == true)
  }

  @Test func `deliveries are told as they went`() throws {
    try queue.keepDestinations(["default", "ops"])
    try take([Entry(at: Self.now - 3 * Self.day)])
    func deliver(_ state: DeliveryState, at second: Int64, attempts: [String] = ["200 ok"]) throws {
      let record = EventRecord(
        kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: second * 1_000_000)
      let event = try queue.insert(record, key: nil)
      try queue.insert(
        event: event, destination: "ops", outcome: .message(["text": "t"]), now: second * 1_000_000)
      let id = try #require(try queue.deliveries(of: event).first?.id)
      for word in attempts { try queue.note(attempt: word, of: id, now: second * 1_000_000) }
      if state != .waiting { try queue.finish(id, state, reason: nil, now: second * 1_000_000) }
    }
    try deliver(.delivered, at: Self.now - 2 * Self.day)
    try deliver(.dead, at: Self.now - 2 * Self.day, attempts: ["400 invalid_payload, refused"])
    for second in 1...3 { try deliver(.delivered, at: Self.now - Int64(second)) }
    try deliver(.folded, at: Self.now - 4, attempts: [])
    try deliver(.dead, at: Self.now - 5, attempts: ["500 x", "500 x"])
    try deliver(.waiting, at: Self.now - 700, attempts: ["404 no_service, the destination is dead"])
    var state = try queue.state(of: "ops")
    (state.health, state.lastError) = (.dead, "404 no_service")
    state.lastOkAt = (Self.now - 1) * 1_000_000
    try queue.save(state)
    let report = try report()
    let ops = try #require(report.destinations.first { $0.name == "ops" })
    #expect(
      ops
        == Report.Destination(
          name: "ops", health: .dead, delivered: 3, folded: 1, failed: 3, dead: 1, waiting: 1,
          deadLetters: 2, oldest: Self.now - 700, lastOK: Self.now - 1, error: "404 no_service"))
    #expect(report.severity == .warning)
    let value = Event(EventRecord(report, to: [], at: 0), host: "web1", now: 0)
    #expect(value.value["reasons"] == ["ops is dead"])
    let payload = BuiltIn.payload(value)
    #expect(payload["attachments"]?.array?.first?["color"] == "danger")
    #expect(payload["text"]?.string?.hasSuffix("; ops is dead") == true)
  }

  // MARK: - Words

  @Test func `a quiet day says so`() throws {
    try take([Entry(at: Self.now - 5 * Self.day)])
    let event = Event(EventRecord(try report(), to: [], at: 0), host: "web1", now: 0)
    #expect(
      BuiltIn.sentence(event)
        == "report of 24 hours on web1: no bans (none before); the last was 2026-11-16 03:27 UTC")
    #expect(event.value["quiet"] == true)
  }

  private static let moment = "2026-11-21 01:27 UTC"

  /// Hours before the end since when bans and other events are known, and how many bans there were.
  @Test(
    arguments: [
      (nil, nil, 0, "no bans; no ban is known", ""),
      (2, 2, 0, "no bans; known since \(moment) only", ""),
      (0, 0, 0, "nothing of this time is known", ""),
      (2, 2, 1, "1 ban of 1 address; known since \(moment) only", ""),
      (0, 0, 1, "1 ban of 1 address; known since 2026-11-21 03:27 UTC only", ""),
      (nil, 2, 1, "1 ban of 1 address", "(all but bans and failures since \(moment) only)"),
      (
        3, 2, 1, "1 ban of 1 address; known since 2026-11-21 00:27 UTC only",
        "(all but bans and failures since \(moment) only)"
      ),
    ] as [(Int64?, Int64?, Int64, String, String)])
  func `since when things are known is said once`(
    _ known: Int64?, _ events: Int64?, _ bans: Int64, _ words: String, _ delivery: String
  ) {
    var report = Report(ReportPeriod(until: Self.now, length: 86_400))
    report.knownSince = known.map { Self.now - $0 * 3_600 }
    report.eventsSince = events.map { Self.now - $0 * 3_600 }
    (report.bans.count, report.addressCount) = (bans, bans)
    let event = Event(EventRecord(report, to: [], at: 0), host: "web1", now: 0)
    #expect(BuiltIn.sentence(event) == "report of 24 hours on web1: \(words)")
    let fields = BuiltIn.payload(event)["attachments"]?.array?.first?["fields"]?.array ?? []
    let told = fields.first { $0["title"] == "Delivery" }?["value"]?.string ?? ""
    #expect(told == delivery)
  }

  @Test func `a ban of before anything was known is told`() {
    var report = Report(ReportPeriod(until: Self.now, length: 86_400))
    (report.knownSince, report.lastBan) = (Self.now, Self.now - 5 * Self.day)
    let event = Event(EventRecord(report, to: [], at: 0), host: "web1", now: 0)
    #expect(
      BuiltIn.sentence(event) == "report of 24 hours on web1: nothing of this time is known; "
        + "the last ban was 2026-11-16 03:27 UTC")
  }

  @Test(
    arguments: Sample.all.filter { $0.name.hasSuffix("report") || $0.name.hasPrefix("report") }
      .map(\.name))
  func `the built-in message is within Slack's limits, whatever its figures`(name: String) throws {
    let sample = try #require(Sample.all.first { $0.name == name })
    for event in sample.events(EventContext()) {
      let payload = BuiltIn.payload(event)
      #expect(!"\(payload)".contains("\u{202e}"))
      let text = payload["attachments"]?.array?.first?["text"]?.string ?? ""
      #expect(text.count < 3_000)
      let fields = payload["attachments"]?.array?.first?["fields"]?.array ?? []
      #expect(fields.count <= 12)
      #expect(fields.allSatisfy { ($0["value"]?.string ?? "").count < 4_000 })
    }
  }
}
