import Posix
import SQLite
import TestSupport

@testable import LuaslackCore

/// Answers posts as told, without a network; keeps what it was asked to send.
final class ScriptedTransport: Transport {
  var answers: [Answer] = []
  private(set) var posts: [Post] = []
  private var underWay: [Int64] = []

  func start(_ tag: Int64, _ post: Post) {
    posts.append(post)
    underWay.append(tag)
  }

  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] {
    defer { underWay = [] }
    return underWay.map { ($0, answers.isEmpty ? .ok : answers.removeFirst()) }
  }
}

/// Sends nothing, and has no answers.
struct NoTransport: Transport {
  func start(_ tag: Int64, _ post: Post) {}
  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] { [] }
}

/// A spool of the user's who runs this; it goes with the directory.
func emptySpool() throws -> (place: TemporaryDirectory, locations: Locations) {
  let place = try TemporaryDirectory()
  let locations = try Locations(
    spool: place.file("spool"), config: nil, environment: { _ in nil }, isRoot: Process.user == 0
  ) { _ in false }
  _ = try Spool.open(locations, creating: true)
  return (place, locations)
}

extension Configuration {
  /// Without formatters; nothing is ever sent to its destinations.
  static func plain(_ place: TemporaryDirectory, to names: [String] = ["default"]) -> Configuration
  {
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = []
    for name in names {
      configuration.destinations[name] = .init(name: name, webhookFile: "/x")
    }
    return configuration
  }
}

extension Answer {
  static let ok = Answer.response(status: 200, retryAfter: nil, body: Array("ok".utf8))
  static func word(_ status: Int, _ word: String, after: Int? = nil) -> Answer {
    .response(status: status, retryAfter: after, body: Array(word.utf8))
  }
}

/// A courier over a real database, with the time and the answers given.
final class Delivering {
  let place: TemporaryDirectory
  let queue: Queue
  let transport = ScriptedTransport()
  private(set) lazy var courier = successor()
  var configuration: Configuration
  let start: Int64 = 1_000_000_000_000_000
  /// Seconds by which the real clock is wrong.
  var error: Double = 0
  private var steady: Int64 = 0

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
    // Nobody pulls the plug here.
    try queue.database.execute("PRAGMA synchronous = OFF")
    let webhook = try place.write("http://127.0.0.1:9/services/x\n", to: "webhook", mode: 0o600)
    configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = ["local"]
    for name in ["default", "other"] {
      configuration.destinations[name] = .init(name: name, webhookFile: webhook)
    }
    // Of its own, so that one does not wait for the other's pace.
    configuration.destinations["other"]?.kind = .webhook(
      file: try place.write("http://127.0.0.1:9/services/y\n", to: "other", mode: 0o600))
  }

  /// Another one over the same rows, as after a restart.
  func successor() -> Courier<ScriptedTransport> {
    Courier(queue, transport, host: "web1", steadyClock: { [unowned self] in steady }) { 0 }
  }

  /// Both names mean one webhook from now on.
  func shareTarget() {
    let kind = configuration.destinations["default"]?.kind
    if let kind { configuration.destinations["other"]?.kind = kind }
  }

  func restart() { courier = successor() }

  @discardableResult
  func enqueue(
    _ ip: String, _ kind: EventKind = .ban, jail: String = "sshd",
    to destinations: [String] = ["default"], class: Delivery.Class = .event,
    due: Double? = nil, acceptedAt: Double = 0
  ) throws -> Int64 {
    let record = EventRecord(
      kind: kind, jail: jail, ip: ip, acceptedAt: start + Int64(acceptedAt * 1_000_000))
    let event = try queue.insert(
      record, key: nil, severity: `class` == .critical ? .critical : .info)
    for name in destinations {
      try queue.insert(
        event: event, destination: name, class: `class`,
        outcome: .message(["text": .string("\(kind.rawValue) of \(ip)")]),
        due: due.map { start + Int64($0 * 1_000_000) }, now: record.acceptedAt)
    }
    return event
  }

  /// An early warning about a site.
  @discardableResult
  func warn(
    _ site: String, _ phase: WarningPhase = .started, mention: [String] = ["here"],
    severity: Severity = .warning, class: Delivery.Class = .event, due: Double? = nil,
    acceptedAt: Double = 0
  ) throws -> Int64 {
    let now = start + Int64(acceptedAt * 1_000_000)
    var rule = WarningRule(name: "site", bans: 3, within: 60, by: .field("site"))
    (rule.mention, rule.severity) = (mention, severity)
    let incident = WarningWatch.Incident(
      rule: rule, group: site, since: now - 2_000_000, firstEvent: 0, last: now, bans: 3,
      peak: 2_000_000)
    let change = WarningWatch.Change(
      incident: incident, phase: phase == .started ? .started : .over(at: now, isDropped: false),
      event: 0)
    let record = EventRecord(change, Evidence(), EventContext(), now: now)
    let event = try queue.insert(record, key: nil, severity: severity)
    try queue.insert(
      event: event, destination: "default", class: `class`,
      outcome: .message(["text": .string("\(site) \(phase.rawValue)")]),
      due: due.map { start + Int64($0 * 1_000_000) }, now: now)
    return event
  }

  /// Everything that can be done at this time, in seconds after the start.
  func run(at seconds: Double = 0) throws {
    steady = start + Int64(seconds * 1_000_000)
    let now = start + Int64((seconds + error) * 1_000_000)
    for _ in 0..<40 {
      let sent = transport.posts.count
      let next = try courier.dispatch(configuration, now: now)
      try courier.wait(others: [], milliseconds: 0) { now }
      if transport.posts.count == sent, (next ?? .max) > now { return }
    }
  }

  func states() throws -> [DeliveryState] {
    try queue.deliveries(pendingOnly: false, limit: 10_000).map(\.state)
  }

  func destination(_ name: String = "default") throws -> DestinationState {
    try queue.state(of: name)
  }

  /// The top-level texts of what went out.
  var texts: [String] {
    transport.posts.map { (try? JSONReader.read($0.body))?["text"]?.string ?? $0.body }
  }
}
