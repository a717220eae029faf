import Foundation
import TestSupport
import Testing

extension Finished {
  /// The first line of each, without what stands below it.
  fileprivate var problems: [String] {
    output.split(separator: "\n").filter { !$0.hasPrefix(" ") }.map(String.init)
  }
}

/// `luaslack check`, with the real programs.
@Suite struct CheckTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory()
  }

  private func check(_ arguments: [String]) async throws -> Finished {
    try await RunningProgram(
      Programs.path("luaslack"), ["check"] + arguments,
      environment: ["HOME": place.path, "LUASLACK_CONFIG": place.file("config.toml")]
    ).wait()
  }

  private func write(_ source: String, to name: String = "50-own.lua") throws -> String {
    _ = try place.write(source, to: "formatters/" + name)
    return place.file("formatters/" + name)
  }

  private static let config = "[destination.default]\nwebhook_file = \"absent\"\n"

  @Test func `a formatter without a fault`() async throws {
    let file = try write(
      "return { ban = function(e, p) p.text = 'ban of ' .. slack.code(e.ip) end }")
    let call = try await check([file])
    #expect(call.output == "")
    #expect(call.errors == "luaslack: 1 formatter on 36 samples: no problems\n")
    #expect(call.status == 0)
  }

  @Test func `a directory without formatters is no success`() async throws {
    try FileManager.default.createDirectory(
      atPath: place.file("bare"), withIntermediateDirectories: true)
    let call = try await check([place.file("bare")])
    #expect(call.status == 65 && call.output.contains("there is no formatter in it"))
  }

  @Test func `what is too long or too many for Slack is named with its place`() async throws {
    let file = try write(
      """
      return {
        ban = function(event, payload)
          payload.blocks = {}
          for i = 1, 61 do payload.blocks[i] = slack.divider() end
          payload.blocks[3] =
            { type = "section", text = { type = "mrkdwn", text = ("x"):rep(3412) .. event.ip } }
        end,
      }
      """)
    let limits = [
      "/blocks: 61 parts, Slack takes 50",
      "/blocks/2/text/text: 3,423 characters, Slack takes 3,000",
    ]
    let call = try await check([file])
    #expect(call.status == 65)
    let lines = call.problems
    #expect(lines.count == 2)
    for limit in limits {
      #expect(lines.contains { $0.hasPrefix("\(file):2: \(limit)") }, "\(call.output)")
    }
  }

  @Test func `each problem is a line with file, line and what`() async throws {
    let file = try write(
      """
      return {
        ban = function(event, payload)
          payload.text = payload.text .. " <!here>"
          payload.attachments[1].color = "red"
        end,
        prolng = function() end,
        unban = function(event, payload)
          payload.text = event.geo.country
        end,
      }
      """)
    let call = try await check([file])
    #expect(
      call.output == """
        \(file):3: a literal "<!here>" is shown as text; use slack.mention("here") (ban, sample "ipv4")
            2 |   ban = function(event, payload)
            3 |     payload.text = payload.text .. " <!here>"
              |                                      ^^^^^^^
          luaslack escapes all text, so that an attacker's is never live
        \(file):4: attachments[1].color: "red" is no colour to Slack; write good, warning, danger or \
        #rrggbb (ban, sample "ipv4")
            3 |     payload.text = payload.text .. " <!here>"
            4 |     payload.attachments[1].color = "red"
              |                                     ^^^
          Slack would leave the bar grey
        \(file):6: no event calls "prolng"; did you mean "prolong"?
            5 |   end,
            6 |   prolng = function() end,
              |   ^^^^^^
          there is no such kind of event
        \(file):8: attempt to index a nil value (field 'geo') (unban, sample "ipv4")
            7 |   unban = function(event, payload)
            8 |     payload.text = event.geo.country
              |                    ^^^^^^^^^
          geo is nil when nothing is known of the address: ask first, `if event.geo then`

        """)
    #expect(call.errors == "luaslack: 1 formatter on 36 samples: 4 problems\n")
    #expect(call.status == 65)
  }

  @Test(arguments: [
    ("return {", ":1: "), ("return { ban = 5 }", "the handler 'ban' must be a function"),
    ("return function() while true do end end", ":1: time limit (250 ms)"),
    ("return function(e, p) p.chanel = 'x' end", "payload.chanel is not allowed"),
    ("return function(e, p) p.text = print end", "text: a function cannot be sent"),
    ("return function(e) if #e.jail > 20 then error('long') end end", "sample \"hostile-jail\""),
  ])
  func `what a formatter does wrong is found`(source: String, part: String) async throws {
    let file = try write(source)
    let call = try await check([file])
    #expect(call.status == 65)
    #expect(call.output.hasPrefix(file + ":"))
    #expect(call.output.contains(part), "\(call.output)")
  }

  @Test func `a directory with its libraries, and names that never run`() async throws {
    _ = try write("return { ban = function() require('words') end }")
    _ = try write("return { x = }", to: "lib/words.lua")
    _ = try write("return {}", to: "my own.lua")
    _ = try write("return {}", to: "50-own.lua~")
    let directory = place.file("formatters")
    let call = try await check([directory + "/"])
    #expect(call.status == 65)
    let lines = call.problems
    #expect(lines.count == 2)
    #expect(lines.first?.hasPrefix("\(directory)/lib/words.lua:1: ") == true)
    #expect(lines.last?.hasPrefix("\(directory)/my own.lua: never runs") == true)
    #expect(call.errors.contains("50-own.lua~ is no formatter and does not run"))
    let library = try await check([place.file("formatters/lib/words.lua")])
    #expect(library.status == 65)
    #expect(library.output.hasPrefix("\(directory)/lib/words.lua:1: "))
  }

  @Test func `one with the name of a shipped one is checked, and named where it lies`() async throws
  {
    try place.write("return { ban = function() error('other') end }", to: "b/default.lua")
    _ = try write("return { ban = function() error('own') end }", to: "default.lua")
    let call = try await check([place.file("formatters"), place.file("b")])
    #expect(call.status == 65)
    let lines = call.problems
    #expect(lines.count == 2)
    #expect(lines.first?.hasPrefix("\(place.file("b"))/default.lua:1: other") == true)
    #expect(lines.last?.hasPrefix("\(place.file("formatters"))/default.lua:1: own") == true)
    #expect(call.errors == "luaslack: 2 formatters on 36 samples: 2 problems\n")
  }

  /// Its clock counts processor time, so that a busy machine may stop it at the limit instead.
  @Test func `one that would be left out for its slowness is named`() async throws {
    let file = try write("return { ban = function() while os.clock() < 0.16 do end end }")
    let call = try await check([file])
    #expect(call.status == 65)
    #expect(call.output.contains("too slow 3 times in a row") || call.output.contains("time limit"))
  }

  @Test func `a temporary file of any name, as ansible has one`() async throws {
    try place.write("return { ban = function() end }", to: "tmp/.ansible_tmpa1b2c3")
    #expect(try await check([place.file("tmp/.ansible_tmpa1b2c3")]).status == 0)
    try place.write(Self.config, to: "tmp/source")
    #expect(try await check(["--config", place.file("tmp/source")]).status == 0)
  }

  @Test func `the config first, with its line`() async throws {
    try place.write("post = [\"bam\"]\n" + Self.config, to: "config.toml")
    let path = place.file("config.toml")
    let call = try await check([])
    #expect(call.status == 78)
    #expect(
      call.output == """
        \(path):1: unknown kind "bam"; did you mean "ban"?
            1 | post = ["bam"]
              |          ^^^
          there is no such kind of event

        """)
    // Beside a formatter that is wrong too, the config's status is the answer.
    let file = try write("return {")
    let both = try await check(["--config", path, file])
    #expect(both.status == 78)
    #expect(both.output.contains(file + ":1:"))
  }

  @Test func `the whole chain that the config names, without its secrets`() async throws {
    try place.write(Self.config, to: "config.toml")
    _ = try write("return { ban = function(e, p) return p, { to = { 'nowhere' } } end }")
    let call = try await check([])
    #expect(call.status == 65)
    #expect(
      call.output.contains("50-own.lua:1: to: there is no destination 'nowhere' in the config"))
    #expect(call.errors.contains("2 formatters on 36 samples"))
  }

  @Test func `no config is said, and a config that is named must be there`() async throws {
    #expect(try await check([]).status == 78)
    let file = try write("return {}")
    #expect(try await check([file]).status == 0)
    #expect(try await check(["--config", place.file("absent.toml"), file]).status == 78)
    #expect(
      try await check([place.file("absent.lua")]).problems == [
        place.file("absent.lua") + ": no such file"
      ])
  }

  @Test(arguments: [
    ("if event.seveirty then end", "there is no event.seveirty; did you mean \"severity\"?"),
    ("slack.mute('x')", "counts only if it is returned"),
    ("slack.bolt('x')", "there is no slack.bolt; there are: array attachment bold"),
    (
      "payload.to = { 'x' }",
      "payload.to is not allowed; return { to = {\"name\"} } as second value"
    ),
  ])
  func `what a beginner gets wrong without noticing`(body: String, part: String) async throws {
    let file = try write("return {\n  ban = function(event, payload)\n    \(body)\n  end }")
    let call = try await check([file])
    #expect(call.status == 65)
    #expect(call.output.contains(part), "\(call.output)")
  }

  @Test func `a list that the config has not is named`() async throws {
    try place.write(Self.config + "[list]\noffice = [\"192.0.2.0/24\"]\n", to: "config.toml")
    _ = try write("return function(event) if event.lists.offce then error('x') end end")
    let call = try await check([])
    #expect(call.output.contains("there is no event.lists.offce; did you mean \"office\"?"))
  }

  @Test func `asking for what may be there later is no mistake`() async throws {
    let file = try write(
      "return function(event) if event.geo or event.history or event.rdns then end end")
    #expect(try await check([file]).output == "")
  }

  @Test func `a copy elsewhere finds the libraries of the config's formatters`() async throws {
    try place.write(Self.config, to: "config.toml")
    _ = try write("return { red = '#ff0000' }", to: "lib/colours.lua")
    try place.write(
      "local c = require 'colours'\nreturn { ban = function(e, p) p.attachments[1].color = c.red end }",
      to: "tmp/source")
    let call = try await check([place.file("tmp/source")])
    #expect(call.output == "")
    #expect(call.status == 0)
  }

  @Test func `settings are tried with their formatter, and a name that nobody requires is said`()
    async throws
  {
    _ = try write("return { { severity = 'critical', who = 'nobodyy' } }", to: "lib/oncall.lua")
    let call = try await check([place.file("formatters/lib/oncall.lua")])
    #expect(call.status == 65)
    #expect(call.output.contains("not nobodyy"))
    _ = try write("return {}", to: "lib/oncal.lua")
    try place.write(Self.config, to: "config.toml")
    let all = try await check([])
    #expect(
      all.errors.contains("lib/oncal.lua is required by no formatter; did you mean \"oncall\"?"))
  }

  @Test func `a wrong line of a list is a problem of the config`() async throws {
    try place.write(
      Self.config + "[list]\nscanners = { file = \"scanners.txt\" }\n", to: "config.toml")
    try place.write("192.0.2.1\nnonsense\n", to: "scanners.txt")
    let call = try await check([])
    #expect(call.status == 78)
    #expect(call.output.hasPrefix("\(place.file("scanners.txt")):2: not an address"))
  }

  @Test func `a file after one that mutes is tried as well`() async throws {
    _ = try write("return function() return slack.mute('all') end", to: "10-mute.lua")
    let file = try write("return function() error('late') end")
    let call = try await check([place.file("formatters")])
    #expect(call.output.hasPrefix("\(file):1: late"))
  }

  @Test func `without a config a formatter may ask for any list`() async throws {
    let file = try write(
      "return function(e) if ip.within(e.ip, e.lists.scanners) then return slack.mute() end end")
    #expect(try await check([file]).output == "")
  }

  @Test func `as JSON, and what a script printed beside it`() async throws {
    let file = try write("print('hello')\nreturn function() error('no') end")
    let call = try await check(["--json", file])
    let findings = try JSON(parsing: call.output)
    #expect(findings[0]["file"].string == file)
    #expect(findings[0]["line"].number == 2)
    #expect(findings[0]["problem"].string == "no")
    #expect(
      findings[0]["excerpt"].string?.hasSuffix("    2 | return function() error('no') end") == true)
    #expect(findings[0]["mend"].string == nil)
    let nothing = try write("return function(event) return #event.geo end")
    let explained = try JSON(parsing: await check(["--json", nothing]).output)
    #expect(explained[0]["excerpt"].string?.contains("^^^^^^^^^") == true)
    #expect(explained[0]["mend"].string == "ask first, `if event.geo then`")
    #expect(call.errors.contains("printed:\n  hello"))
  }

  @Test(arguments: ["default", "minimal", "blocks", "wordpress", "oncall", "geo", "quiet"])
  func `the shipped formatters have no fault`(name: String) async throws {
    let scripts = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().appending(path: "scripts")
    let call = try await check([scripts.appending(path: "\(name)/formatter.lua").path()])
    #expect(call.output == "")
    #expect(call.status == 0)
  }
}
