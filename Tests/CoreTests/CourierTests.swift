import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// The courier over a real database, with the time and the answers given.
@Suite struct CourierTests {
  private let setup: Delivering
  private let start: Int64
  private var queue: Queue { setup.queue }
  private var transport: ScriptedTransport { setup.transport }
  private var courier: Courier<ScriptedTransport> { setup.courier }
  private var configuration: Configuration { setup.configuration }

  init() throws {
    setup = try Delivering()
    start = setup.start
  }

  private func enqueue(
    _ ip: String, to destinations: [String] = ["default"], acceptedAt: Double = 0
  ) throws {
    try setup.enqueue(ip, to: destinations, acceptedAt: acceptedAt)
  }

  private func run(at seconds: Double = 0) throws { try setup.run(at: seconds) }

  private func states() throws -> [DeliveryState] { try setup.states() }

  private func destination(_ name: String = "default") throws -> DestinationState {
    try setup.destination(name)
  }

  @Test func `what waits goes out in order, once`() throws {
    for ip in ["a", "b", "c"] { try enqueue(ip) }
    try run()
    #expect(transport.posts.map(\.body) == ["a", "b", "c"].map { #"{"text":"ban of \#($0)"}"# })
    #expect(try states() == [.delivered, .delivered, .delivered])
    try run(at: 3_600)
    #expect(transport.posts.count == 3)
  }

