import Foundation
import TestSupport
import Testing

@testable import LuaslackCore

/// The table of hints against what programs really say, and against the page that lists it.
@Suite struct HintTests {
  private static let sources = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent()

  private static func text(_ path: String) throws -> String {
    try String(contentsOf: sources.appending(path: path), encoding: .utf8)
  }

  /// What the snapshots of `luaslack check` hold as problems.
  private static func snapshots() throws -> [String] {
    try ["lua", "formatters", "config"].flatMap { group in
      try text("Tests/CommandTests/Mistakes/\(group).golden.txt").split(separator: "\n")
        .filter { !$0.hasPrefix(" ") && !$0.hasPrefix("== ") }
        .map { line in
          // Which event showed it stands behind it.
          let problem = Place(String(line)).rest
          return String(
            problem.prefix(
              upTo: problem.ranges(of: ", sample ").last.flatMap {
                problem[..<$0.lowerBound].ranges(of: " (").last?.lowerBound
              } ?? problem.endIndex))
        }
    }
  }

  @Test func `every hint is in a snapshot of what check says`() throws {
    let slow = Formatting.Result(outcome: .muted(""), costly: ["50-own.lua"])
    var suspensions = Suspensions()
    let chain = FormatterChain(files: [FormatterFile(name: "50-own.lua", source: "")])
    // No snapshot: how long a script takes is another machine's affair.
    let tooSlow = (0..<3).flatMap { _ in suspensions.observe(slow, of: chain, now: 0) }
    let problems = try Self.snapshots() + tooSlow.map { Place($0.error).rest }
    let hit = Set(problems.compactMap { Hint.match($0)?.hint.row })
    for hint in Hint.all where !hit.contains(hint.row) {
      Issue.record("no snapshot has: \(hint.message)")
    }
  }

  /// By the headings of the page.
  private static let tables = [
    "Lua's grammar": Hint.syntax, "What a formatter cannot see": Hint.forbidden,
    "Values": Hint.values, "Functions of Lua": Hint.arguments, "Formatters": Hint.ours,
    "What a formatter makes": Hint.results, "What Slack takes": Hint.slack, "Files": Hint.files,
    "The config": Hint.config,
  ]

  @Test func `the page lists every hint, and no other`() throws {
    #expect(Self.tables.values.map(\.count).reduce(0, +) == Hint.all.count)
    let page = try Self.text("docs/errors.md")
    var sections = page.components(separatedBy: "\n## ")
    #expect(
      Set(sections.map { $0.components(separatedBy: "\n")[0] }).isSuperset(of: Self.tables.keys))
    for (index, section) in sections.enumerated() {
      let lines = section.components(separatedBy: "\n")
      guard let hints = Self.tables[lines[0]] else { continue }
      let words = lines.dropFirst().filter { !$0.isEmpty && !$0.hasPrefix("|") }
      let head = [lines[0], ""] + words.flatMap { [$0, ""] }
      let table = ["| message | why | what to do |", "|---|---|---|"] + hints.map(\.row)
      sections[index] = (head + table).joined(separator: "\n") + "\n"
    }
    let golden = Self.sources.appending(path: "docs/errors.md").path()
    expectGolden(sections.joined(separator: "\n## "), file: golden)
  }

  @Test func `no two hints are about the same message`() {
    let keys = Hint.all.map { $0.message + ($0.names ?? []).joined() }
    #expect(Set(keys).count == keys.count)
  }

  @Test(arguments: [
    (
      "attempt to index a nil value (field 'geo')",
      "geo is nil when nothing is known of the address"
    ),
    ("attempt to index a nil value (field 'x')", "x is nil here"),
    ("attempt to call a nil value (field 'execute')", "of `os` there are only"),
    ("attempt to index a nil value (global 'VERB')", "there is nothing called VERB here"),
  ])
  func `the special ones count before the general ones`(message: String, why: String) {
    #expect(Hint.match(message)?.why.hasPrefix(why) == true)
  }

  @Test func `a misspelt name is told the near one`() {
    let message = "attempt to index a nil value (global 'slakc')"
    #expect(Hint.match(message)?.mend == "did you mean `slack`?")
    #expect(
      Hint.match("attempt to index a nil value (global 'qqqq')")?.mend.hasPrefix("look") == true)
  }

  @Test(arguments: [
    "", "no", "attempt to", "time limit", "geo", "no such file; try again",
    "the channel must be text",
  ])
  func `a script's own words have no hint`(message: String) {
    #expect(Hint.match(message) == nil)
  }
}

@Suite struct ExcerptTests {
  private func marked(_ problem: String, _ line: String, word: String = "") -> String? {
    let excerpt = Excerpt(of: line, line: 1, words: Excerpt.Word.named(in: problem, or: word))
    return excerpt?.lines.last.map(\.marked)
  }

