import Testing

@testable import LuaslackCore

@Suite struct EventTests {
  private func record(
    _ kind: EventKind = .ban, jail: String = "sshd", ip: String = "203.0.113.7",
    failures: String? = "5", _ options: [EventRecord.Option: String] = [:]
  ) -> EventRecord {
    var record = EventRecord(kind: kind, jail: jail, ip: ip, acceptedAt: 1_795_231_650_000_000)
    record.setFailures(failures)
    for (option, text) in options { record.set(option, text) }
    return record
  }

  private func event(_ record: EventRecord) -> Event {
    Event(record, host: "web1", now: 1_795_231_660_000_000)
  }

  @Test func `numbers become numbers and what is none stays the text it was`() {
    let value = event(
      record(failures: "five", [.time: "1795231644.0", .bantime: "-1", .bancount: "2.5"])
    ).value
    #expect(value["failures"] == "five")
    #expect(value["time"] == 1_795_231_644)
    #expect(value["bantime"] == -1)
    #expect(value["bancount"] == .float(2.5))
    #expect(value["delay"] == 10)
    #expect(value["host"] == "web1")
  }

  @Test(arguments: ["nan", "inf", "1e999", "0x10", " 5"])
  func `no number is made of what only looks like one`(text: String) {
    let failures = event(record(failures: text)).value["failures"]
    #expect(failures?.string != nil)
  }

  @Test(
    arguments: [
      ("inet4", "x", "inet4"), ("inet6", "x", "inet6"), ("None", "203.0.113.7", nil),
      (nil, "203.0.113.7", "inet4"), (nil, "10.20.0.0/16", "inet4"), (nil, "2001:db8::9", "inet6"),
      (nil, "evil host;$(id)", nil), (nil, "1.2.3", nil), ("", "2001:db8::/32", "inet6"),
    ] as [(String?, String, String?)])
  func `family is fail2ban's word or found out`(given: String?, ip: String, expected: String?) {
    var record = record(ip: ip)
    record.set(.family, given)
    #expect(event(record).value["family"]?.string == expected)
  }

  @Test(
    arguments: [
      (.ban, "sshd", [:], .info), (.ban, "sshd", [.bancount: "2"], .warning),
      (.ban, "sshd", [.bantime: "-1"], .warning), (.ban, "sshd", [.bancount: "5"], .critical),
      (.ban, "recidive", [:], .critical), (.unban, "recidive", [.bancount: "9"], .info),
      (.prolong, "sshd", [.bancount: "7"], .critical), (.ban, "sshd", [.bancount: "x"], .info),
      (.jailStart, "recidive", [:], .info),
    ] as [(EventKind, String, [EventRecord.Option: String], Severity)])
  func `severity follows the documented rules`(
    kind: EventKind, jail: String, options: [EventRecord.Option: String], expected: Severity
  ) {
    #expect(event(record(kind, jail: jail, options)).severity == expected)
  }

  private static let context = EventContext(
    lists: [
      "scanners": NetworkList(["198.51.100.0/24", "198.51.0.0/16"]), "none": NetworkList(),
    ],
    validUsers: ["alice", "b`b\n"], friendlyNetworks: ["198.51.100.9", "2001:db8::/32"])

  private func known(
    _ kind: EventKind = .ban, ip: String = "203.0.113.7",
    _ options: [EventRecord.Option: String] = [:]
  ) -> Event {
    Event(record(kind, ip: ip, options), host: "web1", now: 0, context: Self.context)
  }

  private func reasons(_ event: Event) -> [String] {
    (event.value["reasons"]?.array ?? []).compactMap(\.string)
  }

