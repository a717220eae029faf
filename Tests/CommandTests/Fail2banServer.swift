import Foundation
import Glibc
import TestSupport
import Testing

/// A real fail2ban of one test's own: config, logs, socket and database in the installation's place, the
/// shipped action files, and a firewall that writes a file.
final class Fail2banServer {
  /// What stands before `/usr/bin/fail2ban-server` and `/etc/fail2ban`: nothing, or in `LUASLACK_FAIL2BAN`
  /// the directory with another version that `tools/other-fail2ban` made.
  static let root = ProcessInfo.processInfo.environment["LUASLACK_FAIL2BAN"] ?? ""
  static let isInstalled = FileManager.default.isExecutableFile(atPath: program("server"))

  static func program(_ name: String) -> String { "\(root)/usr/bin/fail2ban-\(name)" }

  let installation: Installation
  private var program: RunningProgram?

  /// As they are shipped.
  static let actions = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "action.d").path()

  static let environment = ["PATH": "/usr/bin:/bin"]
  private var place: TemporaryDirectory { installation.directory }

  /// `jails`: what jail.local has besides `[DEFAULT]`; `LUASLACK` in it stands for the action of this
  /// installation, `LUASLACK[` for its beginning, `LOG` for the log that `write` writes, and `PLACE` for the
  /// installation's directory.
  init(_ installation: Installation, jails: String? = nil, defaults: String = "") throws {
    self.installation = installation
    let conf = place.file("fail2ban")
    let files = FileManager.default
    try files.copyItem(atPath: Self.root + "/etc/fail2ban", toPath: conf)
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

  /// Whatever addresses this machine has of its own, and whatever backend Debian chose, are not the tests'.
  func configure(_ jails: String, defaults: String = "") throws {
    let jails = jails.replacing("LOG", with: place.file("auth.log"))
      .replacing("PLACE", with: place.path)
      .replacing("LUASLACK-LINES", with: action("luaslack-lines"))
      .replacing("LUASLACK[", with: action("luaslack").dropLast() + ", ")
      .replacing("LUASLACK", with: action("luaslack"))
    try place.write(
      """
      [DEFAULT]
      backend = polling
      bantime = 600
      ignoreself = false
      \(defaults)

      \(jails.replacing("enabled = true", with: "enabled = true\nbackend = polling"))

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

  /// Returns when every jail is read from. `environment` is what its actions get besides.
  func start(
    jails: Int = 1, options more: [String] = [], environment: [String: String] = [:],
    in group: ControlGroup? = nil
  ) async throws {
    let started = try log().components(separatedBy: "' started").count - 1
    let words = [Self.program("server")] + options + more + ["-xf", "start"]
    let enter = group.map { ["-c", "echo $$ > \"\($0.processes)\" && exec \"$@\"", "sh"] }
    program = try RunningProgram(
      enter == nil ? words[0] : "/bin/sh", enter.map { $0 + words } ?? Array(words.dropFirst()),
      environment: Self.environment.merging(installation.environment) { $1 }
        .merging(environment) { $1 })
    try await eventually("the jails run", timeout: .seconds(40), poll: .milliseconds(100)) {
      try log().components(separatedBy: "' started").count - 1 >= started + jails
    }
  }

  @discardableResult
  func client(_ arguments: String...) async throws -> Finished { try await client(arguments) }

  @discardableResult
  func client(_ arguments: [String]) async throws -> Finished {
    try await run(
      Self.program("client"), options + arguments, environment: Self.environment)
  }

  func stop() async throws {
    try await client("stop")
    try await waitForEnd()
  }

  /// Its end without a word to anybody.
  func kill() async throws {
    program?.signal(SIGKILL)
    try await waitForEnd()
  }

  func waitForEnd() async throws {
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

  /// The same with the time of now before each, as syslog writes it.
  func write(_ lines: [String], to name: String, format: String = "MMM dd HH:mm:ss") throws {
    let stamp = DateFormatter()
    stamp.locale = Locale(identifier: "en_US_POSIX")
    stamp.dateFormat = format
    try write(lines.map { Array("\(stamp.string(from: Date())) \($0)".utf8) }, to: name)
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

  /// Waits until all is told. luaslackd itself may stay: it looks whether a fail2ban that stopped comes back.
  func settle() async throws {
    try await eventually("all is told", timeout: .seconds(40), poll: .milliseconds(100)) {
      guard installation.incoming.isEmpty else { return false }
      return try await installation.deliveries(all: false).isEmpty
    }
  }

  /// The messages once there are so many, or what there is after a while.
  func messages(_ count: Int) async throws -> [RecordedMessage] {
    try await installation.slack.waitForMessages(count, timeout: .seconds(40))
  }
}

/// A control group of one test's own, as systemd has one for each service; it goes with this object.
final class ControlGroup {
  /// Nil where none can be made: without rights, or without cgroup v2.
  init?() {
    let mounts = (try? String(contentsOfFile: "/proc/self/mounts", encoding: .utf8)) ?? ""
    let mount = mounts.split(separator: "\n").map { $0.split(separator: " ") }
      .first { $0.count > 2 && $0[2] == "cgroup2" }
    let groups = (try? String(contentsOfFile: "/proc/self/cgroup", encoding: .utf8)) ?? ""
    let own = groups.split(separator: "\n").first { $0.hasPrefix("0::") }?.dropFirst(3)
    guard let mount, let own else { return nil }
    path = "\(mount[1])\(own == "/" ? "" : own)/luaslack-\(UUID().uuidString)"
    guard mkdir(path, 0o755) == 0 else { return nil }
  }

  deinit {
    for process in members { kill(process, SIGKILL) }
    let end = ContinuousClock.now + .seconds(5)
    while rmdir(path) != 0, ContinuousClock.now < end { usleep(5_000) }
  }

  static let isPossible = ControlGroup() != nil

  private let path: String
  /// The file to write a process into, and to read them from.
  var processes: String { path + "/cgroup.procs" }
  var members: [pid_t] {
    ((try? String(contentsOfFile: processes, encoding: .utf8)) ?? "").split(separator: "\n")
      .compactMap { pid_t($0) }
  }
}
