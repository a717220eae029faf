import Foundation
import Posix
import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// Early warnings over recorded streams, against a plain sweep over all times.
@Suite struct WarningTests {
  fileprivate static let minute: Int64 = 60_000_000
  /// 2026-11-21 03:27:24 UTC.
  private static let start: Int64 = 1_795_231_644_000_000

  private static var rules: [WarningRule] {
    var site = WarningRule(name: "site", bans: 6, within: 300, by: .field("site"))
    site.jails = ["word*"]
    return [
      WarningRule(name: "host", bans: 40, within: 300),
      WarningRule(name: "jail", bans: 20, within: 240, by: .jail),
      WarningRule(name: "subnet", bans: 8, within: 600, by: .subnet),
      WarningRule(name: "user", bans: 15, within: 600, by: .user),
      WarningRule(name: "country", bans: 25, within: 420, by: .country), site,
    ]
  }

  // MARK: - A stream

  /// Six hours of an ordinary host, and attacks that overlap: bans in the order of their times.
  private static func stream(seed: UInt64, background: Int, attacks: Int) -> [CountedBan] {
    var random = FixedRandom(seed: seed)
    let hours: Int64 = 6 * 60 * minute
    func number(_ range: ClosedRange<Int>) -> Int { Int.random(in: range, using: &random) }
    func ban(_ at: Int64) -> CountedBan {
      let jail = ["sshd", "postfix", "wordpress"][number(0...2)]
      return CountedBan(
        event: 0, at: at, jail: jail,
        network: Network("10.\(number(0...255)).\(number(0...255)).7"),
        name: nil, user: ["root", "admin", "bob\(number(0...99))"][number(0...2)],
        country: ["NL", "BR", "US", "CN", "VN"][number(0...4)], failures: Int64(number(1...9)),
        fields: jail == "wordpress" ? ["site": "s\(number(0...40)).example"] : [:])
    }
    var bans = (0..<background).map { _ in ban(Int64.random(in: 0..<hours, using: &random)) }
    for attack in 0..<attacks {
      let begin = Int64.random(in: 0..<hours * 9 / 10, using: &random)
      let span = Int64.random(in: minute...(25 * minute), using: &random)
      for _ in 0..<number(10...160) {
        let one = ban(begin + Int64.random(in: 0..<span, using: &random))
        let isOfSite = attack % 5 == 3
        bans.append(
          CountedBan(
            event: 0, at: one.at,
            jail: isOfSite ? "wordpress" : attack % 5 == 0 ? "sshd" : one.jail,
            network: attack % 5 == 1 ? Network("192.0.2.\(number(1...250))") : one.network,
            name: nil,
            user: attack % 5 == 2 ? "alice" : one.user,
            country: attack % 5 == 4 ? "KP" : one.country, failures: one.failures,
            fields: isOfSite ? ["site": "shop.example"] : one.fields))
      }
    }
    return bans.map(\.at).enumerated().sorted { ($0.element, $0.offset) < ($1.element, $1.offset) }
      .enumerated().map { index, place in
        let ban = bans[place.offset]
        // No two at once: a spool file's name is its time.
        return CountedBan(
          event: Int64(index + 1), at: start + ban.at + Int64(index), jail: ban.jail,
          network: ban.network, name: nil, user: ban.user, country: ban.country,
          failures: ban.failures, fields: ban.fields)
      }
  }

  /// What is compared of what was told.
  private struct Told: Equatable, CustomStringConvertible {
    var phase: String
    var bans: Int64
    var failures: Int64
    var seconds: Int64
    var peak: Int64
    var networks: Int64?

    var description: String {
      "\(phase) \(bans) bans \(failures) failures \(seconds) s, peak \(peak) s, \(networks ?? -1) networks"
    }
  }