  @Test(
    arguments: [
      (.ban, "sshd", [:], []), (.ban, "sshd", [.bancount: "2"], ["second ban of this address"]),
      (
        .prolong, "recidive", [.bancount: "5", .bantime: "-1"],
        ["fifth ban of this address", "banned by the jail recidive", "banned for good"]
      ), (.ban, "sshd", [.bancount: "10"], ["10th ban of this address"]),
      (.ban, "sshd", [.bancount: "21"], ["21st ban of this address"]),
      (.ban, "sshd", [.bancount: "112"], ["112th ban of this address"]),
      (.ban, "sshd", [.bancount: "103"], ["103rd ban of this address"]),
      (.unban, "recidive", [.bancount: "9", .bantime: "-1"], []), (.jailStart, "recidive", [:], []),
    ] as [(EventKind, String, [EventRecord.Option: String], [String])])
  func `an event that is loud says why`(
    kind: EventKind, jail: String, options: [EventRecord.Option: String], expected: [String]
  ) {
    #expect(reasons(event(record(kind, jail: jail, options))) == expected)
  }

  @Test(arguments: [EventKind.ban, .prolong])
  func `a ban of a valid user or a friendly network is critical`(kind: EventKind) {
    let user = known(kind, [.user: "alice"])
    #expect(user.severity == .critical)
    #expect(reasons(user) == ["alice is a valid user"])
    #expect(user.value["valid_user"] == true && user.value["friendly"] == nil)
    let friend = known(kind, ip: "2001:db8::9")
    #expect(friend.severity == .critical)
    #expect(reasons(friend) == ["2001:db8::9 is in a friendly network"])
    #expect(friend.value["friendly"] == true && friend.value["valid_user"] == nil)
    // A ban of a whole network that holds a friend.
    #expect(known(kind, ip: "198.51.100.0/24").value["friendly"] == true)
  }

  @Test func `an unban of a friend is not loud`() {
    let event = known(.unban, ip: "198.51.100.9", [.user: "alice"])
    #expect(event.severity == .info && reasons(event).isEmpty)
    #expect(event.value["friendly"] == true && event.value["valid_user"] == true)
    #expect(known(.jailStart, ip: "198.51.100.9", [.user: "alice"]).value["friendly"] == nil)
    #expect(known(.jailStart, ip: "198.51.100.9", [.user: "alice"]).value["valid_user"] == nil)
  }

  @Test(
    arguments: [
      ("alice", true), ("Alice", false), ("alice ", false), ("alic", false), ("b'b ", true),
      ("b`b\n", true), ("\u{200b}", false), ("", false),
    ])
  func `users are compared exactly, as they are shown`(user: String, isValid: Bool) {
    #expect((known([.user: user]).value["valid_user"] == true) == isValid)
  }

  private func known(_ options: [EventRecord.Option: String]) -> Event {
    known(.ban, ip: "203.0.113.7", options)
  }

