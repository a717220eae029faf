import Foundation
import TestSupport
import Testing

@testable import LuaslackCore

/// With any formatter of ours and any bytes of an event there is no markup in the message that the
/// formatter did not mark, no forged line and no broken code span. Slack's reading of a message is
/// written down here once more, apart from the code that it judges.
@Suite(.serialized) struct EscapingTests {
  private static let scripts = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "scripts")

  /// By the name of the folder; `library` uses every function that takes an outsider's text.
  static let sources: [String: String] = {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: scripts.path())) ?? []
    var sources = ["library": library]
    for name in names {
      let path = scripts.appending(path: "\(name)/formatter.lua")
      if let source = try? String(contentsOf: path, encoding: .utf8) { sources[name] = source }
    }
    return sources
  }()

  private static let library = """
    local function all(event)
      local user, host = event.user or "", event.host
      return {
        text = "*" .. event.kind .. "* " .. slack.code(user) .. " " .. slack.code(event.id or ""),
        blocks = {
          slack.header(user), slack.section(slack.pre(slack.truncate(event.matches or "", 200))),
          slack.context(slack.link("https://example.org/", user), slack.code(host)),
          slack.context(slack.code(event.ip or "")), slack.context(slack.code(event.id or "")),
          slack.fields("*User*\\n" .. slack.code(slack.truncate(user, 20)), slack.mention("here")),
          slack.section(slack.date(tonumber(event.time) or 0, "{date} " .. user, user)),
          slack.link_button(user, "https://example.org/"),
        },
        attachments = { {
          color = user, text = slack.pre(user), mrkdwn_in = { "text" }, footer = host,
          title = user, fields = { slack.field(user, event.matches or "") },
        } },
      }
    end
    return { any = all, jail_flush = all }
    """

  @Test func `there are formatters to ask`() {
    #expect(Self.sources.keys.contains("default"))
    #expect(Self.sources.keys.contains("library"))
  }

  @Test(arguments: sources.keys.sorted())
  func `no event's text becomes more than text`(formatter: String) throws {
    var settings = Sandbox.Settings()
    // Not what is asked here, and a busy machine is slow.
    settings.limits.fileMilliseconds = 20_000
    settings.limits.chainMilliseconds = 20_000
    settings.limits.wallMilliseconds = 30_000
    let file = FormatterFile(
      name: formatter + ".lua", source: try #require(Self.sources[formatter]))
    let formatting = Formatting(FormatterChain(files: [file]), settings)
    var random = FixedRandom(seed: 5)
    var shown = 0
    for number in 0..<(Long.isOn ? 700 : 300) {
      let pair = HostileEvent.pair(&random)
      let hostile = formatting.format(Event(pair.hostile, host: "host", now: pair.now))
      let benign = formatting.format(Event(pair.benign, host: "host", now: pair.now))
      let event = JSONWriter.compact(pair.hostile.value)
      let about = Comment(rawValue: "event \(number): \(event.prefix(2_000))")
      #expect(hostile.errors.isEmpty, about)
      guard case .message(let message) = hostile.outcome, case .message(let twin) = benign.outcome
      else {
        #expect(isMuted(hostile) && isMuted(benign), about)
        continue
      }
      shown += 1
      let complaints = try check(message, twin, mayMark: formatter == "library")
      #expect(complaints.isEmpty, "\("\(complaints)".prefix(2_000))\n\(about)")
      if !complaints.isEmpty { break }
    }
    #expect(shown > 0)
    Long.note(
      "escaping, \(formatter)", "\(shown) hostile messages", bar: "nothing of an event is markup")
  }

  private func isMuted(_ result: Formatting.Result) -> Bool {
    if case .muted = result.outcome { true } else { false }
  }

  private func check(_ message: Value, _ twin: Value, mayMark: Bool) throws -> [String] {
    let json = JSONWriter.compact(message)
    // Somebody else's reader takes it, and finds the same in it.
    let read = try JSON(parsing: json)
    var complaints: [String] = []
    if read["text"].string != message["text"]?.string { complaints.append("not the same JSON") }
    let texts = SlackText.all(in: message)
    let others = SlackText.all(in: twin)
    if texts.map(\.place) != others.map(\.place) { complaints.append("another shape") }
    for (text, other) in zip(texts, others) {
      complaints += text.complaints(twin: other, mayMark: mayMark).map { "\(text.place): \($0)" }
    }
    return complaints
  }

  /// The reader is judged as well: it must find what it is there to find.
  @Test(arguments: [
    ("a <!channel> b", "a b c"), ("<https://a.example|x>", "x"), ("*bold*", "bold"),
    ("a _b_ c", "a b c"), ("~x~", "x"), ("`a` b` c", "`a` b c"), ("```\na```b```", "```\na b```"),
    ("a\nb", "a b"), ("&gt; quote", "x quote"), ("a & b", "a b"), ("a\u{2028}b", "a b"),
    ("a\u{202e}b", "a b"), ("a\u{E000}b", "a b"), ("zq", "x"), ("a < b", "a b"), ("a > b", "a b"),
    ("`a\nb`", "`a b`"), ("```never closed", "x"),
  ])
  func `the reader sees`(hostile: String, benign: String) {
    let text = SlackText(place: "text", text: hostile, reading: .formatted)
    let twin = SlackText(place: "text", text: benign, reading: .formatted)
    #expect(text.complaints(twin: twin, mayMark: false).isEmpty == false)
    #expect(twin.complaints(twin: twin, mayMark: false).isEmpty)
  }
}

