import Foundation
import LuaslackConfig
import TestSupport
import Testing

@testable import LuaslackCore

/// `docs/formatters.md` as its reader uses it: every formatter in it runs, and what is said to come
/// out of one comes out.
@Suite struct DocumentTests {
  private static let document = Document(Script.read("../docs/formatters.md"))
  private static let shipped = Script.read("../scripts/default/formatter.lua")

  // Values and not types' members, since a test's arguments must be there before it.
  private static let examples = document.examples
  private static let libraries = document.libraries
  private static let promises = examples.filter { $0.expected != nil }
  private static let configurations = document.blocks.filter { $0.language == "toml" }
  private static let rows = document.expressions

  /// The example after the shipped `default`, as on a host that has just been set up.
  private static func run(
    _ source: String, on event: Value, knowing known: [String: Value] = [:]
  ) -> Formatting.Result {
    var libraries = Self.libraries
    libraries["50-example"] = source
    let files = [
      FormatterFile(name: "default.lua", source: shipped),
      FormatterFile(name: "50-test.lua", source: overlay(known)),
    ]
    let chain = FormatterChain(
      files: files, libraries: libraries.map { FormatterFile(name: $0.key, source: $0.value) })
    return Formatting(chain, Sandbox.Settings()).format(Script.event(event))
  }

  /// Lays what a config or a database would know over the event, then runs the example.
  private static func overlay(_ known: [String: Value]) -> String {
    """
    local handlers, known = require "50-example", \(lua(.object(known)))
    local function with(handler)
      return function(event, payload)
        event.lists, event.reasons = event.lists or {}, event.reasons or {}
        for key, value in pairs(known) do event[key] = value end
        return handler(event, payload)
      end
    end
    if type(handlers) == "function" then return with(handlers) end
    local result = {}
    for kind, handler in pairs(handlers) do result[kind] = with(handler) end
    return result
    """
  }

  private static func lua(_ value: Value) -> String {
    switch value {
    case .object(let members):
      "{"
        + members.map { "[\(JSONWriter.compact(.string($0)))] = \(lua($1))" }.joined(separator: ",")
        + "}"
    case .array(let items): "{" + items.map(lua).joined(separator: ",") + "}"
    default: JSONWriter.compact(value)
    }
  }

  @Test func `the document has examples of everything`() {
    #expect(Self.examples.count > 10 && Self.promises.count > 8)
    #expect(!Self.libraries.isEmpty && !Self.configurations.isEmpty)
    #expect(Self.rows.count > 25)
    #expect(Self.document.blocks.allSatisfy { Document.languages.contains($0.language) })
  }

  // MARK: - Formatters

  private static let events: [Value] = {
    let evil = "<!channel> `*_~ | > \u{202e}\u{200b}\u{e000}raw\u{e001}<!here>\u{e002}"
    let ban: Value = ["kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": "5"]
    var full = ban
    for (key, text) in [
      "bantime": "600", "bancount": "5", "user": "root", "matches": "one\ntwo", "family": "inet4",
      "restored": "1", "time": "1795231644",
    ] { full[key] = .string(text) }
    full["fields"] = ["country": "NL"]
    full["matches_left_out"] = 7
    var odd = ban
    for key in ["jail", "ip", "id", "failures", "bantime", "bancount", "user", "time", "host"] {
      odd[key] = .string(evil)
    }
    odd["matches"] = .string(evil + "\n> quoted\n```\n")
    odd["fields"] = .object(["country": .string(evil), evil: .string(evil)])
    var long = ban
    for key in ["jail", "id", "user"] { long[key] = .string(String(repeating: "<&é", count: 400)) }
    long["matches"] = .string(String(repeating: "log <line> & more\n", count: 1_000))
    let recidive: Value = ["kind": "ban", "jail": "recidive", "ip": "2001:db8::1", "bantime": "-1"]
    let jails: [Value] = ["jail_start", "jail_stop", "jail_flush"].map {
      ["kind": .string($0), "jail": "sshd"]
    }
    let notification: Value = [
      "kind": "notify", "title": "<&*é", "text": "log <line>\n& more", "severity": "critical",
      "submitter": "alice", "fields": ["job": "<&>"],
    ]
    let addresses: [Value] = ["unban", "prolong"].map {
      ["kind": .string($0), "jail": "sshd", "ip": "203.0.113.7", "bantime": "3600"]
    }
    return [ban, full, odd, long, recidive, ["kind": "ban", "jail": ""]] + addresses + jails
      + [notification, ["kind": "notify", "title": "x"]]
  }()

  private static let knowledge: [[String: Value]] = [
    [:], ["severity": "critical", "valid_user": true, "friendly": true],
    [
      "lists": ["scanners": false, "office": ["203.0.113.0/24"]], "rdns": "host.example",
      "geo": ["country": "NL"], "history": History().value,
    ],
  ]

