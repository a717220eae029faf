import TestSupport
import Testing

@testable import LuaslackCore

/// Answers each post as chat.postMessage does, or as told; keeps what it was asked to send.
private final class ScriptedBot: Transport {
  /// Instead of a yes.
  var answers: [String] = []
  private(set) var posts: [Value] = []
  private var underWay: [(tag: Int64, channel: String)] = []

  func start(_ tag: Int64, _ post: Post) {
    let message = (try? JSONReader.read(post.body)) ?? .null
    posts.append(message)
    underWay.append((tag, message["channel"]?.string == "#ops" ? "C0OPS" : "C0SEC"))
  }

  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] {
    defer { underWay = [] }
    return underWay.map { tag, channel in
      let yes = #"{"ok":true,"channel":"\#(channel)","ts":"1795231644.00000\#(posts.count)"}"#
      let body = answers.isEmpty ? yes : #"{"ok":false,"error":"\#(answers.removeFirst())"}"#
      return (tag, .response(status: 200, retryAfter: nil, body: Array(body.utf8)))
    }
  }
}

/// Which message's thread a reply goes into, over a real database.
@Suite struct ThreadTests {
  private let place: TemporaryDirectory
  private let queue: Queue
  private let bot = ScriptedBot()
  private var configuration: Configuration
  private let start: Int64 = 1_000_000_000_000_000

  init() throws {
    place = try TemporaryDirectory()
    queue = try Queue(writing: place.file("queue.db"))
    let token = try place.write("xoxb-1\n", to: "token", mode: 0o600)
    configuration = Configuration(path: place.file("config.toml"))
    for (name, channel) in [("default", "C0SEC"), ("named", "#ops")] {
      var destination = Configuration.Destination(
        name: name,
        kind: .token(file: token, channel: channel, api: "http://127.0.0.1:9/api"))
      destination.burst = 100
      configuration.destinations[name] = destination
    }
    let webhook = try place.write("http://127.0.0.1:9/services/x\n", to: "webhook", mode: 0o600)
    configuration.destinations["hook"] = .init(name: "hook", webhookFile: webhook)
  }

  @discardableResult
  private func enqueue(
    _ kind: EventKind, _ ip: String = "a", jail: String = "sshd", to name: String = "default",
    isReply: Bool = false
  ) throws -> Int64 {
    let record = EventRecord(kind: kind, jail: jail, ip: ip, acceptedAt: start)
    let event = try queue.insert(record, key: nil)
    let payload: Value = ["text": .string("\(kind) of \(ip)")]
    try queue.insert(event: event, destination: name, outcome: .message(payload), now: start)
    if isReply { try queue.markReply(event: event, destination: name) }
    return try #require(try queue.deliveries(of: event).first).id
  }

  /// By a courier that knows nothing but the rows.
  private func run() throws {
    let courier = Courier(queue, bot, host: "web1") { 0 }
    for _ in 0..<20 {
      let sent = bot.posts.count
      _ = try courier.dispatch(configuration, now: start)
      try courier.wait(others: [], milliseconds: 0) { start }
      if bot.posts.count == sent { return }
    }
  }

  private var threads: [String?] { bot.posts.map { $0["thread_ts"]?.string } }

  @Test(arguments: ["default", "named"])
  func `a reply goes into the thread of the newest ban of its subject`(name: String) throws {
    try enqueue(.ban, to: name)
    try enqueue(.ban, to: name)
    try enqueue(.ban, "b", to: name)
    try enqueue(.ban, jail: "nginx", to: name)
    try run()
    try enqueue(.unban, to: name, isReply: true)
    try enqueue(.unban, "b", to: name)
    try run()
    #expect(threads == [nil, nil, nil, nil, "1795231644.000002", nil])
  }

  @Test func `without a message to answer to it is one like any other`() throws {
    // In another destination, of another kind, and later than the reply.
    try enqueue(.ban, to: "named")
    try enqueue(.prolong)
    try enqueue(.unban, isReply: true)
    try enqueue(.ban)
    try run()
    #expect(threads == [nil, nil, nil, nil])
  }

  @Test func `a ban that a digest told of is answered in the digest's thread`() throws {
    let ban = try enqueue(.ban)
    let digest = try enqueue(.jailStart, "", jail: "digest")
    try queue.finish(ban, .folded, reason: nil, now: start)
    try queue.database.run(
      "UPDATE delivery SET folded_into = ? WHERE id = ?", .integer(digest), .integer(ban))
    // Not told yet.
    try enqueue(.unban, isReply: true)
    let early = try #require(try queue.deliveries(pendingOnly: true, limit: 9).last)
    #expect(try queue.thread(of: early, in: "C0SEC") == nil)
    try run()
    #expect(threads.last == "1795231644.000001")
  }

  @Test func `a webhook has no threads`() throws {
    try enqueue(.ban, to: "hook")
    try enqueue(.unban, to: "hook", isReply: true)
    try run()
    #expect(threads == [nil, nil])
  }

  @Test func `a ban in a channel of before is not answered`() throws {
    try enqueue(.ban)
    try run()
    var moved = configuration
    if case .token(let file, _, let api) = moved.destinations["default"]?.kind {
      moved.destinations["default"]?.kind = .token(file: file, channel: "C0NEW", api: api)
    }
    try enqueue(.unban, isReply: true)
    let courier = Courier(queue, bot, host: "web1") { 0 }
    _ = try courier.dispatch(moved, now: start + 60_000_000)
    #expect(threads == [nil, nil])
  }

  @Test(arguments: Verdict.threadWords.sorted())
  func `a thread that Slack refuses is left, and the message stays whole`(word: String) throws {
    try enqueue(.ban)
    try run()
    bot.answers = [word]
    try enqueue(.unban, isReply: true)
    try run()
    #expect(threads == [nil, "1795231644.000001", nil])
    #expect(bot.posts[1]["text"] == bot.posts[2]["text"])
    #expect(try queue.deliveries(pendingOnly: true, limit: 9).isEmpty)
  }

  @Test func `the plain form of a refused reply is no reply`() throws {
    try enqueue(.ban)
    try run()
    bot.answers = ["invalid_blocks"]
    try enqueue(.unban, isReply: true)
    try run()
    #expect(threads == [nil, "1795231644.000001", nil])
  }
}
