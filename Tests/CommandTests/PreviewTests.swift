import Foundation
import TestSupport
import Testing

/// `luaslack preview` with the real programs: on real terminals, into pipes and files, and beside a real delivery.
@Suite struct PreviewTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory("preview")
    try place.write("[destination.default]\nwebhook_file = \"absent\"\n", to: "config.toml")
  }

  private var environment: [String: String] {
    ["LUASLACK_CONFIG": place.file("config.toml"), "LUASLACK_SPOOL": place.file("spool")]
  }

  /// Into a file.
  private func preview(
    _ arguments: [String], _ more: [String: String] = [:]
  ) async throws -> Finished {
    try await run(
      Programs.luaslack, ["preview"] + arguments, environment: environment.merging(more) { $1 })
  }

  private func preview(
    _ arguments: [String], columns: Int, _ more: [String: String] = ["TERM": "xterm-256color"]
  ) async throws -> Finished {
    try await runOnTerminal(
      Programs.luaslack, ["preview"] + arguments, columns: columns,
      environment: environment.merging(more) { $1 })
  }

  private func formatter(_ source: String, _ name: String = "50-own.lua") throws -> String {
    try place.write(source, to: "own/" + name)
  }

  /// Everything that Slack shows in one way of its own.
  private static let everything = """
    return {
      ban = function(event, payload)
        return slack.message {
          username = "Türsteher", icon_emoji = ":police_car:",
          text = slack.bold(event.jail) .. " _banned_ " .. slack.code(event.ip) .. " :shield: ~no~ "
            .. slack.mention("here") .. " " .. slack.user_group("S012AB3CD") .. " "
            .. slack.link("https://example.org/wiki", "wiki") .. "\\n> quoted 漢字かな交じり文の長い引用は折り返される\\n"
            .. slack.pre("fenced  👍🏽 e\\u{301}"),
          attachments = {
            slack.attachment {
              color = "#d64545", title = "名前と値", mrkdwn_in = { "fields" }, footer = event.host, ts = event.time,
              fields = {
                slack.field("ユーザー", slack.code("root") .. " is a name that is long enough to be broken", true),
                slack.field("国", "🇳🇱 オランダ王国とその海外領土のすべて", true),
                slack.field("Why", "e\\u{301}tat हिन्दी 한국어 👩‍👩‍👧‍👧 :tada:", false),
              },
            },
            slack.attachment {
              color = "good",
              blocks = {
                slack.header("Heading"), slack.divider(),
                slack.link_button("Open", "https://example.org/?ip=" .. event.ip, "danger"),
                slack.context("small " .. slack.date(event.time, "{date_num} {time}"), "grey"),
              },
            },
          },
        }
      end,
    }
    """

  // MARK: - A terminal

  @Test(arguments: [60, 120])
  func `a terminal gets colours, and no line that is wider than it`(columns: Int) async throws {
    let file = try formatter(Self.everything)
    let call = try await preview([file], columns: columns)
    #expect(call.status == 0 && call.errors == "")
    expectGolden(call.output.replacing("\u{1b}", with: "␛"), file: "Golden/preview/\(columns).txt")
    try await expectLines(of: call.output, within: columns)

    let plain = try await preview(
      [file], columns: columns, ["TERM": "xterm-256color", "NO_COLOR": "1"])
    #expect(plain.output == call.output.replacing(/\u{1b}\[[0-9;]*m/, with: ""))
    #expect(!plain.output.contains("\u{1b}"))
    let dumb = try await preview([file], columns: columns, ["TERM": "dumb"])
    #expect(dumb.output == plain.output)
    // An empty NO_COLOR is none (no-color.org).
    let empty = try await preview([file], columns: columns, ["TERM": "xterm", "NO_COLOR": ""])
    #expect(empty.output == call.output)
  }

  @Test func `each part has the look that it has in Slack`() async throws {
    let output = try await preview([try formatter(Self.everything)], columns: 120).output
    let (on, off) = ("\u{1b}[", "\u{1b}[0m")
    for part in [
      "\(on)1m🚓 Türsteher\(off) \(on)2mAPP\(off)", "\(on)1msshd\(off) \(on)3mbanned\(off)",
      "\(on)36m203.0.113.7\(off) 🛡️ \(on)9mno\(off)", "\(on)1;33m@here\(off)",
      "\(on)1;33m@S012AB3CD\(off)", "\(on)4;34mwiki (https://example.org/wiki)\(off)",
      "\(on)2m┃\(off) quoted", "\(on)38;2;214;69;69m┃\(off) \(on)1mユーザー\(off)",
      "\(on)38;2;46;184;134m┃\(off) \(on)1mHeading\(off)",
      "\(on)1m[ Open ]\(off) \(on)4;34mhttps://example.org/?ip=203.0.113.7\(off)",
      "\(on)2msmall 2026-11-21 3:27 AM  grey\(off)", "🎉",
    ] {
      #expect(output.contains(part), "\(part.replacing("\u{1b}", with: "␛"))")
    }
    #expect(!output.contains("*") && !output.contains(":tada:"))
  }

  @Test(arguments: [60, 120])
  func `the built-in samples fit, hostile ones too, and steer no terminal`(
    columns: Int
  ) async throws {
    let call = try await preview(["--all"], columns: columns)
    #expect(call.status == 0)
    let plain = call.output.replacing(/\u{1b}\[[0-9;]*m/, with: "")
    #expect(plain.contains("<!channel>") && plain.count > 10_000)
    let live = plain.unicodeScalars.filter {
      $0 != "\n" && ($0.properties.generalCategory == .control || $0.properties.isBidiControl)
    }
    #expect(live.isEmpty, "\(live.map { String($0.value, radix: 16) })")
    try await expectLines(of: call.output, within: columns)
  }

  @Test func `what a script prints, says or raises steers no terminal`() async throws {
    let evil = "\\27[2J\\27]0;title\\7\\u{9b}31m\\r\\u{202e}"
    let sources = [
      "return function(e, p) print('\(evil)') p.text = e.ip .. '\(evil)' p.username = '\(evil)' end",
      "return function(e, p) error('\(evil)') end",
      "return function(e, p) return slack.mute('\(evil)') end",
      "return function(e, p) p['\(evil)'] = 1 end",
      "return function(e, p) p.attachments[1].color = '\(evil)' p.icon_emoji = '\(evil)' end",
    ]
    for source in sources {
      let file = try formatter(source)
      for arguments in [[file], [file, "--json"]] {
        let call = try await preview(arguments, columns: 80, ["NO_COLOR": "1", "TERM": "xterm"])
        let live = (call.output + call.errors).unicodeScalars.filter {
          $0 != "\n" && $0.properties.generalCategory == .control
        }
        #expect(live.isEmpty, "\(source): \(call.output)\(call.errors)")
      }
    }
  }

  /// As many columns as there are at most, counted with Unicode's data in Python, not with ours.
  private func expectLines(
    of output: String, within columns: Int, sourceLocation: SourceLocation = #_sourceLocation
  ) async throws {
    let script = """
      import re, sys, unicodedata
      def cells(text):
          count, joined = 0, False
          for c in text:
              if joined or unicodedata.category(c) in ("Mn", "Me", "Cf") or c in "🏻🏼🏽🏾🏿":
                  joined = c == "\\u200d"
              elif not ("\\u1160" <= c <= "\\u11ff"):
                  count += 2 if unicodedata.east_asian_width(c) in "WF" else 1
              # Drawn as a picture, and so in two cells.
              count += c == "\\ufe0f"
          return count
      text = re.sub("\\x1b\\\\[[0-9;]*m", "", sys.stdin.buffer.read().decode())
      lines = text.rstrip("\\n").split("\\n")
      print(max(map(cells, lines)), *[line for line in lines if cells(line) > int(sys.argv[1])], sep="\\n")
      """
    let call = try await run(
      "/usr/bin/python3", ["-c", script, "\(columns)"], stdin: Array(output.utf8),
      environment: ["PYTHONIOENCODING": "utf-8"])
    let lines = call.output.split(separator: "\n").map(String.init)
    let widest = try #require(lines.first.flatMap(Int.init), "\(call.errors)")
    #expect(lines.count == 1, "\(lines.dropFirst())", sourceLocation: sourceLocation)
    #expect(widest > columns * 8 / 10, "it uses the room there is", sourceLocation: sourceLocation)
  }

  @Test func `without a terminal it is plain text of 80 columns`() async throws {
    let call = try await preview([try formatter(Self.everything)], ["TERM": "xterm-256color"])
    #expect(!call.output.contains("\u{1b}") && call.output.contains("┃ ユーザー"))
    try await expectLines(of: call.output, within: 80)
  }

  // MARK: - Which event

  @Test func `a sample, a file, and everything`() async throws {
    let sample = try await preview(["--sample", "valid-user"]).output
    #expect(sample.contains("── ban, sample \"valid-user\"") && sample.contains("unbanip"))
    let event = try place.write(
      #"{"kind": "unban", "jail": "mail", "ip": "198.51.100.1", "host": "mx9"}"#, to: "event.json")
    let file = try await preview(["--event", event]).output
    #expect(file.contains("🔓 mail unbanned 198.51.100.1 on mx9"), "\(file)")
    let all = try await preview(["--all"]).output
    let titles = all.matches(of: /── ([a-z_]+), sample "([a-z0-9-]+)"/)
    #expect(
      Set(titles.map { String($0.output.1) }) == [
        "ban", "unban", "prolong", "jail_start", "jail_stop", "jail_flush", "notify", "digest",
        "warning", "report",
      ])
    let names = try await preview(["--sample", "help"]).errors
    for title in titles { #expect(names.contains(title.output.2)) }
  }

  @Test func `the payload is the one that a real delivery posts, for the newest events too`()
    async throws
  {
    let installation = try await Installation()
    try installation.directory.write(
      "return function(e, p) p.text = p.text .. ' ' .. slack.bold('own') end",
      to: "formatters/50-own.lua")
    for number in 1...3 {
      _ = try await installation.luaslack(
        ["ban", "--user=ro<ot", "--", "sshd", "203.0.113.\(number)", "5"])
    }
    let posted = try await installation.slack.waitForMessages(3).map(\.bodyJSON)
    await installation.settle()
    let list = try JSON(
      parsing: try await installation.luaslack(["preview", "--last", "3", "--json"]).output)
    #expect(Set(list.array.map { $0["payload"] }) == Set(posted) && posted.count == 3)
    let newest = try await installation.luaslack(["preview", "--last", "1"]).output
    #expect(newest.contains("sshd banned 203.0.113.3 after 5 failures"), "\(newest)")
    #expect(newest.contains("own"))
    // Nothing was sent for it.
    #expect(try await installation.slack.messages().count == 3)
  }

  @Test func `a case's payload is what preview prints`() async throws {
    let scripts = Page.root.appending(path: "scripts").path()
    try place.write(
      "formatters = [\"blocks\"]\n[destination.default]\nwebhook_file = \"absent\"\n",
      to: "config.toml")
    for name in ["ban", "hostile", "recidive"] {
      let folder = "\(scripts)/blocks/cases/\(name)"
      let call = try await preview(["--event", folder + "/event.json", "--json"])
      let golden = try String(contentsOfFile: folder + "/payload.json", encoding: .utf8)
      #expect(try JSON(parsing: call.output) == JSON(parsing: golden), "\(name)")
    }
  }

  // MARK: - What cannot be

  @Test func `mistakes are said, with the way out`() async throws {
    let absent = place.file("absent")
    let empty = try place.write("{\"kind\": \"bann\"}", to: "odd.json")
    let table: [(arguments: [String], status: Int32, words: [String])] = [
      (["--sample", "recidve"], 64, ["no sample \"recidve\"", "recidive"]),
      (["--event", absent], 66, [absent, "No such file"]),
      (
        ["--event", empty], 65,
        ["odd.json", "no event is of the kind \"bann\"; did you mean \"ban\"?"]
      ),
      (["--last", "2"], 66, ["nothing was recorded yet"]),
      (["--last", "0"], 64, ["--last takes a number from 1 to 1000"]),
      (["--json", "--html", absent], 64, ["--json", "--html"]),
      (["--all", "--last", "1"], 64, ["--sample, --event, --last and --all cannot go together"]),
      (["--html", absent + "/page.html"], 75, [absent]),
    ]
    for (arguments, status, words) in table {
      let call = try await preview(arguments)
      #expect(call.status == status, "\(arguments): \(call)")
      #expect(call.output == "")
      for word in words { #expect(call.errors.contains(word), "\(arguments): \(call.errors)") }
    }
    let missing = try await preview([absent + ".lua"])
    #expect(missing.status == 66)
    #expect(missing.output == "")
    #expect(missing.errors.contains("absent.lua"), "\(missing)")
    let bare = place.file("bare")
    try FileManager.default.createDirectory(atPath: bare, withIntermediateDirectories: true)
    let nothing = try await preview([bare])
    #expect(nothing.status == 66 && nothing.output == "")
    #expect(nothing.errors.contains("there is no formatter in it"), "\(nothing)")
  }

  @Test func `who reads only the beginning is told nothing`() async throws {
    for command in ["preview --all", "preview --all --json", "check"] {
      let call = try await run(
        "/bin/sh", ["-c", "\(Programs.luaslack) \(command) --config /dev/null/none | true"],
        environment: ["PATH": "/usr/bin:/bin"])
      #expect(!call.errors.contains("killed"), "\(call.errors)")
    }
  }

  @Test func `a page that cannot be made leaves no file`() async throws {
    let page = place.file("page.html")
    let call = try await preview(["--html", page, "nosuch.lua"])
    #expect(call.status == 66)
    #expect(!FileManager.default.fileExists(atPath: page))
    let full = try await preview(["--html", "/dev/full"])
    #expect(full.status == 75)
    #expect(full.errors.contains("the page cannot be written"))
  }

  @Test func `a file that never runs is named`() async throws {
    try place.write("return {}", to: "formatters/70 own.lua")
    #expect(try await preview([]).errors.contains("70 own.lua never runs"))
  }

  @Test func `what a script did is said beside the message`() async throws {
    let file = try formatter(
      "return function(e, p) print('seen', e.ip) p.text = e.ip .. (' '):rep(9) .. ('x'):rep(5000) end"
    )
    let said = try await preview([file]).output.replacing("\n! ", with: " ")
    #expect(said.contains("printed: seen 203.0.113.7"), "\(said)")
    #expect(said.contains("/text: 5,020 characters, Slack takes 4,000"), "\(said.suffix(400))")
  }
}
