import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// What an admin asks for, over a real database.
@Suite struct RequestTests {
  private let place: TemporaryDirectory
  private let queue: Queue
  private let now: Int64 = 1_000_000_000_000_000

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
  }

  /// One delivery, put into `state`; returns its id.
  @discardableResult
  private func add(
    _ state: DeliveryState = .waiting, ip: String = "192.0.2.1", id: String? = nil,
    to destination: String = "default"
  ) throws -> Int64 {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: now)
    record.set(.id, id)
    let event = try queue.insert(record, key: nil)
    try queue.noteArrival("\(event).1.x", of: event, now: now)
    try queue.insert(
      event: event, destination: destination, outcome: .message(["text": "t"]), now: now)
    let id = try #require(try queue.deliveries(of: event).first?.id)
    if state == .sending { try queue.markSending(id) }
    if ![.waiting, .sending].contains(state) {
      try queue.finish(id, state, reason: "why", now: now)
    }
    return id
  }

  private func ask(
    _ action: QueueRequest.Action, _ ids: [Int64] = [], destination: String? = nil,
    all: Bool = false, address: String? = nil, named name: String = "x"
  ) throws -> QueueRequest.Answer {
    var request = QueueRequest(action)
    request.deliveries = ids
    request.destination = destination
    request.isForAll = all
    request.address = address
    try queue.carryOut(request, named: name, now: now + 5)
    return try #require(try queue.answer(to: name))
  }

  private func state(_ id: Int64) throws -> DeliveryState? {
    try queue.trace(delivery: id)?.messages.first { $0.delivery.id == id }?.delivery.state
  }

  private func isHeld(_ id: Int64) throws -> Bool? {
    try queue.trace(delivery: id)?.messages.first { $0.delivery.id == id }?.delivery.isHeld
  }

  @Test(arguments: [
    (QueueRequest.Action.retry, [DeliveryState.waiting, .dead]),
    (.hold, [.waiting]),
    (.delete, [.waiting, .dead]),
    (.release, []),
  ])
  func `what may be done to a delivery depends on its state`(
    _ action: QueueRequest.Action, _ possible: [DeliveryState]
  ) throws {
    for (number, state) in DeliveryState.allCases.enumerated() {
      let id = try add(state)
      let answer = try ask(action, [id], named: "\(number)")
      #expect(answer.count == (possible.contains(state) ? 1 : 0), "\(state)")
      #expect(answer.problems.isEmpty == possible.contains(state), "\(state)")
      if !possible.contains(state) { #expect(try self.state(id) == state) }
    }
  }

  @Test func `an id that is none is named, the others are done`() throws {
    let id = try add()
    let answer = try ask(.hold, [id, 99])
    #expect(answer.count == 1)
    #expect(answer.problems == ["99: there is no such delivery"])
  }

  @Test func `a dead letter that is tried again has its attempts back`() throws {
    let ids = [try add(.dead), try add(.dead), try add(.delivered)]
    #expect(try ask(.retry, all: true).count == 2)
    #expect(try ids.map { try state($0) } == [.waiting, .waiting, .delivered])
    let delivery = try #require(try queue.next(for: "default", .events, now: now + 5))
    #expect(delivery.attempts == 0)
  }

  @Test func `what is held does not go out until it is released, and luaslackd may leave`() throws {
    let id = try add()
    _ = try ask(.hold, [id], named: "a")
    #expect(try isHeld(id) == true)
    #expect(try queue.next(for: "default", .events, now: now + 10) == nil)
    #expect(try queue.nextAttempt(for: "default") == nil)
    #expect(try queue.isEmpty())
    #expect(try queue.held("default") == 1)
    _ = try ask(.release, all: true, named: "b")
    #expect(try queue.next(for: "default", .events, now: now + 10)?.id == id)
  }

  @Test func `a held destination holds what comes, another does not`() throws {
    let first = try add()
    #expect(try ask(.hold, destination: "default", named: "a").count == 1)
    let (second, other) = (try add(), try add(to: "other"))
    #expect(try [first, second, other].map { try isHeld($0) } == [true, true, false])
    #expect(try queue.heldDestinations() == ["default"])
    #expect(try ask(.release, destination: "default", named: "b").count == 2)
    #expect(try isHeld(try add()) == false)
    #expect(try ask(.hold, destination: "none", named: "c").problems.count == 1)
  }

  @Test func `what is deleted stays accounted for`() throws {
    let id = try add(.dead)
    _ = try ask(.delete, [id])
    let delivery = try #require(try queue.trace(delivery: id)?.messages.first?.delivery)
    #expect(delivery.state == .muted)
    #expect(delivery.reason == "deleted by hand; last: why")
    #expect(delivery.payload == "{}")
  }

  @Test func `a request whose file is found again is not carried out again`() throws {
    let id = try add()
    _ = try ask(.hold, [id], named: "a")
    _ = try ask(.release, [id], named: "b")
    _ = try ask(.hold, [id], named: "a")
    #expect(try isHeld(id) == false)
  }

  @Test func `the totals are those of the rows, whatever was done to them`() throws {
    for state in DeliveryState.allCases { try add(state) }
    try add(to: "other")
    _ = try ask(.retry, all: true, named: "a")
    _ = try ask(.delete, [1], named: "b")
    try queue.recoverSending(now: now)
    _ = try ask(.forget, address: "192.0.2.9", named: "c")
    let counted = try queue.database.all(
      "SELECT destination || ' ' || state || ' ' || count(*) || ' ' || sum(bytes) FROM delivery GROUP BY destination, state"
    ) { $0.text(0) }
    let kept = try queue.database.all(
      "SELECT destination || ' ' || state || ' ' || count || ' ' || bytes FROM tally WHERE count > 0"
    ) { $0.text(0) }
    #expect(counted == kept)
    #expect(counted.count >= 4)
  }

  // MARK: - forget

  @Test func `what is known of an address goes, and nothing of another's`() throws {
    let id = try add(.delivered)
    try queue.note(attempt: "200 ok", of: id, now: now)
    try queue.note(formatter: "default.lua", "changed it", of: 1)
    try add(.muted, ip: "192.0.2.1", id: "alice")
    let other = try add(.delivered, ip: "192.0.2.11")
    try queue.note("formatter x ban", "failed at 192.0.2.1", now: now)
    let answer = try ask(.forget, address: "192.0.2.1")
    #expect(answer == QueueRequest.Answer(count: 2))
    #expect(try queue.trace(address: "192.0.2.1").isEmpty)
    #expect(try state(other) == .delivered)
    #expect(try queue.notices().isEmpty)
    for table in ["attempt", "formatting"] {
      #expect(
        try queue.database.first("SELECT count(*) FROM \(table)") { $0.integer(0) } == 0, "\(table)"
      )
    }
  }

  @Test(arguments: ["2001:db8::1", "2001:DB8::1", "2001:0db8:0:0::1"])
  func `an address is forgotten and traced however it is spelt`(spelling: String) throws {
    for name in ["2001:db8::1", "2001:DB8:0::1"] {
      let id = try add(.delivered, ip: name)
      let event = try #require(try queue.delivery(id)?.event)
      try queue.remember(
        EventRecord(kind: .ban, jail: "sshd", ip: name, acceptedAt: now), as: event)
    }
    #expect(try queue.trace(address: spelling).count == 2)
    #expect(try queue.eventCount(address: spelling) == 2)
    #expect(try ask(.forget, address: spelling, named: "a") == QueueRequest.Answer(count: 2))
    #expect(try queue.trace(address: spelling).isEmpty)
    #expect(try ask(.forget, address: spelling, named: "b").problems.count == 1)
  }

  @Test(arguments: ["e", "sshd", "192.0.2.0/24", "192.0.2.1"])
  func `where nothing is known nothing is changed`(address: String) throws {
    let known = try add(.delivered, ip: "192.0.2.11")
    var warning = EventRecord(kind: .warning, jail: "sshd", acceptedAt: now)
    warning.known = [
      "addresses": [["name": "192.0.2.11"]], "summary": "9 bans, network 192.0.2.0/25",
    ]
    let event = try queue.insert(warning, key: nil)
    try queue.note("formatter x ban", "failed at 192.0.2.11, in sshd", now: now)
    let answer = try ask(.forget, address: address)
    #expect(answer.count == 0 && answer.problems.count == 1)
    #expect(try queue.record(of: event)?.known == warning.known)
    #expect(try queue.delivery(known)?.payload != "{}")
    #expect(try queue.notices().count == 1)
  }

  @Test func `what is still to be told is not forgotten`() throws {
    let id = try add()
    try add(.delivered)
    let answer = try ask(.forget, address: "192.0.2.1", named: "a")
    #expect(answer.count == 0)
    #expect(answer.problems.first?.contains("the first is \(id)") == true)
    #expect(try queue.trace(address: "192.0.2.1").count == 2)
    #expect(try ask(.forget, address: "192.0.2.2", named: "b").problems.count == 1)
  }

  @Test func `a digest forgets whom it told of`() throws {
    let (folded, digest) = (try add(.folded), try add(.delivered, ip: "", id: "digest"))
    try queue.database.run(
      "UPDATE delivery SET folded_into = ? WHERE id = ?", .integer(digest), .integer(folded))
    _ = try ask(.forget, address: "192.0.2.1")
    #expect(try queue.trace(delivery: digest)?.messages.first?.delivery.payload == "{}")
  }
}

