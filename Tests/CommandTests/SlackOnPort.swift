import Foundation
import TestSupport

/// A fake Slack on a port that is already known, for what waited while nobody listened there.
final class SlackOnPort: Sendable {
  private let program: RunningProgram
  private let directory: TemporaryDirectory

  init(_ port: UInt16) throws {
    directory = try TemporaryDirectory("slack")
    program = try RunningProgram(
      Programs.fakeSlack, ["--port", "\(port)", "--record", directory.file("log")])
  }

  /// What has reached it: its log, one request a line.
  var messages: [RecordedMessage] {
    let lines = ((try? directory.read("log")) ?? "").split(separator: "\n")
    return lines.compactMap { try? JSONDecoder().decode(RecordedMessage.self, from: Data($0.utf8)) }
  }
}