  @Test func `event.lists has every list, with the entries that hold the address`() {
    #expect(
      known(ip: "198.51.100.9").value["lists"] == [
        "scanners": ["198.51.100.0/24", "198.51.0.0/16"], "none": false,
      ])
    #expect(
      known(.jailStart, ip: "").value["lists"] == ["scanners": false, "none": false])
    #expect(event(record()).value["lists"] == .object([:]))
    // The id counts where the ip is no address.
    let byId = known(ip: "unknown", [.id: "198.51.2.3"])
    #expect(byId.value["lists"]?["scanners"] == ["198.51.0.0/16"])
    #expect(known(ip: "evil host;$(id)").value["lists"]?["scanners"] == false)
  }

  @Test func `an address in one of the muted lists is named with the list and the entry`() {
    let listed = known(ip: "198.51.100.9")
    #expect(listed.listed(in: ["none", "scanners"]) == "in the list scanners (198.51.100.0/24)")
    #expect(listed.listed(in: ["none"]) == nil)
    #expect(listed.listed(in: []) == nil)
    #expect(known(ip: "203.0.113.7").listed(in: ["scanners"]) == nil)
    #expect(known(.jailStop, ip: "198.51.100.9").listed(in: ["scanners"]) == nil)
  }

  @Test(
    arguments: [
      ("sshd", "203.0.113.7", "sshd unbanip 203.0.113.7"),
      ("nginx-http-auth", "2001:db8::/32", "nginx-http-auth unbanip 2001:db8::/32"),
      ("a b", "x;$(id)", "'a b' unbanip 'x;$(id)'"),
      ("sshd", "o'neil", #"sshd unbanip 'o'\''neil'"#),
      ("sshd", "user@host=1,2+3%4_5", "sshd unbanip user@host=1,2+3%4_5"),
      ("sshd", "a`b'\n\\é", #"sshd unbanip $'a\x60b\x27\x0a\x5c\xc3\xa9'"#),
      ("sshd", "é", "sshd unbanip 'é'"), ("", "x", "'' unbanip x"),
    ])
  func `the command that lifts a ban is one that a shell reads as it was meant`(
    jail: String, id: String, expected: String
  ) {
    for kind in [EventKind.ban, .prolong] {
      let command = event(record(kind, jail: jail, ip: "192.0.2.1", [.id: id]))
        .value["unban_command"]
      #expect(command == .string("fail2ban-client set " + expected))
    }
    #expect(event(record(.unban, jail: jail, ip: id)).value["unban_command"] == nil)
    #expect(event(record(.jailStart, jail: jail, ip: id)).value["unban_command"] == nil)
  }

  @Test func `the built-in message tells of a friend, why it is loud and how to lift the ban`()
    throws
  {
    let event = known(ip: "198.51.100.9", [.user: "alice", .bancount: "2"])
    #expect(reasons(event).count == 3)
    let payload = try Sink.message(BuiltIn.payload(event), fallback: "x")
    let attachments = try #require(payload["attachments"]?.array)
    #expect(attachments.count == 2)
    #expect(
      attachments[0]["fields"]?.array?.first == [
        "title": "Why", "short": false,
        "value": .string(reasons(event).joined(separator: "; ")),
      ])
    // Markup is read only where nothing of an outsider's stands.
    #expect(attachments[0]["mrkdwn_in"] == nil)
    #expect(attachments[1]["mrkdwn_in"] == ["fields"])
    #expect(
      attachments[1]["fields"] == [
        [
          "title": "Undo", "short": false,
          "value": "`fail2ban-client set sshd unbanip 198.51.100.9`",
        ]
      ])
    let stranger = BuiltIn.payload(known(ip: "203.0.113.7"))
    #expect(stranger["attachments"]?.array?.count == 1)
  }

  @Test(
    arguments: [
      ("203.0.113.7", "203.0.113.7"), ("10.20.0.0/16", "10.20.0.0/16"),
      ("2001:db8::9", "2001:db8::9"), ("*x*", "`*x*`"), ("evil.example", "`evil.example`"),
      ("fe80::1%*x*", "`fe80::1%*x*`"), ("fe80::1%evil.example", "`fe80::1%evil.example`"),
      ("evil host;$(id)", "`evil host;$(id)`"),
      ("a`b", "`a'b`"),
    ])
  func `an id that is no address stands as code in the built-in message`(
    id: String, shown: String
  ) {
    #expect(
      BuiltIn.sentence(event(record(ip: id))) == "sshd banned \(shown) after 5 failures on web1")
    #expect(
      BuiltIn.sentence(event(record(ip: "192.0.2.1", [.id: id])))
        == "sshd banned \(shown) (192.0.2.1) after 5 failures on web1")
  }

  @Test func `a jail's event has no address`() {
    let value = event(record(.jailStart, ip: "", failures: nil)).value
    #expect(value["ip"] == nil)
    #expect(value["failures"] == nil)
    #expect(value["jail"] == "sshd")
  }

  @Test func `a record survives the spool's JSON`() throws {
    var record = record(.prolong, [.id: "a b", .time: "1.5", .user: "root"])
    record.setMatches(String(repeating: "x", count: 20_000))
    record.setField("site", "example.org")
    record.destinations = ["security"]
    record.unknownOptions = ["new"]
    #expect(EventRecord(try JSONReader.read(JSONWriter.compact(record.value))) == record)
    #expect(record.matchesLeftOut == 20_000 - EventRecord.matchesLimit)
  }

  @Test(arguments: [Int64.min, -1, .max])
  func `numbers that nobody could mean are survived`(number: Int64) throws {
    let record = try #require(
      EventRecord([
        "kind": "ban", "jail": "x", "ip": "y", "accepted_at": .int(number), "matches": "z",
        "matches_left_out": .int(number), "time": .int(number), "bantime": .int(number),
      ]))
    #expect(event(record).value["delay"]?.int ?? -1 >= 0)
    #expect(!BuiltIn.sentence(event(record)).isEmpty)
    #expect(throws: Never.self) {
      try Sink.message(BuiltIn.payload(event(record)), fallback: "x")
    }
  }

  @Test func `limits cut on a character`() {
    var record = record()
    record.setField("f", String(repeating: "€", count: 1_000))
    #expect(record.fields["f"]?.utf8.count == 1_023)
    for index in 0..<100 { record.setField("f\(index)", "x") }
    #expect(record.fields.count == EventRecord.fieldCountLimit)
  }

  @Test(arguments: EventKind.recorded.filter { !$0.isOwn })
  func `the built-in message says what happened, where and to whom`(kind: EventKind) {
    let event = event(record(kind, ip: kind.hasAddress ? "203.0.113.7" : ""))
    let sentence = BuiltIn.sentence(event)
    #expect(sentence.contains("sshd") == (kind != .notify) && sentence.contains("web1"))
    #expect(sentence.contains("203.0.113.7") == kind.hasAddress)
    #expect(throws: Never.self) { try Sink.message(BuiltIn.payload(event), fallback: "x") }
  }
}

