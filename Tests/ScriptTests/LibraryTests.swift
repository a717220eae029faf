import Foundation
import Testing

@testable import LuaslackCore

/// Runs Lua in the real sandbox, as one formatter with what it may `require`.
enum Script {
  static func run(
    _ source: String, named name: String = "50-x.lua", libraries: [String: String] = [:],
    on event: Event = ban, destinations: [String] = [], isPatient: Bool = false
  ) -> Formatting.Result {
    let chain = FormatterChain(
      files: [FormatterFile(name: name, source: source)],
      libraries: libraries.map { FormatterFile(name: $0.key, source: $0.value) })
    var settings = Sandbox.Settings(destinations: destinations)
    if isPatient {
      // The whole library on a busy machine takes longer than a formatter may.
      settings.limits.fileMilliseconds = 20_000
      settings.limits.chainMilliseconds = 20_000
      settings.limits.wallMilliseconds = 30_000
    }
    return Formatting(chain, settings).format(event)
  }

  /// `luaslack ban -- sshd 203.0.113.7 5` on the host `web1`.
  static let ban = event(["kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": "5"])

  /// An event as `event.json` of a case holds it, at a moment that is always the same.
  static func event(_ value: Value) -> Event {
    let now: Int64 = 1_795_231_660_000_000
    return Event(case: value, host: "web1", now: now)
      ?? Event(EventRecord(kind: .ban, jail: "no event", acceptedAt: 0), host: "web1", now: now)
  }

  static let tests = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent()

  static func read(_ path: String) -> String {
    let data = (try? Data(contentsOf: tests.appending(path: path))) ?? Data()
    return String(decoding: data, as: UTF8.self)
  }
}

extension Formatting.Result {
  var message: Value? {
    if case .message(let message) = outcome { message } else { nil }
  }
}

/// `slack` and `ip`, as `Tests/Library/*.lua` use them: each checks in Lua, and says how often.
@Suite struct LibraryTests {
  private static let files: [String] = {
    let folder = Script.tests.appending(path: "Library").path()
    let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
    return names.filter { $0.hasSuffix(".lua") }.sorted()
  }()

  private static let libraries = ["check": Script.read("Library/lib/check.lua")]

  @Test func `the tests are there`() {
    #expect(Self.files.count > 5)
  }

  @Test(arguments: files)
  func `the library does what it says`(file: String) throws {
    let result = Script.run(
      Script.read("Library/" + file), named: file, libraries: Self.libraries, isPatient: true)
    #expect(result.errors == [])
    let words = result.text.split(separator: " ")
    try #require(words.count == 2 && words[1] == "checks", "no count: \(result.text)")
    #expect(Int(words[0]) ?? 0 > 0)
  }

  @Test(arguments: [
    "check.is(1, 2)", "check.is({ a = 1 }, { a = 2 })", "check.is({}, { a = 1 })",
    "check.is({ 1 }, {})", "check.is(1, 1.0)", "check.fails('x', function() end)",
    "check.fails('x', function() error('y') end)",
  ])
  func `a check that does not hold fails at its line`(check: String) {
    let source = "local check = require 'check'\nreturn function()\n\(check)\nend"
    let errors = Script.run(source, libraries: Self.libraries).errors
    #expect(errors.count == 1 && errors[0].hasPrefix("50-x.lua:3: "), "\(errors)")
  }

  @Test func `a wrong call names the formatter's line wherever it stands`() {
    let expected = "slack.link: url must be text, not nil"
    func error(_ source: String, _ libraries: [String: String] = [:]) -> [String] {
      Script.run(source, libraries: libraries).errors
    }
    #expect(error("return function()\n  slack.link()\nend") == ["50-x.lua:2: \(expected)"])
    #expect(error("return function()\n  return slack.link()\nend") == ["50-x.lua:2: \(expected)"])
    #expect(error("local x\n= slack.link()") == ["50-x.lua:2: \(expected)"])
    let library = ["words": "return function()\n\n  return slack.link()\nend"]
    #expect(error("return require 'words'", library) == ["lib/words.lua:3: \(expected)"])
  }

