import SQLite
import Testing

@testable import LuaslackCore

@Suite struct FoldTests {
  private func decision(
    _ count: Int, late: Int = 0, overdue: Bool = false, digests: [Int64] = [], now: Int64 = 1_000
  ) -> Fold.Decision {
    Fold.decision(
      Fold.Backlog(count: count, late: late, hasOverdue: overdue), capacity: 6,
      digests: digests.map { ($0 + 10_000) * 1_000_000 }, now: (now + 10_000) * 1_000_000)
  }

  @Test func `few go apart, more than the pace clears in three seconds are folded`() {
    #expect(decision(0) == .apart)
    #expect(decision(6) == .apart)
    #expect(decision(7) == .fold)
  }

  @Test func `one that is late goes on its own, two go together`() {
    #expect(decision(1, late: 1) == .apart)
    #expect(decision(2, late: 1) == .apart)
    #expect(decision(2, late: 2) == .fold)
  }

  @Test func `what was left to a digest has one in the end`() {
    #expect(decision(0, overdue: true) == .fold)
  }

  @Test func `the capacity is what the bucket holds and what comes in three seconds`() {
    func capacity(_ tokens: Double, every seconds: Double) -> Int {
      Fold.capacity(
        Pace(tokens: tokens, at: 0, notBefore: 0),
        Pace.Limit(interval: Int64(seconds * 1_000_000), burst: 5))
    }
    #expect(capacity(3, every: 1) == 6)
    #expect(capacity(1, every: 1) == 4)
    #expect(capacity(1, every: 5) == 1)
    #expect(capacity(1, every: 60) == 1)
    #expect(capacity(1, every: 0.1) == 31)
  }

  @Test func `in a storm that lasts the digests keep ever longer distances`() {
    var digests: [Int64] = []
    for second in Int64(10_000)..<14_000 {
      let recent = digests.filter { $0 >= second - Fold.memory / 1_000_000 }
      if decision(100, digests: recent, now: second) == .fold { digests.append(second) }
    }
    let distances = zip(digests, digests.dropFirst()).map { $1 - $0 }
    #expect(distances == [10, 20, 40, 80, 160] + Array(repeating: 240, count: 15))
  }

  @Test func `after a rest the next digest comes at once and the distance is short again`() {
    #expect(decision(100, digests: [400, 410, 430, 470]) == .fold)
    #expect(decision(100, digests: [900, 910, 930, 970]) == .wait(until: 11_050_000_000))
    #expect(decision(100, digests: [700, 710, 730, 995]) == .wait(until: 11_005_000_000))
  }

  @Test func `after a digest nothing ordinary goes alone for some seconds`() {
    #expect(decision(1, digests: [995]) == .wait(until: 11_005_000_000))
    #expect(decision(1, digests: [800, 810, 830, 870, 990]) == .wait(until: 11_010_000_000))
    #expect(decision(1, digests: [800, 810, 830, 870, 980]) == .apart)
    #expect(decision(0, digests: [995]) == .apart)
  }

  @Test func `parts of one digest count as one`() {
    #expect(decision(100, digests: [995, 996, 997, 998]) == .wait(until: 11_008_000_000))
  }
}

/// The courier over more than it can send one by one.
@Suite struct FoldingTests {
  private let setup: Delivering
  private var queue: Queue { setup.queue }

  init() throws { setup = try Delivering() }

  private func deliveries() throws -> [Delivery] {
    try queue.deliveries(pendingOnly: false, limit: 100_000)
  }

  /// Where each event stands in the end: under its own message or a digest's; each exactly once.
  private func told() throws -> [Int64: Int64] {
    let all = try deliveries()
    let sent = Set(all.filter { $0.state == .delivered }.map(\.id))
    var told: [Int64: Int64] = [:]
    for delivery in all where delivery.class != .digest {
      let id = delivery.foldedInto ?? delivery.id
      #expect(sent.contains(id), "\(delivery.line)")
      #expect(told[delivery.event] == nil)
      told[delivery.event] = id
    }
    return told
  }

  @Test func `a storm becomes one message that accounts for every event`() throws {
    for index in 0..<500 { try setup.enqueue("198.51.100.\(index % 250)") }
    try setup.run()
    #expect(setup.transport.posts.count == 1)
    let text = try #require(setup.texts.first)
    #expect(text == "500 events on web1: 500 bans, in sshd (500)")
    #expect(try told().count == 500)
    #expect(Set(try told().values).count == 1)
  }

