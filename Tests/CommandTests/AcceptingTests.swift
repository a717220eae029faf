import TestSupport
import Testing

/// What fail2ban hands over is chosen by attackers in part. Whatever it is, the event must be
/// taken silently and stand in the channel as harmless text.
@Suite struct AcceptingTests {
  struct Call: CustomTestStringConvertible, Sendable {
    let what: String
    let arguments: [[UInt8]]
    var stdin: [UInt8]?
    /// The message's text.
    let text: String
    /// What else must stand in some string of the message.
    var contains: [String] = []

    var testDescription: String { what }

    init(
      _ what: String, _ arguments: [String], stdin: String? = nil, text: String,
      contains: [String] = []
    ) {
      self.what = what
      self.arguments = arguments.map { Array($0.utf8) }
      self.stdin = stdin.map { Array($0.utf8) }
      self.text = text
      self.contains = contains
    }

    init(_ what: String, raw arguments: [[UInt8]], text: String, contains: [String] = []) {
      (self.what, self.arguments, self.text) = (what, arguments, text)
      self.contains = contains
    }
  }

  static let banned = ":shield: sshd banned 203.0.113.7 after 5 failures on web1"
  static let plain = ["--", "sshd", "203.0.113.7", "5"]

  static let calls: [Call] = [
    Call("an IPv4 address", plain, text: banned),
    Call(
      "an IPv6 address", ["--family=inet6", "--", "sshd", "2001:db8::9", "5"],
      text: ":shield: sshd banned 2001:db8::9 after 5 failures on web1"),
    Call(
      "a network", ["--", "sshd", "10.20.0.0/16", "0"],
      text: ":shield: sshd banned 10.20.0.0/16 on web1"),
    Call(
      "any string as address", ["--family=None", "--", "sshd", "evil host;$(id)", "1"],
      text: ":shield: sshd banned `evil host;$(id)` after 1 failure on web1"),
    Call(
      "an id beside the address", ["--id=mail:eve", "--", "sshd", "203.0.113.7", "5"],
      text: ":shield: sshd banned `mail:eve` (203.0.113.7) after 5 failures on web1"),
    Call(
      "leading dashes after the bare --", ["--", "-sshd", "--help", "-5"],
      text: ":shield: -sshd banned `--help` after -5 failures on web1"),
    Call(
      "a user that looks like an option", ["--user=--wait=1h"] + plain, text: banned,
      contains: ["--wait=1h"]),
    Call("an empty family", ["--family="] + plain, text: banned),
    Call("the family None", ["--family=None"] + plain, text: banned),
    Call(
      "every tag empty",
      ["--id=", "--time=", "--bantime=", "--bancount=", "--user=", "--restored=", "--matches="]
        + plain, text: banned),
    Call("a float time", ["--time=1795231644.0"] + plain, text: banned),
    Call("a time that is none", ["--time=now"] + plain, text: banned),
    Call(
      "a negative bantime", ["--bantime=-1"] + plain,
      text: ":warning: sshd banned 203.0.113.7 after 5 failures on web1",
      contains: ["for good"]),
    Call(
      "failures that are no number", ["--", "sshd", "203.0.113.7", "many"],
      text: ":shield: sshd banned 203.0.113.7 after `many` failures on web1"),
    Call(
      "a ban without failures", ["--", "sshd", "203.0.113.7"],
      text: ":shield: sshd banned 203.0.113.7 on web1"),
    Call(
      "failures that are empty", ["--", "sshd", "203.0.113.7", ""],
      text: ":shield: sshd banned 203.0.113.7 on web1"),
    Call(
      "live markup everywhere",
      [
        "--user=<!channel>", "--id=<!here>", "--field=note=<https://evil.example|click>",
        "--matches=& <@U123> &lt;b&gt;", "--", "<sshd>", "<!everyone>", "<5>",
      ],
      text:
        ":shield: &lt;sshd&gt; banned `&lt;!here&gt;` (`&lt;!everyone&gt;`) after `&lt;5&gt;` failures"
        + " on web1",
      contains: [
        "&lt;!channel&gt;", "&lt;https://evil.example|click&gt;",
        "&amp; &lt;@U123&gt; &amp;lt;b&amp;gt;",
      ]),
    Call(
      "quotes, backslashes and line ends",
      ["--user=\"}]\\\n'", "--matches=one\ntwo \"three\" \\u0041 ``` out"] + plain, text: banned,
      contains: ["\"}]\\ '", "one\ntwo \"three\" \\u0041 ''' out"]),
    Call(
      "characters that hide or turn text",
      ["--user=a\u{202E}b\u{200B}c\u{E000}d\u{1B}e"] + plain, text: banned, contains: ["abcde"]),
    Call(
      "bytes that are not UTF-8",
      raw: [Array("--user=a".utf8) + [0xFF, 0xC3, 0x28]]
        + plain.dropLast(2).map { Array($0.utf8) } + [[0xFE, 0x31], Array("5".utf8)],
      text: ":shield: sshd banned `\u{FFFD}1` after 5 failures on web1",
      contains: ["a\u{FFFD}\u{FFFD}("]),
    Call(
      "log lines on standard input", ["--matches-stdin"] + plain, stdin: "first\nsecond <b>\n",
      text: banned, contains: ["first\nsecond &lt;b&gt;"]),
    Call("no log lines on standard input", ["--matches-stdin"] + plain, stdin: "", text: banned),
    Call(
      "an option of a newer action file", ["--new-option=x <y>"] + plain, text: banned,
      contains: ["new-option", "x &lt;y&gt;"]),
    Call(
      "a new option with an empty value", ["--new-option="] + plain, text: banned),
    Call(
      "a field without a name", ["--field=only text"] + plain, text: banned,
      contains: ["only text"]),
  ]

