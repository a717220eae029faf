import Posix
import TestSupport
import Testing

@testable import LuaslackCore

/// fail2ban starts and stops: one message, and a warning if it does not come back. And bans that come once
/// more with their lines.
@Suite struct JailChangeTests {
  private static let told: [([(EventKind, String)], String, EventKind, String?)] = [
    ([(.jailStart, "sshd")], "jail sshd started", .jailStart, "started"),
    ([(.jailStop, "sshd")], "jail sshd stopped", .jailStop, "stopped"),
    ([(.jailFlush, "sshd")], "jail sshd lifted all its bans", .jailFlush, "flushed"),
    ([(.jailFlush, "sshd"), (.jailStop, "sshd")], "jail sshd stopped", .jailStop, "stopped"),
    ([(.jailStop, "sshd"), (.jailStart, "sshd")], "jail sshd restarted", .jailStart, "restarted"),
    ([(.jailStart, "sshd"), (.jailStop, "sshd")], "jail sshd stopped", .jailStop, "stopped"),
    (
      [
        (.jailStop, "a"), (.jailFlush, "b"), (.jailStop, "b"), (.jailStart, "a"), (.jailStart, "b"),
      ],
      "2 jails restarted: a, b", .jailStart, "restarted"
    ),
    (
      [(.jailStop, "a"), (.jailStop, "b"), (.jailStart, "c"), (.jailStart, "a")],
      "jail a restarted; jail c started; jail b stopped", .jailStop, nil
    ),
    (
      (1...22).map { (.jailStart, "j\($0)") },
      "22 jails started: " + (1...20).map { "j\($0)" }.joined(separator: ", ") + " and 2 more",
      .jailStart, "started"
    ),
  ]

  @Test(arguments: told.indices)
  func `what jails did is told in one sentence`(row: Int) {
    let (events, words, kind, change) = Self.told[row]
    let told = JailChange(events.map { (kind: $0.0, jail: $0.1) })
    #expect(told.words == words)
    #expect(told.kind == kind)
    #expect(told.common?.rawValue == change)
  }

  @Test(arguments: [
    (0, EventKind.jailStart, 0, 3), (0, .jailStop, 0, 5), (0, .jailFlush, 1, 6),
    (0, .jailStart, 16, 19),
    (0, .jailStop, 16, 20), (0, .jailStop, 30, 30),
  ])
  func `it is told when nothing more comes, or after twenty seconds`(
    first: Int64, kind: EventKind, now: Int64, due: Int64
  ) {
    #expect(JailChange.due(first: first, kind, now: now * 1_000_000) == due * 1_000_000)
  }

  @Test(arguments: [
    ("hunter2swordfish", "hun…"), ("pass", "pa…"), ("abc", "a…"), ("x", "…"), ("root", "root"),
    ("Admin", "Admin"), ("ubuntu", "ubuntu"), ("alice", "alice"), ("Alice", "Al…"),
    ("\u{1F468}\u{1F469}ab", "\u{1F468}\u{1F469}…"), (String(repeating: "€", count: 999), "€€€…"),
  ])
  func `users that are nobody's are shortened`(name: String, shown: String) {
    let context = EventContext(validUsers: ["alice"], friendlyNetworks: [], unknownUsers: .short)
    #expect(context.shownUser(name) == shown)
    #expect(EventContext(validUsers: [], friendlyNetworks: []).shownUser("secret") == "secret")
    let hidden = EventContext(validUsers: ["alice"], friendlyNetworks: [], unknownUsers: .hidden)
    #expect(hidden.shownUser("secret") == nil && hidden.shownUser("alice") == "alice")
    #expect(hidden.shownUser("root") == "root" && hidden.shownUser(nil) == nil)
  }

  @Test(arguments: [
    ("team=web", ["team": "web"]), ("team=web, site=a,b", ["team": "web", "site": "a,b"]),
    ("", [:]), ("a=b=c", ["a": "b=c"]), ("alone", ["field": "alone"]),
    ("a=,b=1", ["b": "1"]),
    (" a =1", ["a ": "1"]), ("=x", ["field": "=x"]),
  ])
  func `fields are pairs between commas`(list: String, fields: [String: String]) {
    var record = EventRecord(kind: .ban, jail: "sshd", acceptedAt: 0)
    record.setFields(list)
    #expect(record.fields == fields)
  }

  // MARK: - In the pipeline

  private let place: TemporaryDirectory
  private let locations: Locations
  private let queue: Queue
  private let start: Int64 = 1_000_000_000_000_000

  init() throws {
    (place, locations) = try emptySpool()
    queue = try Queue(writing: locations.database)
  }

  private func pipeline(_ post: [EventKind]) -> Pipeline<NoTransport> {
    let pipeline = Pipeline(
      locations, queue, Courier(queue, NoTransport(), host: "web1") { 0 }, host: "web1")
    var configuration = Configuration.plain(place)
    configuration.post = post
    pipeline.configuration = configuration
    return pipeline
  }

