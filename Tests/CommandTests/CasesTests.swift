import Foundation
import TestSupport
import Testing

/// Every case of every formatter that we ship, byte for byte, with the command that admins have for it.
@Suite struct CasesTests {
  static let scripts = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "scripts/").path()
  static let formatters = [
    "blocks", "default", "geo", "minimal", "oncall", "quiet", "report", "wordpress",
  ]

  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory()
    // Beside the whole suite a formatter may wait for its processor for longer than it may take.
    try place.write(
      "[destination.default]\nwebhook_file = \"absent\"\n"
        + "[limits]\nfile = \"5s\"\nchain = \"10s\"\ndeadline = \"15s\"\n", to: "config.toml")
  }

  private func test(_ path: String, _ options: [String] = []) async throws -> Finished {
    try await run(
      Programs.luaslack, ["formatter", "test", path] + options,
      environment: ["LUASLACK_CONFIG": place.file("config.toml")])
  }

  private static func names(in folder: String) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  /// With `RECORD_GOLDEN=1` the payloads are written anew, and the test fails if one was another.
  @Test(arguments: formatters)
  func `a shipped formatter makes the recorded payloads`(name: String) async throws {
    let isRecording = ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1"
    let call = try await test(Self.scripts + name, isRecording ? ["--record"] : [])
    let cases = Self.names(in: Self.scripts + name + "/cases")
    #expect(cases.count > 5)
    #expect(call.output == "\(cases.count) cases, none failed\n")
    #expect(call.errors == "")
    #expect(call.status == 0)
  }

  @Test func `the formatters are there, and found together`() async throws {
    let folders = Self.names(in: Self.scripts).filter { !$0.hasSuffix(".md") && $0 != "types" }
    #expect(folders == Self.formatters)
    let count = folders.map { Self.names(in: Self.scripts + $0 + "/cases").count }.reduce(0, +)
    let call = try await test(Self.scripts)
    #expect(call.output == "\(count) cases, none failed\n", "\(call.errors)")
  }
}
