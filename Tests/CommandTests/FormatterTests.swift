import TestSupport
import Testing

/// The admin's own Lua, in the real sandbox: it decides how a message looks, and cannot keep one
/// from arriving by failing.
@Suite struct FormatterTests {
  static let ban = ["ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]

  private func installation(_ script: String) async throws -> Installation {
    let installation = try await Installation()
    try installation.directory.write(script, to: "formatters/50-own.lua")
    return installation
  }

  @Test func `a formatter changes the colour`() async throws {
    let installation = try await installation(
      """
      return { ban = function(event, payload) payload.attachments[1].color = "#123456" end }
      """)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.bodyJSON["attachments"][0]["color"].string == "#123456")
    // What the shipped formatter before it did is still there.
    #expect(message.text == ":shield: sshd banned 203.0.113.7 after 5 failures on web1")
  }

  @Test func `a saved change counts for the next event, without a restart`() async throws {
    let installation = try await installation(
      "return { ban = function() return { text = 'one' } end }")
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    try installation.directory.write(
      "return { ban = function() return { text = 'two' } end }", to: "formatters/50-own.lua")
    _ = try await installation.luaslack(Self.ban)
    let messages = try await installation.slack.waitForMessages(2)
    #expect(messages.map(\.text) == ["one", "two"])
    #expect(daemon.isRunning)
  }

