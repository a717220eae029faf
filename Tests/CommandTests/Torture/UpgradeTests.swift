import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// The programs are replaced, there and back and there again, while fail2ban bans.
@Suite struct UpgradeTests {
  private static let count = Long.isOn ? 1_000 : 60

  private static func expected(_ addresses: [String]) -> [String: String] {
    Dictionary(uniqueKeysWithValues: addresses.map { ($0, "default") })
  }

  /// What an older luaslackd meets: a database and files of a version that it does not know.
  @Test func `what a newer version left is kept from an older one and read after the upgrade`()
    async throws
  {
    let installation = try await Installation(config: Torture.config())
    let newer = Torture.addresses(10, network: 172)
    let addresses = Torture.addresses(Self.count)
    async let accepted = installation.banAll(addresses, atOnce: 2)
    // With something told, the database is whole.
    #expect(!(try await installation.slack.waitForMessages(1, timeout: .seconds(60))).isEmpty)
    let own = try Self.version(installation)

    for file in try await Self.files(of: newer) {
      try Self.place(
        file.content.replacing("luaslack-spool 1 ", with: "luaslack-spool 2 "), as: file.name,
        installation)
    }
    try Self.set(version: 99, installation)
    Self.endDaemons(installation)
    // Where no ban starts one, this does.
    #expect(try await installation.banUndelivered("192.0.2.1").status == 0)
    _ = try? await installation.luaslack(["queue", "flush"])
    try await Task.sleep(for: .milliseconds(Long.isOn ? 2_500 : 500))
    #expect(try Self.version(installation) == 99)
    // Neither taken in nor told, but accepted.
    #expect(!installation.incoming.isEmpty)
    #expect(!KillingTests.addresses(try await installation.slack.messages()).contains("192.0.2.1"))

    try Self.set(version: own, installation)
    // Nobody reads while the files become the newer program's.
    try installation.directory.write("", to: "spool/managed", mode: 0o600)
    await eventually("nobody serves") {
      Self.endDaemons(installation)
      return installation.daemons().isEmpty
    }
    for name in try installation.directory.names(in: "spool/incoming") {
      guard let text = try? installation.directory.read("spool/incoming/\(name)"),
        text.hasPrefix("luaslack-spool 2 ")
      else { continue }
      // As the newer program reads it.
      try Self.place(
        text.replacing("luaslack-spool 2 ", with: "luaslack-spool 1 "), as: name, installation)
    }
    unlink(installation.spool + "/managed")
    #expect(try await accepted)
    Self.endDaemons(installation)
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await installation.settle(within: .seconds(120)))
    let accounts = try await installation.accounts()
    let all = addresses + newer + ["192.0.2.1"]
    let complaints = accounts.complaintsWhenSettled(expected: Self.expected(all))
    #expect(complaints.isEmpty, "\(complaints.prefix(20))")
    Long.note(
      "older and newer versions", "\(all.count) events, \(accounts.line)",
      bar: "0 lost, 0 doubled without a mark")
  }

  /// A directory of older programs, in `LUASLACK_OLD_PROGRAMS`.
  private static let old = ProcessInfo.processInfo.environment["LUASLACK_OLD_PROGRAMS"]

  @Test(.enabled(if: old != nil, "no older programs in LUASLACK_OLD_PROGRAMS"))
  func `programs replaced by older and newer ones while bans come lose nothing`() async throws {
    let installation = try await Installation(config: Torture.config())
    let place = installation.directory.file("programs")
    func install(_ programs: String) {
      symlink(programs, place + ".new")
      #expect(rename(place + ".new", place) == 0)
      Self.endDaemons(installation)
    }
    let addresses = Torture.addresses(Self.count)
    install(try #require(Self.old))
    async let accepted = installation.banAll(addresses, atOnce: 2, by: place + "/luaslack")
    var replaced = 0
    for programs in [Programs.directory, try #require(Self.old), Programs.directory] {
      try await Task.sleep(for: .milliseconds(Self.count / 2))
      install(programs)
      replaced += 1
    }
    #expect(try await accepted)
    Self.endDaemons(installation)
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await installation.settle(within: .seconds(120)))
    let accounts = try await installation.accounts()
    let complaints = accounts.complaintsWhenSettled(expected: Self.expected(addresses))
    #expect(complaints.isEmpty, "\(complaints.prefix(20))")
    #expect(try Accounting.illegal(in: installation.database).isEmpty)
    Long.note(
      "programs replaced", "\(replaced) times, \(addresses.count) events, \(accounts.line)",
      bar: "0 lost, 0 doubled without a mark")
  }

  // MARK: - Versions

  private static func endDaemons(_ installation: Installation) {
    for process in installation.daemons() { kill(process, SIGTERM) }
  }

  private static func version(_ installation: Installation) throws -> Int64 {
    guard FileManager.default.fileExists(atPath: installation.database) else { return 0 }
    return try Database(installation.database, .reading)
      .first("PRAGMA user_version") { $0.integer(0) } ?? 0
  }

  private static func set(version: Int64, _ installation: Installation) throws {
    try Database(installation.database, .writing).execute("PRAGMA user_version = \(version)")
  }

  /// Into the spool in one step: luaslackd reads whatever it finds.
  private static func place(
    _ content: String, as name: String, _ installation: Installation
  ) throws {
    let draft = try installation.directory.write(content, to: "drafts/\(name)", mode: 0o600)
    #expect(rename(draft, "\(installation.spool)/incoming/\(name)") == 0)
  }

  /// Spool files of bans, made by the real program for a spool that nobody serves.
  private static func files(
    of addresses: [String]
  ) async throws -> [(name: String, content: String)] {
    let place = try TemporaryDirectory("newer")
    mkdir(place.file("spool"), 0o700)
    for address in addresses {
      _ = try await run(
        Programs.luaslack, ["ban", "--", "sshd", address, "5"],
        environment: ["LUASLACK_SPOOL": place.file("spool"), "LUASLACK_SPAWN": "0"])
    }
    return try place.names(in: "spool/incoming").map {
      ($0, try place.read("spool/incoming/\($0)"))
    }
  }
}