  @Test(arguments: [
    ("attempt to index a nil value (field 'geo')", "x = event.geo.country", "event.geo"),
    (
      "attempt to index a nil value (field 'geo')", "x = event.geo and event.geo.country",
      "event.geo"
    ),
    ("attempt to call a nil value (method 'trim')", "return event.jail:trim()", "event.jail:trim"),
    ("attempt to concatenate a nil value (field 'user')", "x = 'user: '..event.user", "event.user"),
    ("attempt to index a nil value (field 'geo')", "x = georgia + geo_x", ""),
    ("'then' expected near '='", "if a = 1 then b = 2 end", ""),
    ("malformed number near '2fas'", "local x = 2fast", "2fas"),
    ("unexpected symbol near '<\\226>'", "x = “y”", "“"),
    ("unknown kind \"bam\"; did you mean \"ban\"?", "post = [\"ban\", \"bam\"]", "bam"),
    ("there is no lib/words.lua beside the formatters", "local words = require 'words'", "words"),
    ("time limit (250 ms)", "while true do end", ""),
  ])
  func `what the message names is marked`(problem: String, line: String, word: String) {
    #expect(marked(problem, line) == word)
  }

  @Test func `of two the one is marked that is indexed`() {
    let line = "x = event.geo and event.geo.country"
    let problem = "attempt to index a nil value (field 'geo')"
    let excerpt = Excerpt(of: line, line: 1, words: Excerpt.Word.named(in: problem))
    #expect(excerpt?.lines.last?.before == "x = event.geo and ")
  }

  @Test func `marks stand under what they mark, however wide the signs before are`() {
    let line = "\t\u{1b}[31m日本 🛡️ \u{202e}" + String(repeating: "é", count: 5) + " event.geo.x"
    let excerpt = Excerpt(of: line, line: 1, words: [Excerpt.Word(text: "geo")])
    let text = excerpt?.text(columns: 80) ?? []
    #expect(text.count == 2)
    #expect(text[0] == "    1 |   \u{fffd}[31m日本 🛡 \u{fffd}ééééé event.geo.x")
    let before = text[0].prefix(
      upTo: text[0].firstRange(of: "event")?.lowerBound ?? text[0].endIndex)
    #expect(CellWidth.of(String(before)) == text[1].prefix { $0 != "^" }.count)
  }

  @Test(arguments: [20, 60, 80, 120])
  func `no line is wider than the screen, and what is marked is seen`(columns: Int) {
    let long = String(repeating: "日", count: 5_000)
    for line in [long + ".geo." + long, "event.geo " + long, long + ".geo", long] {
      let excerpt = Excerpt(of: line + "\n" + line, line: 2, words: [Excerpt.Word(text: "geo")])
      let text = excerpt?.text(columns: columns) ?? []
      #expect(text.allSatisfy { CellWidth.of($0) <= max(columns, 28) })
      #expect(text.last?.contains("^") == line.contains("geo"))
    }
  }

  @Test func `a line that is not there has no excerpt, and what began it stands above`() {
    #expect(Excerpt(of: "a\nb", line: 3) == nil)
    #expect(Excerpt(of: "a", line: 0) == nil)
    #expect(Excerpt(of: "a\nb\n\n", line: 3)?.text(columns: 80) == ["    2 | b", "    3 |"])
    #expect(
      Excerpt(of: "a\nb\nc\r\n", line: 3, opening: 1)?.text(columns: 80) == [
        "    1 | a", "    3 | c",
      ])
  }
}

@Suite struct SecretsTests {
  @Test(arguments: [
    (
      "slack.link(\"https://hooks.slack.com/services/T1/B2/secret\")",
      "slack.link(\"https://hooks.slack.com/…\")"
    ),
    ("'https://chat.example/services/T1/B2/secret'", "'https://chat.example/…'"),
    ("hooks.slack.com/services/T1/secret", "hooks.slack.com/…"),
    ("f('xoxb-1-secret', 'xapp-1-secret')", "f('xox…', 'xapp-…')"),
    ("local token = 'secret'", "local token = \"…\""), ("pw, pwd = 'secret'", "pw, pwd = \"…\""),
    ("local token = make(a)", "local token = make(a)"),
    ("f('HTTPS://HOOKS.SLACK.COM/SERVICES/T1/B2/secret')", "f('HTTPS://HOOKS.SLACK.COM/…')"),
    ("f('services/T1/B2/secret')", "f('services/…')"),
    ("local half = a // b", "local half = a // b"),
    (
      "slack.link('https://grafana.example/d/1?x=y', n)",
      "slack.link('https://grafana.example/d/1?x=y', n)"
    ),
    ("\"https://bob:secret@proxy.example:3128/x\"", "\"https://…@proxy.example:3128/x\""),
  ])
  func `of a script`(line: String, shown: String) {
    #expect(Secrets.masked(line) == shown)
  }

  @Test(arguments: [
    ("webhook_url = \"secret\"", "webhook_url = \"…\""), ("token='secret'", "token= \"…\""),
    ("# webhook = secret", "# webhook = \"…\""),
    (
      "webhook_file = \"https://chat.example/hooks/secret\"",
      "webhook_file = \"https://chat.example/…\""
    ),
    ("webhook_file = \"T01/B02/aaaaaaaaaaaaaaaaaaaaaaa9\"", "webhook_file = \"T01/B02/…\""),
    ("webhook_file = \"/etc/luaslack/webhook\"", "webhook_file = \"/etc/luaslack/webhook\""),
    ("smtp_server = \"bob:secret@mail.example:25\"", "smtp_server = \"…@mail.example:25\""),
    ("smtp_to = \"bob@mail.example\"", "smtp_to = \"bob@mail.example\""),
    ("friendly_networks = [\"192.0.2.0/24\"]", "friendly_networks = [\"192.0.2.0/24\"]"),
  ])
  func `of a config`(line: String, shown: String) {
    #expect(Secrets.maskedConfig(line) == shown)
  }
}
