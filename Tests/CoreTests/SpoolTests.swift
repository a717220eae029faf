import Glibc
import Posix
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct SpoolFileTests {
  private let content: SpoolFile.Content = {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: 1)
    record.setMatches("line\nline é")
    return .event(record)
  }()

  @Test func `what was written is read`() throws {
    #expect(try SpoolFile.read(SpoolFile.bytes(content)) == content)
    #expect(try SpoolFile.read(SpoolFile.bytes(.flush)) == .flush)
  }

  @Test(arguments: QueueRequest.Action.allCases)
  func `a request is read as it was written`(_ action: QueueRequest.Action) throws {
    var request = QueueRequest(action)
    #expect(try SpoolFile.read(SpoolFile.bytes(.request(request))) == .request(request))
    request.deliveries = [1, 1 << 60]
    request.destination = "ops"
    request.isForAll = true
    request.address = "192.0.2.1"
    #expect(try SpoolFile.read(SpoolFile.bytes(.request(request))) == .request(request))
  }

  @Test func `a request from the future waits for its version`() {
    let text = String(decoding: SpoolFile.bytes(.flush), as: UTF8.self)
    let body = #"{"request":"reword"}"#
    let sum = String(SpoolFile.checksum(Array(body.utf8)), radix: 16)
    let header =
      "luaslack-spool 1 \(body.utf8.count) \(String(repeating: "0", count: 8 - sum.count))"
    #expect(text.hasPrefix("luaslack-spool 1 "))
    #expect(
      throws: SpoolFile.Damaged(reason: "the request reword is not known here", isNewer: true)
    ) { try SpoolFile.read(Array("\(header)\(sum)\n\(body)".utf8)) }
  }

  @Test func `the checksum is CRC-32`() {
    #expect(SpoolFile.checksum(Array("123456789".utf8)) == 0xcbf4_3926)
    #expect(SpoolFile.checksum([]) == 0)
  }

  @Test func `every truncation is noticed`() {
    let bytes = SpoolFile.bytes(content)
    for count in 0..<bytes.count {
      #expect(throws: SpoolFile.Damaged.self) { try SpoolFile.read(Array(bytes.prefix(count))) }
    }
  }

  @Test func `every changed byte of the body is noticed`() throws {
    let bytes = SpoolFile.bytes(content)
    let start = try #require(bytes.firstIndex(of: 0x0a)) + 1
    for index in start..<bytes.count {
      var broken = bytes
      broken[index] ^= 0x20
      #expect(throws: SpoolFile.Damaged.self) { try SpoolFile.read(broken) }
    }
  }

  @Test func `a version from the future is not guessed at`() {
    let text = String(decoding: SpoolFile.bytes(content), as: UTF8.self)
    let newer = text.replacing("luaslack-spool 1", with: "luaslack-spool 2", maxReplacements: 1)
    #expect(throws: SpoolFile.Damaged(reason: "version 2 is not known here", isNewer: true)) {
      try SpoolFile.read(Array(newer.utf8))
    }
  }
}

@Suite struct IntakeTests {
  private let place: TemporaryDirectory
  private let locations: Locations

  init() throws {
    place = try TemporaryDirectory()
    locations = try Locations(
      spool: place.file("spool"), config: nil,
      environment: { [place] in $0 == "LUASLACK_OVERFLOW" ? place.file("overflow") : nil },
      isRoot: Process.user == 0
    ) { _ in false }
  }

