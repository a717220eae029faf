import Foundation
import Glibc
import TestSupport
import Testing

/// Endings at the worst moments, and many callers at once. What exited 0 arrives, once; nothing
/// waits for a call that may never come.
@Suite struct KillingTests {
  static func ban(_ ip: String) -> [String] { ["ban", "--", "sshd", ip, "5"] }

  /// The address in each message's text.
  static func addresses(_ messages: [RecordedMessage]) -> [String] {
    messages.compactMap { $0.text.split(separator: " ").dropFirst(3).first.map(String.init) }
  }

  @Test func `a ban killed at any moment is told once or was never accepted`() async throws {
    let installation = try await Installation()
    // The first makes the spool; the second shows how long one takes here.
    _ = try await installation.luaslack(Self.ban("192.0.2.1"))
    let usual = try await installation.luaslack(Self.ban("192.0.2.2")).duration
    var accepted: Set = ["192.0.2.1", "192.0.2.2"]
    var killed: Set<String> = []

    for number in 1...(Long.isOn ? 200 : 40) {
      let address = "203.0.113.\(number)"
      let call = try RunningProgram(
        Programs.luaslack, Self.ban(address), environment: installation.environment)
      let moment = usual * Double.random(in: 0...1.1)
      usleep(UInt32(moment / .microseconds(1)))
      call.signal(SIGKILL)
      let end = try await call.wait()
      if end.status == 0 { accepted.insert(address) } else { killed.insert(address) }
    }
    #expect(!killed.isEmpty)

    // A killed call may have left a whole file and told nobody.
    _ = try await installation.luaslack(["queue", "flush"])
    await installation.settle()
    let told = Self.addresses(try await installation.slack.messages())
    #expect(Set(told).count == told.count)
    #expect(accepted.subtracting(told).isEmpty)
    #expect(Set(told).subtracting(accepted).isSubset(of: killed))
    // What was not finished shows under no name that anybody reads.
    #expect(installation.incoming.isEmpty)
    #expect(try await installation.luaslack(["status"]).status == 0)
    Long.note(
      "bans killed at any moment",
      "\(accepted.count) accepted, \(accepted.subtracting(told).count) of them lost, "
        + "\(killed.count) killed", bar: "0 lost, 0 doubled")
  }

  /// luaslackd leaves within a moment after each delivery, and each ban comes in that moment.
  @Test func `no wake-up is lost to a luaslackd that is leaving`() async throws {
    let installation = try await Installation()
    for number in 1...(Long.isOn ? 500 : 60) {
      try await installation.slack.reset()
      let call = try await installation.luaslack(Self.ban("203.0.113.7"))
      #expect(call.status == 0)
      let messages = try await installation.slack.waitForMessages(1, timeout: .seconds(5))
      try #require(messages.count == 1, "of call \(number)")
      usleep(UInt32.random(in: 0...8_000))
    }
    await installation.settle()
    #expect(installation.isLockFree)
    Long.note("bans to a luaslackd that is leaving", "500, each told", bar: "no wake-up lost")
  }

  @Test func `of many calls at once every event is in exactly one message`() async throws {
    let installation = try await Installation()
    let (callers, each) = (8, Long.isOn ? 125 : 25)
    let statuses = try await withThrowingTaskGroup(of: [Int32?].self) { group in
      for caller in 1...callers {
        group.addTask {
          var statuses: [Int32?] = []
          for number in 1...each {
            let call = try await installation.luaslack(Self.ban("10.0.\(caller).\(number)"))
            statuses.append(call.status)
          }
          return statuses
        }
      }
      return try await group.reduce(into: []) { $0 += $1 }
    }
    #expect(statuses == Array(repeating: 0, count: callers * each))

    // After a digest nothing ordinary goes out for a while.
    await installation.settle(timeout: .seconds(60))
    // So many at once may be told in a digest.
    let told = try await installation.deliveries().filter { $0["kind"].string == "ban" }
    #expect(told.allSatisfy { ["delivered", "folded"].contains($0["state"].string ?? "") })
    #expect(told.count == callers * each)
    #expect(Set(told.map { $0["subject"].string }).count == callers * each)
    Long.note(
      "callers at once", "\(callers) with \(each) bans each, \(told.count) told",
      bar: "each in exactly one message")
  }

  @Test func `a luaslackd killed again and again loses nothing`() async throws {
    let installation = try await Installation()
    let count = Long.isOn ? 100 : 20
    for number in 1...count { _ = try await installation.banUndelivered("203.0.113.\(number)") }
    for _ in 1...8 {
      let daemon = try RunningProgram(
        Programs.luaslackd,
        ["--spool", installation.spool, "--config", installation.config],
        environment: [:])
      usleep(UInt32.random(in: 5_000...60_000))
      daemon.signal(SIGKILL)
      _ = try await daemon.wait()
    }
    _ = try await installation.luaslack(["queue", "flush"])
    await installation.settle()
    let messages = try await installation.slack.messages()
    let told = Self.addresses(messages)
    #expect(Set(told) == Set((1...count).map { "203.0.113.\($0)" }))
    // Only what was under way at a kill may stand there twice, and then the second says so.
    for address in Set(told) {
      let texts = zip(told, messages).filter { $0.0 == address }.map(\.1.text)
      #expect(texts.dropFirst().allSatisfy { $0.hasSuffix("(possible repeat)") })
    }
    #expect(installation.incoming.isEmpty)
  }

  @Test func `a damaged file is put aside, told of, and in nobody's way`() async throws {
    let installation = try await Installation()
    _ = try await installation.banUndelivered("203.0.113.1")
    let whole = try #require(installation.incoming.first)
    let content = try installation.directory.read("spool/incoming/\(whole)")
    let damages = [
      "1.1.empty": "", "1.1.cut": String(content.dropLast(5)), "1.1.text": "hello\n",
      "1.1.changed": content.replacing("203.0.113.1", with: "203.0.113.2"),
      "1.1.newer": content.replacing("luaslack-spool 1 ", with: "luaslack-spool 99 "),
    ]
    for (name, text) in damages {
      try installation.directory.write(text, to: "spool/incoming/\(name)", mode: 0o600)
    }
    _ = try await installation.luaslack(["queue", "flush"])
    let messages = try await installation.slack.waitForMessages(1)
    #expect(Self.addresses(messages) == ["203.0.113.1"])
    await eventually("luaslackd leaves") { installation.daemons().isEmpty }
    let aside = damages.keys.map { ($0.hasSuffix("newer") ? "newer-" : "damaged-") + $0 }
    #expect(Set(installation.incoming) == Set(aside))
    let status = try await installation.luaslack(["status"])
    #expect(status.status == 1)
    #expect(status.output.contains("spool file"))
  }
}
