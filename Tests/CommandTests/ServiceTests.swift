import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// luaslackd over time: its configuration breaks, its database breaks, a service manager watches it,
/// and somebody reads its log.
@Suite struct ServiceTests {
  private static let ban = ["ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]

  private func stop(_ daemon: RunningProgram) async throws {
    daemon.signal(SIGTERM)
    _ = try await daemon.wait(timeout: .seconds(10))
  }

  // MARK: - The last configuration that worked

  @Test func `after a restart the last config that worked stands in for a wrong one, told once`()
    async throws
  {
    let installation = try await Installation()
    let first = try await installation.daemon()
    await eventually("it is kept") {
      FileManager.default.fileExists(atPath: installation.directory.file("spool/last-config.toml"))
    }
    try await stop(first)
    let kept = installation.directory.file("spool/last-config.toml")
    let mode = try FileManager.default.attributesOfItem(atPath: kept)[.posixPermissions] as? Int
    #expect(mode == 0o600)

    try installation.directory.write("post = [\"ban\"\n", to: "config.toml")
    for start in 1...2 {
      let daemon = try await installation.daemon()
      _ = try await installation.luaslack(Self.ban)
      let messages = try await installation.slack.waitForMessages(start + 1)
      let told = messages.filter { $0.text.contains("the last that worked is in use") }
      #expect(told.count == 1, "after \(start) starts")
      #expect(messages.count == start + 1)
      let status = try await installation.luaslack(["status"])
      #expect(status.status == 1)
      #expect(status.output.contains("configuration: \(installation.config):"))
      #expect(status.output.contains("(the last that worked is in use)"))
      #expect(daemon.standardError.contains("(the last that worked is in use)"))
      try await stop(daemon)
    }

    // Mended and broken again, it is told again.
    try installation.directory.write(Installation.config(), to: "config.toml")
    let daemon = try await installation.daemon()
    await eventually("it is mended") {
      (try? await installation.luaslack(["status"]).status) == 0
    }
    try installation.directory.write("post = 5\n", to: "config.toml")
    daemon.signal(SIGHUP)
    #expect(try await installation.slack.waitForMessages(4).count == 4)
    try await stop(daemon)
  }

  @Test func `another config's last text is not used`() async throws {
    let installation = try await Installation()
    let first = try await installation.daemon()
    await eventually("it is kept") {
      FileManager.default.fileExists(atPath: installation.directory.file("spool/last-config.toml"))
    }
    try await stop(first)
    let call = try await installation.luaslack(
      Self.ban + [], environment: ["LUASLACK_CONFIG": "/nonexistent/config.toml"])
    #expect(call.status == 0)
    await eventually("it is said to be missing") {
      (try? await installation.luaslack(["status"]).output.contains("/nonexistent")) == true
    }
    #expect(try await installation.slack.messages().isEmpty)
    #expect(installation.incoming.count == 1)
  }

  @Test func `a service with nothing to do does nothing`() async throws {
    let installation = try await Installation()
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(Self.ban)
    _ = try await installation.slack.waitForMessages(1)
    // Idle for longer than `linger`, which is none here.
    usleep(500_000)
    let before = Proc.ticks(of: daemon.processID)
    usleep(2_000_000)
    // Hundredths of a second of processor time; one that never rests takes some two hundred.
    #expect(Proc.ticks(of: daemon.processID) - before < 60)
  }

  // MARK: - A damaged database

  @Test func `what waited in a damaged database is sent, and its place is told`() async throws {
    let installation = try await Installation()
    // Until it is held: a busy machine may take longer to hold it than the next attempt to come.
    try await installation.slack.control(
      #"{"mode":"status","status":500,"body":"rollup_error"}"#)
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(Self.ban)
    await eventually("it waits") {
      (try? await installation.deliveries(all: false).first?["reason"].string) == "500 rollup_error"
    }
    _ = try await installation.luaslack(["queue", "hold", "1"])
    try await installation.slack.control(#"{"mode":"ok"}"#)
    try await stop(daemon)

    let file = try FileHandle(forUpdating: URL(filePath: installation.database))
    // What luaslackd reads at its start, and what waits does not lie on.
    let page = try #require(try rootPage(of: "notice", in: installation.database))
    try file.seek(toOffset: UInt64(page - 1) * 4_096)
    try file.write(contentsOf: Data(repeating: 0xff, count: 4_096))
    try file.close()

    let next = try await installation.daemon()
    let messages = try await installation.slack.waitForMessages(1, timeout: .seconds(20))
    let told = try #require(messages.first { $0.text.contains("its database was damaged") })
    #expect(told.text.contains("luaslack.db.corrupt-"))
    #expect(told.text.contains("1 message that waited was saved"))
    // What was held still is.
    let row = try #require(try await installation.deliveries(all: false).first)
    #expect(row["subject"].string == "203.0.113.7")
    #expect(row["held"].bool == true)
    _ = try await installation.luaslack(["queue", "release"])
    _ = try await installation.slack.waitForMessages(2)
    #expect(
      try await installation.luaslack(["status"]).output.contains("spool database: was damaged"))
    try await stop(next)
  }

  private func rootPage(of table: String, in path: String) throws -> Int? {
    try Database(path, .reading).first(
      "SELECT rootpage FROM sqlite_schema WHERE name = ?", .text(table)
    ) { Int($0.integer(0)) }
  }

  // MARK: - The log

  @Test func `each event leaves one line in the log`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[list]\nown = [\"192.0.2.9\"]\n[mute]\nlists = [\"own\"]"))
    let daemon = try await installation.daemon()
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.7", "5"])
    _ = try await installation.luaslack(["ban", "--wait", "--", "ss\nhd", "192.0.2.9", "5"])
    try await installation.slack.control(
      #"{"mode":"status","status":400,"body":"invalid_payload"}"#)
    _ = try await installation.luaslack(["ban", "--wait", "--", "sshd", "203.0.113.8", "5"])
    await eventually("it is told") { daemon.standardError.contains("203.0.113.8") }
    try await stop(daemon)
    let lines = daemon.standardError.split(separator: "\n").filter { $0.contains("ban ss") }
    #expect(
      lines == [
        "luaslackd: ban sshd 203.0.113.7: default delivered",
        "luaslackd: ban ss hd 192.0.2.9: default muted (in the list own (192.0.2.9))",
        "luaslackd: ban sshd 203.0.113.8: default dead (400 invalid_payload)",
      ])
  }

