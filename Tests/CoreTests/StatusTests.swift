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
}
