import Foundation

/// A fake Slack of a test's own: the real program on a free loopback port, over real sockets. It
/// ends with this object, with the test's process, or at the latest after ten minutes.
public final class FakeSlack: Sendable {
  public struct NotStarted: Error, CustomStringConvertible {
    public let description: String
  }

  public let port: UInt16
  public let program: RunningProgram
  private let http: LoopbackHTTP
  private let directory: TemporaryDirectory

  /// Starts it; `pretty` makes it print what it gets, to be read in `program.standardOutput`.
  public init(pretty: Bool = false) async throws {
    directory = try TemporaryDirectory("slack")
    let portFile = directory.file("port")
    let flags = pretty ? ["--pretty"] : []
    program = try RunningProgram(
      Programs.fakeSlack, ["--port-file", portFile, "--record", directory.file("log")] + flags)

    let end = ContinuousClock.now + .seconds(20)
    while !FileManager.default.fileExists(atPath: portFile) {
      guard program.isRunning, ContinuousClock.now < end else {
        throw NotStarted(description: "fake-slack did not start: \(program.standardError)")
      }
      try await Task.sleep(for: .milliseconds(2))
    }
    guard let port = UInt16(try directory.read("port").dropLast()) else {
      throw NotStarted(description: "fake-slack wrote no port")
    }
    self.port = port
    http = LoopbackHTTP(port: port)
  }

  /// Ends it at once, as its going away would; from then on connections are refused.
  public func stop() async throws {
    program.signal(SIGTERM)
    _ = try await program.wait(timeout: .seconds(10))
  }

  public func webhookURL(_ path: String = "/services/T000/B000/secret") -> String {
    "http://127.0.0.1:\(port)\(path)"
  }

  /// For what posts with a bot token: the Web API's root.
  public var apiURL: String { "http://127.0.0.1:\(port)/api" }

  /// Sets a rule, such as `{"mode":"status","status":500,"body":"rollup_error","times":3}`; all of
  /// them are in `fake-slack --help`.
  public func control(_ json: String) async throws {
    _ = try await http.request("POST", "/control", body: json)
  }

  /// Forgets the requests, and the rules if asked to.
  public func reset(rules: Bool = false) async throws {
    _ = try await http.request("POST", rules ? "/reset?rules=1" : "/reset")
  }

  /// Every request so far in the order of arrival; refused and spoilt ones too, unless told.
  public func messages(acceptedOnly: Bool = false) async throws -> [RecordedMessage] {
    let list = try await http.request("GET", acceptedOnly ? "/messages?accepted=1" : "/messages")
    return try JSONDecoder().decode([RecordedMessage].self, from: Data(list.utf8))
  }

  /// Waits for so many accepted messages (or requests of any fate) and returns what is there, also
  /// when they do not come in time: what is missing is for the test to expect.
  public func waitForMessages(
    _ count: Int, acceptedOnly: Bool = true, timeout: Duration = .seconds(30)
  ) async throws -> [RecordedMessage] {
    let end = ContinuousClock.now + timeout
    while true {
      let messages = try await messages(acceptedOnly: acceptedOnly)
      if messages.count >= count || ContinuousClock.now >= end { return messages }
      try await Task.sleep(for: .milliseconds(5))
    }
  }
}

/// One request that reached the fake Slack, and what became of it.
public struct RecordedMessage: Decodable, Sendable {
  /// Counts from 1 in the order of arrival.
  public let sequence: Int
  /// Seconds since 1970 at which the request's head had arrived, and the same on CLOCK_MONOTONIC.
  public let time: Double
  public let monotonic: Double
  /// Counts connections from 1: requests on a kept one share its number.
  public let connection: Int
  public let method: String
  public let path: String
  /// Names in lower case.
  public let headers: [String: String]
  public let body: String
  /// The rule in force: `ok`, `status`, `hang`, …
  public let mode: String
  /// The answer's status; 0 if there was none.
  public let status: Int
  /// Slack's word for it (`ok`, `invalid_blocks`, …) or the fault's name.
  public let word: String
  /// The answer's body.
  public let answer: String
  /// The message is posted, as far as Slack is concerned.
  public let accepted: Bool

  /// One that never came, for judging who reads them.
  public init(monotonic: Double, path: String, body: String, status: Int, answer: String) {
    (sequence, connection, time, self.monotonic) = (1, 1, monotonic, monotonic)
    (method, headers, mode) = ("POST", [:], "ok")
    (self.path, self.body, self.status, self.answer) = (path, body, status, answer)
    (word, accepted) = (answer, status == 200)
  }

  /// `.null` if the body is not JSON.
  public var bodyJSON: JSON { (try? JSON(parsing: body)) ?? .null }

  /// The message's top-level text, as sent: entities are not decoded.
  public var text: String { bodyJSON["text"].string ?? "" }
}