  // MARK: - A service manager

  @Test func `a service manager is told of start, life and reload`() async throws {
    let installation = try await Installation()
    let socket = try NotifySocket(installation.directory.file("notify"))
    let daemon = try RunningProgram(
      Programs.luaslackd,
      [
        "--spool", installation.spool, "--config", installation.config, "--overflow",
        installation.overflow,
      ],
      environment: ["NOTIFY_SOCKET": socket.path, "WATCHDOG_USEC": "200000"])
    await eventually("ready and alive, twice") {
      socket.receive()
      return socket.seen.contains("READY=1") && socket.seen.count { $0 == "WATCHDOG=1" } >= 2
    }
    socket.seen = []
    daemon.signal(SIGHUP)
    await eventually("reloaded") {
      socket.receive()
      let reload = socket.seen.firstIndex { $0.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") }
      return reload.map { socket.seen[$0...].contains("READY=1") } ?? false
    }
    daemon.signal(SIGTERM)
    #expect(try await daemon.wait(timeout: .seconds(10)).status == 0)
  }

  // MARK: - The config's keys

  @Test(arguments: [
    ("history = \"12h\"", "a day at least"), ("history_events = 10", "1000 at least"),
    ("history_event = 10", "did you mean \"history_events\""),
  ])
  func `a history that keeps nothing is a mistake`(_ line: String, _ hint: String) async throws {
    let installation = try await Installation(config: line + "\n" + Installation.config())
    let shown = try await installation.luaslack(["config", "show"])
    #expect(shown.status == 78)
    #expect(shown.errors.hasPrefix("luaslack: \(installation.config):1: "))
    #expect(shown.errors.contains(hint))
  }

  @Test func `the history's keys are shown as given`() async throws {
    let installation = try await Installation(
      config: "history = \"30d\"\nhistory_events = 5000\n" + Installation.config())
    let json = try JSON(
      parsing: try await installation.luaslack(["config", "show", "--json"]).output)
    #expect(json["history"].number == 2_592_000)
    #expect(json["history_events"].number == 5_000)
  }
}

/// Where a service manager listens.
private final class NotifySocket {
  let path: String
  var seen: [String] = []
  private let descriptor: Int32

  init(_ path: String) throws {
    self.path = path
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: Array(path.utf8)) }
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(status == 0)
  }

  deinit { close(descriptor) }

  func receive() {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      guard count >= 0 else { return }
      seen.append(String(decoding: buffer[..<count], as: UTF8.self))
    }
  }
}