@Suite struct EventKeyTests {
  private func key(
    _ kind: EventKind = .ban, jail: String = "sshd", ip: String = "192.0.2.1",
    _ options: [EventRecord.Option: String] = [.time: "1795231644.0"]
  ) -> EventKey? {
    var record = EventRecord(kind: kind, jail: jail, ip: ip, acceptedAt: 0)
    for (option, text) in options { record.set(option, text) }
    return EventKey(record)
  }

  @Test func `a repeat with its time rounded is the same event`() {
    #expect(key() == key([.time: "1795231644"]))
    #expect(key([.time: "1795231643.7"]) == key([.time: "1795231644"]))
    #expect(key([.time: "1795231644"]) != key([.time: "1795231645"]))
  }

  private func key(_ options: [EventRecord.Option: String]) -> EventKey? {
    key(.ban, options)
  }

  @Test func `jail, subject and kind tell events apart`() {
    let same = key()
    #expect(same != key(jail: "nginx"))
    #expect(same != key(ip: "192.0.2.2"))
    #expect(same != key(.unban))
    #expect(same != key([.time: "1795231644.0", .id: "other"]))
    #expect(key([.time: "1", .id: "192.0.2.1"]) == key([.time: "1"]))
  }

  @Test func `nothing a caller puts into one part can pass for another`() {
    #expect(
      key(jail: "a\",\"b", ip: "c", [.time: "1"]) != key(jail: "a", ip: "b\",\"c", [.time: "1"]))
  }

  private func key(
    jail: String, ip: String, _ options: [EventRecord.Option: String]
  ) -> EventKey? {
    key(.ban, jail: jail, ip: ip, options)
  }

  @Test func `without a time every event is new`() {
    #expect(key([:]) == nil)
    #expect(key(.jailStart, [.time: "1"]) == nil)
  }

  @Test func `a prolong is told apart by its bantime`() {
    let short = key(.prolong, [.time: "1", .bantime: "600"])
    #expect(short != key(.prolong, [.time: "1", .bantime: "1200"]))
    #expect(short == key(.prolong, [.time: "1.0", .bantime: "600.0"]))
  }

  @Test func `an equal unban counts as a repeat for ten minutes, a ban for ever`() {
    #expect(key(.unban, [.time: "1"])?.window == 600_000_000)
    #expect(key()?.window == nil)
  }

  @Test func `a time that is none still makes a key`() {
    #expect(key([.time: "soon"]) != nil)
    #expect(key([.time: "nan"]) != nil)
    #expect(key([.time: "1e300"]) != nil)
  }
}

