import ArgumentParser
import LuaslackCore
import Posix

/// Asks luaslackd for a change and tells what came of it. Never changes anything itself.
enum Ask {
  /// Microseconds for which an answer is waited for.
  private static let patience: Int64 = 5_000_000
  private static let interval: UInt32 = 5_000

  /// `done`: what was done to the messages, as the end of a sentence. Returns the request's name.
  @discardableResult
  static func run(
    _ request: QueueRequest, _ locations: Locations, of noun: String = "message", done: String
  ) throws -> String {
    let (name, wake) = send(request, locations)
    guard wake != .managed else {
      Process.print("requested; no luaslackd runs to do it, the next one that starts will\n", to: 1)
      return name
    }
    guard let answer = wait(for: name, locations) else {
      Process.print(
        "requested; luaslackd has not come to it within 5 s, `luaslack status` may say why\n", to: 1
      )
      return name
    }
    for problem in answer.problems { Process.print("luaslack: \(problem)\n", to: 2) }
    if answer.count > 0 || answer.problems.isEmpty {
      Process.print("\(answer.count) \(noun)\(answer.count == 1 ? "" : "s") \(done)\n", to: 1)
    }
    if !answer.problems.isEmpty { throw ExitCode(ExitStatus.data.rawValue) }
    return name
  }

  /// Leaves the request and wakes luaslackd; returns the name under which the answer will stand.
  static func send(_ request: QueueRequest, _ locations: Locations) -> (String, Acceptor.Wake) {
    OwnSpool.require(locations, for: request.subject)
    let acceptor = Acceptor(locations)
    do throws(SystemError) {
      let name = try acceptor.request(request, now: Clock.now())
      return (name, try acceptor.wake(mayStart: RecordEvent.mayStart))
    } catch {
      Luaslack.fail(.temporary, "\(error)")
    }
  }

  private static func wait(for name: String, _ locations: Locations) -> QueueRequest.Answer? {
    let deadline = Clock.monotonic() + patience
    var queue: Queue?
    while Clock.monotonic() < deadline {
      if queue == nil { queue = try? Queue(reading: locations.database) }
      if let answer = try? queue?.answer(to: name) { return answer }
      Clock.sleep(microseconds: interval)
    }
    return nil
  }
}

extension QueueRequest {
  /// What it asks for, for who may not.
  fileprivate var subject: String {
    switch action {
    case .flush, .retry, .hold, .release, .delete: "the queue"
    case .forget: "the history"
    case .sendTest, .probe: "a test message"
    case .report: "a report"
    }
  }
}
