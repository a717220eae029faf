import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct FallbackTests {
  private func configuration(_ fallbacks: [String: String]) -> Configuration {
    var configuration = Configuration(path: "/config.toml")
    for name in Set(fallbacks.keys).union(["x", "y", "z"]) {
      configuration.destinations[name] = .init(name: name, webhookFile: "/w")
      configuration.destinations[name]?.fallback = fallbacks[name]
    }
    return configuration
  }

  @Test(
    arguments: [
      ([:], ["x"], nil), (["x": "y"], ["x"], "y"), (["x": "y", "y": "z"], ["x"], "y"),
      (["x": "y", "y": "z"], ["x", "y"], "z"), (["x": "y", "y": "z"], ["x", "y", "z"], nil),
      (["x": "y"], ["x", "y"], nil),
      // The config takes none of these.
      (["x": "y", "y": "x"], ["x", "y"], nil), (["x": "x"], ["x"], nil),
      (["x": "y", "y": "z", "z": "y"], ["x", "y", "z"], nil), (["x": "nowhere"], ["x"], nil),
    ] as [([String: String], [String], String?)])
  func `the first that is not dead itself is told`(
    fallbacks: [String: String], dead: [String], expected: String?
  ) {
    let found = Fallback.destination(of: "x", configuration(fallbacks), isDead: dead.contains)
    #expect(found == expected)
  }

  @Test func `without a config nobody can be told`() {
    #expect(Fallback.destination(of: "x", nil) { _ in false } == nil)
  }

  @Test func `what is said names the destination, Slack's word, how many wait and what to do`() {
    func text(_ kind: Configuration.Destination.Kind, _ waiting: Int = 12) -> String {
      Fallback.death(
        of: "ops", .init(name: "ops", kind: kind), reason: "404 no_service", waiting: waiting)
    }
    #expect(
      text(.webhook(file: "/secret"))
        == "destination ops is dead, Slack says: 404 no_service. 12 messages wait for it; put a new "
        + "URL into its webhook file, then run: luaslack queue flush")
    #expect(
      text(.token(file: "/secret", channel: "C1", api: "https://x"), 1)
        .contains("1 message waits for it; mend its token"))
    #expect(text(.mail(to: "root", server: "x:25")).contains("its server says: 404 no_service"))
    #expect(
      Fallback.revival(of: "ops", after: 3 * 3_600_000_000)
        == "destination ops works again, it was dead for 3 h")
    #expect(
      Fallback.revival(of: "ops", after: -5) == "destination ops works again, it was dead for 0 s")
  }
}

/// Says the same to every post of one webhook, and yes to the others.
private final class OneDead: Transport {
  var answer = Answer.response(status: 404, retryAfter: nil, body: Array("no_service".utf8))
  private(set) var told: [String] = []
  private var underWay: [(Int64, Bool)] = []

  func start(_ tag: Int64, _ post: Post) {
    let isDead = post.url.hasSuffix("/dead")
    if !isDead { told.append((try? JSONReader.read(post.body))?["text"]?.string ?? "") }
    underWay.append((tag, isDead))
  }

  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] {
    defer { underWay = [] }
    let ok = Answer.response(status: 200, retryAfter: nil, body: Array("ok".utf8))
    return underWay.map { ($0, $1 ? answer : ok) }
  }
}