  /// Takes events in at once, by a luaslackd that knows nothing but the rows.
  private func take(
    _ events: [(EventKind, String)], at second: Double = 0, post: [EventKind],
    _ options: [EventRecord.Option: String] = [:], matches: String? = nil
  ) throws {
    let now = start + Int64(second * 1_000_000)
    for (index, (kind, jail)) in events.enumerated() {
      var record = EventRecord(
        kind: kind, jail: jail, ip: kind.hasAddress ? "203.0.113.7" : "",
        acceptedAt: now + Int64(index))
      for (option, text) in options { record.set(option, text) }
      if let matches { record.setMatches(matches) }
      _ = try Acceptor(locations).accept(record)
    }
    _ = try pipeline(post).takeIn(now: now)
  }

  private func rows() throws -> [(state: DeliveryState, payload: String, due: Double)] {
    try queue.deliveries(pendingOnly: false, limit: 1_000).map {
      ($0.state, $0.payload, Double($0.nextAttemptAt - start) / 1_000_000)
    }
  }

  @Test func `a restart is one message, whatever batches it came in`() throws {
    let post: [EventKind] = [.jailStart, .jailStop, .jailFlush]
    try take([(.jailFlush, "sshd"), (.jailStop, "sshd")], post: post)
    try take([(.jailStop, "nginx")], at: 1, post: post)
    #expect(try rows().last?.state == .folded)
    try take([(.jailStart, "sshd"), (.jailStart, "nginx")], at: 4, post: post)
    let rows = try rows()
    #expect(rows.map(\.state) == [.waiting] + Array(repeating: .folded, count: 4))
    #expect(rows[0].payload.contains("2 jails restarted: sshd, nginx on web1"))
    #expect(rows[0].due == 7)
    // What comes when it should be gone is another message.
    try take([(.jailStop, "sshd")], at: 9, post: post)
    #expect(try self.rows().last?.state == .waiting)
  }

  @Test func `what the config does not post is only recorded`() throws {
    try take([(.jailStart, "sshd"), (.jailStop, "sshd"), (.jailFlush, "sshd")], post: [.ban])
    #expect(try rows().isEmpty)
    // That nobody is banned any more is no event of a jail.
    _ = try pipeline([.ban]).dispatch(now: start + 200_000_000)
    #expect(try warnings() == 1)
  }

  @Test func `what waited for long is one message too`() throws {
    let post: [EventKind] = [.jailStart]
    for (index, jail) in ["a", "b", "c", "d"].enumerated() {
      var record = EventRecord(
        kind: .jailStart, jail: jail, acceptedAt: start + Int64(index))
      record.set(.host, "web1")
      _ = try Acceptor(locations).accept(record)
    }
    _ = try pipeline(post).takeIn(now: start + 3_600_000_000)
    #expect(try rows().map(\.state) == [.waiting, .folded, .folded, .folded])
    #expect(try rows().first?.payload.contains("4 jails started: a, b, c, d") == true)
  }