  /// Goes through all moments at which the number within the time changes, one group after the other.
  private static func oracle(
    _ bans: [CountedBan], _ rules: [WarningRule]
  ) -> [String: [Told]] {
    var told: [String: [Told]] = [:]
    for rule in rules {
      var groups: [String: [CountedBan]] = [:]
      for ban in bans where rule.concerns(jail: ban.jail) {
        if let name = rule.group(of: ban) { groups[name, default: []].append(ban) }
      }
      for (name, bans) in groups {
        let moments = bans.flatMap { [($0.at, 1), ($0.at + rule.window, 0)] }.sorted { $0 < $1 }
        var (count, since): (Int, Int?) = (0, nil)
        var list: [Told] = []
        var seen = 0
        func snapshot(_ phase: String) -> Told {
          let part = bans[(since ?? 0)..<seen]
          let full = ((since ?? 0) + rule.bans - 1)..<seen
          return Told(
            phase: phase, bans: Int64(part.count), failures: part.reduce(0) { $0 + $1.failures },
            seconds: ((part.last?.at ?? 0) - (part.first?.at ?? 0)) / 1_000_000,
            peak: (full.map { bans[$0].at - bans[$0 - rule.bans + 1].at }.min() ?? 0) / 1_000_000,
            networks: Int64(Set(part.compactMap { $0.network?.owner }).count))
        }
        for (_, isBan) in moments {
          count += isBan == 1 ? 1 : -1
          seen += isBan
          if since == nil, count >= rule.bans {
            since = seen - rule.bans
            list.append(snapshot("started"))
          } else if since != nil, 2 * count < rule.bans {
            list.append(snapshot("over"))
            since = nil
          }
        }
        if !list.isEmpty { told["\(rule.name) \(name)", default: []] += list }
      }
    }
    return told
  }

  @Test(arguments: [1, 2, 3] as [UInt64])
  func `incidents are those of a plain sweep`(seed: UInt64) {
    let bans = Self.stream(seed: seed, background: 1_200, attacks: 60)
    var watch = WarningWatch(Self.rules)
    var changes = bans.flatMap { watch.add($0) }
    changes += watch.end(until: .max)
    var told: [String: [Told]] = [:]
    for change in changes {
      let incident = change.incident
      told["\(incident.rule.name) \(incident.group)", default: []].append(
        Told(
          phase: change.phase == .started ? "started" : "over", bans: incident.bans,
          failures: incident.failures, seconds: (incident.last - incident.since) / 1_000_000,
          peak: incident.peak / 1_000_000))
    }
    let wanted = Self.oracle(bans, Self.rules).mapValues { list in
      list.map { told -> Told in
        var told = told
        told.networks = nil
        return told
      }
    }
    #expect(wanted.values.reduce(0) { $0 + $1.count } > 60)
    #expect(Set(wanted.keys.map { $0.prefix { $0 != " " } }).count == Self.rules.count)
    #expect(told == wanted)
    #expect(watch.nextEnd == nil)
  }

  @Test func `what comes late or out of order never begins twice`() {
    var random = FixedRandom(seed: 9)
    let bans = Self.stream(seed: 4, background: 1_000, attacks: 40)
      .map { ($0.at + Int64.random(in: 0...(20 * Self.minute), using: &random), $0) }
      .sorted { $0.0 < $1.0 }.map(\.1)
    var watch = WarningWatch(Self.rules)
    var open: Set<String> = []
    var ended: [String: Int64] = [:]
    var started = 0
    for change in bans.flatMap({ watch.add($0) }) + watch.end(until: .max) {
      let key = "\(change.incident.rule.name) \(change.incident.group)"
      if change.phase == .started {
        #expect(open.insert(key).inserted)
        #expect(change.incident.last > ended[key] ?? .min)
        started += 1
      } else {
        #expect(open.remove(key) != nil)
        ended[key] = change.incident.last
      }
    }
    #expect(open.isEmpty && started > 20)
  }

  @Test func `an attacker who makes up users fills nothing`() {
    var watch = WarningWatch([WarningRule(name: "user", bans: 2, within: 600, by: .user)])
    func ban(_ index: Int, _ user: String) -> CountedBan {
      CountedBan(
        event: Int64(index), at: Self.start + Int64(index) * 1_000, jail: "sshd", network: nil,
        name: nil, user: user, country: nil, failures: 1, fields: [:])
    }
    var begun = 0
    for index in 0..<(3 * WarningWatch.mostGroups) {
      begun += watch.add(ban(index, "u\(index)\(String(repeating: "x", count: 900))")).count
    }
    #expect(begun == 0)
    // The last ones are still known.
    let last = 3 * WarningWatch.mostGroups - 1
    #expect(watch.add(ban(last + 1, "u\(last)\(String(repeating: "x", count: 900))")).count == 1)
    for index in 0..<(2 * WarningWatch.mostOpen) {
      begun += watch.add(ban(last + 2 + 2 * index, "v\(index)")).count
      begun += watch.add(ban(last + 3 + 2 * index, "v\(index)")).count
    }
    #expect(begun == WarningWatch.mostOpen - 1)
    #expect(watch.end(until: .max).count == WarningWatch.mostOpen)
  }