  @Test(arguments: calls)
  func `a call is taken silently and told as harmless text`(_ call: Call) async throws {
    let installation = try await Installation()
    let result = try await installation.luaslack(
      raw: ["ban", "--host=web1"].map { Array($0.utf8) } + call.arguments, stdin: call.stdin)
    #expect(result.status == 0)
    #expect(result.output.isEmpty)
    #expect(result.errors.isEmpty)

    let messages = try await installation.slack.waitForMessages(1)
    let message = try #require(messages.first)
    #expect(message.text == call.text)
    #expect(message.bodyJSON.liveMarkup.isEmpty)
    let strings = message.bodyJSON.strings
    for part in call.contains {
      #expect(strings.contains { $0.contains(part) }, "\(part) in \(strings)")
    }
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
  }

  @Test(arguments: [
    (
      ["unban", "--host=web1", "--", "sshd", "203.0.113.7"],
      ":unlock: sshd unbanned 203.0.113.7 on web1"
    ),
    // Without a time it changes no ban, and waits for none.
    (
      ["prolong", "--host=web1", "--bancount=5", "--", "sshd", "203.0.113.7"],
      ":hourglass: sshd prolonged the ban of 203.0.113.7 on web1"
    ),
    (["jail-start", "--host=web1", "sshd"], "jail sshd started on web1"),
    (["jail-stop", "--host=web1", "sshd"], "jail sshd stopped on web1"),
    (["jail-flush", "--host=web1", "sshd"], "jail sshd lifted all its bans on web1"),
    (
      ["jail-start", "--host=web1", "--", "<!channel>"],
      "jail &lt;!channel&gt; started on web1"
    ),
  ])
  func `every other kind of event is told as well`(
    _ arguments: [String], _ text: String
  ) async throws {
    let installation = try await Installation()
    let result = try await installation.luaslack(arguments)
    #expect(result.status == 0)
    #expect(result.output + result.errors == "")
    let messages = try await installation.slack.waitForMessages(1)
    #expect(messages.map(\.text) == [text])
  }

  @Test
  func `of a megabyte of log lines as many are shown as Slack takes, and the rest is counted`()
    async throws
  {
    let installation = try await Installation()
    let total = 1 << 20
    let line = Array("0123456789abcde\n".utf8)
    let result = try await installation.luaslack(
      ["ban", "--matches-stdin"] + Self.plain,
      stdin: Array(repeatElement(line, count: total / line.count).joined()))
    #expect(result.status == 0)
    #expect(result.output + result.errors == "")

    let message = try #require(try await installation.slack.waitForMessages(1).first)
    let text = try #require(message.bodyJSON["attachments"][0]["text"].string)
    #expect(text.hasPrefix("```\n0123456789abcde\n") && text.count <= 8_000)
    let shown = text.dropFirst(4).prefix { $0 != "`" }.dropLast()
    #expect(shown.utf8.count > 7_000)
    #expect(text.hasSuffix("\n```\n… \(total - 1 - shown.utf8.count) bytes more left out"))
  }

  @Test func `a field keeps one KiB, cut between characters`() async throws {
    let installation = try await Installation()
    // Three bytes each: 341 of them are 1,023 bytes, and one byte of the limit stays unused.
    let result = try await installation.luaslack(
      ["ban", "--user=" + String(repeating: "€", count: 5_000)] + Self.plain)
    #expect(result.status == 0)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    let user = message.bodyJSON["attachments"][0]["fields"].array.first {
      $0["title"].string == "User"
    }
    #expect(user?["value"].string == String(repeating: "€", count: 341))
  }

  @Test func `a thousand fields and the longest argument are taken`() async throws {
    let installation = try await Installation()
    let fields = (1...1_000).map { "--field=f\($0)=v\($0)" }
    // The most that one argument may hold: MAX_ARG_STRLEN of the kernel, its NUL included.
    let longest = "--matches=" + String(repeating: "m", count: 131_071 - 10)
    let result = try await installation.luaslack(["ban", longest] + fields + Self.plain)
    #expect(result.status == 0)
    #expect(result.output + result.errors == "")
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    // The first 64 of them.
    let kept = message.bodyJSON["attachments"][0]["fields"].array
    #expect(kept.count == 64)
    #expect(Set(kept.compactMap { $0["value"].string }) == Set((1...64).map { "v\($0)" }))
  }

  @Test func `status tells of an option that this version does not know`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--colour-of-sky=blue"] + Self.plain)
    _ = try await installation.slack.waitForMessages(1)
    await installation.settle()
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 0)
    #expect(status.output.contains("--colour-of-sky"))
    let notices = try await installation.status()["notices"].array
    #expect(notices.contains { $0["text"].string?.contains("--colour-of-sky") ?? false })
  }

  @Test func `an event that no kind in post names is recorded and not sent`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["unban"]))
    _ = try await installation.luaslack(["ban"] + Self.plain)
    _ = try await installation.luaslack(["unban", "--", "sshd", "203.0.113.7"])
    _ = try await installation.slack.waitForMessages(1)
    await installation.settle()
    let messages = try await installation.slack.messages()
    #expect(messages.count == 1)
    #expect(messages.first?.text.contains("unbanned") == true)
  }
}