@Suite struct TraceTests {
  private let place: TemporaryDirectory
  private let queue: Queue

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
  }

  @Test func `a trace tells the whole way of an event`() throws {
    let now: Int64 = 1_795_231_644_000_000
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: now)
    record.set(.restored, "1")
    let event = try queue.insert(record, key: nil)
    for second in [0, 60, 120] as [Int64] {
      try queue.noteArrival("\(now + second * 1_000_000).1.x", of: event, now: now + second)
    }
    try queue.insert(
      event: event, destination: "default", outcome: .message(["text": "t"]), now: now)
    try queue.note(formatter: "default.lua", "changed it", of: event)
    try queue.note(formatter: "60-quiet.lua", "muted by\u{1B}[31m 60-quiet.lua:8: x", of: event)
    try queue.note(attempt: "503 busy", of: 1, now: now + 1_000_000)
    try queue.postpone(
      1, until: now + 9_000_000, reason: "503 busy", maybeSent: false, now: now + 1_000_000)
    let trace = try #require(try queue.trace(address: "192.0.2.1").first)
    #expect(
      trace.text(withPayloads: false) == """
        ban sshd 192.0.2.1: accepted 2026-11-21T03:27:24Z, restored after a restart of fail2ban, info
          the same event came 2 times more, last 2026-11-21T03:29:24Z: told once
          default.lua: changed it
          60-quiet.lua: muted by[31m 60-quiet.lua:8: x
          message 1 to default: waiting, 0 attempts, next attempt 2026-11-21T03:27:33Z, 503 busy
            2026-11-21T03:27:25Z  503 busy

        """)
    #expect(trace.text(withPayloads: true).contains(#""text": "t""#))
    let value = trace.value
    #expect(value["deliveries"]?.array?.first?["attempt_log"]?.array?.count == 1)
    #expect(value["repeated_at"]?.array?.count == 2)
    #expect(value["formatters"]?.array?.count == 2)
    #expect(value["restored"] == true)
  }

  @Test func `a folded message and its digest name each other`() throws {
    for name in ["192.0.2.1", "192.0.2.2"] {
      let event = try queue.insert(
        EventRecord(kind: .ban, jail: "sshd", ip: name, acceptedAt: 1), key: nil)
      try queue.insert(event: event, destination: "d", outcome: .message(["text": "t"]), now: 1)
    }
    try queue.finish(1, .folded, reason: nil, now: 2)
    try queue.database.run("UPDATE delivery SET folded_into = 2 WHERE id = 1")
    #expect(
      try queue.trace(delivery: 1)?.text(withPayloads: false).contains("into message 2") == true)
    let digest = try #require(try queue.trace(delivery: 2))
    #expect(digest.text(withPayloads: false).contains("tells of 1 others: 1") == false)
    #expect(digest.text(withPayloads: false).contains("tells of 1 other: 1"))
  }

  @Test func `an event is found by its address where its id is another`() throws {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: 1)
    record.set(.id, "alice")
    _ = try queue.insert(record, key: nil)
    #expect(try queue.trace(address: "192.0.2.1").count == 1)
    #expect(try queue.trace(address: "alice").count == 1)
    #expect(try queue.trace(address: "192.0.2.11").isEmpty)
    let plan = try queue.database.all(
      """
      EXPLAIN QUERY PLAN SELECT id FROM event
      WHERE json_extract(record, '$.ip') = 'x' AND json_extract(record, '$.ip') <> subject
      """
    ) { $0.text(3) }
    #expect(plan.contains { $0.contains("event_ip") })
  }
}