  @Test func `the shipped rules are silent on an ordinary host`() {
    var random = FixedRandom(seed: 11)
    var watch = WarningWatch(WarningRule.defaults)
    var changes: [WarningWatch.Change] = []
    // 50 an hour for a week, a third of them from a dozen networks of scanners.
    for index in 0..<(50 * 24 * 7) {
      let isScanner = index % 3 == 0
      let first = isScanner ? 20 : Int.random(in: 1...220, using: &random)
      let second =
        isScanner ? Int.random(in: 0...11, using: &random) : Int.random(in: 0...255, using: &random)
      changes += watch.add(
        CountedBan(
          event: Int64(index), at: Self.start + Int64(index) * 72_000_000, jail: "sshd",
          network: Network("\(first).\(second).7.\(Int.random(in: 1...250, using: &random))"),
          name: nil, user: "root", country: nil, failures: 5, fields: [:]))
    }
    #expect(changes.isEmpty)
    #expect(WarningRule(WarningRule.defaults[2].value) == WarningRule.defaults[2])
  }

  // MARK: - Through the pipeline

  private final class Host {
    let place: TemporaryDirectory
    let locations: Locations
    var queue: Queue
    var pipeline: Pipeline<NoTransport>
    var configuration: Configuration
    /// Microseconds since 1970, and by which the host's clock is wrong.
    var time = WarningTests.start
    var error: Int64 = 0
    var now: Int64 { time + error }

    init(_ rules: [WarningRule]) throws {
      (place, locations) = try emptySpool()
      queue = try Queue(writing: locations.database)
      configuration = Configuration.plain(place)
      configuration.post = [.warning]
      configuration.unknownUsers = .full
      configuration.warnings = rules
      pipeline = Pipeline(
        locations, queue, Courier(queue, NoTransport(), host: "web1") { 0 }, host: "web1")
      try restart()
    }

    /// Another luaslackd, that knows nothing but the rows.
    func restart() throws {
      queue = try Queue(writing: locations.database)
      try queue.database.execute("PRAGMA synchronous = OFF")
      let courier = Courier(
        queue, NoTransport(), host: "web1", steadyClock: { [unowned self] in time }
      ) { 0 }
      pipeline = Pipeline(locations, queue, courier, host: "web1")
      pipeline.configuration = configuration
      try pipeline.recover(now: now)
    }

    func accept(_ ban: CountedBan, restored: Bool = false) throws {
      var record = EventRecord(
        kind: .ban, jail: ban.jail, ip: ban.network?.description ?? "", acceptedAt: ban.at + error)
      record.set(.time, "\((ban.at + error) / 1_000_000)")
      record.set(.user, ban.user)
      record.setFailures("\(ban.failures)")
      if restored { record.set(.restored, "1") }
      for (name, text) in ban.fields { record.setField(name, text) }
      _ = try Acceptor(locations).accept(record)
    }

    func take() throws {
      var turns = 0
      while turns < 1_000, try pipeline.takeIn(now: now) { turns += 1 }
      _ = try pipeline.dispatch(now: now)
    }

    func count(_ table: String) throws -> Int64 {
      try queue.database.first("SELECT count(*) FROM \(table)") { $0.integer(0) } ?? 0
    }

    /// All that waits is delivered.
    func deliver() throws {
      try queue.database.execute("UPDATE delivery SET state = 'delivered', finished_at = 1")
    }

    func records() throws -> [EventRecord] {
      try queue.database.all("SELECT record FROM event WHERE kind = 'warning' ORDER BY id") {
        $0.text(0)
      }.compactMap { (try? JSONReader.read($0)).flatMap { EventRecord($0) } }
    }

    func told() throws -> [String: [Told]] {
      var told: [String: [Told]] = [:]
      for record in try records() {
        let known = record.known
        func number(_ name: String) -> Int64 { known[name]?.int ?? -1 }
        told["\(known["rule"]?.string ?? "") \(known["group"]?.string ?? "")", default: []].append(
          Told(
            phase: known["phase"]?.string ?? "", bans: number("bans"), failures: number("failures"),
            seconds: number("duration"), peak: number("peak"), networks: number("network_count")))
      }
      return told
    }
  }

  /// Two bans of one address within one second would be one event.
  private static func distinct(_ bans: [CountedBan]) -> [CountedBan] {
    var seen: Set<String> = []
    return bans.filter {
      seen.insert("\($0.jail) \($0.network?.description ?? "") \($0.at / 1_000_000)").inserted
    }
  }

  private static let rulesOfPipeline = rules.filter { $0.by != .country }

