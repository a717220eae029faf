import Foundation
import TestSupport
import Testing

/// What `luaslack init` sets up, in a directory of one test's own: a config, and a copy of the host's real
/// /etc/fail2ban. Ends every luaslackd that served its spool.
final class SetUpPlace: Sendable {
  let directory: TemporaryDirectory
  var config: String { directory.file("etc/config.toml") }
  var fail2ban: String { directory.file("fail2ban") }
  var spool: String { directory.file("spool") }
  var places: [String] { ["--spool", spool, "--config", config] }

  init() throws {
    directory = try TemporaryDirectory("init")
    try FileManager.default.copyItem(atPath: "/etc/fail2ban", toPath: fail2ban)
    // What the host's own administrator has set up is not this test's.
    for name in ["jail.d", "action.d/luaslack.conf", "action.d/luaslack-lines.conf"] {
      try? FileManager.default.removeItem(atPath: fail2ban + "/" + name)
    }
    try FileManager.default.createDirectory(
      atPath: fail2ban + "/jail.d", withIntermediateDirectories: false)
    try directory.write("", to: "auth.log")
    try directory.write(
      """
      [sshd]
      enabled = true
      backend = polling
      logpath = \(directory.file("auth.log"))
      [recidive]
      enabled = true
      backend = polling
      logpath = \(directory.file("auth.log"))

      """, to: "fail2ban/jail.local")
  }

  deinit {
    for process in daemons() { kill(process, SIGTERM) }
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end, !daemons().isEmpty { usleep(5_000) }
  }

  /// The luaslackd processes that serve this spool: its path, like no other, is an argument.
  private func daemons() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { process in
      let words = Proc.words(of: process, in: "cmdline")
      return words.first?.hasSuffix("/luaslackd") == true && words.contains(spool)
    }
  }

  func initialize(
    _ arguments: String..., secret: String? = nil
  ) async throws -> Finished {
    return try await run(
      Programs.luaslack,
      ["init"] + places + ["--fail2ban-dir", fail2ban] + arguments
        + (secret == nil ? [] : ["--secret-stdin"]),
      stdin: secret.map { Array(($0 + "\n").utf8) } ?? [])
  }

  func test() async throws -> Finished {
    try await run("/usr/bin/fail2ban-client", ["-c", fail2ban, "-t"], environment: Self.path)
  }

  func dump() async throws -> String {
    try await run(
      "/usr/bin/fail2ban-client", ["-c", fail2ban, "-d"], environment: Self.path
    ).output
  }

  /// The program as the action files name it: where it really is.
  static let program = URL(filePath: Programs.luaslack).resolvingSymlinksInPath().path

  static let path = ["PATH": "/usr/bin:/bin"]

  func mode(_ name: String) throws -> Int? {
    try FileManager.default.attributesOfItem(atPath: directory.file(name))[.posixPermissions]
      as? Int
  }

  /// Every file with its content.
  func snapshot() throws -> [String: Data] {
    var all: [String: Data] = [:]
    let walk = FileManager.default.enumerator(atPath: directory.path)
    while let name = walk?.nextObject() as? String {
      all[name] = FileManager.default.contents(atPath: directory.file(name)) ?? Data()
    }
    return all
  }
}

/// A fail2ban-server of one test's own on such a place: own socket, pid file, database and log.
final class SetUpServer {
  let place: SetUpPlace
  private let program: RunningProgram
  var socket: String { place.directory.file("socket") }

  init(_ place: SetUpPlace) async throws {
    self.place = place
    let own = place.directory
    try own.write(
      """
      [DEFAULT]
      dbfile = \(own.file("fail2ban.sqlite3"))
      logtarget = \(own.file("fail2ban.log"))
      allowipv6 = auto

      """, to: "fail2ban/fail2ban.local")
    // A firewall that leaves the host's alone.
    try own.write(
      "[Definition]\nactionban = true\nactionunban = true\n", to: "fail2ban/action.d/wall.conf")
    try own.write(
      try own.read("fail2ban/jail.local")
        + "[DEFAULT]\nbanaction = wall\nbanaction_allports = wall\n",
      to: "fail2ban/jail.local")
    program = try RunningProgram(
      "/usr/bin/fail2ban-server",
      ["-c", place.fail2ban, "-s", own.file("socket"), "-p", own.file("pid"), "-xf", "start"],
      environment: SetUpPlace.path)
    try await eventually("fail2ban answers", timeout: .seconds(60), poll: .milliseconds(200)) {
      try await client("ping").status == 0
    }
  }

  @discardableResult
  func client(_ arguments: String...) async throws -> Finished {
    try await run(
      "/usr/bin/fail2ban-client", ["-c", place.fail2ban, "-s", socket] + arguments,
      environment: SetUpPlace.path)
  }

  func stop() async throws {
    try await client("stop")
    _ = try await program.wait(timeout: .seconds(20))
  }
}
