import Foundation
import Glibc
import TestSupport
import Testing

/// Another user hands in notifications: a member of the group that may, and one of none.
@Suite(
  .enabled(if: geteuid() == 0, "only root can be another user"),
  .enabled(if: Checkout.isReachable, "the checkout lies where only root can enter"),
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"), "no setpriv here"))
struct SubmittingTests {
  private static let owner: uid_t = 65_534
  private static let member: uid_t = 54_321
  private static let group: gid_t = 54_322

  /// As the package leaves it, with another group.
  private func installation() async throws -> Installation {
    let installation = try await Installation(
      config: """
        linger = "0s"
        [destination.default]
        webhook_file = "webhook"

        """)
    let directory = installation.directory
    chmod(directory.path, 0o711)
    for (name, mode) in [("spool", mode_t(0o711)), ("overflow", 0o700), ("spool/incoming", 0o1730)]
    {
      mkdir(directory.file(name), 0o700)
      chown(directory.file(name), Self.owner, gid_t(Self.owner))
      chmod(directory.file(name), mode)
    }
    chown(directory.file("spool/incoming"), Self.owner, Self.group)
    chown(directory.file("webhook"), 0, gid_t(Self.owner))
    chmod(directory.file("webhook"), 0o640)
    return installation
  }

  private func call(
    _ installation: Installation, isMember: Bool = true, _ arguments: [String], text: String = ""
  ) async throws -> Finished {
    let groups = isMember ? ["--groups=\(Self.group)"] : ["--clear-groups"]
    return try await run(
      "/usr/bin/setpriv",
      ["--reuid=\(Self.member)", "--regid=\(Self.member)"] + groups + [Programs.luaslack]
        + arguments, stdin: Array(text.utf8), environment: installation.environment)
  }

  @Test func `what a member says arrives, with whose it is`() async throws {
    let installation = try await installation()
    let daemon = try await installation.daemon()
    let sent = try await call(
      installation,
      ["notify", "--title=Backup failed", "--severity=critical", "--host=db1", "--field=a=b"],
      text: "exit 12\n")
    #expect(sent.status == 0, "\(sent.errors)")
    #expect(sent.output + sent.errors == "")
    let message = try #require(
      try await installation.slack.waitForMessages(1, timeout: .seconds(20)).first
    ).bodyJSON
    #expect(message["text"].string?.contains("*Backup failed*") == true)
    // No more than a warning, which goes before nothing else, and not another host's.
    #expect(message["text"].string?.contains("critical") == false)
    #expect(message["attachments"][0]["color"].string == "warning")
    #expect(message["attachments"][0]["text"].string == "```\nexit 12\n```")
    let footer = message["attachments"][0]["footer"].string ?? ""
    #expect(footer.hasSuffix(", from user 54321") && !footer.contains("db1"))
    await eventually("the file goes") { installation.incoming.isEmpty }
    withExtendedLifetime(daemon) {}
  }

  @Test func `without a luaslackd it is safe, and the next one takes it`() async throws {
    let installation = try await installation()
    #expect(try await call(installation, ["notify"], text: "words").status == 0)
    let name = try #require(installation.incoming.first)
    var status = stat()
    #expect(lstat(installation.spool + "/incoming/" + name, &status) == 0)
    #expect(status.st_uid == Self.member)
    #expect(installation.daemons().isEmpty)
    #expect(try await installation.luaslack(["ban", "--", "sshd", "203.0.113.7", "5"]).status == 0)
    let texts = try await installation.slack.waitForMessages(2).map(\.text)
    #expect(texts.contains { $0.contains("notification `words`") })
    await installation.settle()
  }

  @Test func `who is no member is told so, and nothing is left`() async throws {
    let installation = try await installation()
    let sent = try await call(installation, isMember: false, ["notify", "--title=x"])
    #expect(sent.status == 77)
    #expect(sent.errors.contains("members of the group luaslack-submit"))
    #expect(try installation.directory.names(in: "spool/incoming").isEmpty)
    #expect(try installation.directory.names(in: "overflow").isEmpty)
  }

  @Test func `a member can do nothing else`() async throws {
    let installation = try await installation()
    #expect(try await installation.banUndelivered("203.0.113.7").status == 0)
    let waited = try await call(installation, ["notify", "--title=x", "--wait"])
    #expect(waited.status == 64 && waited.errors.contains("--wait is for root"))
    for command in [
      ["ban", "--", "sshd", "203.0.113.8", "5"], ["jail-stop", "sshd"], ["queue", "flush"],
    ] {
      let refused = try await call(installation, command)
      #expect(refused.status != 0, "\(command)")
    }
    #expect(installation.incoming.count == 1)
    let listed = try await run(
      "/usr/bin/setpriv",
      ["--reuid=\(Self.member)", "--regid=\(Self.member)", "--groups=\(Self.group)", "/bin/ls"]
        + [installation.spool + "/incoming"])
    #expect(listed.status != 0)
  }

  @Test func `status says who leaves more than there is room for, and a ban comes through`()
    async throws
  {
    let installation = try await installation()
    #expect(try await call(installation, ["notify", "--title=flood"]).status == 0)
    let incoming = installation.spool + "/incoming/"
    let first = incoming + (try #require(installation.incoming.first))
    for number in 1...1_010 {
      try FileManager.default.copyItem(atPath: first, toPath: incoming + "\(number).1.x")
      chown(incoming + "\(number).1.x", Self.member, Self.member)
    }
    let daemon = try await installation.daemon()
    #expect(try await installation.luaslack(["ban", "--", "sshd", "203.0.113.7", "5"]).status == 0)
    // In the digest of the first hundred, which names its network, or alone ten seconds after it.
    await eventually("the ban is told", timeout: .seconds(40)) {
      let messages = (try? await installation.slack.messages()) ?? []
      return messages.contains { $0.body.contains("203.0.113.") }
    }
    let status = try await installation.luaslack(["status"])
    #expect(status.output.contains("submitter user 54321: left more than 1000 notifications"))
    #expect(installation.incoming.count < 1_000)
    withExtendedLifetime(daemon) {}
  }

  @Test func `a member's program is run as that member, and its failure told`() async throws {
    let installation = try await installation()
    let daemon = try await installation.daemon()
    let ran = try await call(
      installation,
      [
        "notify", "--run", "--severity=critical", "--", "/bin/sh", "-c", "/usr/bin/id -u; exit 12",
      ])
    #expect(ran.status == 12 && ran.output == "54321\n" && ran.errors == "", "\(ran.errors)")
    let message = try #require(
      try await installation.slack.waitForMessages(1, timeout: .seconds(20)).first
    ).bodyJSON
    #expect(message["text"].string?.contains("*sh failed with exit 12*") == true)
    #expect(message["attachments"][0]["color"].string == "warning")
    #expect(message["attachments"][0]["text"].string == "```\n54321\n```")
    #expect(
      message["attachments"][0]["footer"].string?.hasSuffix(", from user 54321") == true)
    withExtendedLifetime(daemon) {}
  }

  @Test func `of who is no member the program runs all the same`() async throws {
    let installation = try await installation()
    for status in [0, 3] {
      let ran = try await call(
        installation, isMember: false,
        ["notify", "--run", "--on=always", "--", "/bin/sh", "-c", "echo out; exit \(status)"])
      #expect(ran.status == Int32(status) && ran.output == "out\n")
      #expect(ran.errors.contains("members of the group luaslack-submit"))
    }
    #expect(try installation.directory.names(in: "spool/incoming").isEmpty)
  }

  @Test func `a dry run needs no rights`() async throws {
    let installation = try await installation()
    let dry = try await call(installation, isMember: false, ["notify", "--title=x", "--dry-run"])
    #expect(dry.status == 0, "\(dry.errors)")
    #expect(dry.output.contains("*x*"))
  }
}