/// When a death is announced, over a real database.
@Suite struct DeathTests {
  private let place: TemporaryDirectory
  private let queue: Queue
  private let transport = OneDead()
  private var configuration: Configuration
  private let start: Int64 = 1_000_000_000_000_000

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
    configuration = Configuration(path: place.file("config.toml"))
    for name in ["dead", "ops"] {
      let url = "http://127.0.0.1:9/services/\(name)\n"
      let webhook = try place.write(url, to: name, mode: 0o600)
      configuration.destinations[name] = .init(name: name, webhookFile: webhook)
      configuration.destinations[name]?.burst = 100
    }
    configuration.destinations["dead"]?.fallback = "ops"
    let record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: start)
    let event = try queue.insert(record, key: nil)
    try queue.insert(
      event: event, destination: "dead", outcome: .message(["text": "a"]), now: start)
  }

  /// By a courier that knows nothing but the rows; what it wants logged.
  private func run(at seconds: Int64) throws -> [String] {
    let courier = Courier(queue, transport, host: "web1") { 0 }
    let now = start + seconds * 1_000_000
    for _ in 0..<5 {
      _ = try courier.dispatch(configuration, now: now)
      try courier.wait(others: [], milliseconds: 0) { now }
    }
    return courier.takeAlarms().map(\.line)
  }

  @Test func `a death is told once, whatever comes between two noes, and its end as well`() throws {
    let death =
      "destination dead is dead, Slack says: 404 no_service. 1 message waits for it; put a new URL "
      + "into its webhook file, then run: luaslack queue flush"
    #expect(try run(at: 0) == [death])
    #expect(transport.told == [":warning: luaslack on web1: \(death)"])
    #expect(try run(at: 3_600) == [])
    let no = transport.answer
    transport.answer = .failure(reason: "no route", maybeArrived: false)
    #expect(try run(at: 7_200) == [])
    #expect(try queue.state(of: "dead").health == .dead)
    transport.answer = no
    #expect(try run(at: 10_800) == [])
    transport.answer = .response(status: 200, retryAfter: nil, body: Array("ok".utf8))
    #expect(try run(at: 14_400) == ["destination dead works again, it was dead for 4 h"])
    #expect(transport.told.count == 2)
    #expect(try queue.isEmpty())
  }

  @Test func `a destination that left the config is not missed when it is back`() throws {
    _ = try run(at: 0)
    try queue.forgetDeaths(but: ["ops"])
    #expect(try queue.endDeath(of: "dead") == nil)
    #expect(try queue.noteDeath(of: "dead", now: start))
    try queue.forgetDeaths(but: ["ops", "dead"])
    #expect(try queue.endDeath(of: "dead") == start)
  }

  @Test func `who was to be told and is dead as well passes it on, and what is over is not told`()
    throws
  {
    let setup = try Delivering()
    var configuration = setup.configuration
    for (name, file) in [("second", "s"), ("third", "t")] {
      let webhook = try setup.place.write(
        "http://127.0.0.1:9/services/\(file)\n", to: file, mode: 0o600)
      configuration.destinations[name] = .init(name: name, webhookFile: webhook)
    }
    configuration.destinations["default"]?.fallback = "second"
    configuration.destinations["second"]?.fallback = "third"
    setup.configuration = configuration
    setup.transport.answers = [.word(404, "no_service"), .word(403, "invalid_token")]
    try setup.enqueue("192.0.2.1")
    for second in 0..<4 { try setup.run(at: Double(second)) }
    let told = setup.texts.dropFirst(2)
    #expect(told.contains { $0.contains("destination default is dead") })
    #expect(told.contains { $0.contains("destination second is dead") })
  }

  @Test func `what nobody was told of yet is not told once it is over`() throws {
    let setup = try Delivering()
    setup.configuration.destinations["default"]?.fallback = "other"
    // The fallback is out of order for longer than the destination is dead.
    setup.transport.answers = [.word(404, "no_service"), .word(500, "x"), .ok]
    try setup.enqueue("192.0.2.1")
    try setup.run()
    try setup.run(at: 0.5)
    try setup.queue.flush(now: setup.start)
    try setup.queue.database.run(
      "UPDATE destination SET not_before = ? WHERE name = 'other'",
      .integer(setup.start + 3_600_000_000))
    try setup.run(at: 2)
    try setup.run(at: 3_700)
    #expect(setup.texts.count { $0.contains("is dead") } == 1)
    #expect(!setup.texts.contains { $0.contains("works again") })
    #expect(try setup.states().filter(\.isPending).isEmpty)
  }
}