  @Test func `the samples are of every kind`() {
    let kinds = Set(Self.events.map { Script.event($0).kind })
    #expect(kinds == Set(EventKind.recorded.filter { !$0.isOwn }))
  }

  @Test(arguments: examples)
  func `every formatter runs on events of every kind`(example: Document.Example) {
    for event in Self.events {
      for known in Self.knowledge {
        let result = Self.run(example.source, on: event, knowing: known)
        #expect(result.errors == [], "\(JSONWriter.compact(event))")
      }
    }
  }

  @Test(arguments: promises)
  func `what a formatter is said to make is what it makes`(example: Document.Example) throws {
    var event = try example.event.map { try JSONReader.read($0) } ?? Self.sample
    if event["time"] == nil { event["time"] = Self.sample["time"] }
    let result = Self.run(example.source, on: event, knowing: event["known"]?.object ?? [:])
    let expected = try #require(example.expected)
    if expected.language == "json" {
      let part = try JSONReader.read(expected.text)
      let message = try #require(result.message)
      #expect(Self.holds(message, part), "\(JSONWriter.pretty(message))")
    } else if case .muted(let reason) = result.outcome {
      #expect("no message: " + reason.replacing("lib/", with: "") == expected.text)
    } else {
      #expect(result.text == expected.text)
    }
  }

  /// What `luaslack ban --dry-run -- sshd 203.0.113.7 5` makes, at a moment that is always the same.
  private static let sample: Value = [
    "kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": "5", "time": "1795231644",
  ]

  /// Whether every member of `part` is in the whole; lists must be of one length.
  private static func holds(_ whole: Value?, _ part: Value) -> Bool {
    switch (whole, part) {
    case (.object(let members)?, .object(let wanted)):
      wanted.allSatisfy { holds(members[$0.key], $0.value) }
    case (.array(let items)?, .array(let wanted)):
      items.count == wanted.count && zip(items, wanted).allSatisfy { holds($0, $1) }
    default: whole == part
    }
  }

  @Test func `a promise that is not kept would be seen`() {
    let whole: Value = ["a": [["b": 1, "c": 2]], "d": "x"]
    #expect(Self.holds(whole, ["a": [["b": 1]]]))
    for part: Value in [["a": [["b": 2]]], ["a": []], ["e": .null], ["d": ["x"]], [["b": 1]]] {
      #expect(!Self.holds(whole, part))
    }
  }

  // MARK: - The reference