  @Test func `what does not exceed the pace stays apart`() throws {
    for index in 0..<6 { try setup.enqueue("192.0.2.\(index)") }
    for second in 0..<4 { try setup.run(at: Double(second)) }
    #expect(setup.transport.posts.count == 6)
    #expect(try told().count == 6)
  }

  @Test func `in a storm of hours a channel gets few digests and no single messages`() throws {
    var count = 0
    for second in 0..<1_800 {
      for _ in 0..<5 {
        count += 1
        try setup.enqueue("198.51.100.\(count % 250)", acceptedAt: Double(second))
      }
      try setup.run(at: Double(second))
    }
    try setup.run(at: 2_100)  // by then the last are late
    #expect(try told().count == count)
    #expect(setup.transport.posts.count < 20)
    // The distance is less than what makes an alarm late.
    #expect(setup.texts.dropLast().allSatisfy { !$0.contains("delayed") })
  }

  @Test func `what an outage kept is one digest, then it is live`() throws {
    setup.transport.answers = Array(repeating: .word(503, "busy"), count: 30)
    for minute in 0..<60 {
      for _ in 0..<10 { try setup.enqueue("192.0.2.1", acceptedAt: Double(minute) * 60) }
      try setup.run(at: Double(minute) * 60)
    }
    setup.transport.answers = []
    let before = setup.transport.posts.count
    try setup.run(at: 3_600 + 900)
    try setup.enqueue("192.0.2.2", acceptedAt: 4_510)
    try setup.run(at: 4_511)
    #expect(setup.transport.posts.count == before + 2)
    #expect(setup.texts.suffix(2).first?.hasPrefix("600 events on web1: 600 bans") == true)
    #expect(setup.texts.last == "ban of 192.0.2.2")
    #expect(try told().count == 601)
  }

  @Test func `a digest that may have arrived is sent as it was, what came since in another`() throws
  {
    setup.transport.answers = [.failure(reason: "reset", maybeArrived: true)]
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    for index in 0..<20 { try setup.enqueue("198.51.100.\(index)", acceptedAt: 0.5) }
    for second in [2.0, 13, 30] { try setup.run(at: second) }
    #expect(setup.texts.map { $0.prefix(9) } == ["20 events", "20 events", "20 events"])
    #expect(setup.texts[1].contains("(possible repeat)"))
    #expect(!setup.texts[2].contains("(possible repeat)"))
    #expect(try told().count == 40)
  }

