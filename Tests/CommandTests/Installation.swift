import Foundation
import Glibc
import TestSupport
import Testing

/// A luaslack of one test's own: spool, config, webhook and overflow in a temporary directory, and
/// a fake Slack to deliver to. Ends every luaslackd that served its spool before the directory
/// goes; none is ever sought by name alone.
final class Installation: Sendable {
  /// The part of the webhook's path that nobody may ever see.
  static let secret = "Zq7rT0pS3cretXw"

  let directory: TemporaryDirectory
  let slack: FakeSlack
  private let slot: Slot

  var spool: String { directory.file("spool") }
  var config: String { directory.file("config.toml") }
  var overflow: String { directory.file("overflow") }
  var database: String { directory.file("spool/luaslack.db") }

  /// All that a program here gets to see of the environment.
  var environment: [String: String] {
    ["LUASLACK_SPOOL": spool, "LUASLACK_CONFIG": config, "LUASLACK_OVERFLOW": overflow]
  }

  /// `config` nil: the usual one; `API_URL` in it stands for the fake Slack's. Without `webhook` it is
  /// the fake Slack's, at the usual path.
  init(config: String? = nil, webhook: String? = nil) async throws {
    slot = await Slot.take()
    directory = try TemporaryDirectory("command")
    slack = try await FakeSlack()
    let url = webhook ?? slack.webhookURL("/services/T000/B000/\(Self.secret)")
    try directory.write(url + "\n", to: "webhook", mode: 0o600)
    try directory.write("xoxb-\(Self.secret)\n", to: "token", mode: 0o600)
    let config = (config ?? Self.config()).replacing("API_URL", with: slack.apiURL)
    try directory.write(config, to: "config.toml")
  }

  deinit {
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end, !(daemons().isEmpty && isLockFree) {
      for process in daemons() { kill(process, SIGTERM) }
      usleep(5_000)
    }
  }

  /// luaslackd leaves as soon as nothing waits, so that a test can see it gone; what few events make
  /// goes out one by one.
  static func config(
    post: [String] = ["ban", "unban", "prolong", "jail_start", "jail_stop", "jail_flush"],
    linger: String = "0s", more: String = ""
  ) -> String {
    """
    unknown_users = "full"
    post = [\(post.map { "\"\($0)\"" }.joined(separator: ", "))]
    linger = "\(linger)"
    [destination.default]
    webhook_file = "webhook"
    rate = "10/1s"
    burst = 100
    \(more)

    """
  }

  // MARK: - Programs

  /// Runs `luaslack` to its end.
  func luaslack(
    _ arguments: [String], stdin: [UInt8]? = nil, environment more: [String: String] = [:]
  ) async throws -> Finished {
    try await luaslack(raw: arguments.map { Array($0.utf8) }, stdin: stdin, environment: more)
  }

  /// The same with arguments that need not be UTF-8.
  func luaslack(
    raw arguments: [[UInt8]], stdin: [UInt8]? = nil, environment more: [String: String] = [:]
  ) async throws -> Finished {
    try await run(
      Programs.luaslack, rawArguments: arguments, stdin: stdin,
      environment: environment.merging(more) { $1 })
  }

  /// A ban that nothing delivers yet: no luaslackd is started for it.
  func banUndelivered(_ ip: String, _ options: [String] = []) async throws -> Finished {
    try await luaslack(
      ["ban"] + options + ["--", "sshd", ip, "5"], environment: ["LUASLACK_SPAWN": "0"])
  }

  /// A luaslackd as systemd keeps one; it listens when this returns.
  func daemon(in mounts: PrivateMounts? = nil) async throws -> RunningProgram {
    let arguments = ["--spool", spool, "--config", config, "--overflow", overflow]
    let daemon =
      try mounts?.start(Programs.luaslackd, arguments)
      ?? RunningProgram(Programs.luaslackd, arguments, environment: [:])
    await eventually("luaslackd listens") { isListening || !daemon.isRunning }
    return daemon
  }

  // MARK: - What there is

  /// The luaslackd processes that serve this spool: its path, like no other, is an argument.
  func daemons() -> [pid_t] {
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { process in
      let arguments = Proc.words(of: process, in: "cmdline")
      return arguments.first?.hasSuffix("/luaslackd") == true && arguments.contains(spool)
    }
  }

  /// Waits until nothing is left to do and luaslackd has gone.
  func settle(timeout: Duration = .seconds(30)) async {
    await eventually("luaslackd leaves", timeout: timeout) { daemons().isEmpty && incoming.isEmpty }
  }

  /// Somebody reads from the trigger.
  private var isListening: Bool {
    let descriptor = open(spool + "/trigger", O_WRONLY | O_NONBLOCK | O_CLOEXEC)
    guard descriptor >= 0 else { return false }
    close(descriptor)
    return true
  }