  @Test(arguments: rows)
  func `an example of the reference is true`(row: Document.Expression) {
    let source = """
      return function(event, payload)
        local value = \(row.source)
        if type(value) ~= "table" then
          payload.text = type(value) == "string" and value or tostring(value)
        elseif value.type then
          return { text = "block", blocks = { value } }
        elseif value.color or value.fields then
          return { text = "attachment", attachments = { value } }
        else
          return value
        end
      end
      """
    let result = Script.run(source, on: Script.event(Self.sample))
    #expect(result.errors == [])
    if let expected = row.result { #expect(result.text == expected) }
  }

  @Test func `the reference names every function, and no other`() throws {
    let source = """
      return function(_, payload)
        local names = {}
        for name in pairs(slack) do names[#names + 1] = "slack." .. name end
        for name in pairs(ip) do names[#names + 1] = "ip." .. name end
        payload.text = table.concat(names, " ")
      end
      """
    let names = Script.run(source).text.split(separator: " ").map(String.init)
    #expect(Self.document.functions.sorted() == names.sorted())
  }

  @Test func `the reference names every field of an event`() {
    for event in Self.events {
      for field in (Script.event(event).value.object ?? [:]).keys {
        #expect(Self.document.eventFields.contains(field))
      }
    }
  }

  @Test(arguments: [
    ("payload.text = event.geo.country", "attempt to index a nil value (field 'geo')"),
    ("payload.text = 'by ' .. event.user", "attempt to concatenate a nil value (field 'user')"),
    ("payload.text = slack.link()", "slack.link: url must be text, not nil"),
    (
      "payload.attachments = { { fields = { {}, {}, { short = print } } } }",
      "attachments[1].fields[3].short: a function cannot be sent"
    ),
    ("payload.channel = 'C1'", "payload.channel is not allowed; "),
    ("while true do end", "time limit (250 ms)"),
  ])
  func `an error is worded as the document says`(source: String, words: String) throws {
    let script = "return function(event, payload)\n\n\(source) end"
    let error = try #require(Script.run(script, named: "50-x.lua").errors.first)
    #expect(error.contains(words))
    #expect(Script.read("../docs/formatters.md").contains(words))
    if source.contains("event.") { #expect(error == "50-x.lua:3: \(words)") }
  }

  @Test(arguments: configurations)
  func `a piece of a config is one that luaslackd takes`(piece: Document.Block) throws {
    let place = try TemporaryDirectory()
    _ = try place.write("198.51.100.0/24  # ours\n", to: "scanners.txt")
    let rest = "\n[destination.default]\nwebhook_file = \"webhook\"\n"
    let text = piece.text.contains("[destination.default]") ? piece.text : piece.text + rest
    let path = try place.write(text, to: "config.toml")
    #expect(throws: Never.self) { try ConfigurationReader.read(path) }
  }
}

/// A Markdown file in pieces: its fenced blocks and the tables of its reference.
struct Document {
  static let languages = ["lua", "json", "text", "toml", "sh"]

  struct Block: Sendable, CustomTestStringConvertible {
    var language: String
    var lines: [String] = []
    /// Of the fence that opens it.
    var line: Int
    /// The HTML comments between the block before and this one.
    var comments: [String]
    var text: String { lines.joined(separator: "\n") }
    var testDescription: String { "line \(line)" }
  }

  /// A formatter, the event that it is shown on, and what is said to come out.
  struct Example: Sendable, CustomTestStringConvertible {
    var source: String
    var line: Int
    var event: String?
    var expected: Block?
    var testDescription: String { "line \(line)" }
  }

  struct Expression: Sendable, CustomTestStringConvertible {
    var source: String
    var result: String?
    var testDescription: String { source }
  }

  private(set) var blocks: [Block] = []
  /// Cells of table rows by the heading that they stand under.
  private var tables: [String: [[String]]] = [:]

  init(_ text: String) {
    var open: Block?
    var comments: [String] = []
    var heading = ""
    for (index, part) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = String(part)
      if line.hasPrefix("```") {
        if let block = open {
          blocks.append(block)
          open = nil
        } else {
          open = Block(
            language: String(line.dropFirst(3)), line: index + 1, comments: comments)
          comments = []
        }
      } else if open != nil {
        open?.lines.append(line)
      } else if line.hasPrefix("<!-- "), line.hasSuffix(" -->") {
        comments.append(String(line.dropFirst(5).dropLast(4)))
      } else if line.hasPrefix("#") {
        heading = String(line.drop { $0 == "#" || $0 == " " })
      } else if line.hasPrefix("| ") {
        tables[heading, default: []].append(Self.cells(line))
      }
    }
  }

  private static func cells(_ row: String) -> [String] {
    row.replacing("\\|", with: "\u{1}").split(separator: "|")
      .map { $0.trimmingCharacters(in: .whitespaces).replacing("\u{1}", with: "|") }
  }

  /// The code spans of a cell.
  private static func spans(_ cell: String) -> [String] {
    cell.matches(of: /(`+) ?(.+?) ?\1(?!`)/).map { String($0.output.2) }
  }

  var libraries: [String: String] {
    var libraries: [String: String] = [:]
    for block in blocks where block.language == "lua" {
      guard let name = Self.library(block) else { continue }
      libraries[name] = block.text
    }
    return libraries
  }

  private static func library(_ block: Block) -> String? {
    block.comments.first { $0.hasPrefix("lib/") && $0.hasSuffix(".lua") }
      .map { String($0.dropFirst(4).dropLast(4)) }
  }

  var examples: [Example] {
    var examples: [Example] = []
    for block in blocks {
      switch block.language {
      case "lua" where Self.library(block) == nil:
        examples.append(Example(source: block.text, line: block.line))
      case "json", "text":
        guard var example = examples.popLast() else { continue }
        example.expected = block
        example.event = block.comments.first { $0.hasPrefix("event: ") }
          .map { String($0.dropFirst(7)) }
        examples.append(example)
      default: break
      }
    }
    return examples
  }

  private var functionRows: [[String]] {
    ["text", "blocks and messages", "addresses"].flatMap { tables["Reference: " + $0] ?? [] }
      .filter { $0.count == 3 && $0[0].hasPrefix("`") }
  }

  /// The last column: an expression, and what it makes if that is said.
  var expressions: [Expression] {
    functionRows.map { row in
      let spans = Self.spans(row[2])
      return Expression(source: spans.first ?? "", result: spans.count > 1 ? spans[1] : nil)
    }
  }

  /// `slack.link(url, [label])`.
  var signatures: [String] { functionRows.compactMap { Self.spans($0[0]).first } }

  var functions: [String] { signatures.map { String($0.prefix { $0 != "(" }) } }

  var eventFields: Set<String> {
    Set((tables["Reference: the event"] ?? []).flatMap { Self.spans($0[0]) })
  }
}
