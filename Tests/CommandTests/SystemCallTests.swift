import Foundation
import TestSupport
import Testing

/// What a program really does, as the kernel sees it: the promises about accepting are promises
/// about system calls.
@Suite(.enabled(if: Tool.strace.works, "needs strace, and the right to use it"))
struct SystemCallTests {
  static let ban = ["ban", "--", "sshd", "203.0.113.7", "5"]

  @Test(arguments: [true, false])
  func `accepting opens no socket, no database and no config`(
    _ isFirst: Bool
  ) async throws {
    let installation = try await Installation()
    if !isFirst {
      _ = try await installation.luaslack(Self.ban)
      await installation.settle()
    }
    let (result, calls) = try await installation.trace(Self.ban)
    #expect(result.status == 0)
    let names = Set(calls.map(\.name))
    #expect(names.isDisjoint(with: ["socket", "socketpair", "connect", "sendto", "sendmsg"]))
    let opened = calls.filter { $0.name.hasPrefix("open") }
    #expect(!opened.contains { $0.line.contains("luaslack.db") })
    #expect(!opened.contains { $0.line.contains("config.toml") || $0.line.contains("webhook") })
    // It was traced well enough to have seen them.
    #expect(opened.contains { $0.line.contains("incoming") })
    // No path of it waits: neither for a process nor for a lock.
    #expect(names.isDisjoint(with: ["wait4", "waitid", "poll", "select", "nanosleep"]))
    #expect(!calls.contains { $0.name == "flock" && !$0.line.contains("LOCK_NB") })
    #expect(!calls.contains { $0.name == "flock" && $0.line.contains("LOCK_SH") })
  }

  @Test func `file and directory are on the disk before it says so`() async throws {
    let installation = try await Installation()
    let (result, calls) = try await installation.trace(Self.ban)
    #expect(result.status == 0)

    let incoming = installation.spool + "/incoming"
    let write = calls.firstIndex { $0.name == "write" && $0.line.contains("\(incoming)/.") }
    let synced = calls.firstIndex { $0.name == "fsync" && $0.line.contains("\(incoming)/.") }
    let renamed = calls.firstIndex { $0.name.hasPrefix("rename") && $0.line.contains(incoming) }
    let kept = calls.firstIndex {
      $0.name == "fsync" && $0.line.contains("\(incoming)>)") && $0.line.hasSuffix("= 0")
    }
    let end = calls.firstIndex { $0.name == "exit_group" }
    let order = try [write, synced, renamed, kept, end].map { try #require($0) }
    #expect(order == order.sorted())
    #expect(calls[order[1]].line.hasSuffix("= 0"))
    #expect(calls[order[2]].line.hasSuffix("= 0"))
    // Only now is somebody told.
    let told = calls.firstIndex { $0.name.hasPrefix("open") && $0.line.contains("\"trigger\"") }
    #expect(try #require(told) > order[3])
    // Nobody else could have taken the name, or followed a link to elsewhere.
    let created = try #require(calls.first { $0.line.contains("O_CREAT") })
    #expect(created.line.contains("O_EXCL") && created.line.contains("O_NOFOLLOW"))
  }

  @Test func `the directories that it makes are on the disk as well`() async throws {
    let installation = try await Installation()
    let (result, calls) = try await installation.trace(Self.ban)
    #expect(result.status == 0)
    for (parent, name) in [
      (installation.directory.path, "spool"), (installation.spool, "incoming"),
    ] {
      // By its whole path, or by its name in the open directory.
      let ways = ["\"\(parent)/\(name)\"", "<\(parent)>, \"\(name)\""]
      let made = calls.contains { call in
        call.name.hasPrefix("mkdir") && call.line.hasSuffix("= 0")
          && ways.contains { call.line.contains($0) }
      }
      let synced = calls.contains { $0.name == "fsync" && $0.line.contains("<\(parent)>)") }
      #expect(made && synced, "\(parent)")
    }
  }

  @Test func `a luaslackd that listens is told with one byte, and none is started`() async throws {
    let installation = try await Installation()
    let daemon = try await installation.daemon()
    let (result, calls) = try await installation.trace(Self.ban)
    #expect(result.status == 0)
    let bytes = calls.filter { $0.name == "write" && $0.line.contains("/trigger>") }
    #expect(bytes.count == 1)
    #expect(bytes.first?.line.hasSuffix("= 1") == true)
    #expect(!calls.contains { ["clone", "clone3", "vfork", "fork", "flock"].contains($0.name) })
    #expect(try await installation.slack.waitForMessages(1).count == 1)
    #expect(installation.daemons() == [daemon.processID])
  }

  @Test func `a trial changes nothing in the spool, and asks nobody`() async throws {
    let installation = try await Installation()
    let (result, calls) = try await installation.trace(
      ["ban", "--dry-run", "--", "sshd", "203.0.113.7", "5"], following: true)
    #expect(result.status == 0)
    #expect(!result.output.isEmpty)
    let names = Set(calls.map(\.name))
    #expect(names.isDisjoint(with: ["socket", "connect", "sendto"]))
    // It looks for a database, for what is known of bans before.
    let touched = calls.filter { $0.line.contains(installation.spool + "/") }.map(\.name)
    #expect(Set(touched).isSubset(of: ["execve", "newfstatat", "statx", "lstat", "stat"]))
    #expect(!FileManager.default.fileExists(atPath: installation.spool))
    #expect(!calls.contains { $0.line.contains(installation.directory.file("webhook")) })
    // It was followed into the programs that do the work.
    #expect(calls.contains { $0.name == "execve" && $0.line.contains("luaslack-sandbox") })
  }
}

/// One line of strace's output.
struct SystemCall {
  let name: String
  let line: String

  /// Nil for what is no call: a signal, an end, the rest of an interrupted line.
  init?(_ line: Substring) {
    // With -f each line begins with the process id.
    let call = line.drop { $0.isNumber }.drop { $0 == " " }
    guard let end = call.firstIndex(of: "("), end != call.startIndex else { return nil }
    name = String(call[..<end])
    guard name.allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" }) else { return nil }
    self.line = String(line)
  }
}

extension Installation {
  /// Runs `luaslack` under strace; `following` its children too.
  func trace(
    _ arguments: [String], following: Bool = false
  ) async throws -> (Finished, [SystemCall]) {
    let log = directory.file("strace")
    let flags = ["-y", "-s", "200", "-o", log] + (following ? ["-f"] : [])
    let result = try await run(
      Tool.strace.path, flags + [Programs.luaslack] + arguments, environment: environment)
    let lines = try directory.read("strace").split(separator: "\n")
    return (result, lines.compactMap { SystemCall($0) })
  }
}

/// A program of the system that some tests cannot do without.
struct Tool {
  let path: String
  /// Arguments with which it does something harmless and exits 0.
  let trial: [String]

  static let strace = Tool(path: "/usr/bin/strace", trial: ["-o", "/dev/null", "/bin/true"])
  static let unshare = Tool(path: "/usr/bin/unshare", trial: ["-m", "/bin/true"])
  static let readelf = Tool(path: "/usr/bin/readelf", trial: ["--version"])

  /// Conditions of suites cannot wait for our own `run`.
  var works: Bool {
    guard FileManager.default.isExecutableFile(atPath: path) else { return false }
    let process = Process()
    process.executableURL = URL(filePath: path)
    process.arguments = trial
    (process.standardOutput, process.standardError) = (FileHandle.nullDevice, nil)
    guard (try? process.run()) != nil else { return false }
    process.waitUntilExit()
    return process.terminationStatus == 0
  }
}
