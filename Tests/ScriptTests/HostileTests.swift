import Foundation
import TestSupport
import Testing

@testable import LuaslackCore

/// Scripts written to hurt, one file each, with the outcome that the sandbox must name on the first
/// line: `-- expect: ok|error[: part of the error]; remark`. Whatever they do, there is one message.
@Suite(.serialized) struct HostileTests {
  struct Script: CustomTestStringConvertible, Sendable {
    let name: String
    let isError: Bool
    /// What the error must contain.
    let part: String
    let source: [UInt8]
    var testDescription: String { name }
  }

  private static let folder = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().appending(path: "Hostile")

  private static let scripts: [Script] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return names.filter { $0.hasSuffix(".lua") }.sorted().map(script)
  }()

  private static func script(_ name: String) -> Script {
    let data = (try? Data(contentsOf: folder.appending(path: name))) ?? Data()
    let line = String(decoding: data.prefix { $0 != 0x0a }, as: UTF8.self)
    let expectation = line.split(separator: "-- expect: ").last?.prefix { $0 != ";" } ?? ""
    let parts = expectation.split(separator: ":", maxSplits: 1)
    return Script(
      name: name, isError: parts.first == "error",
      part: parts.count > 1 ? parts[1].trimmingCharacters(in: .whitespaces) : "",
      source: Array(data))
  }

  private static let event = """
    {"kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": 5, "host": "web1"}
    """

  @Test func `the corpus is there`() {
    #expect(Self.scripts.count > 100)
  }

  // Far more than the deadline: what hangs here would hang luaslackd.
  @Test(.timeLimit(.minutes(1)), arguments: scripts)
  func `a hostile script costs nothing but itself`(script: Script) throws {
    let file = FormatterFile(
      name: script.name, source: String(decoding: script.source, as: UTF8.self))
    let payload = try FormatterCase(event: Array(Self.event.utf8)).made(
      by: FormatterChain(files: [file]), Sandbox.Settings(destinations: ["default"])
    ).payload
    // One that runs to its end may say what it likes, but not hide whom it is about.
    let isMessage = !payload.contains("\"muted\"") && payload != "{\n  \"digest\": true\n}\n"
    if isMessage { #expect(payload.contains("203.0.113.7"), "\(payload)") }
    // On a busy machine a script that works hard may run out of time.
    guard script.isError || !payload.contains("time limit (") else { return }
    #expect(payload.contains("a formatter failed") == script.isError, "\(payload)")
    guard script.isError, !script.part.isEmpty else { return }
    // On a busy machine the time may be over before the memory is.
    let parts = script.part.hasPrefix("memory limit") ? [script.part, "time limit"] : [script.part]
    #expect(parts.contains { payload.contains($0) }, "\(payload)")
  }
}