  /// Batches of any size, some rolled back, luaslackd started anew, the clock set back and forth by hours, each ban
  /// repeated and restored now and then: what is told is what a plain sweep over the bans tells.
  @Test func `a recorded stream is told exactly once, whatever happens`() throws {
    let bans = Self.distinct(Self.stream(seed: 5, background: 600, attacks: 20))
    let host = try Host(Self.rulesOfPipeline)
    var random = FixedRandom(seed: 6)
    var (next, batch, failed) = (0, 0, 0)
    while next < bans.count {
      let end = min(bans.count, next + Int.random(in: 1...60, using: &random))
      if batch % 7 == 3 { try host.restart() }
      for ban in bans[next..<end] {
        try host.accept(ban)
        if Int.random(in: 0..<12, using: &random) == 0 { try host.accept(ban) }
        if Int.random(in: 0..<12, using: &random) == 0 {
          let old = CountedBan(
            event: 0, at: ban.at, jail: "sshd", network: Network("192.0.2.\(next % 250 + 1)"),
            name: nil,
            user: "alice", country: nil, failures: 1, fields: [:])
          try host.accept(old, restored: true)
        }
      }
      host.time = bans[end - 1].at + 1_000
      if batch % 9 == 4 {
        try host.queue.database.execute(
          """
          CREATE TEMP TRIGGER fails BEFORE INSERT ON main.event
            WHEN (SELECT count(*) FROM event) > \(try host.count("event") + Int64((end - next) / 2))
            BEGIN SELECT RAISE(ABORT, 'no'); END
          """)
        if (try? host.pipeline.takeIn(now: host.now)) == nil { failed += 1 }
        try host.queue.database.execute("DROP TRIGGER fails")
      }
      try host.take()
      if batch % 5 == 2 {
        host.error += [3, -5, 4, -2][batch % 4] * 60 * Self.minute
        // As luaslackd does, that looks around every few seconds.
        _ = try host.pipeline.takeIn(now: host.now)
        _ = try host.pipeline.dispatch(now: host.now)
      }
      (next, batch) = (end, batch + 1)
    }
    #expect(failed > 3)
    for _ in 0..<40 {
      host.time += Self.minute
      try host.take()
    }
    let wanted = Self.oracle(bans, Self.rulesOfPipeline)
    let told = try host.told()
    #expect(wanted.values.reduce(0) { $0 + $1.count } > 30)
    for (name, list) in wanted { #expect(told[name] == list, "\(name)") }
    #expect(Set(told.keys) == Set(wanted.keys))
    #expect(try host.count("incident") == 0)
    #expect(try host.records().allSatisfy { $0.acceptedAt <= host.now })
  }

  @Test func `a rule that goes ends what it began, and one that changes its words does not`() throws
  {
    var rule = WarningRule(name: "jail", bans: 5, within: 600, by: .jail)
    let host = try Host([rule])
    for index in 0..<5 { try host.accept(Self.ban(index)) }
    host.time += Self.minute
    try host.take()
    rule.severity = .critical
    rule.to = ["default"]
    host.configuration.warnings = [rule]
    host.pipeline.configuration = host.configuration
    try host.take()
    #expect(try host.told()["jail sshd"]?.map(\.phase) == ["started"])
    try host.deliver()
    #expect(try !host.pipeline.isIdle())
    rule.bans = 6
    host.configuration.warnings = [rule]
    try host.restart()
    try host.take()
    let over = try #require(host.records().last)
    #expect(over.known["phase"] == "over" && over.known["is_dropped"] == true)
    #expect(try host.told()["jail sshd"]?.map(\.phase) == ["started", "over"])
    // Bans that are kept count for the new one.
    try host.accept(Self.ban(61))
    host.time += Self.minute
    try host.take()
    #expect(try host.told()["jail sshd"]?.map(\.phase) == ["started", "over", "started"])
    host.configuration.warnsEarly = false
    host.pipeline.configuration = host.configuration
    try host.take()
    #expect(try host.told()["jail sshd"]?.count == 4)
    #expect(try host.count("incident") == 0)
    try host.deliver()
    #expect(try host.pipeline.isIdle())
  }

  @Test func `a rule that went with its destination leaves no complaint`() throws {
    var rule = WarningRule(name: "jail", bans: 5, within: 600, by: .jail)
    rule.to = ["ops"]
    let host = try Host([rule])
    host.configuration.destinations["ops"] = .init(name: "ops", webhookFile: "/x")
    host.pipeline.configuration = host.configuration
    for index in 0..<5 { try host.accept(Self.ban(index)) }
    host.time += Self.minute
    try host.take()
    host.configuration.warnings = []
    host.configuration.destinations["ops"] = nil
    host.pipeline.configuration = host.configuration
    try host.take()
    let told = try host.queue.deliveries(pendingOnly: false, limit: 9)
    #expect(told.map(\.destination) == ["ops", "default"])
    #expect(try host.queue.notices().isEmpty)
  }

  private static func ban(_ index: Int, jail: String = "sshd") -> CountedBan {
    CountedBan(
      event: 0, at: start + Int64(index) * 1_000_000, jail: jail,
      network: Network("203.0.113.\(index + 1)"), name: nil, user: "hunter2swordfish", country: nil,
      failures: 5, fields: [:])
  }

  @Test func `a rule that goes ends what it began, at once and as it stood`() throws {
    let stays = WarningRule(name: "all", bans: 100, within: 3_600)
    let host = try Host([WarningRule(name: "logins", bans: 5, within: 3_600, by: .user), stays])
    for index in 0..<5 { try host.accept(Self.ban(index)) }
    host.time += 20 * Self.minute
    try host.take()
    host.configuration.warnings = [stays]
    host.pipeline.configuration = host.configuration
    var late = Self.ban(5)
    late.at = host.time
    try host.accept(late)
    try host.take()
    let over = try #require(try host.records().last)
    #expect(over.known["is_dropped"] == true && over.known["bans"] == 5)
    #expect(over.known["address_count"] == 5)
    // It is news now, and not since the last ban.
    #expect(over.acceptedAt == host.now)
    // From the first ban to now; its bans took four seconds.
    #expect(over.known["duration"] == 4)
    #expect(
      over.known["summary"]
        == "no longer watched after 20 minutes: 5 bans from 1 network, user hunter2swordfish"
    )
    let delivery = try #require(host.queue.deliveries(pendingOnly: true, limit: 9).last)
    #expect(delivery.payload.contains("no longer watched after 20 minutes: 5 bans"))
  }