  private func accept(_ ip: String, at time: Int64) throws {
    let place = try Acceptor(locations).accept(
      EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: time))
    guard case .spool = place else { throw SystemError("not in the spool", code: 0) }
  }

  private func found() throws -> [String] {
    try Intake(locations: locations).look().found.compactMap {
      if case .event(let record) = $0.content { record.ip } else { nil }
    }
  }

  @Test func `files are read in the order of their times`() throws {
    for (ip, time) in [("c", 30), ("a", 9), ("b", 10)] { try accept(ip, at: Int64(time)) }
    #expect(try found() == ["a", "b", "c"])
  }

  @Test func `a file is there until it is removed`() throws {
    try accept("a", at: 1)
    let intake = Intake(locations: locations)
    #expect(intake.waitingFiles() == 1)
    #expect(try intake.remove(intake.look().found))
    #expect(intake.waitingFiles() == 0)
  }

  @Test func `a damaged file is put aside, not lost and not read again`() throws {
    try accept("a", at: 1)
    _ = try place.write("luaslack-spool 1 5 00000000\nhello", to: "spool/incoming/2.1.x")
    let look = try Intake(locations: locations).look()
    #expect(look.found.count == 1)
    #expect(look.damaged == ["2.1.x: wrong checksum"])
    #expect(try Intake(locations: locations).look().damaged.isEmpty)
    #expect(try place.names(in: "spool/incoming").contains("damaged-2.1.x"))
  }

  @Test func `a file of a later version waits for that version`() throws {
    try accept("a", at: 1)
    let intake = Intake(locations: locations)
    _ = try place.write("luaslack-spool 9 2 00000000\n{}", to: "spool/incoming/2.1.x")
    #expect(try intake.look().found.count == 1)
    #expect(try place.names(in: "spool/incoming").contains("newer-2.1.x"))
    #expect(try intake.hasDamaged())
    try intake.tidy(now: 3)
    #expect(try place.names(in: "spool/incoming").contains("2.1.x"))
  }

  @Test func `a file that is still being written is passed over`() throws {
    _ = try Spool.open(locations, creating: true).incoming()
    _ = try place.write("half", to: "spool/incoming/.3.1.x")
    #expect(try found().isEmpty)
    try Intake(locations: locations).tidy(now: Clock.now())
    #expect(try place.names(in: "spool/incoming") == [".3.1.x"])
    try Intake(locations: locations).tidy(now: Clock.now() + 7_200_000_000)
    #expect(try place.names(in: "spool/incoming").isEmpty)
  }

  @Test func `a spool that others can write is not believed`() throws {
    try accept("a", at: 1)
    #expect(chmod(place.file("spool"), 0o777) == 0)
    #expect(throws: SystemError.self) { try found() }
  }

}

@Suite struct WatchTests {
  private let place: TemporaryDirectory
  private let locations: Locations

  init() throws {
    place = try TemporaryDirectory()
    locations = try Locations(
      spool: place.file("spool"), config: nil, environment: { _ in nil }, isRoot: Process.user == 0
    ) { _ in false }
  }

  private func accept() throws {
    _ = try Acceptor(locations).accept(
      EventRecord(kind: .ban, jail: "sshd", ip: "192.0.2.1", acceptedAt: 1))
  }

  /// Whether somebody else could take the watch now; gives it back at once.
  private func isFree() throws -> Bool {
    let watch = try Watch.begin(locations, hasInheritedLock: false, isService: true)
    return watch != nil
  }

  private func begin() throws -> Watch {
    guard let watch = try Watch.begin(locations, hasInheritedLock: false, isService: true) else {
      throw SystemError("the watch is taken", code: 0)
    }
    return watch
  }

  @Test func `only one can have the watch`() throws {
    var watch = try begin()
    #expect(try isFree() == false)
    let hasLeft = try watch.leave()
    #expect(hasLeft)
    #expect(try isFree())
  }

  @Test func `whoever listens is told and nobody is started`() throws {
    let watch = try begin()
    try accept()
    #expect(try Acceptor(locations).wake(mayStart: true) == .told)
    let descriptor = watch.descriptor
    #expect(try Readiness.wait(for: descriptor, milliseconds: 0))
    watch.drain()
    #expect(try Readiness.wait(for: descriptor, milliseconds: 0) == false)
  }

  @Test func `while another starts or leaves nothing is started`() throws {
    try accept()
    let spool = try Spool.open(locations, creating: false)
    let lock = try spool.directory.openOrCreate(Spool.lockName)
    let isLocked = try lock.tryLock()
    #expect(isLocked)
    #expect(try Acceptor(locations).wake(mayStart: true) == .busy)
  }

  @Test func `a managed spool starts nobody`() throws {
    try accept()
    #expect(try Acceptor(locations).wake(mayStart: false) == .managed)
    _ = try place.write("", to: "spool/managed")
    #expect(try Acceptor(locations).wake(mayStart: true) == .managed)
  }

  @Test func `what came while it was leaving keeps it`() throws {
    var watch = try begin()
    try accept()
    let hasLeft = try watch.leave()
    #expect(!hasLeft)
    #expect(try Acceptor(locations).wake(mayStart: true) == .told)
  }

  @Test func `a full trigger is no failure`() throws {
    let watch = try begin()
    try accept()
    let acceptor = Acceptor(locations)
    for _ in 0..<70_000 where try acceptor.wake(mayStart: false) != .told {
      Issue.record("not told")
    }
    watch.drain()
  }
}
