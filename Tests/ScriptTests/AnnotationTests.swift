import Foundation
import TestSupport
import Testing

@testable import LuaslackCore

/// What `scripts/types` tells editors, held against the sandbox, the events, the payloads and the docs.
@Suite struct AnnotationTests {
  private static let types = Annotations.shipped
  private static let document = Document(Script.read("../docs/formatters.md"))

  @Test func `every line of the annotations is understood here`() {
    #expect(Self.types.unknown == [])
    #expect(Self.types.globals.count > 120 && Self.types.classes.count > 20)
  }

  // MARK: - What there is

  @Test func `they declare every global and every function of a library, and no other`() {
    let source = """
      return function(_, payload)
        local names = {}
        for name, value in pairs(_G) do
          names[#names + 1] = name
          if type(value) == "table" and value ~= _G then
            for key in pairs(value) do names[#names + 1] = name .. "." .. key end
          end
        end
        payload.text = table.concat(names, " ")
      end
      """
    let result = Script.run(source)
    #expect(result.errors == [])
    let names = result.text.split(separator: " ").map(String.init)
    #expect(Set(names).symmetricDifference(Self.types.globals) == [])
  }

  /// All that the sandbox opened for editors is left out by what `init` writes, so that only this counts.
  @Test func `each library of Lua's own is left out of an editor's`() throws {
    let settings = try JSONReader.read(SetupTexts.editor(types: "/x"))
    let builtin = try #require(settings["runtime"]?["builtin"]?.object)
    let libraries = Set(
      Self.types.globals.filter { $0.contains(".") }.map { $0.prefix { $0 != "." } })
    for name in libraries where name != "slack" && name != "ip" {
      #expect(builtin[String(name)] == "disable", "\(name)")
    }
    #expect(builtin["basic"] == "disable" && builtin["io"] == "disable")
    #expect(settings["workspace"]?["library"] == ["/x"])
  }

  // MARK: - Arguments

  private static let ours = types.functions.filter {
    $0.key.hasPrefix("slack.") || $0.key.hasPrefix("ip.")
  }

  @Test func `the reference gives each function the same arguments`() {
    for signature in Self.document.signatures where signature.hasSuffix(")") {
      let name = String(signature.prefix { $0 != "(" })
      let told = signature.dropFirst(name.count + 1).dropLast().split(separator: ", ").map { part in
        part.hasPrefix("[") ? part.dropFirst().dropLast() + "?" : part == "…" ? "..." : String(part)
      }
      #expect(Self.ours[name]?.map(\.description) == told, "\(name)")
    }
  }

  /// An argument of each name that is right wherever that stands.
  private static let values = [
    "text": "'x'", "most": "5", "ellipsis": "'…'", "count": "2", "one": "'entry'",
    "many": "'entries'", "seconds": "60", "url": "'https://example.org'", "label": "'x'",
    "who": "'here'", "time": "0", "layout": "'{time}'", "fallback": "'x'", "part": "'x'",
    "alt": "'x'", "title": "'x'", "style": "'danger'", "table": "{ text = 'x' }", "value": "'x'",
    "short": "true", "list": "{}", "reason": "'x'", "address": "'192.0.2.1'",
    "network": "'192.0.2.0/24'", "...": "'192.0.2.0/24'",
  ]

  private static func value(_ argument: String, of function: String) -> String {
    switch (function, argument) {
    case ("slack.user_group", "id"): "'S1'"
    case ("slack.channel_link", "id"): "'C1'"
    default: values[argument] ?? "nothing of this name"
    }
  }

  private func call(_ name: String, _ arguments: [String]) -> String? {
    let source = "return function() local _ = \(name)(\(arguments.joined(separator: ", "))) end"
    return Script.run(source).errors.first
  }

  @Test func `what may be left out may be left out, and nothing else`() {
    for (name, arguments) in Self.ours {
      let values = arguments.map { Self.value($0.name, of: name) }
      #expect(call(name, values) == nil, "\(name)")
      for (index, argument) in arguments.enumerated() {
        let fewer = Array(values[..<index])
        let mayBeNil = argument.isOptional || argument.name == "..." || argument.type.hasSuffix("?")
        // Without a network the answer is no, which is of use to nobody.
        if name == "ip.within", argument.name == "network" { continue }
        #expect((call(name, fewer) == nil) == mayBeNil, "\(name) without \(argument)")
      }
    }
  }

