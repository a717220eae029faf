import Posix
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct StatusTests {
  @Test func `what luaslackd does not come to look at is told after half a minute`() throws {
    let (place, locations) = try emptySpool()
    defer { withExtendedLifetime(place) {} }
    let now = Clock.now()
    let record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: now)
    _ = try Acceptor(locations).accept(record)
    func exit(after seconds: Int64) throws -> LuaslackCore.ExitStatus {
      try Status(locations, host: "web1", now: now + seconds * 1_000_000).exit
    }
    #expect(try exit(after: 20) == .success)
    #expect(try exit(after: 40) == .degraded)
  }

  @Test func `a destination that a caller made up is told of for a day, or until it is there`()
    throws
  {
    let (place, locations) = try emptySpool()
    defer { withExtendedLifetime(place) {} }
    let queue = try Queue(writing: locations.database)
    let courier = Courier(queue, NoTransport(), host: "web1") { 0 }
    let pipeline = Pipeline(locations, queue, courier, host: "web1")
    var configuration = Configuration.plain(place)
    func use(at now: Int64) throws {
      pipeline.configuration = configuration
      try pipeline.noteConfiguration(problem: nil, now: now)
    }
    func subjects(_ now: Int64) throws -> [String] {
      try Status(locations, host: "web1", now: now).notices.map(\.subject)
    }
    func ban(_ ip: String, at now: Int64) throws {
      var record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: now)
      record.destinations = ["ops"]
      _ = try Acceptor(locations).accept(record)
      while try pipeline.takeIn(now: now) {}
    }
    let now = Clock.now()
    try use(at: now)
    try ban("203.0.113.7", at: now)
    let status = try Status(locations, host: "web1", now: now)
    #expect(
      status.notices.map(\.text) == ["there is no [destination.ops]; its events go to default"])
    #expect(status.exit == .success)
    // As luaslackd starts, or reads the config again.
    try use(at: now + 1)
    #expect(try subjects(now) == ["destination ops"])
    configuration.destinations["ops"] = .init(name: "ops", webhookFile: "/y")
    try use(at: now + 1)
    #expect(try queue.notices().isEmpty)

    configuration.destinations["ops"] = nil
    try use(at: now + 2)
    try ban("203.0.113.8", at: now + 2)
    #expect(try subjects(now + 3) == ["destination ops"])
    let later = now + 90_000_000_000
    #expect(try subjects(later).isEmpty)
    // Again: it is news, and not a day old.
    try ban("203.0.113.9", at: later)
    #expect(try subjects(later + 60_000_000_000) == ["destination ops"])
    try use(at: later + 90_000_000_000)
    #expect(try queue.notices().isEmpty)
  }
}