/// An event made to hurt, and another of the same shape that is not.
enum HostileEvent {
  /// Stands in everything that an outsider may have written, and must be seen inside code only.
  static let canary = "zq"

  private static let pieces = [
    "<!channel>", "<!here|here>", "<@U012AB3CD>", "<!subteam^S012AB3CD>", "<#C012AB3CD>",
    "<https://evil.example|bank>", "<mailto:a@b.c>", "<!date^0^{date}|x>", "<", ">", "|", "&",
    "&amp;", "&lt;!channel&gt;", "&#60;", "`", "``", "```", "*", "_", "~", "*b*", " _i_ ", "~s~",
    " ```x``` ", "\n", "\r", "\r\n", "\u{85}", "\u{2028}", "\u{2029}", "\u{b}", "\u{c}", "\n> ",
    "> q", "&gt; q", "\n&gt; ", "\u{202e}", "\u{2066}", "\u{200b}", "\u{feff}", "\u{ad}",
    "\u{E000}link\u{E001}https://evil.example\u{E001}x\u{E002}", "\u{E000}", "\u{E001}",
    "\u{E002}", "\u{E000}raw\u{E001}<!channel>\u{E002}", "\u{301}", "<\u{338}", "`\u{301}",
    "😀", "é", "漢字", "\u{1b}[31m", "\u{0}", "\u{7f}", "%s", "%d%n", "$(id)", "';--", "\\", "\"",
    "\\n", "root", "admin", "203.0.113.9", "a b", " ", "\t", "{date}", "^", ":shield:", "zq",
    "@channel", "#general", "http://evil.example/", "[x](http://evil.example)", "-", "=",
    "\u{fffe}", "\u{10ffff}", "\u{3164}", "\u{fe0f}", "x\u{20e3}",
  ]

  private static func text(
    _ random: inout FixedRandom, most: Int = 8, without: Set<Unicode.Scalar> = []
  ) -> String {
    var bytes: [UInt8] = Array(canary.utf8)
    for _ in 0..<Int.random(in: 0...most, using: &random) {
      // Bytes that are no text come into an event as what Swift makes of them.
      if Int.random(in: 0..<12, using: &random) == 0 {
        bytes += [0xff, 0xc0, 0x80, 0xe2, 0x80, 0xf8].shuffled(using: &random).prefix(2)
      }
      bytes += Array((pieces.randomElement(using: &random) ?? "").utf8)
    }
    if Int.random(in: 0..<60, using: &random) == 0 {
      bytes += Array(String(repeating: pieces.randomElement(using: &random) ?? "", count: 400).utf8)
    }
    let text = String(decoding: bytes, as: UTF8.self)
    return String(String.UnicodeScalarView(text.unicodeScalars.filter { !without.contains($0) }))
  }