  @Test func `the library takes as many arguments as they declare`() throws {
    let prelude = String(decoding: PackageResources.prelude_lua, as: UTF8.self)
    var counts: [String: Int] = [:]
    for match in prelude.matches(of: /(?m)^(?:local )?function ([\w.]+)\((.*?)\)/) {
      let names = match.2.split(separator: ", ")
      counts[String(match.1)] = names.contains("...") ? nil : names.count
    }
    for match in prelude.matches(of: /(?m)^(slack\.\w+) = (\w+)$/) {
      counts[String(match.1)] = counts[String(match.2)]
    }
    var compared = 0
    for (name, arguments) in Self.ours where arguments.last?.name != "..." {
      #expect(counts[name] == arguments.count, "\(name)")
      compared += 1
    }
    #expect(compared > 20)
  }

  // MARK: - Events

  private static let context = EventContext(
    lists: ["scanners": NetworkList(["203.0.113.0/24"]), "office": NetworkList(["192.0.2.1"])],
    validUsers: ["root"], friendlyNetworks: ["203.0.113.7"])

  private static let events: [Event] = {
    let bare = Sample.all.flatMap { $0.events(EventContext()) }
    var several = EventRecord(kind: .notify, jail: "", acceptedAt: 0)
    several.setTitle("x")
    several.submitter = "alice"
    return bare + Sample.all.flatMap { $0.events(context) }
      + [Event(several, host: "web1", now: 0, context: context)]
  }()

  private static let ofJails: Set = ["jails", "change", "change_in_words"]

  @Test func `an event has what they declare, in the types that they declare`() {
    #expect(Self.types.names("luaslack.Event") == Event.members.sorted())
    let values = Self.events.filter { $0.kind != .digest && !$0.kind.isOwn }.map(\.value)
    expect(values, toBe: "luaslack.Event", but: Self.ofJails)
  }

  @Test func `history has what they declare`() throws {
    let full = try #require(
      Self.events.lazy.compactMap { $0.value["history"] }
        .first { $0["address"]?["previous"] != nil })
    var history = History()
    history.userAddresses = 3
    // An address without bans, of no network, tried as a user.
    let bare = history.value
    #expect(bare["network"] == nil && bare["address"]?["previous"] == nil)
    for value in [full, bare] { #expect(Self.types.problem(value, "luaslack.History") == nil) }
    let names = Set((full.object ?? [:]).keys).union((bare.object ?? [:]).keys)
    #expect(Self.types.names("luaslack.History") == names.sorted())
    for (member, name) in [("address", "Address"), ("network", "Network")] {
      let declared =
        Self.types.names("luaslack.\(name)History") + Self.types.names("luaslack.Figures")
      #expect(Set(declared) == Set((full[member]?.object ?? [:]).keys))
    }
  }

  @Test func `a program that was run has what they declare`() {
    let name = Array("x".utf8)
    let runs = [
      ProgramRun(name, exit: 1, seconds: 2), ProgramRun(name, signal: 9, seconds: 2),
      ProgramRun(name, notRun: "No such file or directory", exit: 127),
    ]
    expect(runs.map(\.value), toBe: "luaslack.Run")
  }

  @Test func `a report has what they declare`() {
    #expect(Self.types.names("luaslack.Report") == Report.members.sorted())
    let nothing = Report(ReportPeriod(until: 1_795_231_644, length: 86_400))
    let reports =
      Self.events.filter { $0.kind == .report }.map(\.value)
      + [Event(EventRecord(nothing, to: [], at: 0), host: "web1", now: 0).value]
    expect(reports, toBe: "luaslack.Report")
    func rows(_ member: String) -> [Value] { reports.flatMap { $0[member]?.array ?? [] } }
    expect(rows("jails"), toBe: "luaslack.ReportJail")
    expect(rows("addresses") + rows("networks"), toBe: "luaslack.ReportShare")
    expect(rows("offenders"), toBe: "luaslack.ReportOffender")
    expect(rows("destinations"), toBe: "luaslack.ReportDestination")
    let totals = reports.compactMap { $0["totals"] }
    expect(totals, toBe: "luaslack.ReportTotals")
    expect(totals.flatMap { Array(($0.object ?? [:]).values) }, toBe: "luaslack.ReportTotal")
    expect(reports.compactMap { $0["bars"] }, toBe: "luaslack.ReportBars")
  }

