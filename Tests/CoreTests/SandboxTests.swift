import TestSupport
import Testing

@testable import LuaslackCore

/// The real sandbox, one script at a time.
@Suite struct SandboxTests {
  private let event: Event = {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: 0)
    record.setFailures("5")
    return Event(record, host: "web1", now: 1_795_231_660_000_000)
  }()

  private func format(_ sources: String...) -> Formatting.Result {
    var chain = FormatterChain()
    for (index, source) in sources.enumerated() {
      chain.files.append(FormatterFile(name: "\(index)-test.lua", source: source))
    }
    return Formatting().format(event, with: chain, destinations: ["default"])
  }

  private func text(_ result: Formatting.Result) -> String? {
    if case .message(let message) = result.outcome { message["text"]?.string } else { nil }
  }

  @Test func `a formatter edits the payload`() {
    let result = format("return { ban = function(e, p) p.text = e.jail .. ' ' .. e.failures end }")
    #expect(text(result) == "sshd 5")
    #expect(result.problems.isEmpty)
  }

  @Test func `the next file goes on with what the one before it made`() {
    let result = format(
      "return function(e, p) return { text = 'one' } end",
      "return { any = function(e, p) p.text = p.text .. ' two' end }",
      "return { unban = function(e, p) p.text = 'never' end }")
    #expect(text(result) == "one two")
  }

  @Test func `one that fails counts as absent and is named with its line`() {
    let result = format(
      "return function(e, p) p.text = 'one' end", "return function(e, p)\n error('oops') end",
      "return function(e, p) p.text = p.text .. ' three' end")
    #expect(text(result) == "one three")
    #expect(result.problems.map(\.error) == ["1-test.lua:2: oops"])
  }

  @Test(arguments: [
    ("return {", "0-test.lua:1:"), ("error({})", "0-test.lua"), ("return 5", "0-test.lua"),
    ("return function() return 5 end", "0-test.lua"),
    ("return function(e, p) p.text = e.geo.country end", "0-test.lua:1:"),
    ("return function(e, p) p.x = print end", "0-test.lua"),
    ("return function(e, p) p.channel = 'C1' end", "payload.channel is not allowed"),
    ("return function() while true do end end", "time limit"),
    (
      "return function() local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e5) .. i end end",
      "memory limit"
    ),
  ])
  func `whatever a script does the alert goes out, with the reason`(source: String, reason: String)
  {
    let result = format(source)
    #expect(text(result)?.contains("203.0.113.7") == true)
    #expect(result.problems.first?.error.contains(reason) == true, "\(result.problems)")
  }

  @Test func `a script that cannot be interrupted is killed, and what came before it counts`() {
    let result = format(
      "return function(e, p) p.text = 'kept' end",
      "return function() (('a'):rep(1e5)):find(('a-'):rep(50) .. 'b') end")
    #expect(text(result) == "kept")
    #expect(result.problems.map(\.file) == ["1-test.lua"])
  }

  @Test func `a payload that cannot be sent is the fault of the file that made it`() {
    let result = format(
      "return function(e, p) p.text = 'good' end", "return function(e, p) p.channel = 'C1' end",
      "return function(e, p) p.text = p.text .. ' late' end")
    #expect(text(result)?.hasPrefix("good") == true)
    #expect(result.problems.map(\.file) == ["1-test.lua"])
  }

  @Test func `muted means no message`() {
    let result = format("return function() return slack.mute('known scanner') end")
    #expect(result.outcome == .muted("muted by 0-test.lua:1: known scanner"))
  }

  @Test func `a formatter names destinations`() {
    let result = format("return function(e, p) return p, { to = { 'default' } } end")
    #expect(result.destinations == ["default"])
  }

  @Test func `text is text, and only the library makes it live`() {
    let result = format(
      "return function(e, p) p.text = '<!channel> ' .. slack.mention('here') end")
    #expect(text(result) == "&lt;!channel&gt; <!here>")
  }

  @Test func `what a script prints is kept apart`() {
    let result = format("return function(e, p) print('hello', 5) end")
    #expect(result.output.contains("hello\t5") || result.output.contains("hello 5"))
    #expect(text(result)?.contains("203.0.113.7") == true)
  }

  @Test func `a chain that is empty yields the built-in message`() {
    #expect(format().problems.isEmpty)
    #expect(text(format()) == "sshd banned 203.0.113.7 after 5 failures on web1")
  }
}

@Suite struct FormatterChainTests {
  @Test func `only files that are meant to be formatters run, in the order of their names`() throws
  {
    let place = try TemporaryDirectory()
    let names = [
      "50-b.lua", "10-a.lua", "x.lua~", ".hidden.lua", "x.lua.dpkg-new", "_x.lua", "a b.lua",
      "README", "é.lua", ".lua", "lib/colours.lua",
    ]
    for name in names { _ = try place.write("return {}", to: "formatters/" + name) }
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = ["local"]
    let chain = FormatterChain.load(configuration)
    #expect(chain.files.map(\.name) == ["10-a.lua", "50-b.lua"])
    #expect(chain.libraries.map(\.name) == ["colours"])
    #expect(chain.problems.isEmpty)
  }

  @Test func `a file that others can write, or that is too large, is a problem and does not run`()
    throws
  {
    let place = try TemporaryDirectory()
    _ = try place.write("return {}", to: "formatters/10-open.lua", mode: 0o666)
    _ = try place.write(
      String(repeating: "-", count: 70_000), to: "formatters/20-large.lua", mode: 0o644)
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = ["local", "unknown", "../../etc"]
    let chain = FormatterChain.load(configuration)
    #expect(chain.files.isEmpty)
    #expect(
      chain.problems.map(\.error) == [
        "10-open.lua: can be written by others; chmod go-w", "20-large.lua: larger than 64 KiB",
        "unknown.lua: no shipped formatter of that name",
        "../../etc.lua: no shipped formatter of that name",
      ])
  }
}
