import Testing

@testable import LuaslackCore

/// How a program that was run is told of, and the end of its output.
@Suite struct ProgramRunTests {
  private static let name = Array("/usr/local/sbin/backup.sh".utf8)

  @Test func `the title says what happened, without directories or arguments`() {
    let titles = [
      ProgramRun(Self.name, exit: 2, seconds: 840), ProgramRun(Self.name, exit: 0, seconds: 0),
      ProgramRun(Self.name, signal: 15, seconds: 3), ProgramRun(Self.name, signal: 40, seconds: 1),
      ProgramRun(Self.name, notRun: "Permission denied", exit: 126),
      ProgramRun(Array("/".utf8), exit: 1, seconds: 0),
    ].map(\.title)
    #expect(
      titles == [
        "backup.sh failed with exit 2 after 14 min", "backup.sh succeeded",
        "backup.sh was killed by SIGTERM after 3 s", "backup.sh was killed by signal 40 after 1 s",
        "backup.sh could not be run: Permission denied", "/ failed with exit 1",
      ])
  }

  @Test func `it comes back from the spool as it was`() throws {
    for run in [
      ProgramRun(Self.name, exit: 2, seconds: 840), ProgramRun(Self.name, signal: 9, seconds: 0),
      ProgramRun(Self.name, notRun: "No such file or directory", exit: 127),
    ] {
      var record = EventRecord(kind: .notify, jail: "", acceptedAt: 1)
      (record.run, record.isPlain) = (run, true)
      record.setTitle(run.title)
      guard case .event(let read) = try SpoolFile.read(SpoolFile.bytes(.event(record))) else {
        Issue.record("no event")
        continue
      }
      #expect(read == record)
    }
  }

  @Test(
    arguments: [
      .string("x"), ["program": "x"], ["program": "x", "seconds": 1],
      ["program": "", "seconds": 1],
      ["program": "x", "seconds": 1, "exit": 1, "signal": "SIGTERM"],
      ["program": "\u{202e}", "seconds": 1, "exit": 1],
      ["program": "x", "seconds": 1, "signal": "*SIGTERM* @here"],
    ] as [Value])
  func `what is none is not believed`(value: Value) {
    #expect(ProgramRun(value) == nil)
  }

  @Test func `what a file says of one is bounded and plain`() throws {
    let long = String(repeating: "x`\u{1b}\u{202e}", count: 1_000)
    let run = try #require(
      ProgramRun(["program": .string(long), "seconds": .int(-5), "exit": .int(70_000)]))
    #expect(run.program.utf8.count <= 128 && run.program.allSatisfy { "x'".contains($0) })
    #expect(run.seconds == 0 && run.exit == 255 && run.title.utf8.count < 256)
  }

  @Test func `why it could not be run is no markup in the built-in message`() {
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: 0)
    record.setTitle("Backup")
    record.run = ProgramRun([
      "program": "x", "seconds": 0, "exit": 127, "problem": "*DOWN* `_x_` https://evil.example",
    ])
    let payload = BuiltIn.payload(Event(record, host: "web1", now: 0))
    #expect(
      payload["text"]
        == "*Backup* could not be run: `*DOWN* '_x_' https://evil.example` on web1")
  }

  @Test(arguments: [(0, "less than a second"), (1, "1 second"), (61, "1 minute 1 second")])
  func `the message says how long it took`(seconds: Int, words: String) {
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: 0)
    record.run = ProgramRun(Self.name, exit: 1, seconds: seconds)
    let payload = BuiltIn.payload(Event(record, host: "web1", now: 0))
    let fields = payload["attachments"]?.array?.first?["fields"]?.array ?? []
    #expect(fields.first { $0["title"] == "Took" }?["value"]?.string == words)
  }

  @Test func `a title that is cut says so, and is cut once`() throws {
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: 0)
    record.setTitle(String(repeating: "é", count: 3_000))
    let title = try #require(record.title)
    #expect(title.hasSuffix("é…") && (250...EventRecord.titleLimit).contains(title.utf8.count))
    #expect(try #require(EventRecord(record.value)).title == title)
    let whole = String(repeating: "x", count: EventRecord.titleLimit)
    record.setTitle(whole)
    #expect(record.title == whole)
  }

  @Test(arguments: [
    ("one\ntwo\nthree", 11, "two\nthree"), ("one\ntwo\nthree", 9, "two\nthree"),
    // Little would be left of it.
    ("one\ntwothree\nx", 8, "othree\nx"), ("onetwothree", 5, "three"), ("a<b\nc", 4, "b\nc"),
  ])
  func `what is shown of the end begins with a line`(_ text: String, _ most: Int, _ end: String) {
    #expect(FitText.end(of: text, sent: most) == end)
  }

  @Test func `a ban has none`() throws {
    let record = try #require(
      EventRecord([
        "kind": "ban", "jail": "sshd", "plain": true,
        "run": ["program": "x", "seconds": 1, "exit": 1],
      ]))
    #expect(record.run == nil && !record.isPlain)
  }

  // MARK: - The end of the output

  private func tail(_ parts: [[UInt8]]) -> (text: String, leftOut: Int) {
    var tail = OutputTail()
    for part in parts { tail.add(part) }
    return tail.text()
  }

  @Test func `little is kept whole`() {
    #expect(tail([]) == ("", 0))
    #expect(tail([Array("one\n".utf8), Array("two".utf8)]) == ("one\ntwo", 0))
  }

  @Test(arguments: [1, 7, 1_000, 65_536, 1_000_000])
  func `of much the end is kept, from the beginning of a line`(size: Int) {
    let all = Array((0..<100_000).map { "\($0) é\n" }.joined().utf8)
    let parts = stride(from: 0, to: all.count, by: size).map {
      Array(all[$0..<min($0 + size, all.count)])
    }
    let (text, leftOut) = tail(parts)
    #expect(text.hasSuffix("\n99999 é\n") && text.utf8.count <= EventRecord.matchesLimit)
    #expect(text.utf8.count > EventRecord.matchesLimit - 20)
    #expect(leftOut + text.utf8.count == all.count)
    #expect(String(decoding: all[..<leftOut], as: UTF8.self).hasSuffix(" é\n"))
  }

  @Test func `a line without an end is cut between characters`() {
    let (text, leftOut) = tail([Array(String(repeating: "€", count: 20_000).utf8)])
    #expect(text.allSatisfy { $0 == "€" } && text.utf8.count == 16_383)
    #expect(leftOut == 60_000 - 16_383)
  }

  @Test func `a bar that was drawn over and over is its last state`() {
    let bar = (0...100).map { "\r\u{1b}[32m\($0)%\u{1b}[0m" }.joined()
    #expect(tail([Array("begin\n\(bar)\nend\n".utf8)]).text == "begin\n100%\nend\n")
    let long = (0...200_000).map { "\r\($0)" }.joined()
    #expect(tail([Array(long.utf8)]).text.hasSuffix("200000"))
  }

  @Test func `what is not UTF-8 becomes text`() {
    let (text, _) = tail([[0xff, 0, 0x61, 0x0a]])
    #expect(text == "\u{fffd}\0a\n")
    let (long, _) = tail([Array(repeating: 0xff, count: 100_000)])
    #expect(long.utf8.count <= EventRecord.matchesLimit)
  }

  // MARK: - Fields

  @Test func `a tag that was not found is no field`() {
    var ban = EventRecord(kind: .ban, jail: "x", acceptedAt: 0)
    for text in ["a=", "b=<F-USER>", "c=x, d=y", "=z", "e=="] { ban.setField(text) }
    ban.setFields("f=, g=1, h=<F-X>")
    #expect(
      ban.fields == [
        "b": "<F-USER>", "c": "x, d=y", "field": "=z", "e": "=", "g": "1", "h": "<F-X>",
      ])
    // A jail that starts has no line of a log to fill it from.
    var start = EventRecord(kind: .jailStart, jail: "x", acceptedAt: 0)
    start.setField("b=<F-USER>")
    start.setFields("g=1, h=<F-X>")
    #expect(start.fields == ["g": "1"])
  }
}
