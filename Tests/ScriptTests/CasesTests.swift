import Foundation
import LuaslackCore
import TestSupport
import Testing

/// Every case of every formatter that we ship, byte for byte, through the real sandbox.
@Suite struct CasesTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let formatter: String
    let name: String
    var testDescription: String { "\(formatter)/\(name)" }
  }

  private static let scripts = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "scripts")

  private static func names(in folder: URL) -> [String] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder.path())) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted()
  }

  private static let formatters = names(in: scripts).filter { name in
    FileManager.default.fileExists(
      atPath: scripts.appending(path: "\(name)/formatter.lua").path())
  }

  private static let cases = formatters.flatMap { formatter in
    names(in: scripts.appending(path: "\(formatter)/cases")).map {
      Case(formatter: formatter, name: $0)
    }
  }

  @Test(arguments: cases)
  func `a shipped formatter makes the recorded payload`(example: Case) throws {
    let folder = Self.scripts.appending(path: example.formatter)
    let files = folder.appending(path: "cases/\(example.name)")
    let source = try String(contentsOf: folder.appending(path: "formatter.lua"), encoding: .utf8)
    let event = try String(contentsOf: files.appending(path: "event.json"), encoding: .utf8)
    let payload = try FormatterCase(
      formatter: example.formatter, source: source,
      libraries: libraries(in: files.appending(path: "lib")), event: event
    ).payload()
    expectGolden(payload, file: files.appending(path: "payload.json").path())
  }

  /// What `require` finds, if the case has settings.
  private func libraries(in folder: URL) throws -> [String: String] {
    let names = Self.names(in: folder).filter { $0.hasSuffix(".lua") }
    return try names.reduce(into: [:]) { libraries, name in
      libraries[String(name.dropLast(4))] = try String(
        contentsOf: folder.appending(path: name), encoding: .utf8)
    }
  }

  @Test(arguments: formatters)
  func `every shipped formatter has cases`(formatter: String) {
    #expect(Self.cases.contains { $0.formatter == formatter })
  }

  @Test func `the six formatters are there`() {
    #expect(
      Self.formatters == ["blocks", "default", "minimal", "oncall", "quiet", "wordpress"])
  }
}
