import Foundation
import Glibc
import Posix
import TestSupport
import Testing

@testable import LuaslackCore

/// What others put into `incoming/`, where a group may: nothing of it is believed, and nothing of it
/// holds up what is ours.
@Suite(.enabled(if: geteuid() == 0, "only root can make files of others"))
struct SubmitterTests {
  private static let other: UInt32 = 54_321
  private let place: TemporaryDirectory
  private let locations: Locations
  private let intake: Intake

  init() throws {
    place = try TemporaryDirectory()
    locations = try Locations(
      spool: place.file("spool"), config: nil,
      environment: { [place] in $0 == "LUASLACK_OVERFLOW" ? place.file("overflow") : nil },
      isRoot: true
    ) { _ in false }
    intake = Intake(locations: locations)
    _ = try Spool.open(locations, creating: true).incoming()
    chown(incoming(""), 0, Self.other)
    chmod(incoming(""), 0o1730)
  }

  private func incoming(_ name: String) -> String { place.file("spool/incoming/" + name) }

  private func accept(_ ip: String, at time: Int64) throws {
    let record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: time)
    guard case .spool = try Acceptor(locations).accept(record) else {
      throw SystemError("not in the spool", code: 0)
    }
  }

  private func leave(_ name: String, _ content: SpoolFile.Content? = nil) throws {
    let ban = EventRecord(kind: .ban, jail: "sshd", ip: "forged", acceptedAt: 1)
    let file = open(incoming(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw SystemError.last("create \(name)") }
    defer { close(file) }
    let bytes = SpoolFile.bytes(content ?? .event(ban))
    guard write(file, bytes, bytes.count) == bytes.count else { throw SystemError.last("write") }
    fchown(file, Self.other, Self.other)
  }

  private func notification(_ title: String?, text: String? = nil) -> SpoolFile.Content {
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: 1)
    record.setTitle(title)
    if let text { record.setMatches(text) }
    return .event(record)
  }

  private func records(_ found: [Intake.Found]) -> [EventRecord] {
    found.compactMap { if case .event(let record) = $0.content { record } else { nil } }
  }

  private func addresses(_ found: [Intake.Found]) -> [String] {
    found.compactMap { if case .event(let record) = $0.content { record.ip } else { nil } }
  }

  private func names() throws -> [String] { try place.names(in: "spool/incoming") }

  @Test func `a ban that another user left is put aside, with a word`() throws {
    try leave("1.1.x")
    try accept("own", at: 2)
    let look = try intake.look()
    #expect(addresses(look.found) == ["own"])
    #expect(look.refused.count == 1)
    #expect(look.refused.first?.hasPrefix("user 54321 left a file in incoming/") == true)
    #expect(try names().contains { $0.hasPrefix("damaged-by-54321-") })
    #expect(try intake.hasDamaged())
    #expect(look.damaged.isEmpty)
    #expect(try intake.look().refused.isEmpty)
    #expect(NotTakenIn.events(of: "forged", locations).isEmpty)
    #expect(NotTakenIn.events(of: "own", locations).count == 1)
  }

  @Test func `links, FIFOs, sockets and directories are not read, whoever made them`() throws {
    try place.write("secret", to: "elsewhere", mode: 0o600)
    try accept("twin", at: 1)
    let twin = try #require(try names().first)
    link(incoming(twin), place.file("second-name"))
    symlink(place.file("elsewhere"), incoming("2.1.link"))
    mkfifo(incoming("3.1.fifo"), 0o666)
    let writer = open(incoming("3.1.fifo"), O_RDWR | O_NONBLOCK | O_CLOEXEC)
    defer { close(writer) }
    mkdir(incoming("4.1.folder"), 0o700)
    symlink(place.file("elsewhere"), incoming("5.1.link"))
    lchown(incoming("5.1.link"), Self.other, Self.other)
    mkfifo(incoming("6.1.fifo"), 0o666)
    chown(incoming("6.1.fifo"), Self.other, Self.other)
    mkdir(incoming("7.1.folder"), 0o700)
    try place.write("x", to: "spool/incoming/7.1.folder/in it")
    chown(incoming("7.1.folder"), Self.other, Self.other)
    try accept("own", at: 8)
    let look = try intake.look()
    #expect(addresses(look.found) == ["own"])
    #expect(look.damaged.count == 4 && look.refused.count == 1)
    #expect(intake.waitingFiles() == 1)
    #expect(try place.read("elsewhere") == "secret")
  }

  @Test func `a notification of another user's is believed in what it says alone`() throws {
    let json = """
      {"event": {"kind": "notify", "jail": "sshd", "ip": "203.0.113.7", "id": "203.0.113.7",
        "submitter": "root", "host": "db1", "time": "1", "accepted_at": 1, "is_reduced": true,
        "severity": "critical", "title": "Done", "text": "words", "fields": {"a": "b"},
        "to": ["1", "2", "3", "4", "5", "6", "7", "8", "9"], "unknown_options": ["x"]}}
      """
    let value = try JSONReader.read(json)
    let forged = try #require(value["event"].flatMap { EventRecord($0) })
    let before = Clock.now() - 10_000_000
    try leave("1.1.x", .event(forged))
    let look = try intake.look()
    #expect(look.refused.isEmpty)
    let record = try #require(records(look.found).first)
    #expect(record.submitter == "user 54321")
    #expect(record.acceptedAt > before)
    #expect(record.jail == "" && record.subject == "Done")
    #expect(record.options.isEmpty && record.unknownOptions.isEmpty)
    #expect(record.ip == "" && record.failures == nil && !record.isReduced)
    #expect(record.destinations.count == Submitters.mostDestinations)
    #expect(record.title == "Done" && record.matches == "words" && record.fields == ["a": "b"])
    let event = Event(record, host: "web1", now: Clock.now())
    #expect(event.severity == .warning && event.jail == "")
    #expect(event.value["host"] == "web1")
    #expect(event.value["submitter"] == "user 54321")
    #expect(event.address == nil)
    // Ours may be critical, and say that nobody else left them.
    _ = try Acceptor(locations).accept(forged)
    let own = try #require(records(try intake.look().found).first { $0.submitter == nil })
    #expect(Event(own, host: "web1", now: 1).severity == .critical)
  }

  @Test func `a notification that says nothing, and one that others cannot read, are put aside`()
    throws
  {
    try leave("1.1.x", notification(nil))
    try leave("2.1.x", notification(" ", text: "\u{200b}\n"))
    try leave("3.1.x", .flush)
    try leave("4.1.x", notification("good"))
    link(incoming("4.1.x"), place.file("second-name"))
    try leave("5.1.x", notification("good"))
    let look = try intake.look()
    #expect(look.found.map(\.name) == ["5.1.x"])
    #expect(
      look.refused == ["user 54321 left 4 files in incoming/, and may leave notifications only"])
  }

  @Test func `one user's flood of notifications is limited, and told of`() throws {
    for number in 1...(Submitters.mostFiles + 200) { try leave("\(number).1.x", notification("n")) }
    for number in 1...50 { try accept("own", at: Int64(1_000_000 + number)) }
    let look = try intake.look()
    #expect(addresses(look.found).prefix(50).allSatisfy { $0 == "own" })
    #expect(look.found.count - 50 == Submitters.pace.burst)
    #expect(look.exceeding == ["user 54321"] && look.refused.isEmpty)
    #expect(intake.remove(look.found))
    // The rest waits its turn.
    #expect(try intake.look().found.count < 10)
    #expect(intake.waitingFiles() == Submitters.mostFiles - Submitters.pace.burst)
    #expect(try intake.look().exceeding.isEmpty)
  }

  @Test func `a sparse file of any size is one that is too large`() throws {
    try leave("1.1.x", notification("n"))
    // As far as this file system lets it.
    try leave("2.1.x", notification("n"))
    let sizes: [Int] = [.max, 1 << 43, 1 << 33]
    #expect(sizes.contains { truncate(incoming("2.1.x"), $0) == 0 })
    let look = try intake.look()
    #expect(look.found.count == 1)
    #expect(look.exceeding == ["user 54321"])
  }

  @Test func `names of destinations are bounded`() throws {
    let names = (1...200).map { "\"\($0)" + String(repeating: "x", count: 60_000) + "\"" }
    let json = "{\"kind\":\"notify\",\"title\":\"t\",\"to\":[\(names.joined(separator: ","))]}"
    let record = try #require(EventRecord(try JSONReader.read(json)))
    #expect(record.destinations.count == EventRecord.nameCountLimit)
    #expect(record.destinations.allSatisfy { $0.utf8.count <= EventRecord.nameLimit })
  }

  @Test func `nor can a few large ones fill the spool`() throws {
    for number in 1...5 {
      try leave("\(number).1.x", notification("n"))
      truncate(incoming("\(number).1.x"), 6 << 20)
    }
    let look = try intake.look()
    #expect(look.found.isEmpty)
    #expect(look.exceeding == ["user 54321"])
    #expect(look.refused.count == 1)
  }

  @Test func `users are called as /etc/passwd calls them`() throws {
    let file = try place.write(
      "root:x:0:0::/:/bin/sh\nbroken\n:x:7:7\nal*ce:x:54321:1:a:/:/bin/sh\nbob:x:54321:1\n",
      to: "passwd")
    #expect(UserNames.described(0, file: file) == "root")
    #expect(UserNames.described(54_321, file: file) == "al*ce")
    #expect(UserNames.described(7, file: file) == "user 7")
    #expect(UserNames.described(8, file: file) == "user 8")
    #expect(UserNames.described(8, file: place.file("none")) == "user 8")
  }

  /// Files of others are counted as old as their names say.
  @Test func `a flood of others' files holds nothing up, and few of them are kept`() throws {
    for number in 1...2_500 { try leave("\(number).1.x") }
    for number in 1...300 { try accept("own", at: Int64(10_000 + number)) }
    #expect(try addresses(intake.look().found).count == Intake.batch)
    var looks = 1
    while intake.waitingFiles() > 300, looks < 10 {
      _ = try intake.look()
      looks += 1
    }
    #expect(looks <= 3)
    #expect(try names().count { $0.hasPrefix("damaged-by-") } == Submitters.rejectedLimit)
  }

  @Test func `names that look like none of ours do no harm`() throws {
    let long = String(repeating: "9", count: 255)
    for name in ["-rf", "two\nlines", "newer-1.1.x", "damaged-2.1.x", long] { try leave(name) }
    let bytes: [CChar] = Array(incoming("").utf8CString.dropLast()) + [-1, -2, 0]
    let strange = creat(bytes, 0o644)
    fchown(strange, Self.other, Self.other)
    close(strange)
    try accept("own", at: 3)
    #expect(addresses(try intake.look().found) == ["own"])
    #expect(intake.waitingFiles() == 1)
    try intake.tidy(now: Clock.now())
    #expect(addresses(try intake.look().found) == ["own"])
    #expect(intake.waitingFiles() == 1)
  }

  @Test func `names that are passed over cannot fill it either`() throws {
    for number in 1...1_100 { try leave(".\(number)") }
    try accept("own", at: 1)
    _ = try place.write("half", to: "spool/incoming/.own.half")
    #expect(addresses(try intake.look().found) == ["own"])
    #expect(try names().count == 2)
  }

  @Test func `an old unfinished file goes, whatever time its owner gave it`() throws {
    try leave(".1.1.x")
    var times = [
      timeval(tv_sec: 4_000_000_000, tv_usec: 0), timeval(tv_sec: 4_000_000_000, tv_usec: 0),
    ]
    utimes(incoming(".1.1.x"), &times)
    try intake.tidy(now: Clock.now() + 7_200_000_000)
    #expect(try names().isEmpty)
  }

  @Test(arguments: [(0o1730, true), (0o700, true), (0o730, false), (0o1777, false), (0o777, false)])
  func `a directory in which others could take ours away is refused`(
    _ mode: Int, _ isGood: Bool
  ) throws {
    chmod(incoming(""), mode_t(mode))
    let isOpen = (try? Spool.open(locations, creating: false).incoming().names()) != nil
    #expect(isOpen == isGood)
  }

  @Test func `a directory of another user is refused`() throws {
    chown(incoming(""), Self.other, Self.other)
    #expect(throws: SystemError.self) {
      _ = try Spool.open(locations, creating: false).incoming().names()
    }
  }
}