  /// Nobody holds the spool. Takes the lock for a moment: not for while a call may be under way.
  var isLockFree: Bool {
    let descriptor = open(spool + "/lock", O_RDWR | O_CLOEXEC)
    guard descriptor >= 0 else { return true }
    defer { close(descriptor) }
    return flock(descriptor, LOCK_EX | LOCK_NB) == 0
  }

  /// Whole files that luaslackd has not taken in.
  var incoming: [String] {
    ((try? directory.names(in: "spool/incoming")) ?? []).filter { !$0.hasPrefix(".") }
  }

  /// Every delivery, as `queue list` tells it.
  func deliveries(all: Bool = true) async throws -> [JSON] {
    let which = all ? ["--all", "--limit", "100000"] : []
    let list = try await luaslack(["queue", "list", "--json"] + which)
    return try list.output.split(separator: "\n").map { try JSON(parsing: String($0)) }
  }

  func status() async throws -> JSON {
    try JSON(parsing: try await luaslack(["status", "--json"]).output)
  }

  /// Waits until the only delivery is in that state, and returns it.
  func waitForDelivery(_ state: String) async throws -> JSON {
    var last: JSON = .null
    await eventually("a delivery that is \(state)") {
      last = (try? await deliveries().last) ?? .null
      return last["state"].string == state
    }
    return last
  }
}

/// What the kernel tells of a process.
enum Proc {
  /// Hundredths of a second of processor time that a process has used.
  static func ticks(of process: pid_t) -> Int {
    let text = (try? String(contentsOfFile: "/proc/\(process)/stat", encoding: .utf8)) ?? ""
    let words = text.split(separator: ")").last?.split(separator: " ") ?? []
    return words.count > 12 ? (Int(words[11]) ?? 0) + (Int(words[12]) ?? 0) : 0
  }

  /// The NUL-separated words of `cmdline` or `environ`; none if it has gone.
  static func words(of process: pid_t, in file: String) -> [String] {
    let bytes = FileManager.default.contents(atPath: "/proc/\(process)/\(file)") ?? Data()
    return bytes.split(separator: 0).map { String(decoding: $0, as: UTF8.self) }
  }

  /// The real, effective, saved and file system id, of `Uid` or `Gid`.
  static func ids(of process: pid_t, _ name: String) -> [Int] {
    let bytes = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
    let lines = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
    let line = lines.first { $0.hasPrefix(name + ":") } ?? ""
    return line.split(whereSeparator: \.isWhitespace).dropFirst().compactMap { Int($0) }
  }
}

/// The right of a test to have installations: a few tests at a time, so that the machine is busy but no program
/// waits for its turn longer than a test is willing to.
final class Slot: Sendable {
  private let holder: Int

  static func take() async -> Slot {
    let holder = withUnsafeCurrentTask { $0?.hashValue ?? 0 }
    await Slots.shared.take(holder)
    return Slot(holder)
  }

  private init(_ holder: Int) { self.holder = holder }

  deinit {
    let holder = holder
    Task { await Slots.shared.give(holder) }
  }
}

private actor Slots {
  static let shared = Slots()
  /// The long runs wait more than they work.
  private var free = Long.isOn ? 6 : 4
  private var waiting: [CheckedContinuation<Void, Never>] = []
  /// By task, how many installations it has.
  private var held: [Int: Int] = [:]

  func take(_ holder: Int) async {
    // A second one of the same test waits for nobody: a few such tests would wait for each other.
    if held[holder] == nil {
      if free > 0 {
        free -= 1
      } else {
        await withCheckedContinuation { waiting.append($0) }
      }
    }
    held[holder, default: 0] += 1
  }

  func give(_ holder: Int) {
    if let count = held[holder], count > 1 {
      held[holder] = count - 1
      return
    }
    held[holder] = nil
    if waiting.isEmpty {
      free += 1
    } else {
      waiting.removeFirst().resume()
    }
  }
}

extension JSON {
  /// Every string in it, at any depth, without the objects' keys.
  var strings: [String] {
    switch self {
    case .string(let text): [text]
    case .array(let items): items.flatMap(\.strings)
    case .object(let members): members.values.flatMap(\.strings)
    default: []
    }
  }

  /// What Slack would read as markup in any of the strings: an angle bracket, or an ampersand that
  /// begins none of the three entities.
  var liveMarkup: [String] {
    strings.filter { text in
      // Bytes: a combining mark behind one makes another character of it.
      let bytes = text.utf8
      return bytes.contains { $0 == UInt8(ascii: "<") || $0 == UInt8(ascii: ">") }
        || bytes.split(separator: UInt8(ascii: "&"), omittingEmptySubsequences: false).dropFirst()
          .contains { part in !["amp;", "lt;", "gt;"].contains { part.starts(with: $0.utf8) } }
    }
  }
}