  @Test func `a digest tells of each jail that a message told of`() throws {
    try take([(.jailStart, "a"), (.jailStart, "b"), (.jailStart, "c")], post: [.jailStart])
    let digest = try #require(
      try queue.insertDigest(to: "default", acceptedAt: start, now: start))
    let due = start + 10_000_000
    #expect(try queue.fold(into: digest, most: 100, now: due) == 1)
    #expect(try queue.memberCount(of: digest.id) == 3)
    let told = try queue.digest(
      of: digest.id, events: 0...(.max), context: EventContext(), host: "web1", now: due)
    #expect(told.count == 3)
  }

  private func warnings() throws -> Int {
    try queue.deliveries(pendingOnly: false, limit: 1_000).filter { $0.kind == "notice" }.count
  }

  @Test(
    arguments: [
      // What comes between the stop of all and the two minutes, and whether there is a warning then.
      (nil, true), ((EventKind.jailStart, "sshd"), false), ((.ban, "other"), false),
      ((.jailFlush, "sshd"), true),
    ] as [((EventKind, String)?, Bool)])
  func `fail2ban that does not come back is a warning`(
    between: (EventKind, String)?, isWarning: Bool
  ) throws {
    let post: [EventKind] = [.jailStop]
    try take([(.jailStart, "sshd"), (.jailStart, "nginx")], post: post)
    try take([(.jailStop, "sshd")], at: 10, post: post)
    #expect(try queue.stoppedAt() == nil)
    try take([(.jailStop, "nginx")], at: 11, post: post)
    #expect(try !pipeline(post).isIdle())
    if let between { try take([between], at: 20, post: post) }
    _ = try pipeline(post).dispatch(now: start + 130_000_000)
    #expect(try warnings() == 0)
    _ = try pipeline(post).dispatch(now: start + 131_000_000)
    #expect(try warnings() == (isWarning ? 1 : 0))
    _ = try pipeline(post).dispatch(now: start + 400_000_000)
    #expect(try warnings() == (isWarning ? 1 : 0))
  }

  @Test func `jails that run are known however old their start is`() throws {
    try take([(.jailStart, "sshd"), (.jailStart, "nginx")], post: [.ban])
    let later = start + 100 * 86_400_000_000
    #expect(try queue.prune(Retention(), now: later) == 2)
    #expect(try queue.jailsHeardOf().keys.sorted() == ["nginx", "sshd"])
    try take([(.jailStop, "nginx")], at: 100 * 86_400, post: [.ban])
    _ = try pipeline([.ban]).dispatch(now: later + 200_000_000)
    #expect(try warnings() == 0)
    try take([(.jailStop, "sshd")], at: 100 * 86_400 + 300, post: [.ban])
    _ = try pipeline([.ban]).dispatch(now: later + 500_000_000)
    #expect(try warnings() == 1)
  }

  @Test func `a ban tried by hand makes no jail that runs`() throws {
    try take([(.jailStart, "sshd"), (.ban, "test")], post: [.ban])
    try take([(.jailStop, "sshd")], at: 10, post: [.ban])
    _ = try pipeline([.ban]).dispatch(now: start + 200_000_000)
    #expect(try warnings() == 1)
  }

  @Test func `a clock that is set back between stop and start raises no alarm`() throws {
    try take([(.jailStart, "sshd")], post: [.ban])
    try take([(.jailStop, "sshd")], at: 3_600, post: [.ban])
    try take([(.jailStart, "sshd")], at: 10, post: [.ban])
    _ = try pipeline([.ban]).dispatch(now: start + 8_000_000_000)
    #expect(try warnings() == 0)
  }

  @Test func `a clock set back after a stop delays the warning by no more than that`() throws {
    try take([(.jailStop, "sshd")], at: 3_600, post: [.ban])
    #expect(try pipeline([.ban]).dispatch(now: start) == 120_000)
    #expect(try pipeline([.ban]).dispatch(now: start + 60_000_000) == 60_000)
    _ = try pipeline([.ban]).dispatch(now: start + 120_000_000)
    #expect(try warnings() == 1)
  }

  @Test func `after the host was down fail2ban has its two minutes to start`() throws {
    try take([(.jailStart, "sshd"), (.jailStop, "sshd")], post: [.ban])
    let booted = pipeline([.ban])
    try booted.recover(now: start + 3_600_000_000)
    #expect(try booted.dispatch(now: start + 3_610_000_000) == 110_000)
    #expect(try warnings() == 0)
    _ = try booted.dispatch(now: start + 3_720_000_000)
    #expect(try warnings() == 1)
  }

  private static let ban: [EventRecord.Option: String] = [.time: "1", .bantime: "600"]

  @Test func `lines that come after their ban are told with it`() throws {
    try take([(.jailStart, "sshd")], post: [.ban], [.lines: "1"])
    #expect(try queue.deliveries(pendingOnly: false, limit: 9).isEmpty)
    try take([(.ban, "sshd")], post: [.ban], Self.ban)
    #expect(try rows().map(\.due) == [2])
    try take([(.ban, "sshd")], at: 1, post: [.ban], Self.ban, matches: "one\ntwo")
    #expect(try rows().map(\.due) == [1])
    #expect(try rows().first?.payload.contains("one\\ntwo") == true)
    // The first lines stay.
    try take([(.ban, "sshd")], at: 1.5, post: [.ban], Self.ban, matches: "three")
    #expect(try rows().first?.payload.contains("one\\ntwo") == true)
  }

  @Test func `a ban waits for lines only where they are announced`() throws {
    try take([(.ban, "sshd")], post: [.ban], Self.ban)
    #expect(try rows().map(\.due) == [0])
    try take([(.jailStart, "sshd")], at: 1, post: [.ban], [.lines: "1"])
    // Without its second action the jail has none.
    try take([(.jailStart, "sshd")], at: 2, post: [.ban])
    try take([(.ban, "sshd")], at: 3, post: [.ban], [.time: "2"])
    try take([(.jailStart, "sshd")], at: 4, post: [.ban], [.lines: "1"])
    try take([(.jailStop, "sshd")], at: 5, post: [.ban], [.lines: "0"])
    try take([(.ban, "sshd")], at: 6, post: [.ban], [.time: "3"])
    #expect(try rows().map(\.due) == [0, 3, 6])
    try take([(.ban, "nginx")], at: 7, post: [.ban], [.time: "4"], matches: "with lines")
    #expect(try rows().map(\.due) == [0, 3, 6, 7])
  }
}