  @Test func `an early warning has what they declare`() {
    #expect(Self.types.names("luaslack.Warning") == Event.warningMembers.sorted())
    let warnings = Self.events.filter { $0.kind == .warning }.map(\.value)
    expect(warnings, toBe: "luaslack.Warning", but: ["group", "is_dropped"])
  }

  @Test func `a place has what they declare, each where it is known`() throws {
    let places = Self.events.compactMap { $0.value["geo"] }
    for place in places + [["asn": 1]] {
      #expect(Self.types.problem(place, "luaslack.Geo") == nil)
    }
    let names = Set(places.flatMap { ($0.object ?? [:]).keys })
    #expect(Self.types.names("luaslack.Geo") == names.sorted())
    for field in Self.types.fields("luaslack.Geo") { #expect(field.isOptional, "\(field.name)") }
  }

  @Test func `a digest and its events have what they declare`() {
    #expect(Self.types.names("luaslack.Digest") == Digest.members.sorted())
    #expect(Self.types.names("luaslack.DigestEvent") == Digest.eventMembers.sorted())
    let digests =
      Self.events.filter { $0.kind == .digest }.map(\.value)
      + [
        Event(
          Digest(of: Self.events.filter { ![.digest, .report].contains($0.kind) }), host: "web1",
          now: 0
        ).value
      ]
    expect(digests, toBe: "luaslack.Digest")
    expect(digests.flatMap { $0["events"]?.array ?? [] }, toBe: "luaslack.DigestEvent")
  }

  /// Each of them fits; what is declared as always there is, and what may be missing is missing somewhere
  /// and there somewhere.
  private func expect(_ values: [Value], toBe name: String, but never: Set<String> = []) {
    #expect(values.count > 2)
    for value in values { #expect(Self.types.problem(value, name) == nil) }
    for field in Self.types.fields(name) where !never.contains(field.name) {
      let count = values.count { $0[field.name] != nil }
      #expect(count > 0, "\(field.name) is never there")
      #expect((count < values.count) == field.isOptional, "\(field.name)")
    }
  }

  @Test func `each kind of event has its function`() {
    let kinds = EventKind.allCases.map(\.rawValue)
    #expect(Self.types.names("luaslack.Formatter") == (kinds + ["any"]).sorted())
    for kind in kinds { #expect(Self.types.problem(.string(kind), "luaslack.Kind") == nil) }
  }

  // MARK: - Payloads

  /// The keys that are named as known by the error of one that is not.
  private func known(_ body: String) throws -> [String] {
    let error = try #require(Script.run("return function(e, p) \(body) end").errors.first)
    let list = try #require(error.firstRange(of: "known: "))
    return error[list.upperBound...].split(separator: ", ").map(String.init).sorted()
  }

  @Test(arguments: [
    ("luaslack.Message", "slack.message { zzz = 1 }"),
    ("luaslack.Attachment", "slack.attachment { zzz = 1 }"),
    ("luaslack.SectionParts", "slack.section { zzz = 1 }"),
    ("luaslack.Route", "return p, { zzz = 1 }"),
  ])
  func `a table has the keys that they declare`(name: String, body: String) throws {
    #expect(try known(body) == Self.types.names(name))
  }

  @Test func `blocks and their parts have the keys that Slack knows`() {
    func name(_ type: String) -> String {
      "luaslack."
        + type.split(separator: "_").map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
    }
    for (type, part) in SlackParts.blocks {
      #expect(Self.types.names(name(type)) == part.members.keys.sorted(), "\(type)")
      #expect(Self.types.aliases["luaslack.Block"]?.contains(name(type)) == true)
    }
    let texts = ["mrkdwn", "plain_text"].compactMap { SlackParts.elements[$0]?.members.keys }
    #expect(Self.types.names("luaslack.TextObject") == Set(texts.joined()).sorted())
    for (name, part) in [
      ("luaslack.ImageElement", SlackParts.elements["image"]),
      ("luaslack.Button", SlackParts.elements["button"]),
      ("luaslack.Field", SlackParts.parts["field"]),
    ] {
      #expect(Self.types.names(name) == part?.members.keys.sorted(), "\(name)")
    }
  }

  @Test func `a builder makes what it is declared to return`() throws {
    let source = """
      return function()
        local image = slack.image("https://example.org/x.png", "x", "y")
        local button = slack.link_button("x", "https://example.org", "danger")
        return { text = "x", blocks = { slack.header("x"), slack.section { text = "x", accessory = image },
          slack.section { fields = { "x" }, accessory = button }, slack.fields("x", "y"),
          slack.context("x", image), slack.divider(), image, button },
          attachments = { slack.attachment { color = "good", fields = { slack.field("x", 1, true) } } } }
      end
      """
    let result = Script.run(source)
    #expect(result.errors == [])
    var message = try #require(result.message)
    message["unfurl_links"] = nil
    message["unfurl_media"] = nil
    #expect(Self.types.problem(message, "luaslack.Message") == nil)
    #expect(message["blocks"]?.array?.count == 8)
    message["blocks"] = [["type": "section", "txt": "x"]]
    #expect(Self.types.problem(message, "luaslack.Message") != nil)
  }

  @Test func `the built-in message is a payload`() {
    for event in Self.events {
      let payload = BuiltIn.payload(event)
      // Of several attachments the first is what is described.
      var first = payload
      first["attachments"] = .array(Array((payload["attachments"]?.array ?? []).prefix(1)))
      #expect(Self.types.problem(first, "luaslack.Payload") == nil, "\(event.kind)")
    }
  }

  // MARK: - The page

  @Test func `the page of help fits a terminal`() {
    let lines = FormatterPage.text.split(separator: "\n", omittingEmptySubsequences: false)
    #expect(lines.count <= 120)
    for line in lines { #expect(line.count <= 80, "\(line)") }
  }

  @Test func `the page of help names every function with its arguments, and no other`() {
    let page = FormatterPage.text
    // As the first thing of a line, or as what a function returns.
    let named = Set(
      page.matches(of: /(?m)^  ((?:slack|ip)\.\w+(?:\([^)]*\))?)/).map { String($0.1) })
    #expect(named.symmetricDifference(Self.document.signatures) == [])
  }

  @Test(arguments: [
    ("event, always there", "luaslack.Event", false), ("event, nil", "luaslack.Event", true),
    ("digest, what", "luaslack.Digest", false), ("payload, the message", "luaslack.Message", true),
  ])
  func `the page of help names every field, and no other`(
    heading: String, name: String, isOptional: Bool
  ) throws {
    let page = FormatterPage.text
    let section = try #require(page.firstRange(of: "\n" + heading))
    let lines = page[section.upperBound...].split(separator: "\n", omittingEmptySubsequences: false)
      .dropFirst().prefix { $0.hasPrefix("  ") }
    // Names stand in the first 22 columns; a line that is all of names is longer.
    let known = Self.types.fields(name).filter { $0.isOptional == isOptional }.map(\.name)
    let told = lines.flatMap { line in
      let words = line.split(separator: " ").map(String.init)
      return words.allSatisfy(known.contains)
        ? words
        : line.dropFirst(2).prefix(22).split(separator: " ").map(String.init)
    }
    #expect(told.sorted() == known.sorted())
  }

  @Test func `the page of help tells the limits that the document tells`() throws {
    let page = FormatterPage.text.replacing("\n", with: " ")
    let document = Script.read("../docs/formatters.md")
    for words in [
      "250 ms a file", "750 ms for all", "16 MiB", "64 KiB", "256 KiB, 20,000 values, 32 levels",
    ] {
      #expect(page.contains(words) && document.contains(words), "\(words)")
    }
    for kind in EventKind.allCases { #expect(page.contains(" \(kind.rawValue)")) }
  }

  // MARK: - An editor

  /// Debian 12 has none.
  private static let languageServer = (ProcessInfo.processInfo.environment["PATH"] ?? "")
    .split(separator: ":").map { $0 + "/lua-language-server" }
    .first { FileManager.default.isExecutableFile(atPath: $0) }

  @Test(.enabled(if: languageServer != nil, "lua-language-server is not installed"))
  func `lua-language-server finds nothing wrong in the shipped formatters`() async throws {
    let place = try TemporaryDirectory()
    let scripts = Script.tests.deletingLastPathComponent().appending(path: "scripts")
    let settings = SetupTexts.editor(types: scripts.appending(path: "types").path())
    let path = try place.write(String(decoding: settings, as: UTF8.self), to: "luarc.json")
    let check = try await run(
      try #require(Self.languageServer),
      [
        "--check", scripts.path(), "--configpath", path, "--checklevel", "Warning", "--logpath",
        place.path,
      ])
    #expect(check.output.contains("no problems found"), "\(check.output)\(check.errors)")
  }
}
