import Foundation
import TestSupport
import Testing

/// A real fail2ban of one test's own: config, logs, socket and database in the installation's place, the
/// shipped action files, and a firewall that writes a file.
final class Fail2banServer {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/fail2ban-server")

  let installation: Installation
  private var program: RunningProgram?

  /// As they are shipped.
  static let actions = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "action.d").path()

  private static func environment() -> [String: String] { ["PATH": "/usr/bin:/bin"] }
  private var place: TemporaryDirectory { installation.directory }

  /// `jails`: what jail.local has besides `[DEFAULT]`; `LUASLACK` in it stands for the action of this
  /// installation, `LOG` for the log that `write` writes.
  init(_ installation: Installation, jails: String? = nil, defaults: String = "") throws {
    self.installation = installation
    let conf = place.file("fail2ban")
    let files = FileManager.default
    try files.copyItem(atPath: "/etc/fail2ban", toPath: conf)
    for name in (try? files.contentsOfDirectory(atPath: conf + "/jail.d")) ?? [] {
      try files.removeItem(atPath: conf + "/jail.d/" + name)
    }
    for name in ["luaslack.conf", "luaslack-lines.conf"] {
      try? files.removeItem(atPath: conf + "/action.d/" + name)
      try files.copyItem(
        atPath: Self.actions + "/" + name, toPath: conf + "/action.d/" + name)
    }
    try place.write("", to: "auth.log")
    try place.write(
      """
      [DEFAULT]
      dbfile = \(place.file("fail2ban.sqlite3"))
      logtarget = \(place.file("fail2ban.log"))
      allowipv6 = yes

      """, to: "fail2ban/fail2ban.local")
    // In the place of a firewall: each ban is a line of a file.
    try place.write(
      """
      [Definition]
      actionban = printf '%%s\\n' "<fid>" >> "\(place.file("firewall"))"

      """, to: "fail2ban/action.d/firewall.conf")
    try configure(jails ?? Self.sshd, defaults: defaults)
  }

  static let sshd = """
    [sshd]
    enabled = true
    maxretry = 2
    logpath = LOG
    action = firewall
             LUASLACK
    """

  func configure(_ jails: String, defaults: String = "") throws {
    let jails = jails.replacing("LOG", with: place.file("auth.log"))
      .replacing("LUASLACK-LINES", with: action("luaslack-lines"))
      .replacing("LUASLACK", with: action("luaslack"))
    try place.write(
      """
      [DEFAULT]
      backend = polling
      bantime = 600
      \(defaults)

      \(jails)

      """, to: "fail2ban/jail.local")
  }

  /// One of ours, as jail.local names it.
  private func action(_ name: String) -> String {
    let options = "--spool=\(installation.spool) --config=\(installation.config)"
    return "\(name)[luaslack=\"\(luaslack)\", options=\"\(options)\"]"
  }

  /// The program that the actions call.
  var luaslack = Programs.luaslack

  private var options: [String] {
    ["-c", place.file("fail2ban"), "-s", place.file("socket"), "-p", place.file("pid")]
  }

  /// Returns when every jail is read from.
  func start(jails: Int = 1, options more: [String] = []) async throws {
    let started = try log().components(separatedBy: "' started").count - 1
    program = try RunningProgram(
      "/usr/bin/fail2ban-server", options + more + ["-xf", "start"],
      environment: Self.environment().merging(installation.environment) { $1 })
    try await eventually("the jails run", timeout: .seconds(40), poll: .milliseconds(100)) {
      try log().components(separatedBy: "' started").count - 1 >= started + jails
    }
  }

  @discardableResult
  func client(_ arguments: String...) async throws -> Finished {
    try await run(
      "/usr/bin/fail2ban-client", options + arguments, environment: Self.environment())
  }

  func stop() async throws {
    try await client("stop")
    _ = try await program?.wait(timeout: .seconds(30))
    program = nil
  }

  /// Lines as a service writes them.
  func write(_ lines: [[UInt8]], to name: String = "auth.log") throws {
    let log = try FileHandle(forWritingTo: URL(filePath: place.file(name)))
    try log.seekToEnd()
    try log.write(contentsOf: Data(lines.flatMap { $0 + [10] }))
    try log.close()
  }

  /// Failed logins as sshd writes them.
  func fail(user: [UInt8] = Array("nobody7".utf8), from ip: String, times: Int = 2) throws {
    let before = Array(
      "\(Date().ISO8601Format()) host sshd[123]: Failed password for invalid user ".utf8)
    let after = Array(" from \(ip) port 22 ssh2".utf8)
    try write(Array(repeating: before + user + after, count: times))
  }

  func log() throws -> String { (try? place.read("fail2ban.log")) ?? "" }

  /// Whom the firewall keeps out, one each time it was told to.
  func firewalled() -> [String] {
    ((try? place.read("firewall")) ?? "").split(separator: "\n").map(String.init)
  }

  /// Waits until the firewall was told so often.
  func waitForFirewall(_ count: Int) async {
    await eventually("the firewall knows", timeout: .seconds(40), poll: .milliseconds(50)) {
      firewalled().count >= count
    }
  }

  /// The messages once there are so many, or what there is after a while.
  func messages(_ count: Int) async throws -> [RecordedMessage] {
    try await installation.slack.waitForMessages(count, timeout: .seconds(40))
  }
}
