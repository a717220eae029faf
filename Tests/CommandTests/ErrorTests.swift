import Foundation
import TestSupport
import Testing

/// What `luaslack check` says of every mistake that the table of hints knows, through the real reader and the
/// real sandbox.
@Suite struct ErrorTests {
  @Test(arguments: ["lua", "formatters", "config"])
  func `every mistake is told with its line and its mend`(group: String) async throws {
    var told = ""
    for mistake in try Mistake.all(group) {
      let place = try TemporaryDirectory()
      for (name, text) in mistake.files { try place.write(text, to: name) }
      try mistake.prepare(place)
      let call = try await RunningProgram(
        Programs.path("luaslack"), ["check"] + mistake.arguments(place),
        environment: ["HOME": place.path, "LUASLACK_CONFIG": place.file("config.toml")]
      ).wait()
      #expect(call.status == (mistake.isOfConfig ? 78 : 65), "\(mistake.title)")
      told += "== \(mistake.title)\n" + call.output.replacing(place.path + "/", with: "")
    }
    #expect(!told.contains("XXXX"))
    #expect(!told.contains("\u{1b}"))
    expectGolden(told, file: "Mistakes/\(group).golden.txt")
  }
}

extension ErrorTests {
  private static let mistake = """
    return {
      ban = function(event, payload)
        payload.text = event.geo.country
      end,
    }
    """
  private static let told = """
        2 |   ban = function(event, payload)
        3 |     payload.text = event.geo.country
          |                    ^^^^^^^^^
      geo is nil when nothing is known of the address: ask first, `if event.geo then`

    """

  private func run(_ place: TemporaryDirectory, _ arguments: [String]) async throws -> Finished {
    try await RunningProgram(
      Programs.path("luaslack"), arguments,
      environment: [
        "HOME": place.path, "LUASLACK_CONFIG": place.file("config.toml"),
        "LUASLACK_SPOOL": place.file("spool"),
      ]
    ).wait()
  }

  @Test func `whoever tries a formatter sees its mistakes the same way`() async throws {
    let place = try TemporaryDirectory()
    try place.write("[destination.default]\nwebhook_file = \"absent\"\n", to: "config.toml")
    try place.write(Self.mistake, to: "formatters/50-own.lua")
    let dry = try await run(place, ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"])
    #expect(dry.status == 0)
    let opening = "50-own.lua:3: attempt to index a nil value (field 'geo')"
    #expect(dry.errors == "luaslack: \(opening)\n" + Self.told)
    let preview = try await run(place, ["preview"])
    // Narrower, so that what to do takes two lines.
    let narrow = Self.told.replacing(" then`", with: "\n  then`")
    #expect(preview.output.hasSuffix("\n\(opening)\n" + narrow))
    #expect(try await run(place, ["preview", "--json"]).errors == dry.errors)
  }

  @Test func `a wrong config is told with all that is wrong wherever it is read`() async throws {
    let place = try TemporaryDirectory()
    try place.write(
      "linger = \"soon\"\nhistory = 5\n[destination.default]\nwebhook_file = \"absent\"\n",
      to: "config.toml")
    for arguments in [["config", "show"], ["preview"], ["ban", "--dry-run", "--", "sshd", "::1"]] {
      let call = try await run(place, arguments)
      #expect(call.status == 78)
      let problems = call.errors.split(separator: "\n").filter { $0.hasPrefix("luaslack: ") }
      #expect(problems.count == 2)
      #expect(
        call.errors.contains(
          "\n      | ^^^^^^\n  a time is one number and its unit, "
            + "in quotes, or seconds alone\n"))
      #expect(!call.errors.contains("\u{1b}"))
    }
  }
}

/// One part of a file of mistakes: `== TITLE`, then a formatter, or files that each begin with `@ NAME`.
struct Mistake {
  let title: String
  let files: [(name: String, text: String)]
  let isOfConfig: Bool

  static func all(_ group: String) throws -> [Mistake] {
    let folder = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Mistakes")
    let text = try String(contentsOf: folder.appending(path: group + ".txt"), encoding: .utf8)
    let usual = group == "config" ? "config.toml" : "50-own.lua"
    return ("\n" + text).components(separatedBy: "\n== ").dropFirst().map { part in
      let lines = part.components(separatedBy: "\n")
      return Mistake(lines[0], lines.dropFirst(), usual: usual, isOfConfig: group == "config")
    }
  }

  private init(_ title: String, _ lines: ArraySlice<String>, usual: String, isOfConfig: Bool) {
    var files: [(name: String, text: String)] = []
    for line in lines where line != "" || files.last != nil {
      if line.hasPrefix("@ ") {
        files.append((String(line.dropFirst(2)), ""))
      } else {
        if files.isEmpty { files.append((usual, "")) }
        files[files.count - 1].text += line + "\n"
      }
    }
    (self.title, self.files, self.isOfConfig) = (title, files, isOfConfig)
  }

  private var usesConfig: Bool { isOfConfig || files.contains { $0.name == "config.toml" } }

  func arguments(_ place: TemporaryDirectory) -> [String] {
    if title == "a directory that others can write" { return [place.file("formatters")] }
    if title == "a formatter that is named wrong" { return ["minmal"] }
    return usesConfig ? [] : [place.file("50-own.lua")]
  }

  /// What no text can say.
  func prepare(_ place: TemporaryDirectory) throws {
    func open(_ path: String) throws {
      try FileManager.default.setAttributes([.posixPermissions: 0o777], ofItemAtPath: path)
    }
    switch title {
    case "a large file":
      try place.write(String(repeating: "-- x\n", count: 20_000), to: "50-own.lua")
    case "a file that others can write":
      try place.write("return {}", to: "50-own.lua")
      try open(place.file("50-own.lua"))
    case "a directory that others can write":
      try place.write("return {}", to: "formatters/50-own.lua")
      try open(place.file("formatters"))
    default: break
    }
  }
}