  @Test(arguments: [false, true])
  func `a ban of an incident that is over begins none, nor after a restart`(restarts: Bool) throws {
    let host = try Host([WarningRule(name: "all", bans: 3, within: 60)])
    let begin = host.time
    for second in [0, 1, 3, 4] {
      host.time = begin + Int64(second) * 1_000_000
      try host.accept(Self.ban(second))
    }
    host.time += 2 * Self.minute
    try host.take()
    if restarts { try host.restart() }
    var late = Self.ban(2)
    late.at = begin + 2_000_000
    try host.accept(late)
    host.time += 2 * Self.minute
    try host.take()
    #expect(try host.count("event WHERE kind = 'warning'") == 2)
    // What comes after is another one.
    for index in 10..<13 {
      var next = Self.ban(index)
      next.at = host.time
      try host.accept(next)
    }
    try host.take()
    #expect(try host.count("event WHERE kind = 'warning'") == 3)
  }

  @Test func `a muted address calls nobody`() throws {
    let host = try Host([WarningRule(name: "all", bans: 3, within: 60)])
    host.configuration.lists = ["own": .inline(["203.0.113.0/24"])]
    host.configuration.mutedLists = ["own"]
    host.pipeline.configuration = host.configuration
    for index in 0..<9 { try host.accept(Self.ban(index)) }
    try host.take()
    #expect(try host.count("event WHERE kind = 'warning'") == 0)
  }