  @Test func `what a formatter returns is text, and live only where it said so`() async throws {
    let installation = try await installation(
      """
      return { ban = function(event)
        return { text = "<!here> " .. event.user .. " " .. slack.mention("here") }
      end }
      """)
    _ = try await installation.luaslack(
      ["ban", "--user=<!channel>", "--", "sshd", "203.0.113.7", "5"])
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text == "&lt;!here&gt; &lt;!channel&gt; <!here>")
  }

  @Test func `what is too long or too many for Slack is made to fit, and --dry-run says so`()
    async throws
  {
    let installation = try await installation(
      """
      return { ban = function(event, payload)
        payload.blocks = {}
        for i = 1, 61 do payload.blocks[i] = slack.divider() end
        payload.blocks[3] =
          { type = "section", text = { type = "mrkdwn", text = ("x"):rep(3412) .. event.ip } }
        payload.blocks[61] = { type = "section" }
      end }
      """)
    let trial = try await installation.luaslack(["ban", "--dry-run"] + Self.ban.dropFirst())
    #expect(trial.status == 0)
    #expect(
      trial.errors == """
        luaslack: /blocks: 61 parts, Slack takes 50
        luaslack: /blocks/2/text/text: 3,423 characters, Slack takes 3,000
        luaslack: /blocks/60: a section needs text or fields

        """)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text == ":shield: sshd banned 203.0.113.7 after 5 failures on web1")
    let blocks = message.bodyJSON["blocks"].array
    #expect(blocks.count == 50)
    #expect(blocks.last?["elements"][0]["text"].string == "… and 11 more left out")
    // The address stood in what was cut off.
    let line = message.bodyJSON["attachments"].array.last?["text"].string
    #expect(line == "sshd banned 203.0.113.7 after 5 failures on web1")
    #expect(try JSON(parsing: trial.output)["blocks"].array == blocks)
  }

  @Test func `a muted event is not sent, and counted`() async throws {
    let installation = try await installation(
      """
      return { ban = function(event)
        if event.ip == "203.0.113.7" then return slack.mute("a friend") end
      end }
      """)
    let call = try await installation.luaslack(["ban", "--wait"] + Self.ban.dropFirst())
    #expect(call.status == 0)
    #expect(call.output.hasPrefix("default: muted"))
    #expect(call.output.contains("a friend"))
    #expect(call.output.contains("50-own.lua"))
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.8", "5"])
    await installation.settle()
    let messages = try await installation.slack.messages()
    #expect(messages.count == 1)
    #expect(messages.first?.text.contains("203.0.113.8") == true)
    let totals = try await installation.status()["destinations"][0]["totals"]
    #expect(totals["muted"].number == 1)
    #expect(totals["delivered"].number == 1)
    let trial = try await installation.luaslack(["ban", "--dry-run"] + Self.ban.dropFirst())
    #expect(trial.status == 0)
    #expect(trial.output == "")
    #expect(trial.errors.contains("a friend"))
  }

  struct Failing: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let script: String
    /// How the error begins.
    let error: String

    init(_ what: String, _ script: String, _ error: String) {
      (testDescription, self.script, self.error) = (what, script, error)
    }
  }

  static let failing: [Failing] = [
    Failing("a syntax error", "return {\n  ban = function(\n}", "50-own.lua:3:"),
    Failing(
      "an error in the handler", "return { ban = function(event)\n  return event.no.such\nend }",
      "50-own.lua:2:"),
    Failing("an error outside of it", "local x = nil + 1\nreturn {}", "50-own.lua:1:"),
    Failing(
      "an endless loop", "return { ban = function()\n  while true do end\nend }", "50-own.lua"),
    Failing(
      "an endless loop that catches errors",
      "return { ban = function()\n  while true do pcall(function() while true do end end) end\nend }",
      "50-own.lua"),
    Failing(
      "a pattern that never ends",
      "return { ban = function()\n  return string.find(('a'):rep(200000), ('a*'):rep(30) .. 'b')\n"
        + "end }", "50-own.lua"),
    Failing(
      "more memory than there is",
      "return { ban = function()\n  return { text = ('x'):rep(1e9) }\nend }", "50-own.lua"),
    Failing("no handlers", "return 5", "50-own.lua"),
    Failing("a number for a message", "return { ban = function() return 5 end }", "50-own.lua"),
    Failing(
      "a member that is not allowed",
      "return { ban = function() return { text = 'x', channel = '#general' } end }", "50-own.lua"),
    Failing(
      "something for which JSON has no form",
      "return { ban = function() return { text = print } end }", "50-own.lua"),
    Failing(
      "a table within itself",
      "return { ban = function() local t = { text = 'x' }; t.blocks = t; return t end }",
      "50-own.lua"),
    Failing("a way out", "os.execute('true')\nreturn {}", "50-own.lua:1:"),
    Failing("Lua's bytecode", "\u{1B}Lua", "50-own.lua"),
  ]

  @Test(arguments: failing)
  func `a formatter that fails costs no message, and the channel learns why`(
    _ script: Failing
  ) async throws {
    let installation = try await installation(script.script)
    let call = try await installation.luaslack(Self.ban)
    #expect(call.status == 0)
    #expect(call.output + call.errors == "")
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.contains("sshd banned 203.0.113.7 after 5 failures on web1"))
    let strings = message.bodyJSON.strings
    #expect(strings.contains { $0.contains(script.error) }, "\(strings)")
    #expect(message.bodyJSON.liveMarkup.isEmpty)
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    #expect(status.output.contains("50-own.lua"))

    // The next message does not repeat what the channel knows.
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    let second = try await installation.slack.waitForMessages(2)
    #expect(second.count == 2)
    let isRepeated = second.last?.bodyJSON.strings.contains { $0.contains("formatter failed") }
    #expect(isRepeated == false)
  }

  @Test func `the channel is told once per change of a script, whatever fails in it`() async throws
  {
    let installation = try await installation(
      """
      return { any = function(event)
        if event.failures == 5 then error("five") end
        if event.failures == 6 then error("six") end
      end }
      """)
    var count = 0
    func told(_ failures: String) async throws -> Bool {
      count += 1
      let address = "203.0.113.\(count)"
      _ = try await installation.luaslack(["ban", "--", "sshd", address, failures])
      let messages = try await installation.slack.waitForMessages(count)
      let message = try #require(messages.first { $0.text.contains(address + " ") })
      return message.bodyJSON.strings.contains { $0.contains("formatter failed") }
    }
    var answers: [Bool] = []
    for failures in ["5", "6", "7", "5"] { answers.append(try await told(failures)) }
    #expect(answers == [true, false, false, false])
    try installation.directory.write(
      "-- changed\nreturn function(event) error('worse') end", to: "formatters/50-own.lua")
    #expect(try await told("5"))
    #expect(try await told("5") == false)
  }

  @Test func `a script that loops holds no storm up for long`() async throws {
    let installation = try await installation("return function() while true do end end")
    for number in 1...12 { _ = try await installation.banUndelivered("203.0.113.\(number)") }
    _ = try await installation.luaslack(["queue", "flush"])
    let messages = try await installation.slack.waitForMessages(12)
    let told = Set(
      messages.compactMap { $0.text.split(separator: " ").first { $0.contains(".113.") } })
    #expect(told.count == 12)
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    #expect(status.output.contains("50-own.lua: too slow 3 times in a row; left out for a minute"))
    await installation.settle()
  }

  @Test func `a formatter that was mended is well again`() async throws {
    let installation = try await installation("syntax error")
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 1)
    try installation.directory.write("return { ban = function() end }", to: "formatters/50-own.lua")
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    _ = try await installation.slack.waitForMessages(2)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test func `a handler that fails and is taken out is no problem any more`() async throws {
    let installation = try await installation("return { ban = function() error('no') end }")
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 1)
    try installation.directory.write("return {}", to: "formatters/50-own.lua")
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    _ = try await installation.slack.waitForMessages(2)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
  }

  @Test func `a formatter that others can write is not run`() async throws {
    let installation = try await Installation()
    try installation.directory.write(
      "return { ban = function() return { text = 'mine' } end }", to: "formatters/50-own.lua",
      mode: 0o666)
    _ = try await installation.luaslack(Self.ban)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(message.text.contains("sshd banned 203.0.113.7"))
    #expect(message.bodyJSON.strings.contains { $0.contains("chmod go-w") })
  }

  @Test func `routes choose the destination, and one may have a formatter of its own`() async throws
  {
    let installation = try await Installation(
      config: Installation.config(
        more: """
          [destination.other]
          webhook_file = "webhook2"
          formatter = "minimal"
          [[route]]
          jail = "nginx-*"
          to = ["other"]
          """))
    try installation.directory.write(
      installation.slack.webhookURL("/services/T000/B222/other"), to: "webhook2", mode: 0o600)
    _ = try await installation.luaslack(["ban", "--", "nginx-auth", "203.0.113.7", "5"])
    let routed = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(routed.path == "/services/T000/B222/other")
    #expect(routed.text.contains("nginx-auth: `203.0.113.7`, 5 failures"))
    _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.8", "5"])
    let messages = try await installation.slack.waitForMessages(2)
    #expect(messages.last?.path != routed.path)
    #expect(messages.last?.text.contains("sshd banned 203.0.113.8") == true)
    // The caller's word comes before the routes.
    _ = try await installation.luaslack(["ban", "--to=other", "--", "sshd", "203.0.113.9", "5"])
    #expect(try await installation.slack.waitForMessages(3).last?.path == routed.path)
  }

  @Test func `a formatter names destinations of the config`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[destination.other]\nwebhook_file = \"webhook2\""))
    try installation.directory.write(
      installation.slack.webhookURL("/services/T000/B222/other"), to: "webhook2", mode: 0o600)
    try installation.directory.write(
      "return { ban = function(_, payload) return payload, { to = { 'other' } } end }",
      to: "formatters/50-own.lua")
    _ = try await installation.luaslack(Self.ban)
    let messages = try await installation.slack.waitForMessages(1)
    #expect(messages.map(\.path) == ["/services/T000/B222/other"])
  }
}
