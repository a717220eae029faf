import Foundation
import TestSupport
import Testing

/// The main job on real input: a real fail2ban-server, with the shipped action file, reads a log.
@Suite(
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: "/usr/bin/fail2ban-server"),
    "fail2ban is not installed"))
struct Fail2banTests {
  /// A fail2ban of this test's own: config, log, socket and database in the installation's place.
  private final class Server {
    let installation: Installation
    private let program: RunningProgram

    private static func environment() -> [String: String] { ["PATH": "/usr/bin:/bin"] }
    private func file(_ name: String) -> String { installation.directory.file(name) }

    init(_ installation: Installation) async throws {
      self.installation = installation
      let conf = installation.directory.file("fail2ban")
      let files = FileManager.default
      try files.copyItem(atPath: "/etc/fail2ban", toPath: conf)
      for name in (try? files.contentsOfDirectory(atPath: conf + "/jail.d")) ?? [] {
        try files.removeItem(atPath: conf + "/jail.d/" + name)
      }
      let shipped = URL(filePath: #filePath).deletingLastPathComponent()
        .deletingLastPathComponent().deletingLastPathComponent()
        .appending(path: "action.d/luaslack.conf")
      try? files.removeItem(atPath: conf + "/action.d/luaslack.conf")
      try files.copyItem(atPath: shipped.path(), toPath: conf + "/action.d/luaslack.conf")
      try Self.configure(installation, conf)
      program = try RunningProgram(
        "/usr/bin/fail2ban-server", Self.options(installation) + ["-xf", "start"],
        environment: Self.environment())
      try await eventually("fail2ban answers", timeout: .seconds(20), poll: .milliseconds(200)) {
        try await client("ping").status == 0
      }
    }

    private static func configure(_ installation: Installation, _ conf: String) throws {
      let place = installation.directory
      try place.write("", to: "auth.log")
      try place.write(
        """
        [DEFAULT]
        dbfile = \(place.file("fail2ban.sqlite3"))
        logtarget = \(place.file("fail2ban.log"))
        allowipv6 = auto

        """, to: "fail2ban/fail2ban.local")
      try place.write(
        """
        [sshd]
        enabled = true
        backend = polling
        maxretry = 2
        bantime = 600
        logpath = \(place.file("auth.log"))
        action = luaslack[luaslack="\(Programs.luaslack)", options="--spool=\(installation.spool) --config=\(installation.config)"]

        """, to: "fail2ban/jail.local")
    }

    private static func options(_ installation: Installation) -> [String] {
      let place = installation.directory
      return [
        "-c", place.file("fail2ban"), "-s", place.file("socket"), "-p", place.file("pid"),
      ]
    }

    @discardableResult
    func client(_ arguments: String...) async throws -> Finished {
      try await run(
        "/usr/bin/fail2ban-client", Self.options(installation) + arguments,
        environment: Self.environment())
    }

    /// One failed login as sshd writes it.
    func failedLogin(user: String, from ip: String) throws {
      let line =
        "\(Date().ISO8601Format()) host sshd[123]: Failed password for invalid user \(user) "
        + "from \(ip) port 22 ssh2\n"
      let log = try FileHandle(forWritingTo: URL(filePath: file("auth.log")))
      try log.seekToEnd()
      try log.write(contentsOf: Data(line.utf8))
      try log.close()
    }

    func stop() async throws {
      try await client("stop")
      _ = try await program.wait(timeout: .seconds(20))
    }

    func log() throws -> String { try installation.directory.read("fail2ban.log") }
  }

  @Test func `an attack in a log becomes a message, and stays text`() async throws {
    let server = try await Server(try await Installation())
    let user = "ad`min<!channel>$(id)"
    // The jail's start: from now on the log is read.
    _ = try await server.installation.slack.waitForMessages(1, timeout: .seconds(20))
    for _ in 0..<2 { try server.failedLogin(user: user, from: "203.0.113.9") }
    let messages = try await server.installation.slack.waitForMessages(2, timeout: .seconds(20))
    try await server.client("set", "sshd", "banip", "2001:db8::7")
    try await server.client("set", "sshd", "unbanip", "2001:db8::7")
    try await server.stop()
    // Ban, unban, flush and stop.
    let all = try await server.installation.slack.waitForMessages(6, timeout: .seconds(20))

    let log = try server.log()
    let ban = messages.last
    #expect(ban?.text.contains("banned 203.0.113.9 after 2 failures") == true, "\(log)")
    #expect(ban?.body.contains("ad'min&lt;!channel&gt;$(id)") == true)
    let texts = all.map(\.text).joined(separator: "\n")
    #expect(texts.contains("sshd banned 2001:db8::7"))
    #expect(texts.contains("sshd unbanned 2001:db8::7"))
    #expect(texts.contains("jail sshd started") && texts.contains("jail sshd stopped"))
    #expect(all.allSatisfy { $0.bodyJSON.liveMarkup.isEmpty })
    #expect(!log.contains("ERROR"))
  }
}
