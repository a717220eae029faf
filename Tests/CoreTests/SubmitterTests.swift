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

  private func leave(_ name: String) throws {
    let record = EventRecord(kind: .ban, jail: "sshd", ip: "forged", acceptedAt: 1)
    let file = open(incoming(name), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o644)
    guard file >= 0 else { throw SystemError.last("create \(name)") }
    defer { close(file) }
    let bytes = SpoolFile.bytes(.event(record))
    guard write(file, bytes, bytes.count) == bytes.count else { throw SystemError.last("write") }
    fchown(file, Self.other, Self.other)
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
    #expect(look.damaged.count == 1)
    #expect(look.damaged.first?.hasPrefix("user 54321 left a file in incoming/") == true)
    #expect(try names().contains { $0.hasPrefix("damaged-by-54321-") })
    #expect(try intake.hasDamaged())
    #expect(try intake.look().damaged.isEmpty)
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
    #expect(look.damaged.count == 5)
    #expect(intake.waitingFiles() == 1)
    #expect(try place.read("elsewhere") == "secret")
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
    #expect(try names().count { $0.hasPrefix("damaged-by-") } == Intake.rejectedLimit)
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
