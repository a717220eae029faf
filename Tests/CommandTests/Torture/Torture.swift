import Foundation
import Glibc
import TestSupport
import Testing

/// What the torture suites share: many calls at once, and a config for them.
enum Torture {
  /// A config without waiting, unless told: for tests that are not about the pace.
  static func config(
    top: String = "", rate: String = "10/1s", burst: Int = 100, destinations: [String] = []
  ) -> String {
    let all = ["default"] + destinations
    return """
      post = ["ban"]
      linger = "0s"
      \(top)

      """
        + all.map { name in
          """
          [destination.\(name)]
          webhook_file = "\(name == "default" ? "webhook" : "webhook-\(name)")"
          rate = "\(rate)"
          burst = \(burst)

          """
        }.joined()
  }

  /// So many addresses, all different.
  static func addresses(_ count: Int, network: Int = 10) -> [String] {
    (0..<count).map { "\(network).\($0 / 62_500).\($0 / 250 % 250).\($0 % 250 + 1)" }
  }

  /// Seconds with one decimal.
  static func seconds(_ duration: Duration) -> String {
    let tenths = Int((duration / .milliseconds(100)).rounded())
    return "\(tenths / 10).\(tenths % 10) s"
  }
}

extension Installation {
  /// Bans all of them, several calls at a time; the real program each time. True: each exited with 0.
  func banAll(
    _ addresses: [String], options: [String] = [], spawning: Bool = true, atOnce: Int = 4,
    by program: String = Programs.luaslack
  ) async throws -> Bool {
    var environment = environment
    if !spawning { environment["LUASLACK_SPAWN"] = "0" }
    let lines = addresses.joined(separator: "\n") + "\n"
    let result = try await run(
      "/usr/bin/xargs",
      ["-P", "\(atOnce)", "-I@", program, "ban"] + options + ["--", "sshd", "@", "5"],
      stdin: Array(lines.utf8), environment: environment, timeout: .seconds(120))
    return result.status == 0
  }

  /// A luaslackd that ends itself for nobody; it may not have come to listen yet.
  func startDaemon(_ prefix: [String] = []) throws -> RunningProgram {
    let command =
      prefix + [
        Programs.luaslackd, "--spool", spool, "--config", config, "--overflow", overflow,
      ]
    return try RunningProgram(command[0], Array(command.dropFirst()), environment: [:])
  }

  /// Waits until nothing is left to do, asking now and then to hurry. Bounded; false: not in time.
  /// `run` calls `luaslack` where the spool can be seen, if that is not here.
  func settle(
    within limit: Duration, hurrying: Bool = true,
    _ run: (([String]) async throws -> Finished)? = nil
  ) async throws -> Bool {
    let luaslack = run ?? { try await self.luaslack($0) }
    let end = ContinuousClock.now + limit
    var next = ContinuousClock.now
    while ContinuousClock.now < end {
      let status = try await luaslack(["status", "--json"])
      if (try? JSON(parsing: status.output))?["pending"].number == 0 { return true }
      if hurrying, ContinuousClock.now >= next {
        next = ContinuousClock.now + .milliseconds(500)
        _ = try await luaslack(["queue", "flush"])
      }
      try await Task.sleep(for: .milliseconds(50))
    }
    return false
  }

  /// The accounts of a spool that shows in other mounts only, once luaslackd has left, and what is
  /// illegal in its database.
  func accounts(in mounts: PrivateMounts) async throws -> (Accounting, illegal: [String]) {
    await eventually("luaslackd leaves") { daemons().isEmpty }
    let outside = mounts.outside(spool)
    // SQLite itself cannot look there.
    let (database, copy) = (outside + "/luaslack.db", directory.file("copy.db"))
    for suffix in ["", "-wal"] where FileManager.default.fileExists(atPath: database + suffix) {
      try FileManager.default.copyItem(atPath: database + suffix, toPath: copy + suffix)
    }
    return (
      try await accounts(database: copy, spool: outside), try Accounting.illegal(in: copy)
    )
  }
}
