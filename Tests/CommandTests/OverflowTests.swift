import Foundation
import Glibc
import TestSupport
import Testing

/// A spool that cannot be written: full, read-only, or not what it should be. The event goes to
/// memory, else to the system's log; the caller hears of it and is not made to wait.
@Suite struct OverflowTests {
  static let ban = ["ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]

  @Suite(.enabled(if: geteuid() == 0 && Tool.unshare.works, "needs root and mount namespaces"))
  struct Disks {
    @Test(arguments: [false, true])
    func `with a full disk the event is kept in memory and delivered later`(
      _ isRunning: Bool
    ) async throws {
      let installation = try await Installation()
      let mounts = try await installation.mountSmallSpool()
      // What a first event makes is there, and a luaslackd too if it is to be.
      if isRunning { try await installation.slack.control(#"{"mode":"delay","seconds":1}"#) }
      let first = ["ban", "--", "sshd", "203.0.113.1", "5"]
      _ = try await installation.luaslack(first, in: mounts)
      if !isRunning { await installation.settle() }

      try await installation.fill(mounts)
      let call = try await installation.luaslack(OverflowTests.ban, in: mounts)
      #expect(call.status == 0)
      #expect(call.output.isEmpty)
      #expect(call.errors.contains("kept in memory"))
      #expect(call.errors.contains("No space left"))
      #expect(try installation.directory.names(in: "overflow").count == 1)

      try await mounts.shell("rm '\(installation.spool)/filler'")
      try await installation.slack.control(#"{"mode":"ok"}"#)
      _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.9", "5"], in: mounts)
      _ = try await installation.slack.waitForMessages(3, timeout: .seconds(20))
      await installation.settle()
      // A message that was under way while its end could not be noted stands there twice, marked.
      let messages = try await installation.slack.messages(acceptedOnly: true)
      let told = KillingTests.addresses(messages.filter { !$0.isMarkedRepeat })
      #expect(told.sorted() == ["203.0.113.1", "203.0.113.7", "203.0.113.9"])
      #expect(try installation.directory.names(in: "overflow").isEmpty)
    }

    @Test func `a read-only disk is survived as well`() async throws {
      let installation = try await Installation()
      mkdir(installation.spool, 0o700)
      let mounts = try await PrivateMounts()
      let spool = installation.spool
      try await mounts.shell(
        "mount --bind '\(spool)' '\(spool)' && mount -o remount,ro,bind '\(spool)'")
      let call = try await installation.luaslack(OverflowTests.ban, in: mounts)
      #expect(call.status == 0)
      #expect(call.errors.contains("Read-only"))
      #expect(try installation.directory.names(in: "overflow").count == 1)

      // Mounted for writing again, the next call brings both.
      try await mounts.shell("umount '\(spool)'")
      _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.9", "5"], in: mounts)
      #expect(try await installation.slack.waitForMessages(2).count == 2)
      await installation.settle()
      #expect(try installation.directory.names(in: "overflow").isEmpty)
    }

    @Test func `where memory is no way out the system's log has the event`() async throws {
      let installation = try await Installation()
      let mounts = try await installation.mountSmallSpool()
      let log = try LogSocket(installation.directory.file("log"))
      try await installation.replaceDev(mounts, log: installation.directory.file("log"))
      try await installation.fill(mounts)
      let call = try await installation.luaslack(
        [
          "ban", "--user=<!channel>\n'\"", "--matches=a long line", "--", "sshd", "203.0.113.7",
          "5",
        ],
        in: mounts, environment: ["LUASLACK_OVERFLOW": "/proc/overflow"])
      #expect(call.status == 75)
      #expect(call.output.isEmpty)
      #expect(call.errors.contains("No space left"))
      #expect(call.errors.contains("system log"))
      #expect(call.errors.split(separator: "\n").count == 1)

      let lines = log.lines()
      #expect(lines.count == 1)
      let line = try #require(lines.first)
      #expect(!line.dropLast().contains("\n"))
      let start = try #require(line.firstIndex(of: "{"))
      let event = try JSON(parsing: String(line[start...]))
      #expect(event["jail"].string == "sshd")
      #expect(event["ip"].string == "203.0.113.7")
      #expect(event["kind"].string == "ban")
      #expect(event["user"].string == "<!channel>\n'\"")
    }

    @Test func `when nothing can take the event, it says that it is lost`() async throws {
      let installation = try await Installation()
      let mounts = try await installation.mountSmallSpool()
      try await installation.replaceDev(mounts, log: nil)
      try await installation.fill(mounts)
      let call = try await installation.luaslack(
        OverflowTests.ban, in: mounts, environment: ["LUASLACK_OVERFLOW": "/proc/overflow"])
      #expect(call.status == 75)
      #expect(call.errors.contains("lost"))
      #expect(call.errors.split(separator: "\n").count == 1)
    }

    /// Everything at once: the disk is full while Slack hangs on what was sent before.
    @Test func `a storm with a full disk and a hanging Slack loses nothing`() async throws {
      let storm = Long.isOn ? 200 : 30
      let installation = try await Installation()
      let mounts = try await installation.mountSmallSpool()
      try await installation.slack.control(#"{"mode":"hang","seconds":5,"times":1}"#)
      _ = try await installation.luaslack(["ban", "--", "sshd", "203.0.113.7", "5"], in: mounts)
      _ = try await eventually("the hanging request is under way") {
        try await installation.luaslack(["queue", "list"], in: mounts).output.contains("sending")
      }
      try await installation.fill(mounts)
      for number in 1...storm {
        let call = try await installation.luaslack(
          ["ban", "--", "sshd", "198.51.100.\(number)", "5"], in: mounts)
        #expect(call.status == 0)
        #expect(call.errors.contains("kept in memory"))
      }
      #expect(try installation.directory.names(in: "overflow").count == storm)

      try await mounts.shell("rm '\(installation.spool)/filler'")
      // Nobody calls again: luaslackd must look by itself, and after the answer that never comes.
      let settled = try await installation.settle(within: .seconds(60), hurrying: false) {
        try await installation.luaslack($0, in: mounts)
      }
      #expect(settled)
      let (accounts, illegal) = try await installation.accounts(in: mounts)
      #expect(illegal.isEmpty)
      let addresses = ["203.0.113.7"] + (1...storm).map { "198.51.100.\($0)" }
      let complaints = accounts.complaintsWhenSettled(
        expected: Dictionary(uniqueKeysWithValues: addresses.map { ($0, "default") }))
      #expect(complaints.isEmpty, "\(complaints.prefix(20))")
      // The first was under way with nowhere to note its end: it alone may stand there twice.
      #expect(accounts.repeats <= 1)
      #expect(try installation.directory.names(in: "overflow").isEmpty)
    }
  }

  @Test func `a spool that is a link is not followed`() async throws {
    let installation = try await Installation()
    mkdir(installation.directory.file("elsewhere"), 0o700)
    symlink(installation.directory.file("elsewhere"), installation.spool)
    let call = try await installation.banUndelivered("203.0.113.7")
    #expect(call.status == 0)
    #expect(call.errors.contains("kept in memory"))
    #expect(try installation.directory.names(in: "elsewhere").isEmpty)
    #expect(try installation.directory.names(in: "overflow").count == 1)
  }

  @Test(arguments: [0o777, 0o770, 0o702])
  func `a spool that others can write is not trusted`(_ mode: Int) async throws {
    let installation = try await Installation()
    mkdir(installation.spool, 0o700)
    chmod(installation.spool, mode_t(mode))
    let call = try await installation.banUndelivered("203.0.113.7")
    #expect(call.status == 0)
    #expect(call.errors.contains("others can write"))
    #expect(try installation.directory.names(in: "spool").isEmpty)
    #expect(try installation.directory.names(in: "overflow").count == 1)
  }
}

extension RecordedMessage {
  /// It says of itself that it may stand in the channel already.
  var isMarkedRepeat: Bool { text.hasSuffix("(possible repeat)") }
}

extension Installation {
  /// A namespace in which the spool is a disk of its own.
  func mountSmallSpool() async throws -> PrivateMounts {
    mkdir(spool, 0o700)
    let mounts = try await PrivateMounts()
    try await mounts.shell("mount -t tmpfs -o size=32m,mode=700 none '\(spool)'")
    return mounts
  }

  func fill(_ mounts: PrivateMounts) async throws {
    try await mounts.shell("! cat /dev/zero >'\(spool)/filler' 2>'\(directory.path)/filled'")
  }

  /// A /dev inside that holds nothing but null, zero and a log.
  func replaceDev(_ mounts: PrivateMounts, log: String?) async throws {
    let dev = directory.file("dev")
    mkdir(dev, 0o755)
    let devices = ["null", "zero"].map { ("/dev/\($0)", $0) } + (log.map { [($0, "log")] } ?? [])
    let binds = devices.map { path, name in
      "touch '\(dev)/\(name)'; mount --bind '\(path)' '\(dev)/\(name)'"
    }
    try await mounts.shell(
      (["mount -t tmpfs none '\(dev)'"] + binds + ["mount --rbind '\(dev)' /dev"])
        .joined(separator: "\n"))
  }

  func luaslack(
    _ arguments: [String], in mounts: PrivateMounts, environment more: [String: String] = [:]
  ) async throws -> Finished {
    try await mounts.run(
      Programs.luaslack, arguments, environment: environment.merging(more) { $1 })
  }
}
