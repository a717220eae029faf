import Foundation

/// One request as tests see it: what came, when, and what was answered.
struct RecordedRequest: Encodable {
  /// Counts from 1 in the order in which the request heads arrived.
  let sequence: Int
  /// Seconds since 1970 at which the head had arrived, and the same on CLOCK_MONOTONIC.
  let time: Double
  let monotonic: Double
  /// Counts connections from 1: requests on a kept one share its number.
  let connection: Int
  let method: String
  let path: String
  let headers: [String: String]
  var body = ""
  /// The rule's mode that was in force.
  let mode: String
  /// 0: no answer was sent.
  var status = 0
  /// Slack's word for it (`ok`, `rate_limited`, …), or the fault's name.
  var word = ""
  var answer = ""
  /// The message was posted, as far as Slack is concerned.
  var accepted = false
}

/// The file of `--record`: a line of JSON for each request, written as soon as it is decided.
struct RequestLog {
  private let file: FileHandle

  init(path: String) throws {
    if !FileManager.default.fileExists(atPath: path) {
      try Data().write(to: URL(filePath: path))
    }
    file = try FileHandle(forWritingTo: URL(filePath: path))
    try file.seekToEnd()
  }

  func append(_ request: RecordedRequest) throws {
    try file.write(contentsOf: Data((request.jsonLine() + "\n").utf8))
  }
}
