import Foundation
import Glibc
import TestSupport

/// A mount namespace of a test's own, for disks that are full or read-only: what is mounted in it
/// shows nowhere else and goes with it. Only for root.
final class PrivateMounts: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  private let keeper: RunningProgram
  var processID: pid_t { keeper.processID }

  init() async throws {
    // Stays in the namespace, so that it lasts; ends with this object.
    keeper = try RunningProgram("/usr/bin/unshare", ["-m", "/bin/sleep", "3600"])
    let own = link("/proc/self/ns/mnt")
    while link("/proc/\(keeper.processID)/ns/mnt") == own {
      guard keeper.isRunning else { throw Failure(description: keeper.standardError) }
      try await Task.sleep(for: .milliseconds(2))
    }
  }

  /// Runs a program inside to its end.
  func run(
    _ program: String, _ arguments: [String], environment: [String: String] = [:]
  ) async throws -> Finished {
    let namespace = "--mount=/proc/\(keeper.processID)/ns/mnt"
    return try await TestSupport.run(
      "/usr/bin/nsenter", [namespace, "--", program] + arguments, environment: environment)
  }

  /// Starts a program inside.
  func start(_ program: String, _ arguments: [String]) throws -> RunningProgram {
    let namespace = "--mount=/proc/\(keeper.processID)/ns/mnt"
    return try RunningProgram("/usr/bin/nsenter", [namespace, "--", program] + arguments)
  }

  /// Runs shell commands inside; a failure ends the test.
  func shell(_ commands: String) async throws {
    let environment = ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"]
    let result = try await run("/bin/sh", ["-euc", commands], environment: environment)
    guard result.status == 0 else { throw Failure(description: "\(commands): \(result.errors)") }
  }

  /// A path inside as it can be reached from outside.
  func outside(_ path: String) -> String { "/proc/\(keeper.processID)/root\(path)" }
}

private func link(_ path: String) -> String? {
  try? FileManager.default.destinationOfSymbolicLink(atPath: path)
}

/// Stands in for the system's log: a datagram socket that collects lines.
final class LogSocket: Sendable {
  private let descriptor: Int32

  init(_ path: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let bound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    guard bound == 0 else { throw PrivateMounts.Failure(description: "bind \(path): \(errno)") }
    // Also for who gave up root's rights.
    chmod(path, 0o666)
  }

  deinit { close(descriptor) }

  /// The lines that have come and were not taken yet.
  func lines() -> [String] {
    var lines: [String] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
      if count < 0 { return lines }
      lines.append(String(decoding: buffer[..<count], as: UTF8.self))
    }
  }
}