  @Test func `it is told in words, with evidence, and forgotten with an address`() throws {
    var rule = WarningRule(name: "logins", bans: 5, within: 600, by: .user)
    rule.mention = ["here", "S012AB3CD"]
    let host = try Host([rule])
    host.configuration.unknownUsers = .short
    host.pipeline.configuration = host.configuration
    for index in 0..<5 { try host.accept(Self.ban(index)) }
    host.time += Self.minute
    try host.take()
    let delivery = try #require(host.queue.deliveries(pendingOnly: true, limit: 9).first)
    let payload = try JSONReader.read(delivery.payload)
    #expect(
      payload["text"]
        == "<!here> <!subteam^S012AB3CD> early warning on web1: 5 bans within 4 seconds, user `hun…`"
    )
    let fallback = payload["attachments"]?.array?.first?["fallback"]?.string ?? ""
    #expect(fallback.hasPrefix("early warning on web1: 5 bans"))
    #expect(delivery.subject == "logins: hun…")
    #expect(!delivery.payload.contains("swordfish"))
    #expect(delivery.payload.contains("203.0.113.3") && delivery.payload.contains("203.0.113.0/24"))
    host.time += 11 * Self.minute
    try host.take()
    let over = try #require(host.queue.deliveries(pendingOnly: true, limit: 9).last)
    #expect(
      try JSONReader.read(over.payload)["text"]
        == "early warning on web1 over: 5 bans from 1 network within 4 seconds, user `hun…`")
    var answer = QueueRequest.Answer()
    try host.queue.forget("203.0.113.3", &answer)
    #expect(answer.count == 0)
    try host.deliver()
    try host.queue.forget("203.0.113.3", &answer)
    #expect(answer.count > 0)
    for (table, column) in [("event", "record"), ("delivery", "payload")] {
      #expect(try host.count("\(table) WHERE instr(\(column), '203.0.113.3') > 0") == 0)
    }
    #expect(try host.count("counted") == 4)
    // What is left still says what it was.
    let records = try host.queue.database.all("SELECT record FROM event WHERE kind = 'warning'") {
      try? JSONReader.read($0.text(0))
    }.compactMap { $0?["known"] }
    #expect(records.map { $0["phase"] } == ["started", "over"])
    #expect(records.map { $0["bans"] } == [5, 5])
    #expect(records.map { $0["addresses"]?.array?.count } == [4, 4])
  }

  @Test(arguments: [
    (0, "over: 9 bans from 2 networks within 1 second"),
    (1, "over: 9 bans from 2 networks within 1 second"),
    (59, "over: 9 bans from 2 networks within 59 seconds"),
    (60, "over after 1 minute: 9 bans from 2 networks"),
    (840, "over after 14 minutes: 9 bans from 2 networks"),
  ])
  func `how long it took is told so that it reads well`(seconds: Int, words: String) {
    let text = WarningText([
      "phase": "over", "by": "all", "bans": 9, "network_count": 2,
      "duration": .int(Int64(seconds)),
    ])
    #expect(text.summary == words)
  }

  @Test func `a hundred at once go out a few a minute alone, and never an end before its start`()
    throws
  {
    let delivering = try Delivering()
    delivering.configuration.post = [.warning]
    for index in 0..<100 {
      try delivering.warn("\(index / 2).example", index % 2 == 0 ? .started : .over)
      // The storm.
      try delivering.enqueue("203.0.113.\(index)")
    }
    for second in 0...30 { try delivering.run(at: Double(second)) }
    let texts = delivering.texts
    #expect(texts.prefix(3) == ["0.example started", "1.example started", "2.example started"])
    #expect(texts.dropFirst(3).allSatisfy { !$0.hasPrefix("start") && !$0.hasSuffix(" over") })
    #expect(delivering.transport.posts.contains { $0.body.contains("*47 early warnings:*") })
    #expect(texts.count < 12)
  }

  @Test func `nobody hurries for the end of a critical one`() throws {
    var rule = WarningRule(name: "jail", bans: 5, within: 600, by: .jail)
    rule.severity = .critical
    let host = try Host([rule])
    for index in 0..<5 { try host.accept(Self.ban(index)) }
    host.time += Self.minute
    try host.take()
    host.time += 11 * Self.minute
    try host.take()
    let classes = try host.queue.deliveries(pendingOnly: false, limit: 9).map(\.class)
    #expect(classes == [.critical, .event])
  }

  // MARK: - Many at once

  /// Of each network so many, one network after the other with its first, its second, …
  private static func wave(networks: Int, each: Int, at first: Int64) -> [CountedBan] {
    (0..<(networks * each)).map { index in
      let (round, network) = (index / networks, index % networks)
      return CountedBan(
        event: 0, at: first + Int64(index) * 1_000, jail: "sshd",
        network: Network("10.\(network / 250).\(network % 250).\(round + 1)"), name: nil,
        user: "root", country: nil, failures: 2, fields: [:])
    }
  }

  /// Nothing new, but a turn of luaslackd's loop. Returns whether it wants another at once.
  private static func turn(_ host: Host) throws -> Bool {
    _ = try host.pipeline.takeIn(now: host.now)
    return try host.pipeline.dispatch(now: host.now) == 0
  }

  @Test func `hundreds that begin and end at once are told once each, few in a transaction`() throws
  {
    let rule = WarningRule(name: "net", bans: 3, within: 600, by: .subnet)
    let host = try Host([rule])
    let networks = 300
    let bans = Self.wave(networks: networks, each: 3, at: host.time)
    for ban in bans { try host.accept(ban) }
    host.time = (bans.last?.at ?? 0) + 1_000
    // Killed while they begin: nothing is told that was not taken in, and the other way round.
    var turns = 0
    while turns < 1_000, try host.pipeline.takeIn(now: host.now) {
      turns += 1
      if turns == 2 { try host.restart() }
      #expect(try host.count("incident") == host.count("event WHERE kind = 'warning'"))
      #expect(try host.count("incident") == max(0, host.count("counted") - 2 * Int64(networks)))
    }
    #expect(try host.count("incident") == Int64(networks))
    host.time += 20 * Self.minute
    var (told, transactions) = (Int64(networks), 0)
    while transactions < networks, try host.count("incident") > 0 {
      if transactions == 3 { try host.restart() }
      if transactions == 5 {
        // One that cannot be written takes all of its transaction back.
        try host.queue.database.execute(
          """
          CREATE TEMP TRIGGER fails BEFORE INSERT ON main.delivery
            BEGIN SELECT RAISE(ABORT, 'no'); END
          """)
        #expect(throws: DatabaseError.self) { try Self.turn(host) }
        try host.queue.database.execute("DROP TRIGGER fails")
      }
      let wantsMore = try Self.turn(host)
      let now = try host.count("event WHERE kind = 'warning'")
      #expect(now > told && now - told <= Int64(Warnings.mostEnds))
      #expect(try wantsMore || host.count("incident") == 0)
      (told, transactions) = (now, transactions + 1)
    }
    #expect(transactions >= networks / Warnings.mostEnds)
    _ = try Self.turn(host)
    #expect(try host.told() == Self.oracle(bans, [rule]))
    try host.deliver()
    #expect(try host.pipeline.isIdle())
  }

  @Test func `a ban ends what was over before it, however many wait for that`() throws {
    let rule = WarningRule(name: "net", bans: 3, within: 600, by: .subnet)
    let host = try Host([rule])
    var bans = Self.wave(networks: 60, each: 3, at: host.time)
    // Bans of the first wave are read with those of the second, which is in the same batch.
    bans += Self.wave(networks: 60, each: 4, at: host.time + 30 * Self.minute).map { ban in
      CountedBan(
        event: 0, at: ban.at, jail: "recidive", network: ban.network, name: nil, user: nil,
        country: nil, failures: 1, fields: [:])
    }
    for ban in bans { try host.accept(ban) }
    host.time = (bans.last?.at ?? 0) + 1_000
    try host.take()
    #expect(try host.count("incident") == 60)
    host.time += 30 * Self.minute
    for _ in 0..<10 { _ = try Self.turn(host) }
    let (told, wanted) = (try host.told(), Self.oracle(bans, [rule]))
    #expect(told == wanted && told.count == 60 && told.values.allSatisfy { $0.count == 4 })
  }

  @Test func `rules that go end what they began a few at once, and new ones begin meanwhile`()
    throws
  {
    var rule = WarningRule(name: "net", bans: 3, within: 600, by: .subnet)
    let host = try Host([rule])
    let bans = Self.wave(networks: 70, each: 3, at: host.time)
    for ban in bans { try host.accept(ban) }
    host.time = (bans.last?.at ?? 0) + 1_000
    try host.take()
    // The same name, so that each has to take the row of one that is still to be told of.
    rule.bans = 4
    host.configuration.warnings = [rule]
    try host.restart()
    for ban in Self.wave(networks: 70, each: 4, at: host.time).suffix(70) { try host.accept(ban) }
    host.time += Self.minute
    while try host.pipeline.takeIn(now: host.now) {}
    for _ in 0..<6 { _ = try Self.turn(host) }
    let told = try host.told()
    #expect(told.count == 70)
    for list in told.values { #expect(list.map(\.phase) == ["started", "over", "started"]) }
    host.configuration.warnings = []
    try host.restart()
    var turns = 0
    while turns < 20, try host.count("incident") > 0 {
      _ = try Self.turn(host)
      turns += 1
      if turns == 2 { try host.restart() }
    }
    #expect(turns > 3)
    #expect(try host.told().values.allSatisfy { $0.count == 4 && $0.last?.phase == "over" })
    // Nothing counts them any more.
    host.time += 2 * Self.minute
    try host.accept(Self.ban(200))
    try host.take()
    #expect(try host.count("counted") == 0)
  }

  @Test func `what came too much to keep its fields is counted by them`() throws {
    let rule = WarningRule(name: "site", bans: 5, within: 600, by: .field("site"))
    let host = try Host([rule])
    host.configuration.post = [.ban, .warning]
    host.configuration.retention.pendingBytes = 0
    host.pipeline.configuration = host.configuration
    for index in 0..<6 {
      let ban = Self.ban(index)
      try host.accept(
        CountedBan(
          event: 0, at: ban.at, jail: ban.jail, network: ban.network, name: nil, user: nil,
          country: nil, failures: 1, fields: ["site": "shop.example"]))
    }
    host.time += Self.minute
    try host.take()
    #expect(
      try host.count(
        "event WHERE kind = 'ban' AND json_type(record, '$.fields.site') IS NULL") >= 5)
    #expect(try host.told()["site shop.example"]?.map(\.phase) == ["started"])
    try host.restart()
    host.time += 20 * Self.minute
    try host.take()
    #expect(try host.told()["site shop.example"]?.map(\.bans) == [5, 6])
  }

  @Test func `rows of a damaged database stop nothing`() throws {
    let rule = WarningRule(name: "jail", bans: 5, within: 600, by: .jail)
    let host = try Host([rule])
    for index in 0..<3 { try host.accept(Self.ban(index)) }
    host.time += Self.minute
    try host.take()
    let known = JSONWriter.compact(rule.value)
    func incident(_ rule: String, _ name: String, _ number: Int64) throws {
      try host.queue.database.run(
        """
        INSERT INTO incident (rule, name, since, first_event, last, bans, failures, peak)
        VALUES (?1, ?2, ?3, ?3, ?3, ?3, ?3, ?3)
        """, .text(rule), .text(name), .integer(number))
    }
    try incident(known, "high", .max)
    try incident(known, "low", .min)
    try incident("{}", "none", 1)
    try incident(known.replacing("\"name\":\"jail\"", with: "\"name\":\"gone\""), "high", .max)
    try host.queue.database.execute(
      """
      UPDATE counted SET at = \(Int64.max) WHERE event = (SELECT min(event) FROM counted);
      UPDATE counted SET at = -\(Int64.max) - 1 WHERE event = (SELECT max(event) FROM counted);
      UPDATE ban SET failures = \(Int64(1) << 40)
      """)
    try host.restart()
    #expect(try host.queue.openWarnings().count == 3)
    for index in 70..<80 {
      try host.accept(Self.ban(index))
      try host.accept(Self.ban(index, jail: "high"))
      try host.accept(Self.ban(index, jail: "low"))
    }
    host.time += Self.minute
    try host.take()
    #expect(try host.told()["jail sshd"]?.first?.phase == "started")
    #expect(try host.count("incident WHERE rule = '{}'") == 0)
    host.time += 40 * Self.minute
    try host.restart()
    for _ in 0..<5 { _ = try Self.turn(host) }
    #expect(try host.count("incident") == 0)
    host.time += 2 * Self.minute
    var last = Self.ban(90)
    last.at = host.time
    try host.accept(last)
    try host.take()
    #expect(try host.count("counted") == 1)
  }

  /// Printed, not asserted.
  @Test func `what counting costs is printed`() throws {
    let bans = Self.stream(seed: 8, background: 20_000, attacks: 40)
    let ten = (0..<10).map { index in
      WarningRule(
        name: "r\(index)", bans: 20 + index, within: 600,
        by: [.all, .jail, .subnet, .user, .field("site")][index % 5])
    }
    for (name, rules) in [
      ("no rules", []), ("the shipped ones", WarningRule.defaults), ("ten", ten),
    ] {
      let place = try TemporaryDirectory()
      let queue = try Queue(writing: place.file("luaslack.db"))
      let warnings = Warnings(queue) { 0 }
      var configuration = Configuration(path: "/x")
      configuration.warnings = rules
      let records = bans.map { ban in
        var record = EventRecord(
          kind: .ban, jail: ban.jail, ip: ban.network?.description ?? "", acceptedAt: ban.at)
        record.set(.user, ban.user)
        for (name, text) in ban.fields { record.setField(name, text) }
        return record
      }
      let begin = Clock.monotonic()
      var told = 0
      for first in stride(from: 0, to: records.count, by: 50) {
        try queue.transaction { () throws(DatabaseError) in
          try warnings.begin(configuration, now: .max / 2)
          for index in first..<min(first + 50, records.count) {
            let (record, id) = (records[index], Int64(index + 1))
            // What evidence is made of; the same for all three.
            try queue.remember(record, as: id)
            try warnings.note(record, fields: record.fields, as: id, now: .max / 2)
            told += try warnings.takeNews(EventContext(), now: Self.start).count
          }
          try warnings.finish(now: Self.start)
        }
        warnings.settle()
      }
      let spent = Double(Clock.monotonic() - begin) / Double(records.count)
      print("early warning, \(name): \(Int(spent * 10)) tenths of a µs an event, \(told) told")
      #expect((told > 0) == !rules.isEmpty)
    }
  }
}

extension WarningWatch {
  /// Ends all that is over by then.
  fileprivate mutating func end(until now: Int64) -> [Change] {
    let changes = ending(until: now, most: .max)
    for change in changes { close(change.incident) }
    return changes
  }
}