@Suite struct Fail2banLogTests {
  private static let log = """
    2026-11-21 12:00:00,123 fail2ban.filter         [77]: INFO    [sshd] Found 203.0.113.7 - 2026-11-21 12:00:00
    2026-11-21 12:00:01,456 fail2ban.actions        [77]: NOTICE  [sshd] Ban 203.0.113.7
    2026-11-21 12:00:02,456 fail2ban.actions        [77]: NOTICE  [sshd] Ban 203.0.113.77
    2026-11-21 12:00:03,456 fail2ban.actions        [77]: NOTICE  [nginx] Found 1203.0.113.7
    2026-11-21 12:00:04,456 fail2ban.actions        [77]: NOTICE  [nginx] Restore Ban 198.51.100.9
    2026-11-21 12:00:05,456 fail2ban.filter         [77]: INFO    [sshd] Found 2001:db8::7 - 2026-11-21 12:00:05
    rubbish 203.0.113.7
    """
  private static let dump = """
    2026-11-21 12:00:00 a warning
    ['add', 'sshd', 'auto']
    ['add', 'nginx', 'auto']
    ['set', 'nginx', 'addaction', 'luaslack']
    ['set', 'sshd', 'addaction', 'iptables-multiport']
    ['multi-set', 'sshd', 'action', 'iptables-multiport', [['actionban', 'x']]]
    ['add', 'other', 'auto']
    ['multi-set', 'other', 'action', 'tell', [['actionban', '/usr/bin/luaslack ban -- x']]]
    """

