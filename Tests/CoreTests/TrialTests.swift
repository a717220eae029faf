import SQLite
import TestSupport
import Testing

@testable import LuaslackCore

/// Test messages through the courier, with the time and the answers given.
@Suite struct TrialTests {
  private let setup: Delivering

  init() throws { setup = try Delivering() }

  private func ask(_ name: String = "default", at seconds: Double = 0) throws -> String {
    var request = QueueRequest(.sendTest)
    request.destination = name
    let file = "\(setup.start + Int64(seconds * 1_000_000)).1.\(name)"
    try setup.queue.carryOut(request, named: file, now: setup.start)
    try setup.courier.lookForTrials()
    return file
  }

  private func trial(_ file: String) throws -> QueueRequest.Answer.Trial? {
    try setup.queue.answer(to: file)?.trial
  }

  @Test func `a test goes out once and is answered`() throws {
    let file = try ask()
    #expect(try setup.queue.answer(to: file)?.isOpen == true)
    #expect(setup.courier.isBusy)
    try setup.run()
    #expect(try trial(file) == .init(exit: .success, word: "200 ok"))
    #expect(!setup.courier.isBusy)
    try setup.run(at: 100)
    #expect(setup.transport.posts.count == 1)
    #expect(setup.texts.first?.contains("TEST from luaslack on web1") == true)
    #expect(try setup.states().isEmpty)
  }

  @Test func `a test takes its turn in the pace of its destination`() throws {
    setup.configuration.destinations["default"]?.burst = 1
    setup.configuration.destinations["default"]?.rate = try #require(Rate("1/10s"))
    let first = try ask()
    try setup.run()
    let second = try ask(at: 1)
    try setup.run(at: 1)
    #expect(try trial(first) != nil)
    #expect(try trial(second) == nil)
    try setup.run(at: 10)
    #expect(try trial(second)?.exit == .success)
  }

  @Test func `a test that cannot go out in time is answered at once`() throws {
    setup.configuration.destinations["default"]?.burst = 1
    setup.configuration.destinations["default"]?.rate = try #require(Rate("1/1d"))
    _ = try ask()
    try setup.run()
    let second = try ask(at: 1)
    try setup.run(at: 1)
    #expect(try trial(second)?.exit == .temporary)
    #expect(setup.transport.posts.count == 1)
  }

  @Test func `a test that nobody waits for any more is not sent`() throws {
    let file = try ask()
    try setup.run(at: 61)
    #expect(try trial(file)?.exit == .temporary)
    #expect(setup.transport.posts.isEmpty)
  }

  @Test func `a test that was under way when luaslackd ended is not sent again`() throws {
    let file = try ask()
    _ = try setup.courier.dispatch(setup.configuration, now: setup.start)
    setup.restart()
    try setup.courier.lookForTrials()
    try setup.run(at: 1)
    #expect(try trial(file)?.word.contains("may have arrived") == true)
    #expect(setup.transport.posts.count == 1)
  }

  @Test func `a refused test leaves its destination as it was`() throws {
    setup.transport.answers = [.word(404, "no_service")]
    let file = try ask()
    try setup.run()
    #expect(
      try trial(file)
        == .init(exit: .unavailable, word: "404 no_service, the destination is dead"))
    #expect(try setup.destination().health == .ok)
  }

  @Test func `tests of two destinations do not wait for each other`() throws {
    let files = [try ask("default"), try ask("other"), try ask("none")]
    try setup.run()
    #expect(try files.map { try trial($0)?.exit } == [.success, .success, .data])
  }

  @Test func `a probe holds nothing, and Slack's refusal of that is the good answer`() throws {
    setup.transport.answers = [.word(400, "no_text"), .word(404, "no_service")]
    var results: [QueueRequest.Answer.Trial?] = []
    for number in 0..<2 {
      var request = QueueRequest(.probe)
      request.destination = "default"
      let file = "\(setup.start).1.\(number)"
      try setup.queue.carryOut(request, named: file, now: setup.start)
      try setup.courier.lookForTrials()
      try setup.run()
      results.append(try trial(file))
    }
    #expect(results.map { $0?.exit } == [.success, .unavailable])
    #expect(setup.transport.posts.map(\.body) == ["{}", "{}"])
    #expect(try setup.destination().lastOkAt == nil)
  }

  @Test func `a request is read as it was written`() throws {
    var request = QueueRequest(.sendTest)
    request.destination = "ops"
    #expect(QueueRequest(request.value) == request)
  }
}