@Suite struct PlainTextTests {
  @Test(
    arguments: [
      ("plain", "plain"), ("a\tb\nc\rd", "a b cd"), ("\u{1b}[31mred\u{7}", "[31mred"),
      ("`rm`", "'rm'"), ("a\u{202e}b\u{2066}c", "abc"), ("a\u{200b}\u{200d}\u{feff}b", "ab"),
      ("\u{e000}\u{e002}\u{f8ff}\u{10fffd}x", "x"), ("a\u{2028}b", "ab"), ("é😀ß日本", "é😀ß日本"),
      ("\u{3164}\u{115f}x", "x"), ("a\u{fe0f}\u{e0101}b", "ab"), ("\u{0}\u{85}\u{ad}x", "x"),
      ("<!channel> & <@U1>", "<!channel> & <@U1>"), ("\u{e0041}x", "x"),
    ] as [(String, String)])
  func `what is left is what it looks like`(text: String, clean: String) {
    #expect(PlainText.line(text) == clean)
  }

  @Test func `log lines keep their line ends`() {
    #expect(PlainText.lines("a\nb\r\n`c`\u{1b}") == "a\nb\n'c'")
  }
}

@Suite struct TimestampTests {
  @Test(arguments: [
    (0, "1970-01-01T00:00:00Z"), (1_795_251_900, "2026-11-21T09:05:00Z"),
    (951_782_400, "2000-02-29T00:00:00Z"), (4_107_542_399, "2100-02-28T23:59:59Z"),
    (-1, "1969-12-31T23:59:59Z"),
  ])
  func `is the Gregorian calendar in UTC`(seconds: Int64, text: String) {
    #expect(Timestamp.text(seconds * 1_000_000) == text)
  }
}

@Suite struct TamedTextTests {
  private func row(_ scalar: Unicode.Scalar, _ count: Int) -> String {
    String(String.UnicodeScalarView(Array(repeating: scalar, count: count)))
  }

  @Test(
    arguments: ["\u{345}", "\u{31b}", "\u{1f1e9}", "\u{200d}", "\u{1161}", "\u{20dd}"]
      as [Unicode.Scalar])
  func `a long row of characters that join is cut`(scalar: Unicode.Scalar) {
    let text = "a" + row(scalar, 50_000) + "b"
    let tamed = PlainText.tamed(text).unicodeScalars
    #expect(tamed.count == 18)
    #expect(tamed.first == "a" && tamed.last == "b")
  }

  @Test(arguments: ["", "plain", "naïve café", "日本語テキスト", "e\u{301}\u{302}", "👨‍👩‍👧‍👦 🇩🇪🇫🇷", "한국어"])
  func `what people write stays`(text: String) {
    #expect(Array(PlainText.tamed(text).unicodeScalars) == Array(text.unicodeScalars))
  }

  @Test func `an event's texts are tame, whichever way they come`() {
    let marks = row("\u{345}", 3_000)
    var record = EventRecord(kind: .ban, jail: "j" + marks, ip: "i" + marks, acceptedAt: 0)
    record.set(.user, "u" + marks)
    record.setMatches("m" + marks)
    record.setField("f" + marks, "v" + marks)
    let texts =
      [record.jail, record.ip, record.options[.user] ?? "", record.matches ?? ""]
      + record.fields.keys + record.fields.values
    for text in texts { #expect(text.unicodeScalars.count == 17) }
    #expect(EventRecord(record.value) == record)
  }
}
