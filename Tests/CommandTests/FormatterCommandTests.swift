import Foundation
import Glibc
import TestSupport
import Testing

/// `luaslack formatter`: a formatter begun and tested by who writes it.
@Suite struct FormatterCommandTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory("formatter")
    try place.write("[destination.default]\nwebhook_file = \"absent\"\n", to: "config.toml")
  }

  private func formatter(_ arguments: String...) async throws -> Finished {
    try await formatter(arguments: arguments)
  }

  private func formatter(arguments: [String]) async throws -> Finished {
    try await run(
      Programs.luaslack, ["formatter"] + arguments,
      environment: ["LUASLACK_CONFIG": place.file("config.toml")])
  }

  private static let event = """
    {"kind": "ban", "jail": "sshd", "ip": "203.0.113.7", "failures": 5, "host": "web1", "time": 1795231644}
    """
  private static let script =
    "return { ban = function(event) return { text = 'ban of ' .. slack.code(event.ip) } end }"
  private static func payload(_ text: String) -> String {
    "{\n  \"text\": \"\(text)\",\n  \"unfurl_links\": false,\n  \"unfurl_media\": false\n}\n"
  }

  /// One formatter of an admin's own with two cases, both right.
  private func writeOwn(_ script: String = script) throws {
    try place.write(script, to: "formatters/50-own.lua")
    for name in ["first", "second"] {
      try place.write(Self.event, to: "formatters/cases/50-own/\(name)/event.json")
      try place.write(
        Self.payload("ban of `203.0.113.7`"), to: "formatters/cases/50-own/\(name)/payload.json")
    }
  }

  private func expectNoControls(_ text: String) {
    let bad = text.unicodeScalars.filter { scalar in
      scalar != "\n" && [.control, .format].contains(scalar.properties.generalCategory)
    }
    #expect(bad.isEmpty, "\(text.debugDescription)")
  }

  // MARK: - test

  @Test func `cases that come out as recorded, however their formatter is named`() async throws {
    try writeOwn()
    let directory = place.file("formatters")
    for path in [nil, directory, directory + "/", directory + "/.", directory + "/50-own.lua"] {
      let call = try await formatter(
        arguments: ["test"] + (path.map { [$0] } ?? []))
      #expect(call.output == "2 cases, none failed\n", "\(path ?? "")")
      #expect(call.errors == "")
      #expect(call.status == 0)
    }
  }

  @Test func `a folder of one formatter, its file, and a directory of such folders`() async throws {
    for name in ["one", "two"] {
      try place.write(Self.script, to: "all/\(name)/formatter.lua")
      try place.write(Self.event, to: "all/\(name)/cases/ban/event.json")
      try place.write(
        Self.payload("ban of `203.0.113.7`"), to: "all/\(name)/cases/ban/payload.json")
    }
    #expect(
      try await formatter("test", place.file("all/one")).output == "1 case, none failed\n")
    #expect(
      try await formatter("test", place.file("all/one/formatter.lua")).output
        == "1 case, none failed\n")
    #expect(try await formatter("test", place.file("all")).output == "2 cases, none failed\n")
  }

  @Test func `what differs is shown line by line`() async throws {
    try writeOwn()
    try place.write(
      Self.payload("ban of 203.0.113.7"), to: "formatters/cases/50-own/second/payload.json")
    let call = try await formatter("test")
    #expect(
      call.output == """
        50-own/second: payload.json holds something else
        --- payload.json
        +++ made now
        @@ -1,5 +1,5 @@
         {
        -  "text": "ban of 203.0.113.7",
        +  "text": "ban of `203.0.113.7`",
           "unfurl_links": false,
           "unfurl_media": false
         }

        2 cases, 1 failed

        """)
    #expect(call.errors == "")
    #expect(call.status == 65)
  }

  @Test func `of a long payload only what is near a change is shown`() async throws {
    try writeOwn(
      """
      return { ban = function(event)
        local fields = {}
        for i = 1, 30 do fields[i] = slack.field("f" .. i, i == 20 and event.ip or "x") end
        return { text = event.ip, attachments = { slack.attachment { fields = fields } } }
      end }
      """)
    #expect(try await formatter("test", "--record").status == 65)
    let path = "formatters/cases/50-own/first/payload.json"
    let text = try place.read(path)
    try place.write(text.replacing("\"f3\"", with: "\"f33\"") + "\n", to: path)
    let call = try await formatter("test")
    let places = call.output.split(separator: "\n").filter { $0.hasPrefix("@@") }
    #expect(places.count == 2)
    #expect(
      call.output.contains("\n-          \"title\": \"f33\",\n+          \"title\": \"f3\",\n"))
    #expect(call.output.contains("\n }\n-\n\n"), "\(call.output)")
    #expect(!call.output.contains("\"f10\""))
  }

  @Test func `without bounds in the file there are some in what is shown`() async throws {
    try writeOwn()
    try place.write(
      String(repeating: "{}\n", count: 200_000), to: "formatters/cases/50-own/first/payload.json")
    let call = try await formatter("test")
    #expect(call.output.contains("\n… and 199"))
    #expect(call.output.split(separator: "\n").count < 120)
    try place.write(
      String(repeating: " ", count: 5 << 20), to: "formatters/cases/50-own/first/payload.json")
    #expect(
      try await formatter("test").output.hasPrefix(
        "50-own/first: payload.json is larger than 4096 KiB\n"))
  }

  @Test func `the error and what was printed stand with the case`() async throws {
    try writeOwn("print('look: \\27[31m')\nreturn { ban = function(e) e.geo.x = 1 end }")
    let call = try await formatter("test", place.file("formatters"))
    #expect(call.status == 65)
    let start = """
      50-own/first: payload.json holds something else
        50-own.lua:2: attempt to index a nil value (field 'geo')
            1 | print('look: \\27[31m')
            2 | return { ban = function(e) e.geo.x = 1 end }
              |                            ^^^^^
          geo is nil when nothing is known of the address: ask first, `if event.geo then`
        printed: look: [31m

      """
    #expect(call.output.hasPrefix(start), "\(call.output)")
    expectNoControls(call.output)
  }

  @Test func `a recording fails and says what it wrote, and then passes`() async throws {
    try writeOwn()
    let (first, second) = ("formatters/cases/50-own/first", "formatters/cases/50-own/second")
    try place.write(Self.payload("old"), to: first + "/payload.json", mode: 0o640)
    try FileManager.default.removeItem(atPath: place.file(second + "/payload.json"))
    let recording = try await formatter("test", "--record")
    #expect(recording.status == 65)
    #expect(
      recording.output.hasPrefix(
        "50-own/first: payload.json holds something else; written anew, look at it\n"))
    #expect(
      recording.output.hasSuffix(
        """

        50-own/second: there is no payload.json; written anew, look at it
        2 cases, 2 failed, 2 recorded

        """), "\(recording.output)")
    for folder in [first, second] {
      #expect(try place.read(folder + "/payload.json") == Self.payload("ban of `203.0.113.7`"))
      #expect(try place.names(in: folder) == ["event.json", "payload.json"])
    }
    #expect(mode(first + "/payload.json") == 0o640)
    let after = try await formatter("test", "--record")
    #expect(after.output == "2 cases, none failed\n")
    #expect(after.status == 0)
  }

  @Test func `what is missing is said, and counts as failed`() async throws {
    try writeOwn()
    let cases = "formatters/cases/50-own/"
    try FileManager.default.removeItem(atPath: place.file(cases + "first/event.json"))
    try FileManager.default.removeItem(atPath: place.file(cases + "second/payload.json"))
    try place.write("{\"kind\": ", to: cases + "broken/event.json")
    try place.write("{\"kind\": \"bam\"}", to: cases + "unknown/event.json")
    try place.write("notes", to: cases + "README")
    try place.write(Self.event, to: "formatters/cases/50-onw/ban/event.json")
    try place.write("return {}", to: "formatters/60-more.lua")
    let call = try await formatter("test")
    #expect(
      call.output == """
        50-own/broken: event.json: line 1: the text ends early
        50-own/first: there is no event.json
        50-own/second: there is no payload.json yet; --record writes it
        50-own/unknown: event.json: no event is of the kind "bam"; did you mean "ban"?
        cases/50-onw: there is no 50-onw.lua; did you mean "50-own"?
        5 cases, 5 failed

        """)
    #expect(
      call.errors
        == "luaslack: 60-more has no case: cases/60-more/<case>/event.json would be one\n")
    #expect(call.status == 65)
  }

  @Test func `nothing to test is no success`() async throws {
    let absent = try await formatter("test")
    #expect(absent.status == 66)
    #expect(absent.errors == "luaslack: \(place.file("formatters")): there is nothing there\n")
    mkdir(place.file("formatters"), 0o755)
    #expect(try await formatter("test").status == 66)
    try place.write("return {}", to: "formatters/50-own.lua")
    let without = try await formatter("test")
    #expect(without.status == 66)
    #expect(without.output == "")
    #expect(without.errors.contains("50-own has no case"))
    try place.write("post = 5", to: "config.toml")
    #expect(try await formatter("test").status == 78)
    #expect(try await formatter("test", "a", "b").status == 64)
  }

  @Test func `no symbolic link is followed, and none written through`() async throws {
    try writeOwn()
    let secret = try place.write("secret\n", to: "secret")
    let files = FileManager.default
    let cases = place.file("formatters/cases/50-own")
    try files.removeItem(atPath: cases + "/first/payload.json")
    try files.createSymbolicLink(
      atPath: cases + "/first/payload.json", withDestinationPath: secret)
    try files.moveItem(atPath: cases + "/second", toPath: place.file("elsewhere"))
    try files.createSymbolicLink(
      atPath: cases + "/second", withDestinationPath: place.file("elsewhere"))
    try place.write(Self.payload("other"), to: "elsewhere/payload.json")
    let call = try await formatter("test", "--record")
    #expect(
      call.output == """
        50-own/first: payload.json is no ordinary file
        50-own/second: open second: Not a directory (links are not followed)
        2 cases, 2 failed

        """)
    #expect(try place.read("secret") == "secret\n")
    #expect(try place.read("elsewhere/payload.json") == Self.payload("other"))
  }

  @Test func `what files hold cannot steer a terminal`() async throws {
    try writeOwn(
      "return { ban = function(event) error('\\27[2J\u{202e}\u{9b}31m' .. event.jail) end }")
    try place.write(
      "\u{1b}[2J\u{202e}\u{9b}31m\u{1b}]0;x\u{7}\r\n",
      to: "formatters/cases/50-own/first/payload.json")
    try place.write(Self.event, to: "formatters/cases/50-own/\u{1b}[31mred/event.json")
    try place.write("{", to: "formatters/cases/\u{1b}[2J/ban/event.json")
    let call = try await formatter("test")
    #expect(call.status == 65)
    expectNoControls(call.output + call.errors)
    #expect(call.output.contains("\n-<U+001B>[2J<U+202E><U+009B>31m<U+001B>]0;x<U+0007><U+000D>\n"))
    #expect(call.output.contains("50-own/<U+001B>[31mred: there is no payload.json yet"))
    #expect(call.output.contains("cases/<U+001B>[2J: there is no <U+001B>[2J.lua"))
  }

  @Test func `a formatter that others may write is not run, as in earnest`() async throws {
    try writeOwn()
    chmod(place.file("formatters/50-own.lua"), 0o666)
    let call = try await formatter("test")
    #expect(call.status == 65)
    #expect(
      call.output.hasPrefix("50-own/first: 50-own.lua: can be written by others; chmod go-w\n"))
    chmod(place.file("formatters/50-own.lua"), 0o644)
    chmod(place.file("formatters"), 0o777)
    #expect(try await formatter("test").output.contains("can be written by others; chmod go-w"))
  }

  @Test func `shipped ones run before one's own, and a case may have settings`() async throws {
    try place.write(
      "return { ban = function(e, p) p.text = p.text .. require('words').last end }",
      to: "formatters/50-own.lua")
    try place.write("return { last = ' (usual)' }", to: "formatters/lib/words.lua")
    for name in ["usual", "other"] {
      try place.write(Self.event, to: "formatters/cases/50-own/\(name)/event.json")
    }
    try place.write(
      "return { last = ' (other)' }", to: "formatters/cases/50-own/other/lib/words.lua")
    _ = try await formatter("test", "--record")
    for name in ["usual", "other"] {
      let payload = try JSON(
        parsing: try place.read("formatters/cases/50-own/\(name)/payload.json"))
      #expect(
        payload["text"].string
          == ":shield: sshd banned 203.0.113.7 after 5 failures on web1 (\(name))")
    }
  }

  @Test func `the time is the event's, in the config's zone or UTC`() async throws {
    let script = "return { ban = function(e) return { text = os.date('%H:%M ') .. e.ip } end }"
    try place.write(script, to: "one/formatter.lua")
    try place.write(Self.event, to: "one/cases/ban/event.json")
    try place.write(script, to: "formatters/50-own.lua")
    try place.write(Self.event, to: "formatters/cases/50-own/ban/event.json")
    func texts() async throws -> [String?] {
      _ = try await formatter("test", "--record")
      _ = try await formatter("test", "--record", place.file("one"))
      return try ["formatters/cases/50-own", "one/cases"].map {
        try JSON(parsing: try place.read($0 + "/ban/payload.json"))["text"].string
      }
    }
    #expect(try await texts() == ["03:27 203.0.113.7", "03:27 203.0.113.7"])
    try place.write(
      "timezone = \"Asia/Kolkata\"\n" + (try place.read("config.toml")), to: "config.toml")
    // One in a folder of its own is handed around, and has the same result everywhere.
    #expect(try await texts() == ["08:57 203.0.113.7", "03:27 203.0.113.7"])
  }

  @Test(
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/script"), "no script"))
  func `colours are for terminals of people who like them`() async throws {
    try writeOwn()
    try place.write("{}\n", to: "formatters/cases/50-own/first/payload.json")
    func inTerminal(_ environment: [String: String]) async throws -> String {
      let config = place.file("config.toml")
      // A pseudo-terminal of its own, whose line ends are a carriage return and a newline.
      let call = try await run(
        "/usr/bin/script", ["-qec", "\(Programs.luaslack) formatter test", "/dev/null"], stdin: [],
        environment: environment.merging(["LUASLACK_CONFIG": config]) { $1 })
      #expect(call.status == 65)
      return call.output.replacing("\r\n", with: "\n")
    }
    let coloured = try await inTerminal(["TERM": "xterm"])
    #expect(coloured.contains("\n\u{1b}[31m-{}\u{1b}[0m\n\u{1b}[32m+{\u{1b}[0m\n"))
    let plain = try await formatter("test").output
    #expect(!plain.contains("\u{1b}"))
    for environment in [["TERM": "xterm", "NO_COLOR": "1"], ["TERM": "dumb"]] {
      #expect(try await inTerminal(environment) == plain)
    }
  }

  // MARK: - new

  @Test(arguments: [nil] + CasesTests.formatters.map(Optional.some))
  func `a new formatter has a case that passes`(shipped: String?) async throws {
    let new = try await formatter(
      arguments: ["new", "50-own"] + (shipped.map { ["--from", $0] } ?? []))
    #expect(new.errors == "")
    #expect(new.status == 0)
    let files = ["50-own.lua", "cases/50-own/ban/event.json", "cases/50-own/ban/payload.json"]
    for file in files {
      #expect(new.output.contains("wrote \(place.file("formatters"))/\(file)\n"))
    }
    if let shipped {
      let original = try String(
        contentsOfFile: CasesTests.scripts + shipped + "/formatter.lua", encoding: .utf8)
      #expect(try place.read("formatters/50-own.lua") == original)
    }
    let payload = try place.read("formatters/cases/50-own/ban/payload.json")
    #expect(payload.contains("203.0.113.7") && !payload.contains("a formatter failed"))
    let test = try await formatter("test")
    #expect(test.output == "1 case, none failed\n")
    #expect(test.status == 0)
    // The cases beside the formatters are no formatter, and nobody should think so.
    let check = try await run(
      Programs.luaslack, ["check", "--config", place.file("config.toml")])
    #expect(check.output == "")
    #expect(!check.errors.contains("cases"))
  }

  @Test func `what it says to type next works`() async throws {
    let config = place.file("config.toml")
    let new = try await run(
      Programs.luaslack,
      ["formatter", "new", "50-own", "--from", "minimal", "--config", config])
    let commands = new.output.split(separator: "\n").filter { $0.hasPrefix("  luaslack ") }
    #expect(commands.count == 2)
    for command in commands {
      let words = command.split(separator: " ").dropFirst().map(String.init)
      let call = try await run(Programs.luaslack, words)
      #expect(call.status == 0, "\(command): \(call.errors)")
    }
    let first = try #require(commands.first)
    let preview = try await run(
      Programs.luaslack, first.split(separator: " ").dropFirst().map(String.init))
    #expect(preview.output.contains("sshd: 203.0.113.7, 5 failures, web1"))
  }

  @Test func `nothing that is there is written over`() async throws {
    try place.write("return {} -- mine", to: "formatters/50-own.lua")
    let call = try await formatter("new", "50-own", "--from", "minimal")
    #expect(call.status == 64)
    #expect(call.output == "")
    #expect(call.errors.contains("50-own.lua, or its case, is there already; nothing was written"))
    #expect(try place.read("formatters/50-own.lua") == "return {} -- mine")
    #expect(try place.names(in: "formatters") == ["50-own.lua"])
    try place.write("mine", to: "formatters/cases/60-own/ban/event.json")
    #expect(try await formatter("new", "60-own").status == 64)
    #expect(try place.read("formatters/cases/60-own/ban/event.json") == "mine")
    #expect(try place.names(in: "formatters") == ["50-own.lua", "cases"])
  }

  @Test(arguments: ["../own", "a b", ".own", "a.b", "", "_own", "own\u{1b}[2J", "ümlaut", "lib/x"])
  func `a name that would not run is refused with the rule`(name: String) async throws {
    let call = try await formatter("new", name)
    #expect(call.status == 64)
    #expect(
      call.errors.contains("take letters, digits, - and _, and begin with a letter or a digit"))
    expectNoControls(call.errors)
    #expect(try place.names() == ["config.toml"])
  }

  @Test func `what cannot be copied or is not run is said`() async throws {
    let unknown = try await formatter("new", "own", "--from", "minmal")
    #expect(unknown.status == 64)
    #expect(unknown.errors.contains("did you mean \"minimal\"?"))
    #expect(try place.names() == ["config.toml"])
    try place.write(
      "formatters = [\"default\"]\n" + (try place.read("config.toml")), to: "config.toml")
    let silent = try await formatter("new", "own.lua")
    #expect(silent.output.contains("once the config's formatters list \"local\""))
    #expect(try place.names(in: "formatters") == ["cases", "own.lua"])
    try FileManager.default.removeItem(atPath: place.file("config.toml"))
    #expect(try await formatter("new", "other").status == 78)
  }

  @Test func `a directory that others may write is not written into`() async throws {
    mkdir(place.file("formatters"), 0o755)
    chmod(place.file("formatters"), 0o777)
    let call = try await formatter("new", "own")
    #expect(call.status == 78)
    #expect(call.errors.contains("can be written by others; chmod go-w"))
    chmod(place.file("formatters"), 0o755)
    mkdir(place.file("elsewhere"), 0o755)
    try FileManager.default.createSymbolicLink(
      atPath: place.file("formatters/cases"), withDestinationPath: place.file("elsewhere"))
    #expect(try await formatter("new", "own").status == 75)
    #expect(try place.names(in: "elsewhere").isEmpty)
    #expect(try place.names(in: "formatters") == ["cases"])
  }

  // MARK: - Rights

  private func mode(_ name: String) -> mode_t {
    var status = stat()
    return lstat(place.file(name), &status) == 0 ? status.st_mode & 0o7777 : 0
  }

  @Test func `a case has the rights that its writer gives, a formatter those that it needs`()
    async throws
  {
    let script = "umask 027; exec \"$0\" formatter new own --from minimal"
    let call = try await run(
      "/bin/sh", ["-c", script, Programs.luaslack],
      environment: ["LUASLACK_CONFIG": place.file("config.toml")])
    #expect(call.status == 0, "\(call.errors)")
    #expect(mode("formatters") == 0o755)
    #expect(mode("formatters/own.lua") == 0o644)
    #expect(mode("formatters/cases/own/ban") == 0o750)
    #expect(mode("formatters/cases/own/ban/event.json") == 0o640)
    #expect(mode("formatters/cases/own/ban/payload.json") == 0o640)
  }

  @Test(
    .enabled(if: geteuid() == 0, "only root can become somebody else"),
    .enabled(if: Checkout.isReachable, "the checkout lies where only root can enter"),
    .enabled(if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"), "no setpriv"))
  func `a user writes beside a config of their own, and nowhere else`() async throws {
    let nobody = uid_t(RightsTests.nobody)
    chmod(place.path, 0o755)
    mkdir(place.file("home"), 0o700)
    try place.write(try place.read("config.toml"), to: "home/.config/luaslack/config.toml")
    for name in ["home", "home/.config", "home/.config/luaslack"] {
      chown(place.file(name), nobody, nobody)
    }
    func asNobody(_ words: String...) async throws -> Finished {
      try await run(
        "/usr/bin/setpriv",
        ["--reuid=\(nobody)", "--regid=\(nobody)", "--clear-groups", Programs.luaslack] + words,
        environment: ["HOME": place.file("home")])
    }
    #expect(try await asNobody("formatter", "new", "own").status == 0)
    #expect(try await asNobody("formatter", "test").output == "1 case, none failed\n")
    var status = stat()
    #expect(lstat(place.file("home/.config/luaslack/formatters/own.lua"), &status) == 0)
    #expect(status.st_uid == nobody)
    let config = "--config=" + place.file("config.toml")
    let denied = try await asNobody("formatter", "new", "own", config)
    #expect(denied.status == 75)
    #expect(denied.errors.contains("Permission denied"))
    // Root's are for everybody to test, and for root to change.
    try writeOwn()
    try place.write("{}\n", to: "formatters/cases/50-own/first/payload.json")
    let recording = try await asNobody("formatter", "test", "--record", config)
    #expect(recording.status == 65)
    #expect(
      recording.output.hasPrefix("50-own/first: open .payload.json.luaslack-new: Permission"))
    #expect(try place.read("formatters/cases/50-own/first/payload.json") == "{}\n")
  }
}