  @Test func `what mutes and what waits for the digest say where`() {
    let muted = Script.run("return function()\n  return slack.mute('known <scanner>')\nend")
    #expect(muted.outcome == .muted("muted by 50-x.lua:2: known <scanner>"))
    let silent = Script.run("return function() return slack.mute() end")
    #expect(silent.outcome == .muted("muted by 50-x.lua:1"))
    let digest = Script.run("return function() return slack.digest() end")
    #expect(digest.text == "sshd banned 203.0.113.7 after 5 failures on web1")
    #expect(digest.succeeded == ["50-x.lua"])
    let inside = Script.run("return function(_, p) p.text = slack.mute() end")
    #expect(
      inside.errors == [
        "50-x.lua:1: text: slack.mute() and slack.digest() must be returned on their own"
      ])
  }
}

/// What the library's marks become at the sink.
@Suite struct RenderedLibraryTests {
  private func text(_ expression: String) -> String {
    let result = Script.run("return function(event, payload) payload.text = \(expression) end")
    return result.errors.first ?? result.text
  }

  @Test(arguments: [
    (#"slack.mention("here")"#, "<!here>"), (#"slack.mention("U012AB")"#, "<@U012AB>"),
    (#"slack.user_group("S012AB")"#, "<!subteam^S012AB>"),
    (#"slack.channel_link("C012AB")"#, "<#C012AB>"),
    (#"slack.link("https://a.example/?a=1&b=2")"#, "<https://a.example/?a=1&b=2>"),
    (#"slack.link("https://a.example", "a & b")"#, "<https://a.example|a &amp; b>"),
    (#"slack.link("https://a.example", " ")"#, "<https://a.example>"),
    (
      "slack.date(1795231644)",
      "<!date^1795231644^{date_short_pretty} {time_secs}|2026-11-21 03:27:24 UTC>"
    ),
    (#"slack.date(5, "{date}", "<then>")"#, "<!date^5^{date}|&lt;then&gt;>"),
    (#"slack.raw("<!here> & <x|y>")"#, "<!here> & <x|y>"),
    (#"slack.escape("<!here> & co")"#, "&lt;!here&gt; &amp; co"),
    (#""<" .. slack.escape("<&>") .. ">""#, "&lt;&lt;&amp;&gt;&gt;"),
    (#"slack.raw("<x|" .. slack.escape("a>b") .. ">")"#, "<x|a&gt;b>"),
    (#"slack.code("<!here> `x`")"#, "`&lt;!here&gt; 'x'`"),
    (#"slack.pre("<!here>")"#, "```\n&lt;!here&gt;\n```"), (#"slack.bold("a*b<")"#, "*a∗b&lt;*"),
    (
      #""<!channel> <https://evil.example|bank>""#,
      "&lt;!channel&gt; &lt;https://evil.example|bank&gt;"
    ),
  ])
  func `marked text becomes markup and all other text stays text`(
    expression: String, expected: String
  ) {
    #expect(text(expression) == expected)
  }

  private static let hostile = [
    #""a|b""#, #""a>b<!channel>""#, #""a\nb""#, #""\r\n> quoted""#, #""\u{E002}<!channel>""#,
    #""\u{E001}x""#, #""\u{E000}raw\u{E001}<!channel>\u{E002}""#, #""\xff\xfe""#, #""\0""#,
    #""|\u{301}here>\u{301}""#, #""&lt;!channel&gt;""#, #"("x"):rep(2000)"#,
  ]

  @Test(arguments: hostile)
  func `nothing in a label ends its link`(label: String) {
    let shown = text(#"slack.link("https://a.example", \#(label))"#).unicodeScalars
    #expect(shown.starts(with: "<https://a.example".unicodeScalars) && shown.last == ">")
    #expect(shown.count { $0 == "<" } == 1 && shown.count { $0 == ">" } == 1)
    #expect(shown.count { $0 == "|" } == 1 && !shown.contains("\n"))
  }

  @Test(arguments: hostile)
  func `nothing ends a span or a block of code, nor is live in it`(label: String) {
    let code = text("slack.code(\(label))").unicodeScalars
    #expect(code.first == "`" && code.last == "`" && code.count { $0 == "`" } == 2)
    #expect(!code.contains("\n"))
    let block = text("slack.pre(\(label))")
    #expect(block.hasPrefix("```\n") && block.hasSuffix("\n```"))
    // A mark by hand is a formatter's own doing: text from outside holds none.
    guard !label.contains("raw") else { return }
    #expect(!code.contains("<") && !block.contains("<"))
  }

  @Test func `where Slack reads no markup a mark leaves its words`() {
    let source = """
      return function(_, payload)
        payload.blocks = { slack.header(slack.escape("a<b") .. slack.link("https://a.example", "c")) }
      end
      """
    let message = Script.run(source).message
    #expect(message?["blocks"]?.array?.first?["text"]?["text"] == "a<bc")
  }

  @Test func `what Slack would refuse as too long or empty comes out fit`() {
    let source = """
      return function(_, payload)
        local long = ("<&"):rep(8000)
        payload.text = "x"
        payload.attachments = nil
        payload.blocks = {
          slack.section(slack.pre(long)), slack.header(long), slack.header(""), slack.context(long),
          slack.fields(long, ""),
        }
      end
      """
    let blocks = Script.run(source).message?["blocks"]?.array ?? []
    func length(_ value: Value?) -> Int { value?["text"]?.string?.unicodeScalars.count ?? 0 }
    #expect(blocks.count == 5)
    guard blocks.count == 5 else { return }
    #expect((1_500...3_000).contains(length(blocks[0]["text"])))
    #expect(blocks[0]["text"]?["text"]?.string?.hasSuffix("…\n```") == true)
    #expect(length(blocks[1]["text"]) == 150)
    #expect(length(blocks[2]["text"]) == 1)
    #expect((1_500...3_000).contains(length(blocks[3]["elements"]?.array?.first)))
    #expect((1_000...2_000).contains(length(blocks[4]["fields"]?.array?.first)))
    #expect(length(blocks[4]["fields"]?.array?.last) == 1)
  }
}

/// The corners of JSON, as printed.
@Suite struct PrintedPayloadTests {
  private func run(_ expression: String) -> Formatting.Result {
    Script.run(
      "return function() return { text = '203.0.113.7', attachments = { { x = \(expression) } } } end"
    )
  }

  @Test(arguments: [
    // Lists and objects
    ("{ 1, 2 }", "[1,2]"), ("{}", "{}"), ("slack.array{}", "[]"), ("slack.array()", "[]"),
    ("slack.array{ 1 }", "[1]"), ("{ {}, slack.array{} }", "[{},[]]"), ("{ a = {} }", #"{"a":{}}"#),
    ("{ [1] = 'a', [2] = 'b' }", #"["a","b"]"#), ("{ ['1'] = 'a' }", #"{"1":"a"}"#),
    // Sorted, by bytes
    ("{ b = 1, a = 2, B = 3, [''] = 5 }", #"{"":5,"B":3,"a":2,"b":1}"#),
    // Nothing
    ("slack.null", "null"), ("{ slack.null, 1 }", "[null,1]"),
    ("{ a = slack.null }", #"{"a":null}"#),
    ("{ a = nil }", "{}"), ("true", "true"), ("false", "false"),
    // Whole numbers are exact
    ("9007199254740993", "9007199254740993"), ("-9007199254740993", "-9007199254740993"),
    ("math.maxinteger", "9223372036854775807"), ("math.mininteger", "-9223372036854775808"),
    ("0", "0"), ("7 // 2", "3"),
    // Others in the shortest form that reads back the same
    ("0.1", "0.1"), ("0.1 + 0.2", "0.30000000000000004"), ("1 / 3", "0.3333333333333333"),
    ("1e100", "1e+100"), ("5e-324", "5e-324"), ("1.0", "1.0"), ("-0.0", "-0.0"),
    ("1.7976931348623157e308", "1.7976931348623157e+308"), ("7 / 2", "3.5"),
    // Text
    (#"'a"b\\c/\n\t\r\0\x7f'"#, #""a\"b\\c/\n\t\r\u0000\u007f""#), ("''", #""""#),
    ("'é日\\u{1F600}\\u{2028}'", "\"é日\u{1F600}\u{2028}\""),
    // Always UTF-8: what is none becomes U+FFFD, byte by byte
    (#"'a\xffb'"#, "\"a\u{FFFD}b\""), (#"'\xc3'"#, "\"\u{FFFD}\""),
    (#"'\xc0\xaf'"#, "\"\u{FFFD}\u{FFFD}\""), (#"'\xed\xa0\x80'"#, "\"\u{FFFD}\u{FFFD}\u{FFFD}\""),
    (#"'\xf4\x90\x80\x80'"#, "\"\u{FFFD}\u{FFFD}\u{FFFD}\u{FFFD}\""),
    (#"('é'):sub(1, 1) .. 'x'"#, "\"\u{FFFD}x\""),
  ])
  func `a value is printed`(expression: String, json: String) throws {
    let result = run(expression)
    #expect(result.errors == [])
    let printed = JSONWriter.compact(try #require(result.message))
    let whole =
      #"{"attachments":[{"x":\#(json)}],"text":"203.0.113.7","unfurl_links":false,"unfurl_media":false}"#
    #expect(printed == whole)
    #expect(printed.utf8.elementsEqual(whole.utf8))
  }

  @Test(arguments: [
    ("0/0", "NaN or infinity cannot be sent"), ("1/0", "NaN or infinity cannot be sent"),
    ("-math.huge", "NaN or infinity cannot be sent"), ("print", "a function cannot be sent"),
    ("function() end", "a function cannot be sent"),
    ("coroutine.create(print)", "a thread cannot be sent"),
    ("{ 1, a = 2 }", "a list with a hole, or a table with keys of two kinds"),
    ("{ 1, nil, 3 }", "a list with a hole, or a table with keys of two kinds"),
    ("{ [2] = 1 }", "a list with a hole, or a table with keys of two kinds"),
    ("{ [1.5] = 1 }", "a list with a hole, or a table with keys of two kinds"),
    ("{ [true] = 1 }", "a list with a hole, or a table with keys of two kinds"),
    (#"{ ["\xff"] = 1 }"#, "a key must be plain ASCII of at most 255 characters"),
    ("{ ['é'] = 1 }", "a key must be plain ASCII of at most 255 characters"),
    ("slack.mute()", "slack.mute() and slack.digest() must be returned on their own"),
  ])
  func `what cannot be sent is an error with its path`(expression: String, problem: String) {
    let source = """
      return function(_, payload)
        payload.attachments = { { fields = { {}, {}, { title = "x", short = \(expression) } } } }
      end
      """
    #expect(Script.run(source).errors == ["50-x.lua:1: attachments[1].fields[3].short: \(problem)"])
  }

  @Test func `a table in itself is an error with its path, the same one twice is none`() {
    let cycle = Script.run(
      "return function(_, p) local t = {} t.a = { t } p.attachments = { t } end")
    #expect(cycle.errors == ["50-x.lua:1: attachments[1].a[1]: the table contains itself"])
    let twice = Script.run(
      "return function(_, p) local t = { text = 'x' } p.attachments = { t, t } end")
    #expect(twice.errors == [])
    #expect(twice.message?["attachments"]?.array?.count == 2)
  }
}
