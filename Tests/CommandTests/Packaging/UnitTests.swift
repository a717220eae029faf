import Foundation
import TestSupport
import Testing

/// systemd's units: what they shut out, and that the programs do with the rest.
@Suite struct UnitTests {
  private static let services = [
    "luaslackd.service", "luaslack-resume.service", "luaslack-failure@.service",
    "luaslack-report.service",
  ]

  /// The settings of an installed unit, in their order.
  private func settings(_ unit: String, of tree: InstalledTree) throws -> [(String, String)] {
    try tree.directory.read("usr/lib/systemd/system/" + unit).split(separator: "\n")
      .filter { !$0.hasPrefix("#") }
      .compactMap { line in
        let parts = line.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? (String(parts[0]), String(parts[1])) : nil
      }
  }

  @Test(.enabled(if: Tool.systemdAnalyze.works, "systemd is not installed"))
  func `the services' exposure is at most 2.0`() async throws {
    let tree = try await InstalledTree()
    for unit in Self.services {
      let security = try await run(
        Tool.systemdAnalyze.path,
        [
          "security", "--no-pager", "--offline=yes", "--threshold=20",
          tree.file("lib/systemd/system/" + unit),
        ])
      #expect(security.status == 0, "\(unit): \(security.output.suffix(200)) \(security.errors)")
    }
  }

  @Test(.enabled(if: Tool.systemdAnalyze.works, "systemd is not installed"))
  func `systemd knows every word of them`() async throws {
    let tree = try await InstalledTree()
    for unit in Self.services + ["luaslack-resume.timer", "luaslack-report.timer"] {
      let verified = try await run(
        Tool.systemdAnalyze.path,
        ["verify", "--man=no", "--root=" + tree.directory.path, "--recursive-errors=no", unit])
      let own = verified.errors.split(separator: "\n").filter {
        $0.contains("luaslack") && $0.contains("nknown") || $0.contains("ailed to parse")
      }
      #expect(own == [], "\(unit)")
    }
  }

  @Test func `the service starts before fail2ban, and says when it is ready`() async throws {
    let tree = try await InstalledTree()
    let service = try settings("luaslackd.service", of: tree)
    for (name, value) in [
      ("Before", "fail2ban.service"), ("Type", "notify"), ("Restart", "always"),
      ("ExecReload", #"/bin/sh -c "kill -HUP $MAINPID""#), ("User", "luaslack"),
    ] {
      #expect(service.contains { $0 == (name, value) }, "\(name)=\(value)")
    }
    #expect(service.contains { $0.0 == "WatchdogSec" })
    // The others are shut in alike; that of failed units may read the journal besides.
    let confinement = service.drop { $0.0 != "User" }.prefix { $0.0 != "WantedBy" }
    #expect(confinement.count > 30)
    for unit in Self.services.dropFirst() {
      let other = try settings(unit, of: tree)
      let shut = other.drop { $0.0 != "User" }.prefix { $0.0 != "SupplementaryGroups" }
      #expect(confinement.elementsEqual(shut, by: ==), "\(unit)")
    }
    let report = try settings("luaslack-report.service", of: tree)
    #expect(
      report.contains { $0 == ("ExecStartPre", "/usr/bin/luaslack report --since ${SINCE}") })
  }

  /// Some of the calls that its own filter needs are in groups that others have no use for.
  @Test(
    .enabled(if: Tool.systemdAnalyze.works, "systemd is not installed"),
    .enabled(if: Tool.strace.works, "needs strace, and the right to use it"))
  func `what a delivery needs of the kernel is within the unit's filter`() async throws {
    let tree = try await InstalledTree()
    let filter = try settings("luaslackd.service", of: tree)
      .filter { $0.0 == "SystemCallFilter" }.map(\.1)
    let allowed = try await Self.calls(filter)
    let installation = try await Installation(
      config: Installation.config(more: "[destination.tls]\nwebhook_file = \"tls\""))
    try installation.directory.write(
      "https://127.0.0.1:9/services/T0/B0/x\n", to: "tls", mode: 0o600)
    _ = try await installation.banUndelivered("203.0.113.1")
    _ = try await installation.banUndelivered("203.0.113.2", ["--to=tls", "--matches=x"])
    let log = installation.directory.file("strace")
    let daemon = try RunningProgram(
      Tool.strace.path,
      [
        "-f", "-qq", "-o", log, Programs.luaslackd, "--until-idle", "--spool", installation.spool,
        "--config", installation.config, "--overflow", installation.overflow,
      ])
    #expect(try await installation.slack.waitForMessages(1, timeout: .seconds(30)).count == 1)
    for process in installation.daemons() { kill(process, SIGTERM) }
    _ = try await daemon.wait()

    let calls = try installation.directory.read("strace").split(separator: "\n")
      .compactMap { SystemCall($0) }
    let used = Set(calls.map(\.name))
    // The sandbox was there, and did what it does to itself.
    #expect(used.isSuperset(of: ["memfd_create", "prctl", "prlimit64", "setpriority"]))
    // Refused, and needed by none: the service has nothing left to give up. Root, as which the test may
    // run and the service does not, gives more up, and SQLite hands its files to the database's owner.
    var refused: Set = ["capset"]
    if geteuid() == 0 { refused.formUnion(["setgroups", "setresgid", "setresuid", "fchown"]) }
    #expect(used.subtracting(allowed).subtracting(refused) == [])
  }

  /// What the lines of a filter allow, with its groups spelt out.
  private static func calls(_ lines: [String]) async throws -> Set<String> {
    let groups = try await run(Tool.systemdAnalyze.path, ["syscall-filter", "--no-pager"])
    var members: [String: [String]] = [:]
    var group = ""
    for line in groups.output.split(separator: "\n") {
      let word = line.trimmingCharacters(in: .whitespaces)
      if line.hasPrefix("@") {
        group = word
      } else if !word.hasPrefix("#") {
        members[group, default: []].append(word)
      }
    }
    func spelt(_ word: String) -> Set<String> {
      guard word.hasPrefix("@") else { return [word] }
      return Set((members[word] ?? []).flatMap(spelt))
    }
    // systemd.exec(5): these are always allowed.
    var allowed = spelt("@default").union(["execve"])
    for line in lines {
      let words = line.drop { $0 == "~" }.split(separator: " ").map(String.init)
      let calls = Set(words.flatMap(spelt))
      if line.hasPrefix("~") { allowed.subtract(calls) } else { allowed.formUnion(calls) }
    }
    return allowed
  }
}

extension Tool {
  static let systemdAnalyze = Tool(path: "/usr/bin/systemd-analyze", trial: ["--version"])
}