  @Test func `lines with the address are found, and with no longer one`() {
    let log = Fail2banLog(Array(Self.log.utf8), address: "203.0.113.7")
    #expect(
      log.lines.map { "\($0.time) \($0.jail ?? "") \($0.message)" } == [
        "2026-11-21 12:00:00 sshd Found 203.0.113.7 - 2026-11-21 12:00:00",
        "2026-11-21 12:00:01 sshd Ban 203.0.113.7",
      ])
  }

  @Test func `who calls luaslack is read from fail2ban's own dump`() {
    let setup = Fail2banSetup(dump: Self.dump)
    #expect(setup.jails == ["sshd", "nginx", "other"])
    #expect(setup.calling == ["nginx", "other"])
  }

  @Test(arguments: [
    (
      "203.0.113.7", true,
      "in jail sshd, but luaslack was not called: jail sshd does not use action"
    ),
    ("203.0.113.7", false, "see whether jail sshd uses action luaslack"),
    ("198.51.100.9", true, "restored its ban at 2026-11-21 12:00:04 in jail nginx"),
    ("2001:db8::7", true, "saw it last at 2026-11-21 12:00:05 in jail sshd, and did not ban it"),
    ("192.0.2.99", true, "does not name it either"),
  ])
  func `the reason is told as far as it can be known`(
    _ address: String, _ hasSetup: Bool, _ sentence: String
  ) {
    let unknown = Unknown(
      address: address, path: "/log",
      log: Fail2banLog(Array(Self.log.utf8), address: address),
      setup: hasSetup ? Fail2banSetup(dump: Self.dump) : nil)
    #expect(unknown.sentence.contains(sentence))
    #expect(unknown.value["explanation"]?.string == unknown.sentence)
  }

  @Test func `a log that cannot be read is said to be that`() {
    #expect(
      Unknown(address: "x", path: "/log", log: nil, setup: nil).sentence.contains("as root"))
  }
}
