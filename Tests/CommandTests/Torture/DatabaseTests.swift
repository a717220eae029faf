import Foundation
import Glibc
import TestSupport
import Testing

/// Somebody takes the database away from under a running luaslackd.
@Suite struct DatabaseTests {
  enum Theft: String, CaseIterable {
    case everything, databaseAlone, logAlone, replaced
  }

  @Test(arguments: Theft.allCases)
  func `a database taken away under luaslackd loses nothing accepted, and it says so`(
    _ theft: Theft
  ) async throws {
    let installation = try await Installation(config: Torture.config())
    var expected: Set<String> = []
    func ban(_ number: Int) async throws {
      #expect(try await installation.banUndelivered("203.0.113.\(number)").status == 0)
      expected.insert("203.0.113.\(number)")
    }
    let daemon = try installation.startDaemon()
    try await ban(1)
    _ = try await installation.slack.waitForMessages(1)
    try await installation.slack.control(
      #"{"mode":"status","status":500,"body":"rollup_error"}"#)
    try await ban(2)
    await eventually("one waits") {
      ((try? await installation.deliveries(all: false).first?["attempts"].number) ?? 0) >= 1
    }
    try take(theft, from: installation)
    // What comes now must not be in a file that has no name.
    try await ban(3)
    try await ban(4)
    await eventually("it has noticed") {
      installation.deletedFiles(of: daemon).isEmpty
        && daemon.standardError.contains("was deleted or replaced")
    }
    daemon.signal(SIGKILL)
    _ = try await daemon.wait()

    try await installation.slack.control(#"{"mode":"ok"}"#)
    let successor = try installation.startDaemon()
    #expect(try await installation.settle(within: .seconds(30)))
    let told = Set(
      KillingTests.addresses(try await installation.slack.messages(acceptedOnly: true)))
    let missing = expected.subtracting(told)
    #expect(missing.isEmpty)
    #expect(try Accounting.illegal(in: installation.database).isEmpty)
    successor.signal(SIGTERM)
    _ = try await successor.wait()
    Long.note(
      "database taken away (\(theft.rawValue))",
      "\(expected.count) accepted, \(missing.count) lost", bar: "0 lost")
  }

  @Test(arguments: [false, true])
  func `a spool replaced under luaslackd has one luaslackd, and loses nothing accepted`(
    _ isTakenByAnother: Bool
  ) async throws {
    let installation = try await Installation(config: Torture.config())
    try await installation.slack.control(
      #"{"mode":"status","status":500,"body":"rollup_error"}"#)
    let first = try await installation.daemon()
    #expect(try await installation.banUndelivered("203.0.113.1").status == 0)
    await eventually("one waits") {
      ((try? await installation.deliveries(all: false).first?["attempts"].number) ?? 0) >= 1
    }
    // So that it cannot notice before another is there.
    first.signal(SIGSTOP)
    #expect(rename(installation.spool, installation.spool + ".old") == 0)
    #expect(mkdir(installation.spool, 0o700) == 0)
    let second = isTakenByAnother ? try await installation.daemon() : first
    first.signal(SIGCONT)
    if isTakenByAnother {
      #expect(try await first.wait().status == 0)
      #expect(first.standardError.contains("another luaslackd has it now"))
      #expect(second.isRunning && !second.standardError.contains("was deleted or replaced"))
    } else {
      await eventually("it has moved") { !installation.isLockFree }
    }
    #expect(try await installation.banUndelivered("203.0.113.2").status == 0)
    await eventually("it is taken in") { installation.incoming.isEmpty }
    second.signal(SIGTERM)
    _ = try await second.wait()

    try await installation.slack.control(#"{"mode":"ok"}"#)
    let last = try await installation.daemon()
    #expect(try await installation.settle(within: .seconds(30)))
    let told = Set(
      KillingTests.addresses(try await installation.slack.messages(acceptedOnly: true)))
    #expect(told.isSuperset(of: ["203.0.113.1", "203.0.113.2"]), "\(told)")
    last.signal(SIGTERM)
    _ = try await last.wait()
  }

  @Test func `a lock that is away for a moment makes it leave to nobody`() async throws {
    let installation = try await Installation(config: Torture.config())
    let daemon = try await installation.daemon()
    let lock = installation.spool + "/lock"
    for _ in 0..<10 {
      #expect(rename(lock, lock + ".away") == 0)
      installation.wake()
      usleep(10_000)
      #expect(rename(lock + ".away", lock) == 0)
      installation.wake()
      usleep(10_000)
    }
    #expect(try await installation.banUndelivered("203.0.113.1").status == 0)
    _ = try await installation.slack.waitForMessages(1)
    #expect(daemon.isRunning && !installation.isLockFree)
    daemon.signal(SIGTERM)
    _ = try await daemon.wait()
  }

  private func take(_ theft: Theft, from installation: Installation) throws {
    let path = installation.database
    switch theft {
    case .everything: for suffix in ["", "-wal", "-shm"] { unlink(path + suffix) }
    case .databaseAlone: unlink(path)
    case .logAlone: for suffix in ["-wal", "-shm"] { unlink(path + suffix) }
    case .replaced:
      try FileManager.default.copyItem(atPath: path, toPath: path + ".new")
      #expect(rename(path + ".new", path) == 0)
    }
  }
}

extension Installation {
  /// Makes a luaslackd look.
  fileprivate func wake() {
    let descriptor = open(spool + "/trigger", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return }
    _ = write(descriptor, "x", 1)
    close(descriptor)
  }

  /// Files without a name that a program has open in the spool.
  fileprivate func deletedFiles(of program: RunningProgram) -> [String] {
    let descriptors = "/proc/\(program.processID)/fd"
    let numbers = (try? FileManager.default.contentsOfDirectory(atPath: descriptors)) ?? []
    return numbers.compactMap {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "\(descriptors)/\($0)")
    }.filter { $0.hasPrefix(spool) && $0.hasSuffix(" (deleted)") }
  }
}