  /// What the admin chose may stand anywhere; emphasis in it is his own.
  private static func name(_ random: inout FixedRandom, _ usual: [String]) -> String {
    if Bool.random(using: &random) { return usual.randomElement(using: &random) ?? "" }
    return "j" + text(&random, most: 4, without: ["*", "_", "~", ">", "z"])
  }

  static func pair(
    _ random: inout FixedRandom
  ) -> (hostile: EventRecord, benign: EventRecord, now: Int64) {
    let kind = EventKind.recorded.filter { !$0.isOwn }.randomElement(using: &random) ?? .ban
    let addresses = ["203.0.113.7", "2001:db8::7", "198.51.100.0/24"]
    let address = addresses.randomElement(using: &random) ?? ""
    let hasAddress = Int.random(in: 0..<4, using: &random) > 0
    var hostile = EventRecord(
      kind: kind, jail: name(&random, ["sshd", "recidive", "wordpress", "nginx-http-auth"]),
      ip: hasAddress ? address : text(&random), acceptedAt: 1_795_231_650_000_000)
    hostile.setFailures(["5", "0", "1", text(&random)].randomElement(using: &random))
    hostile.set(.host, name(&random, ["web1"]))
    func sometimes(_ option: EventRecord.Option, _ values: [String]) {
      guard Bool.random(using: &random) else { return }
      hostile.set(option, (values + [text(&random)]).randomElement(using: &random))
    }
    sometimes(.id, [address])
    sometimes(.user, ["root", "alice"])
    sometimes(.bantime, ["600", "-1", "3600.5"])
    sometimes(.bancount, ["1", "3", "7"])
    sometimes(.restored, ["1"])
    sometimes(.family, ["inet4", "None"])
    sometimes(.time, ["1795231644"])
    if Bool.random(using: &random) {
      let lines = (0..<Int.random(in: 1...4, using: &random)).map { _ in text(&random) }
      hostile.setMatches(lines.joined(separator: "\n"), leftOut: [0, 5].randomElement() ?? 0)
    }
    for _ in 0..<Int.random(in: 0...2, using: &random) {
      hostile.setField(
        ["port", text(&random, most: 3)].randomElement(using: &random) ?? "", text(&random))
    }
    return (hostile, twin(hostile), 1_795_231_660_000_000)
  }

  /// The same lengths, lines and spaces, with letters for whatever could mean something.
  private static func twin(_ hostile: EventRecord) -> EventRecord {
    var twin = EventRecord(
      kind: hostile.kind, jail: tame(hostile.jail), ip: tame(hostile.ip),
      acceptedAt: hostile.acceptedAt)
    twin.setFailures(hostile.failures.map { tame($0) })
    for (option, text) in hostile.options { twin.set(option, tame(text)) }
    if let matches = hostile.matches {
      twin.setMatches(tame(PlainText.lines(matches)), leftOut: hostile.matchesLeftOut)
    }
    // Names that clean text makes one stay one, others do not become one.
    var names: Set<String> = []
    for (name, text) in hostile.fields.sorted(by: { $0.key < $1.key })
    where names.insert(PlainText.line(name)).inserted {
      var tamed = tame(name)
      while twin.fields[tamed] != nil { tamed = "y" + tamed.dropLast() }
      twin.setField(tamed, tame(text))
    }
    return twin
  }

  private static func tame(_ text: String) -> String {
    let lines = text.contains("\n") ? PlainText.lines(text) : PlainText.line(text)
    return String(
      String.UnicodeScalarView(
        lines.unicodeScalars.map { scalar in
          let isTame = scalar.isASCII && scalar.properties.isAlphabetic
          return isTame || "0123456789 \n.:/-=,'\"[]()".unicodeScalars.contains(scalar)
            ? scalar : "x"
        }))
  }
}