  @Test func `three critical events a minute go alone, further ones lead the digest by name`()
    throws
  {
    for index in 0..<30 { try setup.enqueue("192.0.2.\(index)") }
    for index in 0..<5 { try setup.enqueue("198.51.100.\(index)", class: .critical) }
    for second in 0..<5 { try setup.run(at: Double(second)) }
    #expect(
      setup.texts.prefix(3) == [
        "ban of 198.51.100.0", "ban of 198.51.100.1", "ban of 198.51.100.2",
      ]
    )
    let digest = try #require(setup.transport.posts.last?.body)
    #expect(setup.transport.posts.count == 4)
    #expect(digest.contains("*2 critical:*"))
    #expect(digest.contains("198.51.100.3") && digest.contains("198.51.100.4"))
    #expect(try told().count == 35)
    // A minute later the next ones go alone again.
    for index in 0..<30 { try setup.enqueue("192.0.2.\(index)", acceptedAt: 70) }
    try setup.enqueue("198.51.100.9", class: .critical, acceptedAt: 70)
    try setup.run(at: 71)
    #expect(setup.texts[4] == "ban of 198.51.100.9")
  }

  // MARK: - Early warnings

  private func bans(_ count: Int, acceptedAt: Double = 0) throws {
    for index in 0..<count { try setup.enqueue("192.0.2.\(index)", acceptedAt: acceptedAt) }
  }

  @Test func `early warnings that a digest tells of are named in it and call whom they would have`()
    throws
  {
    try bans(30)
    for index in 1...5 { try setup.warn("s\(index).example") }
    try setup.warn("s6.example", mention: ["U012AB3CD", "here"], severity: .critical)
    for second in 0..<6 { try setup.run(at: Double(second)) }
    #expect(
      setup.texts == [
        "s1.example started", "s2.example started", "s3.example started",
        "<!here> <@U012AB3CD> 33 events on web1: 30 bans, 3 warnings, in sshd (30)",
      ])
    let payload = try JSONReader.read(try #require(setup.transport.posts.last?.body))
    let attachment = try #require(payload["attachments"]?.array?.first)
    #expect(
      attachment["text"]?.string == """
        *3 early warnings:*
        • 3 bans within 2 seconds, site `s4.example`
        • 3 bans within 2 seconds, site `s5.example`
        • 3 bans within 2 seconds, site `s6.example`
        """)
    #expect(attachment["fallback"]?.string?.hasPrefix("33 events") == true)
    #expect(try told().count == 36)
  }

  @Test func `a formatter finds them in the digest, however many came after them`() throws {
    try setup.place.write(
      """
      return { digest = function(digest, payload)
        local lines = {}
        for _, warning in ipairs(digest.warnings) do
          lines[#lines + 1] = table.concat({ warning.phase, warning.rule, warning.group,
            warning.summary, #warning.mention, warning.severity }, "|")
        end
        payload.text = digest.by_kind.warning .. " " .. table.concat(lines, " / ")
      end }
      """, to: "formatters/50-own.lua")
    try setup.warn("b.example", .over)
    for index in 1...4 { try setup.warn("a\(index).example") }
    try bans(30)
    for second in 0..<6 { try setup.run(at: Double(second)) }
    #expect(
      setup.texts.last
        == "2 started|site|a4.example|3 bans within 2 seconds, site a4.example|1|warning / "
        + "over|site|b.example|over: 3 bans within 2 seconds, site b.example|0|warning")
  }

  @Test func `far more of them than a message holds are counted`() throws {
    try bans(30)
    for index in 100..<170 { try setup.warn("s\(index).example") }
    for second in 0..<6 { try setup.run(at: Double(second)) }
    let digest = try #require(setup.transport.posts.last?.body)
    #expect(digest.contains("*67 early warnings:*"))
    #expect(digest.contains("s103.example") && digest.contains("s122.example"))
    #expect(!digest.contains("s123.example") && digest.contains("… and 47 more"))
    #expect(try told().count == 100)
  }

  @Test func `an end takes no beginning's turn`() throws {
    for index in 1...3 { try setup.warn("a\(index).example") }
    for second in 0..<3 { try setup.run(at: Double(second)) }
    for index in 1...3 { try setup.warn("a\(index).example", .over, acceptedAt: 100) }
    for second in 100..<103 { try setup.run(at: Double(second)) }
    #expect(setup.texts.suffix(3) == (1...3).map { "a\($0).example over" })
    try bans(30, acceptedAt: 110)
    for index in 4...6 { try setup.warn("a\(index).example", acceptedAt: 110) }
    for second in 110..<116 { try setup.run(at: Double(second)) }
    #expect(Array(setup.texts.dropFirst(6).prefix(3)) == (4...6).map { "a\($0).example started" })
    #expect(setup.texts.count == 10)
  }

  @Test func `an end goes behind all that begins, and never before its own beginning`() throws {
    try setup.warn("a.example", .over)
    for index in 1...4 { try setup.warn("b\(index).example") }
    try setup.warn("b4.example", .over)
    for second in 0..<10 { try setup.run(at: Double(second)) }
    #expect(
      setup.texts == [
        "b1.example started", "b2.example started", "b3.example started", "b4.example started",
        "a.example over", "b4.example over",
      ])
    #expect(try told().count == 6)
  }

  @Test func `ends that a digest tells of are named behind what is louder`() throws {
    try bans(30)
    // More than are looked at.
    for index in 1...60 { try setup.warn("a\(index).example", .over, severity: .critical) }
    try setup.enqueue("198.51.100.1", class: .critical)
    for index in 2...4 { try setup.enqueue("198.51.100.\(index)", class: .critical) }
    for second in 0..<6 { try setup.run(at: Double(second)) }
    #expect(setup.texts.count == 4)
    let digest = try #require(setup.transport.posts.last?.body)
    #expect(digest.contains("*1 critical:*\\n") && digest.contains("198.51.100.4"))
    #expect(digest.contains("*60 early warnings that ended:*\\n• over: 3 bans within 2 seconds"))
    #expect(digest.contains("… and 50 more"))
    #expect(try told().count == 94)
  }

  @Test func `a digest calls nobody for what is old or was left to it, and does for what is new`()
    throws
  {
    try bans(30)
    try setup.warn("old.example")
    try setup.warn("new.example", acceptedAt: 1_000)
    // Three have gone out alone a moment before.
    for index in 1...3 {
      try setup.warn("b\(index).example", mention: [], acceptedAt: 990)
      try queue.database.run(
        "UPDATE delivery SET state = 'delivered', finished_at = ? WHERE id = last_insert_rowid()",
        .integer(setup.start + 995_000_000))
    }
    try setup.run(at: 1_001)
    #expect(setup.texts.last?.hasPrefix("<!here> 32 events on web1: ") == true)

    try bans(30, acceptedAt: 2_000)
    try setup.warn("late.example", acceptedAt: 2_000)
    try setup.run(at: 3_000)
    #expect(setup.texts.last?.hasPrefix("31 events on web1: ") == true)

    try setup.warn("left.example", class: .forDigest, due: 4_010, acceptedAt: 4_000)
    try setup.run(at: 4_010)
    #expect(setup.texts.last?.hasPrefix("1 event on web1: 1 warning") == true)
    #expect(setup.transport.posts.last?.body.contains("left.example") == true)
  }

  @Test func `the order of one address is kept, however loud it is`() throws {
    try setup.enqueue("192.0.2.1")
    for index in 2..<40 { try setup.enqueue("192.0.2.\(index)") }
    try setup.enqueue("192.0.2.1", .unban, class: .critical)
    try setup.run()
    // The unban is in the digest with its ban: alone it would have come first.
    #expect(setup.transport.posts.count == 1)
    #expect(try told().count == 40)
  }

  @Test func `what a formatter left to a digest waits for one, alone for an hour`() throws {
    try setup.enqueue("192.0.2.1", class: .forDigest, due: 3_600)
    try setup.run(at: 3_599)
    #expect(setup.transport.posts.isEmpty)
    try setup.run(at: 3_600)
    #expect(setup.texts == ["1 event on web1: 1 ban, in sshd (1)"])

    try setup.enqueue("192.0.2.2", class: .forDigest, due: 7_300, acceptedAt: 3_700)
    for index in 10..<30 { try setup.enqueue("192.0.2.\(index)", acceptedAt: 3_800) }
    try setup.run(at: 3_801)
    #expect(setup.texts.last?.hasPrefix("21 events") == true)
    #expect(try told().count == 22)
  }

  @Test func `what was left to a digest holds up nobody`() throws {
    try setup.enqueue("192.0.2.1", class: .forDigest, due: 3_600)
    try setup.enqueue("192.0.2.1", .unban)
    try setup.run()
    #expect(setup.texts == ["unban of 192.0.2.1"])
  }

  @Test func `what is held stays out of a digest, and so does luaslack's own word`() throws {
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    var request = QueueRequest(.hold)
    request.deliveries = [1]
    try queue.carryOut(request, named: "hold", now: setup.start)
    try queue.announce("something", host: "web1", now: setup.start)
    try setup.run()
    #expect(setup.texts.count == 2)
    #expect(setup.texts.contains { $0.hasPrefix("19 events") })
    #expect(setup.texts.contains { $0.contains("something") })
    #expect(try deliveries()[0].state == .waiting)
  }

  @Test func `muted ones in between are counted and told of by trace`() throws {
    for index in 0..<20 {
      try setup.enqueue("192.0.2.\(index)")
      let event = try queue.insert(
        EventRecord(kind: .ban, jail: "x", ip: "203.0.113.\(index)", acceptedAt: setup.start),
        key: nil)
      try queue.insert(
        event: event, destination: "default", outcome: .muted("known"), now: setup.start)
    }
    try setup.run()
    let digest = try #require(try deliveries().first { $0.class == .digest })
    // The last one came after the last that was folded.
    #expect(digest.payload.contains(#""title":"Muted besides","value":"19""#))
    #expect(try queue.memberCount(of: digest.id) == 20)
    let muted = try deliveries().filter { $0.state == .muted }
    #expect(muted.map { $0.foldedInto == digest.id }.count(where: { $0 }) == 19)
  }

  @Test func `far more than one turn takes is folded in several, into one message`() throws {
    try queue.transaction { () throws(DatabaseError) in
      for index in 0..<10_500 {
        let record = EventRecord(
          kind: .ban, jail: "sshd", ip: "10.0.\(index / 250).\(index % 250)",
          acceptedAt: setup.start)
        let event = try queue.insert(record, key: nil)
        try queue.insert(
          event: event, destination: "default", outcome: .message(["text": "x"]),
          now: setup.start)
      }
    }
    try setup.run()
    #expect(setup.texts == ["10500 events on web1: 10500 bans, in sshd (10500)"])
    #expect(try told().count == 10_500)
  }

  /// A digest that names every event of it.
  private func nameAll(_ extra: String = "") throws {
    try setup.place.write(
      """
      return { digest = function(digest, payload)
        local lines = {}
        for i, event in ipairs(digest.events) do lines[i] = event.ip .. " \(extra)" end
        return { text = slack.plural(digest.count, "event"),
          blocks = { { type = "section",
            text = { type = "mrkdwn", text = table.concat(lines, "\\n") } } } }
      end }
      """, to: "formatters/50-all.lua")
  }

  @Test(arguments: [(150, 1), (300, 2), (600, 4)])
  func `a digest that does not fit is told in parts, each of its own events`(
    count: Int, parts: Int
  ) throws {
    // 15 characters a line, of which a section takes 3,000.
    try nameAll()
    for index in 0..<count { try setup.enqueue("198.51.100.\(100 + index % 100)") }
    for second in 0..<8 { try setup.run(at: Double(second)) }
    #expect(setup.transport.posts.count == parts)
    #expect(Set(setup.texts) == ["\(count / parts) events"])
    #expect(setup.transport.posts.allSatisfy { !$0.body.contains("…") })
    #expect(try told().count == count)
    #expect(Set(try told().values).count == parts)
  }

  @Test func `one that does not fit in any part is one message, cut`() throws {
    try nameAll(String(repeating: "x", count: 600))
    for index in 0..<100 { try setup.enqueue("198.51.100.\(100 + index % 100)") }
    for second in 0..<8 { try setup.run(at: Double(second)) }
    #expect(setup.texts == ["100 events"])
    #expect(setup.transport.posts[0].body.contains("…"))
    #expect(try told().count == 100)
  }

  @Test(arguments: ["error('no')", "while true do end", "return 5", "return slack.mute('enough')"])
  func `whatever a digest function does, every event is accounted for`(body: String) throws {
    try setup.place.write(
      "return { digest = function() \(body) end }", to: "formatters/50-own.lua")
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    for second in 0..<3 { try setup.run(at: Double(second)) }
    let digest = try #require(try deliveries().first { $0.class == .digest })
    #expect(try queue.memberCount(of: digest.id) == 20)
    #expect(digest.state == (body.contains("mute") ? .muted : .delivered))
    let isTold = setup.transport.posts.contains { $0.body.contains("a formatter failed") }
    #expect(isTold == !body.contains("mute"))
  }

  @Test func `what was kept short because too much waited is said to be`() throws {
    for index in 0..<20 {
      var record = EventRecord(
        kind: .ban, jail: "sshd", ip: "192.0.2.\(index)", acceptedAt: setup.start)
      record.reduce()
      let event = try queue.insert(record, key: nil)
      try queue.insert(
        event: event, destination: "default", outcome: .message(["text": "x"]), now: setup.start)
    }
    try setup.run()
    #expect(
      setup.transport.posts.first?.body.contains("20, because too much was waiting") == true)
  }

  // MARK: - What went wrong once

  @Test(arguments: [Int64(0), 1_700_000_000, 9_300_000_000_000_000, -9_300_000_000_000_000])
  func `a part is as old as what was accepted, whatever time its events claim`(
    time: Int64
  ) throws {
    try setup.place.write(
      "return { digest = function(d, p) p.text = string.rep('x', d.count * 100) end }",
      to: "formatters/50-own.lua")
    for index in 0..<60 {
      var record = EventRecord(
        kind: .ban, jail: "sshd", ip: "192.0.2.\(index)", acceptedAt: setup.start)
      record.set(.time, String(time))
      let event = try queue.insert(record, key: nil)
      try queue.insert(
        event: event, destination: "default", outcome: .message(["text": "x"]), now: setup.start)
    }
    for second in 0..<4 { try setup.run(at: Double(second)) }
    #expect(setup.transport.posts.count == 2)
    #expect(setup.texts.allSatisfy { !$0.contains("delayed") })
    #expect(try told().count == 60)
  }

  @Test func `what a waiting digest tells of is not forgotten before it`() throws {
    setup.transport.answers = Array(repeating: .word(503, "busy"), count: 3)
    for index in 0..<50 { try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    var retention = Retention()
    retention.history = 86_400
    retention.events = 10
    let later = 2 * 86_400.0
    try queue.prune(retention, now: setup.start + Int64(later) * 1_000_000)
    try setup.enqueue("203.0.113.1", acceptedAt: later)
    setup.transport.answers = []
    try setup.run(at: later + 1)
    #expect(setup.texts.last?.hasPrefix("51 events") == true)
    #expect(try told().count == 51)
  }

  @Test func `a clock that is set back after a digest delays no ban and counts no alarm`() throws {
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    for index in 0..<3 { try setup.enqueue("198.51.100.\(index)", class: .critical) }
    for second in 0..<4 { try setup.run(at: Double(second)) }
    let before = setup.transport.posts.count
    setup.error = -86_400
    try setup.enqueue("203.0.113.1", class: .critical, acceptedAt: 10 - 86_400)
    try setup.enqueue("203.0.113.2", acceptedAt: 10 - 86_400)
    for second in [10.0, 11, 12] { try setup.run(at: second) }
    #expect(setup.texts.dropFirst(before) == ["ban of 203.0.113.1", "ban of 203.0.113.2"])
  }

  @Test func `what comes after a digest in parts does not overtake its rest`() throws {
    try nameAll()
    setup.transport.answers = [.word(500, "x")]
    var ban: Int64 = 0
    for index in 0..<300 { ban = try setup.enqueue("198.51.100.\(100 + index % 100)") }
    try setup.run()
    let unban = try setup.enqueue("198.51.100.199", .unban)
    for second in 2..<40 { try setup.run(at: Double(second)) }
    #expect(setup.texts.dropFirst() == ["150 events", "151 events"])
    let told = try told()
    #expect(told.count == 301)
    #expect(try #require(told[unban]) >= (try #require(told[ban])))
  }

  @Test func `what may stand in the channel already is not overtaken by what it began`() throws {
    setup.transport.answers = [.failure(reason: "reset", maybeArrived: true)]
    try setup.enqueue("192.0.2.1")
    try setup.run()
    try setup.enqueue("192.0.2.1", .unban, acceptedAt: 0.1)
    for index in 10..<30 { try setup.enqueue("192.0.2.\(index)", acceptedAt: 0.1) }
    for second in 1..<40 { try setup.run(at: Double(second)) }
    #expect(setup.texts.dropFirst().first == "ban of 192.0.2.1 (possible repeat)")
    #expect(try told().count == 22)
  }

  @Test func `what is released one by one from a held destination is sent`() throws {
    for index in 0..<50 { try setup.enqueue("192.0.2.\(index)") }
    var request = QueueRequest(.hold)
    request.destination = "default"
    try queue.carryOut(request, named: "hold", now: setup.start)
    request = QueueRequest(.release)
    request.deliveries = Array(1...20)
    try queue.carryOut(request, named: "release", now: setup.start)
    try setup.run()
    #expect(setup.texts == ["20 events on web1: 20 bans, in sshd (20)"])
    #expect(try deliveries().count { $0.isHeld && $0.state == .waiting } == 30)
  }

  @Test func `a digest that is held silences nobody`() throws {
    setup.transport.answers = [.word(500, "x")]
    for index in 0..<50 { try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    var request = QueueRequest(.hold)
    request.deliveries = [51]
    try queue.carryOut(request, named: "hold", now: setup.start)
    try queue.announce("something", host: "web1", now: setup.start)
    try setup.run(at: 2)
    #expect(setup.texts.last?.contains("something") == true)
  }

  @Test func `a storm that a formatter mutes is only counted`() throws {
    try setup.place.write(
      "return { digest = function() return slack.mute('storm') end }", to: "formatters/50-own.lua")
    for second in 0..<60 {
      for index in 0..<5 { try setup.enqueue("192.0.2.\(index)", acceptedAt: Double(second)) }
      try setup.run(at: Double(second))
    }
    #expect(setup.transport.posts.count <= 5)
  }

  @Test func `a row that is for a digest and may have been sent goes out alone`() throws {
    try setup.enqueue("192.0.2.1", class: .forDigest, due: 10)
    try queue.database.run("UPDATE delivery SET maybe_sent = 1")
    try setup.run(at: 11)
    #expect(setup.texts == ["ban of 192.0.2.1 (possible repeat)"])
  }

  @Test func `however many rows are left to a digest, no look at a destination goes through them`()
    throws
  {
    try setup.enqueue("192.0.2.1", class: .forDigest, due: 3_600)
    try queue.database.execute(
      """
      WITH RECURSIVE n (i) AS (SELECT 2 UNION ALL SELECT i + 1 FROM n WHERE i < 20000)
      INSERT INTO event (kind, jail, subject, accepted_at, record)
        SELECT kind, jail, 'x' || i, accepted_at, record FROM n, event WHERE id = 1;
      INSERT INTO delivery (event, destination, state, payload, next_attempt_at, set_at, class)
        SELECT event.id, destination, state, payload, next_attempt_at, set_at, class
        FROM event, delivery WHERE event.id > 1 AND delivery.id = 1;
      """)
    for condition in [
      "state = 'waiting' AND held = 0 AND class IN ('event', 'critical')",
      "class = 'digest' AND class <> 'event' AND state = 'waiting' AND held = 0",
    ] {
      let plan = try queue.database.all(
        """
        EXPLAIN QUERY PLAN SELECT state FROM delivery WHERE \(condition) AND destination = 'x'
        ORDER BY event
        """
      ) { $0.text(3) }
      let index = condition.contains("digest") ? "delivery_class" : "delivery_apart"
      #expect(plan.first?.contains(index) == true, "\(plan)")
    }
  }

  @Test func `a digest that is given up counts with all that it told of`() throws {
    setup.transport.answers = [.word(400, "invalid_blocks"), .word(400, "no_text")]
    for index in 0..<30 { try setup.enqueue("192.0.2.\(index)") }
    for second in 0..<3 { try setup.run(at: Double(second)) }
    #expect(try queue.givenUp(since: 0) == 31)
  }

  @Test func `a digest that a server does not digest holds nothing else up`() throws {
    setup.transport.answers = [.word(500, "internal_error")]
    for index in 0..<30 { try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    // Again and again, each time later.
    try queue.database.run(
      "UPDATE delivery SET next_attempt_at = ? WHERE class = 'digest'",
      .integer(setup.start + 3_600_000_000))
    try setup.enqueue("203.0.113.1", acceptedAt: 5)
    try setup.enqueue("192.0.2.3", .unban, acceptedAt: 5)
    try queue.announce("something", host: "web1", now: setup.start)
    for second in 30..<40 { try setup.run(at: Double(second)) }
    let texts = setup.texts.dropFirst()
    #expect(texts.count == 2)
    #expect(texts.contains("ban of 203.0.113.1") && texts.contains { $0.contains("something") })
    try setup.run(at: 3_601)
    #expect(setup.texts.dropFirst(3).first?.contains("(possible repeat)") == true)
  }

  @Test func `a number that is used again tells of nobody else's events`() throws {
    for index in 0..<12 { try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    try queue.database.run("DELETE FROM delivery WHERE class = 'digest'")
    try queue.database.run("DELETE FROM event WHERE kind = 'digest'")
    for index in 0..<19 { try setup.enqueue("198.51.100.\(index)", acceptedAt: 60) }
    try setup.run(at: 61)
    #expect(setup.texts.last == "19 events on web1: 19 bans, in sshd (19)")
    #expect(try queue.deliveries(of: 1).first?.foldedInto == nil)
  }

  @Test func `a flush counts for the attempt that is under way`() throws {
    setup.transport.answers = Array(repeating: .word(500, "x"), count: 6)
    try setup.enqueue("192.0.2.1")
    for second in [0.0, 2, 5, 12, 30] { try setup.run(at: second) }
    let now = setup.start + 61_000_000
    setup.transport.answers = [.word(500, "x")]
    _ = try setup.courier.dispatch(setup.configuration, now: now)
    try queue.flush(now: now + 1)
    try setup.courier.wait(others: [], milliseconds: 0) { now + 2 }
    #expect(try setup.destination().notBefore == now + 2)
    try setup.run(at: 62)
    #expect(try setup.states() == [.delivered])
  }

  @Test func `a held destination keeps what failed while it was held`() throws {
    setup.transport.answers = [.word(500, "x")]
    try setup.enqueue("192.0.2.1")
    _ = try setup.courier.dispatch(setup.configuration, now: setup.start)
    var request = QueueRequest(.hold)
    request.destination = "default"
    try queue.carryOut(request, named: "hold", now: setup.start)
    try setup.courier.wait(others: [], milliseconds: 0) { setup.start }
    try setup.run(at: 60)
    #expect(setup.transport.posts.count == 1)
    #expect(try deliveries().first?.isHeld == true)
  }

  @Test func `a dead letter of a destination that is gone is tried again where it is back`() throws
  {
    try setup.enqueue("192.0.2.1", to: ["ops"])
    try queue.database.run("UPDATE delivery SET state = 'dead'")
    try queue.keepDestinations(["default"])
    #expect(try queue.destinationStates().contains { $0.name == "ops" } == false)
    var request = QueueRequest(.retry)
    request.isForAll = true
    try queue.carryOut(request, named: "retry", now: setup.start)
    try setup.run()
    #expect(try queue.destinationStates().first { $0.name == "ops" }?.lastError?.isEmpty == false)
    // Nobody brings it back: after a week it is a dead letter again.
    try setup.run(at: 8 * 86_400)
    #expect(try deliveries().first?.state == .dead)
  }

  @Test func `a ban that becomes critical in a waiting digest is named by it`() throws {
    setup.transport.answers = [.word(503, "busy")]
    var ban: Int64 = 0
    for index in 0..<20 { ban = try setup.enqueue("192.0.2.\(index)") }
    try setup.run()
    var record = try #require(try queue.record(of: ban))
    record.set(.bancount, "9")
    try queue.change(ban, record, severity: .critical)
    try queue.rewordDigest(of: try #require(try queue.deliveries(of: ban).first?.id))
    try setup.run(at: 2)
    #expect(setup.transport.posts.last?.body.contains("*1 critical:*") == true)
    #expect(try told().count == 20)
  }

  @Test func `one destination's storm is not another's`() throws {
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    try setup.enqueue("203.0.113.1", to: ["other"])
    try setup.run()
    #expect(Set(setup.texts) == ["20 events on web1: 20 bans, in sshd (20)", "ban of 203.0.113.1"])
  }

  @Test func `a refused digest goes out plain, with what it says`() throws {
    setup.transport.answers = [.word(400, "invalid_attachments")]
    for index in 0..<20 { try setup.enqueue("192.0.2.\(index)") }
    for second in 0..<3 { try setup.run(at: Double(second)) }
    #expect(setup.texts.last?.hasPrefix("20 events on web1: 20 bans, in sshd (20)\n(Slack") == true)
    #expect(try told().count == 20)
  }
}

@Suite struct DigestTests {
  private func digest(_ entries: [Digest.Entry]) -> Digest {
    var digest = Digest()
    for entry in entries { digest.add(entry) }
    return digest
  }

  private func entry(_ subject: String, user: String? = nil, jail: String = "sshd") -> Digest.Entry
  {
    Digest.Entry(kind: "ban", jail: jail, subject: subject, ip: subject, user: user, second: 5)
  }

  @Test func `addresses are counted by what one owner mostly has`() {
    let digest = digest(
      [
        "203.0.113.7", "203.0.113.200", "203.0.113.0/28", "10.0.0.0/8", "2001:db8:1:2::7",
        "2001:db8:1:ffff::1", "not an address",
      ].map { entry($0) })
    #expect(
      digest.networks.counts == ["203.0.113.0/24": 3, "10.0.0.0/8": 1, "2001:db8:1::/48": 2])
  }

  @Test(arguments: [
    ("203.0.113.7", "203.0.113.7"), ("10.1.2.3/8", "10.0.0.0/8"), ("2001:db8::7", "2001:db8::7"),
    ("2001:db8:0:0:1::/80", "2001:db8:0:0:1::/80"), ("::/0", "::/0"), ("::1", "::1"),
    ("1:0:0:2:0:0:0:3", "1:0:0:2::3"), ("1:2:3:4:5:6:7:8", "1:2:3:4:5:6:7:8"),
    ("1:0:2:3:4:5:6:7", "1:0:2:3:4:5:6:7"), ("::ffff:192.0.2.1", "192.0.2.1"),
  ])
  func `a network is written as people write it`(text: String, shown: String) throws {
    #expect(try #require(Network(text)).description == shown)
  }

  @Test func `the most frequent come first, equals by name`() {
    let digest = digest(
      ["b", "a", "c", "c"].map { entry("203.0.113.7", user: $0) })
    #expect(digest.users.top(2).map(\.name) == ["c", "a"])
  }

  @Test func `an attacker's names are bounded in number and length`() {
    var tally = Digest.Tally()
    for index in 0..<(Digest.Tally.mostNames + 5) { tally.add("name\(index)") }
    #expect(tally.counts.count == Digest.Tally.mostNames)
    #expect(tally.others == 5)
    tally = Digest.Tally()
    tally.add(String(repeating: "x", count: 5_000) + "`<!channel>")
    #expect(tally.counts.keys.map(\.count) == [Digest.Tally.longestName])
  }

  @Test func `hostile names become no markup, and the message fits`() throws {
    let evil = "<!channel> *b* `x` <https://evil.example|bank> &"
    var digest = digest(
      (0..<200).map { entry("198.51.100.\($0)", user: "\($0)" + evil, jail: evil + "\($0)") })
    var record = EventRecord(kind: .ban, jail: evil, ip: "192.0.2.1", acceptedAt: 0)
    record.set(.user, String(repeating: evil, count: 20))
    let context = EventContext(validUsers: [record.options[.user] ?? ""], friendlyNetworks: [])
    digest.show([], critical: [Event(record, host: evil, now: 0, context: context)], warnings: [])
    let event = Event(digest, host: "web1", now: 0)
    let message = try Sink.message(BuiltIn.payload(event), fallback: "x")
    let text = JSONWriter.compact(message)
    #expect(!text.contains("<!") && !text.contains("<http"))
    #expect(Fit.fitted(message).violations.isEmpty)
  }

  @Test func `the members are those that check knows`() {
    let value = Event(digest([entry("203.0.113.7")]), host: "h", now: 0).value
    #expect(Set((value.object ?? [:]).keys) == Set(Digest.members))
  }
}
