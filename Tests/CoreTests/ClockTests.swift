import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// Hours of deliveries in a moment: the courier with a clock that the test moves, and a Slack that has
/// a clock of its own and counts what comes too early.
@Suite struct ClockTests {
  /// Slack, and the time. Slack's limit is a message a second and five at once.
  private final class World: Transport {
    static let second: Int64 = 1_000_000
    /// What this machine's clock shows, and what has really passed.
    private(set) var now: Int64 = 1_800_000_000_000_000
    private(set) var passed: Int64 = 0
    var isUp = true
    /// Answered in place of the next yes: the seconds of a Retry-After.
    var refusals: [Int] = []
    private(set) var requests = 0
    private(set) var accepted: [(passed: Int64, body: String)] = []
    private(set) var refused = 0
    private(set) var early = 0
    private var tokens = 5.0
    private var filledAt: Int64 = 0
    private var notBefore: Int64 = 0
    private var underWay: [(tag: Int64, body: String)] = []

    func pass(_ time: Int64) {
      now += time
      passed += time
    }

    /// Somebody sets the clock.
    func set(by time: Int64) { now += time }

    func start(_ tag: Int64, _ post: Post) { underWay.append((tag, post.body)) }

    func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] {
      defer { underWay = [] }
      return underWay.map { ($0.tag, answer($0.body)) }
    }

    private func answer(_ body: String) -> Answer {
      requests += 1
      guard isUp else { return .failure(reason: "refused", maybeArrived: false) }
      if passed < notBefore { early += 1 }
      tokens = min(5, tokens + Double(passed - filledAt) / Double(Self.second))
      filledAt = passed
      if tokens < 1 - 1e-6 { refusals.append(1) }
      guard refusals.isEmpty else {
        refused += 1
        let seconds = refusals.removeFirst()
        notBefore = passed + Int64(seconds) * Self.second
        return .response(status: 429, retryAfter: seconds, body: Array("rate_limited".utf8))
      }
      tokens -= 1
      accepted.append((passed, body))
      return .response(status: 200, retryAfter: nil, body: Array("ok".utf8))
    }
  }

  private let place: TemporaryDirectory
  private let queue: Queue
  private let world = World()
  private let courier: Courier<World>
  private let configuration: Configuration

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
    try queue.database.execute("PRAGMA synchronous = OFF")
    courier = Courier(
      queue, world, host: "web1", steadyClock: { [world] in world.passed }, jitter: { 0 })
    let webhook = try place.write("http://127.0.0.1:9/services/x\n", to: "webhook", mode: 0o600)
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = []
    configuration.destinations["default"] = .init(name: "default", webhookFile: webhook)
    self.configuration = configuration
  }

  private var banned = 0

  private mutating func ban(_ count: Int) throws {
    try queue.transaction { () throws(DatabaseError) in
      for _ in 0..<count {
        banned += 1
        let ip = "10.0.\(banned / 250).\(banned % 250 + 1)"
        let record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: world.now)
        let event = try queue.insert(record, key: nil)
        try queue.insert(
          event: event, destination: "default",
          outcome: .message(["text": .string("ban of \(ip)")]),
          now: world.now)
      }
    }
  }

  /// luaslackd's loop for so many seconds: it looks when there is something to do, and every five
  /// seconds.
  private func run(seconds: Int64) throws {
    let end = world.passed + seconds * World.second
    while world.passed < end {
      var wakeAt = try courier.dispatch(configuration, now: world.now)
      if courier.isBusy {
        world.pass(20_000)
        try courier.wait(others: [], milliseconds: 0) { world.now }
        wakeAt = world.now
      }
      let pause = min(wakeAt.map { $0 - world.now } ?? .max, 5 * World.second)
      world.pass(max(1_000, min(pause, end - world.passed)))
    }
  }

  private func count(_ condition: String) throws -> Int {
    try queue.database.first(
      "SELECT count(*) FROM delivery JOIN event ON event.id = event WHERE \(condition)"
    ) { Int($0.integer(0)) } ?? 0
  }

  private func expectAllTold() throws {
    #expect(try count("state IN ('waiting', 'sending')") == 0)
    #expect(try count("kind = 'ban' AND state IN ('delivered', 'folded')") == banned)
    #expect(
      try count(
        """
        state = 'folded' AND folded_into NOT IN (SELECT id FROM delivery WHERE state = 'delivered')
        """) == 0)
    #expect(world.accepted.count == (try count("state = 'delivered'")))
    #expect(world.early == 0)
    #expect(world.refused == 0)
  }

  @Test mutating func `an hour down with 5,000 events is caught up in one digest, then it is live`()
    throws
  {
    try ban(1)
    try run(seconds: 10)
    #expect(world.accepted.count == 1)
    world.isUp = false
    for _ in 0..<500 {
      try ban(10)
      try run(seconds: 7)
    }
    #expect(world.requests < 30)
    world.isUp = true
    // The longest pause between two attempts is a quarter of an hour.
    try run(seconds: 16 * 60)
    #expect(try count("kind = 'digest'") == 1)
    #expect(try count("kind = 'ban' AND state = 'folded'") == 5_000)
    #expect(world.accepted.count == 2)
    for _ in 0..<5 {
      let before = world.accepted.count
      try ban(1)
      try run(seconds: 5)
      #expect(world.accepted.count == before + 1)
      try run(seconds: 55)
    }
    try expectAllTold()
    #expect(try count("kind = 'ban' AND state = 'delivered'") == 6)
    Long.note(
      "an hour down, simulated",
      "5000 events, \(world.requests) requests, 1 digest after \(world.accepted[1].passed / World.second) s",
      bar: "caught up in one digest, then live")
  }

  /// Every kind of wait there is, when the clock is set: our own backoff, and Slack's Retry-After.
  @Test(arguments: [-3_600, 3_600], [true, false])
  mutating func `a clock that is set freezes nothing and breaks into no Retry-After`(
    _ seconds: Int64, _ isRetryAfter: Bool
  ) throws {
    try ban(2)
    try run(seconds: 20)
    if isRetryAfter { world.refusals = [120] } else { world.isUp = false }
    try ban(1)
    try run(seconds: 60)
    world.set(by: seconds * World.second)
    try run(seconds: 30)
    world.isUp = true
    // A pause that began before may begin anew, and no more.
    try run(seconds: 200)
    #expect(world.accepted.count == 3)
    // And back again, while nothing and while something waits.
    world.set(by: -seconds * World.second)
    try ban(1)
    try run(seconds: 30)
    #expect(world.accepted.count == 4)
    try ban(40)
    try run(seconds: 2)
    world.set(by: seconds * World.second)
    try run(seconds: 600)
    world.set(by: -seconds * World.second)
    try ban(1)
    try run(seconds: 600)
    #expect(world.refusals.isEmpty)
    #expect(world.early == 0)
    #expect(world.refused == (isRetryAfter ? 1 : 0))
    #expect(try count("state IN ('waiting', 'sending')") == 0)
    #expect(try count("kind = 'ban' AND state IN ('delivered', 'folded')") == banned)
  }
}