  @Test func `sending is committed before the first byte goes out`() throws {
    try enqueue("a")
    _ = try courier.dispatch(configuration, now: start)
    #expect(
      try Queue(reading: setup.place.file("queue.db")).deliveries(pendingOnly: true, limit: 1)
        .map(\.state) == [.sending])
  }

  @Test func `a row found sending is sent again and says so`() throws {
    try enqueue("a")
    _ = try courier.dispatch(configuration, now: start)
    try queue.recoverSending(now: start)
    _ = try setup.successor().dispatch(configuration, now: start)
    #expect(
      transport.posts.map(\.body) == [
        #"{"text":"ban of a"}"#, #"{"text":"ban of a (possible repeat)"}"#,
      ])
  }

  @Test func `a failure before anything arrived is repeated without a mark, one after with it`()
    throws
  {
    transport.answers = [
      .failure(reason: "refused", maybeArrived: false),
      .failure(reason: "reset", maybeArrived: true),
    ]
    try enqueue("a")
    for second in 0..<10 { try run(at: Double(second)) }
    #expect(transport.posts.map { $0.body.contains("possible repeat") } == [false, false, true])
    #expect(try states() == [.delivered])
  }

  @Test func `backoff keeps the whole destination quiet, not only the message`() throws {
    transport.answers = Array(repeating: .word(503, "busy"), count: 3)
    try enqueue("a")
    try enqueue("b")
    try run()
    #expect(transport.posts.count == 1)
    try run(at: 0.9)
    #expect(transport.posts.count == 1)
    try run(at: 1.1)
    #expect(transport.posts.count == 2)
    #expect(try destination().health == .failing)
    #expect(try destination().lastError == "503 busy")
  }

  @Test func `no request inside a Retry-After, not even by flush`() throws {
    transport.answers = [.word(429, "rate_limited", after: 30)]
    try enqueue("a")
    try run()
    try queue.flush(now: start + 10_000_000)
    try run(at: 29.9)
    #expect(transport.posts.count == 1)
    try run(at: 30.1)
    #expect(try states() == [.delivered])
  }

  @Test func `flush ends a delay of our own`() throws {
    transport.answers = [.word(500, "rollup_error")]
    try enqueue("a")
    try run()
    try queue.flush(now: start + 100_000)
    try run(at: 0.2)
    #expect(try states() == [.delivered])
  }

  @Test func `a refused payload is sent once more as plain text with Slack's word`() throws {
    transport.answers = [.word(400, "invalid_blocks")]
    try enqueue("192.0.2.1")
    try run()
    #expect(try states() == [.delivered])
    let body = try #require(transport.posts.last?.body)
    #expect(body.contains("192.0.2.1") && body.contains("400 invalid_blocks"))
  }

  @Test func `refused in both forms it is a dead letter`() throws {
    transport.answers = [.word(400, "invalid_blocks"), .word(400, "no_text")]
    try enqueue("a")
    try enqueue("b")
    try run()
    #expect(try states() == [.dead, .delivered])
    #expect(try queue.deliveries(pendingOnly: false, limit: 1).isEmpty == false)
  }

  @Test func `a dead destination keeps everything and is looked at once an hour`() throws {
    transport.answers = [.word(404, "no_service"), .word(404, "no_service")]
    try enqueue("a")
    try enqueue("b")
    try run()
    try run(at: 3_599)
    #expect(transport.posts.count == 1)
    #expect(try destination().health == .dead)
    try run(at: 3_601)
    #expect(transport.posts.count == 2)
    try run(at: 7_300)
    #expect(try states() == [.folded, .folded, .delivered])
    #expect(try destination().health == .ok)
  }

  @Test func `a destination stays dead until it takes something`() throws {
    transport.answers = [
      .word(404, "no_service"), .failure(reason: "no route", maybeArrived: false),
    ]
    try enqueue("a")
    try run()
    try run(at: 3_601)
    #expect(transport.posts.count == 2)
    #expect(try destination().health == .dead)
    try run(at: 7_300)
    #expect(try destination().health == .ok)
  }

  @Test func `luaslack's own word that is refused keeps what it says`() throws {
    transport.answers = [.word(400, "invalid_payload")]
    try queue.announce("its disk is <full>", host: "web1", now: start)
    try run()
    #expect(setup.texts.last?.contains("its disk is &lt;full&gt;") == true)
    #expect(setup.texts.last?.contains("400 invalid_payload") == true)
  }

  // MARK: - What a trace tells of the attempts

  private func attempts(_ delivery: Int64 = 1) throws -> [String] {
    try queue.trace(delivery: delivery)?.messages.first { $0.delivery.id == delivery }?
      .attempts.map(\.result) ?? []
  }

  @Test func `each attempt is written down with Slack's word`() throws {
    transport.answers = [
      .word(429, "rate_limited", after: 3), .failure(reason: "reset", maybeArrived: true),
      .word(503, "busy"), .word(404, "no_service"), .word(400, "invalid_blocks"),
    ]
    try enqueue("192.0.2.1", to: ["default", "missing"])
    for hour in 0..<6 { try run(at: Double(hour) * 3_600) }
    #expect(try states() == [.delivered, .waiting])
    #expect(
      try attempts() == [
        "429 rate_limited, to wait for 3 s", "reset, may have arrived", "503 busy",
        "404 no_service, the destination is dead", "400 invalid_blocks, refused", "200 ok",
      ])
    #expect(try attempts(2).isEmpty)
  }

  @Test func `an attempt that a killed luaslackd left without an answer is written down`() throws {
    try enqueue("a")
    try enqueue("b")
    _ = try courier.dispatch(configuration, now: start)
    try queue.recoverSending(now: start)
    #expect(try attempts() == ["luaslackd ended before the answer, may have arrived"])
    #expect(try attempts(2).isEmpty)
  }

  @Test func `of a message that never gets through the newest attempts are kept`() throws {
    try enqueue("a")
    try enqueue("b")
    for second in 1...Queue.attemptLimit + 5 {
      try queue.note(attempt: "\(second)", of: 1, now: start)
      try queue.note(attempt: "x", of: 2, now: start)
    }
    #expect(try attempts() == (6...Queue.attemptLimit + 5).map(String.init))
    #expect(try attempts(2).count == Int(Queue.attemptLimit))
  }

  @Test func `one destination in trouble delays no other`() throws {
    transport.answers = [.word(503, "x")]
    try enqueue("a", to: ["default", "other"])
    try run()
    #expect(try states() == [.waiting, .delivered])
  }

  @Test func `what could not be delivered for a week is a dead letter with the reason`() throws {
    transport.answers = Array(repeating: .word(503, "x"), count: 3)
    try enqueue("a")
    try run()
    try run(at: 8 * 86_400)
    #expect(try states() == [.waiting])
    try run(at: 8 * 86_400 + 3_600)
    let delivery = try queue.deliveries(pendingOnly: false, limit: 1).first
    #expect(delivery?.state == .dead)
    #expect(delivery?.reason == "not delivered within 7 days; last: 503 x")
  }

  @Test func `what is old because the host was off is delivered all the same`() throws {
    try enqueue("a", acceptedAt: -1_000_000)
    try run()
    #expect(try states() == [.delivered])
  }

  @Test func `a repeat is marked where people see it, in a message of blocks as well`() throws {
    transport.answers = [.failure(reason: "reset", maybeArrived: true)]
    let event = try queue.insert(
      EventRecord(kind: .ban, jail: "x", ip: "y", acceptedAt: start), key: nil)
    let block: Value = ["type": "divider"]
    try queue.insert(
      event: event, destination: "default", outcome: .message(["text": "t", "blocks": [block]]),
      now: start)
    try run()
    try run(at: 5)
    let body = try JSONReader.read(try #require(transport.posts.last?.body))
    #expect(body["blocks"]?.array?.last?["type"] == "context")
    #expect(body["text"] == "t (possible repeat)")
  }

  @Test func `a clock that is set back restarts a delay instead of freezing it`() throws {
    transport.answers = [.word(503, "x")]
    try enqueue("a")
    try run()
    setup.error = -3_600
    try run(at: 0.1)
    #expect(transport.posts.count == 1)
    try run(at: 2)
    #expect(try states() == [.delivered])
  }

  @Test func `without its secret a message waits and counts no attempt`() throws {
    try enqueue("a", to: ["missing"])
    try run()
    #expect(transport.posts.isEmpty)
    let delivery = try queue.deliveries(pendingOnly: true, limit: 1).first
    #expect(delivery?.attempts == 0)
    #expect(
      try destination("missing").lastError == "the configuration has no [destination.missing]")
  }

  @Test func `order is kept for one address, others may pass`() throws {
    transport.answers = [.word(429, "x", after: 1)]
    try enqueue("a")
    try enqueue("a")
    try enqueue("b")
    // The first attempt is over and waits longer than its destination.
    _ = try courier.dispatch(configuration, now: start)
    try courier.wait(others: [], milliseconds: 0) { start }
    try queue.postpone(1, until: start + 60_000_000, reason: "x", maybeSent: false, now: start)
    try run(at: 2)
    #expect(try states() == [.waiting, .waiting, .delivered])
    try run(at: 61)
    #expect(try states() == [.delivered, .delivered, .delivered])
  }
}

