import Foundation
import Glibc
import TestSupport
import Testing

/// As root, every program becomes the spool's owner before it touches anything, and stays that.
@Suite(
  .enabled(if: geteuid() == 0, "only root can give up root's rights"),
  .enabled(if: Checkout.isReachable, "the checkout lies where only root can enter"))
struct RightsTests {
  /// `nobody` on every Debian.
  static let nobody: Int = 65_534
  static let ban = ["ban", "--", "sshd", "203.0.113.7", "5"]

  /// One whose spool belongs to nobody, with the config and the secret as a package leaves them.
  private func installation() async throws -> Installation {
    let installation = try await Installation()
    let directory = installation.directory
    chmod(directory.path, 0o711)
    for name in ["spool", "overflow"] {
      mkdir(directory.file(name), 0o700)
      chown(directory.file(name), uid_t(Self.nobody), gid_t(Self.nobody))
    }
    chown(directory.file("webhook"), 0, gid_t(Self.nobody))
    chmod(directory.file("webhook"), 0o640)
    return installation
  }

  /// The owner of something, and its permission bits.
  private func owner(_ path: String) -> (user: Int, group: Int, mode: Int) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return (-1, -1, 0) }
    return (Int(status.st_uid), Int(status.st_gid), Int(status.st_mode & 0o7777))
  }

  @Test func `what root accepts belongs to the spool's owner`() async throws {
    let installation = try await installation()
    #expect(try await installation.banUndelivered("203.0.113.7").status == 0)
    let name = try #require(installation.incoming.first)
    let file = owner(installation.spool + "/incoming/" + name)
    #expect(file.user == Self.nobody)
    #expect(file.group == Self.nobody)
    #expect(file.mode == 0o600)
    let folder = owner(installation.spool + "/incoming")
    #expect(folder.user == Self.nobody)
    #expect(folder.mode == 0o700)
  }

  @Test func `luaslackd runs as the spool's owner, without any of root's groups`() async throws {
    let installation = try await installation()
    try await installation.slack.control(#"{"mode":"hang","seconds":30}"#)
    let call = try await installation.luaslack(Self.ban)
    #expect(call.status == 0)
    #expect(call.output + call.errors == "")
    _ = try await installation.waitForDelivery("sending")
    let process = try #require(installation.daemons().first)
    let four = Array(repeating: Self.nobody, count: 4)
    #expect(Proc.ids(of: process, "Uid") == four)
    #expect(Proc.ids(of: process, "Gid") == four)
    #expect(Proc.ids(of: process, "Groups").isEmpty)
    #expect(owner(installation.database).user == Self.nobody)
    #expect(owner(installation.database).mode & 0o077 == 0)
  }

  @Test func `the commands for people see the same queue as root`() async throws {
    let installation = try await installation()
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    await installation.settle()
    #expect(try await installation.luaslack(["status"]).status == 0)
    #expect(try await installation.deliveries().count == 1)
    #expect(try await installation.luaslack(["queue", "flush"]).status == 0)
    await installation.settle()
    // None of them left anything of root's in there.
    for name in try installation.directory.names(in: "spool") {
      #expect(owner(installation.spool + "/" + name).user == Self.nobody, "\(name)")
    }
  }

  @Test func `a service started by root gives up its rights as well`() async throws {
    let installation = try await installation()
    let daemon = try await installation.daemon()
    #expect(Proc.ids(of: daemon.processID, "Uid") == Array(repeating: Self.nobody, count: 4))
    _ = try await installation.luaslack(Self.ban)
    #expect(try await installation.slack.waitForMessages(1).count == 1)
  }

  @Test func `the overflow is written with the same rights`() async throws {
    let installation = try await installation()
    // A file where the directory should be: the spool cannot take anything.
    try installation.directory.write("", to: "spool/incoming")
    let call = try await installation.banUndelivered("203.0.113.7")
    #expect(call.status == 0)
    let name = try #require(try installation.directory.names(in: "overflow").first)
    #expect(owner(installation.overflow + "/" + name).user == Self.nobody)

    try FileManager.default.removeItem(atPath: installation.spool + "/incoming")
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    await installation.settle()
    #expect(try installation.directory.names(in: "overflow").isEmpty)
  }

  /// The spool is not there for a while, as when its disk is not mounted: nobody knows its owner.
  @Test func `an overflow made while there was no spool is collected too`() async throws {
    let installation = try await installation()
    for name in ["overflow", "spool"] {
      try FileManager.default.removeItem(atPath: installation.directory.file(name))
    }
    // A file in its place, so that it cannot be made either.
    try installation.directory.write("", to: "spool")
    let call = try await installation.banUndelivered("203.0.113.7")
    #expect(call.status == 0)
    #expect(call.errors.contains("kept in memory"))

    try FileManager.default.removeItem(atPath: installation.spool)
    mkdir(installation.spool, 0o700)
    chown(installation.spool, uid_t(Self.nobody), gid_t(Self.nobody))
    _ = try await installation.luaslack(["queue", "flush"])
    #expect(try await installation.slack.waitForMessages(1, timeout: .seconds(8)).count == 1)
  }
}

/// Where the programs under test lie.
enum Checkout {
  /// Another user has to start luaslackd from where it was built.
  static var isReachable: Bool {
    var path = URL(filePath: Programs.luaslackd).resolvingSymlinksInPath()
    while path.path() != "/" {
      var status = stat()
      guard stat(path.path(), &status) == 0, status.st_mode & 0o001 != 0 else { return false }
      path = path.deletingLastPathComponent()
    }
    return true
  }
}