@Suite struct RetryPolicyTests {
  private let policy = RetryPolicy()

  @Test func `doubles up to the ceiling`() {
    let seconds = (1...12).map { policy.backoff(failures: $0, jitter: 0) / 1_000_000 }
    #expect(seconds == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900])
    #expect(policy.backoff(failures: 10_000, jitter: 0) == policy.ceiling)
    #expect(policy.backoff(failures: 0, jitter: 0) == policy.first)
  }

  @Test(arguments: [0.0, 0.3, 1.0, 7.0])
  func `jitter takes away a quarter at most`(jitter: Double) {
    let delay = policy.backoff(failures: 5, jitter: jitter)
    #expect((12_000_000...16_000_000).contains(delay))
  }
}

@Suite struct QueueTests {
  @Test func `a database of the future is left alone`() throws {
    let place = try TemporaryDirectory()
    _ = try Queue(writing: place.file("q.db"))
    try Database(place.file("q.db"), .writing).execute("PRAGMA user_version = 99")
    #expect(throws: DatabaseError.self) { try Queue(writing: place.file("q.db")) }
  }

  @Test func `a notice keeps its time until it says something else`() throws {
    let place = try TemporaryDirectory()
    let queue = try Queue(writing: place.file("q.db"))
    func times() throws -> [Int64] { try queue.notices().map(\.at) }
    try queue.note("formatter a", "x:1: broken", now: 1)
    try queue.note("formatter a", "x:1: broken", now: 2)
    #expect(try times() == [1])
    try queue.note("formatter a", "x:2: broken", now: 3)
    #expect(try times() == [3])
    try queue.clearNotice("formatter a")
    #expect(try queue.notices().isEmpty)
  }

  @Test func `much waits from so many messages on, or as soon as a digest does`() throws {
    let delivering = try Delivering()
    for number in 1...7 { try delivering.enqueue("203.0.113.\(number)") }
    #expect(try !delivering.queue.isBacklogged(from: 8))
    try delivering.enqueue("203.0.113.8")
    #expect(try delivering.queue.isBacklogged(from: 8))
    let other = try Delivering()
    try other.queue.keepDestinations(["default"])
    #expect(try !other.queue.isBacklogged(from: 8))
    _ = try other.queue.insertDigest(to: "default", acceptedAt: other.start, now: other.start)
    #expect(try other.queue.isBacklogged(from: 8))
  }
}
