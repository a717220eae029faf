import ChildProcess
import LuaslackCore
import Posix

/// What another program printed, and how it ended.
struct Captured {
  let status: Int32
  /// Of both kinds, as they came, or of standard output alone.
  let output: String

  /// Bytes of it that are kept.
  private static let most = 8 << 20

  /// Runs a program to its end. Nil if it cannot be started or takes longer than so many microseconds.
  static func run(
    _ program: String, _ arguments: [String], patience: Int64, withErrors: Bool = true
  ) -> Captured? {
    guard let pipe = try? Pipe(), (try? FileStatus.of(program)) != nil else { return nil }
    let writing = pipe.writing.raw
    guard
      let child = try? ChildProcess(
        program, arguments, environment: ["PATH=/usr/local/bin:/usr/bin:/bin", "LC_ALL=C.UTF-8"],
        descriptors: [-1, writing, withErrors ? writing : -1])
    else { return nil }
    let reading = pipe.takeReading()
    let deadline = Clock.monotonic() + patience
    var rest: Int64 { max(0, (deadline - Clock.monotonic()) / 1_000) }
    var output: [UInt8] = []
    while true {
      guard
        (try? Readiness.wait(for: reading.raw, milliseconds: Int32(clamping: rest))) == true,
        rest > 0, let part = try? reading.read(upTo: 64 * 1024)
      else {
        _ = child.finish()
        return nil
      }
      guard !part.isEmpty else { break }
      // What is more is read all the same: a program whose pipe is full does not end.
      output += part.prefix(most - output.count)
    }
    guard case .exited(let status) = child.finish(afterMilliseconds: rest) else { return nil }
    return Captured(status: status, output: String(decoding: output, as: UTF8.self))
  }
}

/// fail2ban's own programs, asked about a configuration. Changes nothing.
struct Fail2banClient {
  var program: String
  /// The configuration's directory.
  var directory: String

  /// Microseconds; it starts a Python.
  private static let patience: Int64 = 30_000_000
  private static let usualDirectory = "/etc/fail2ban"

  /// A reload alone drops an action that is new to a jail which runs (fail2ban 1.0.2, `Actions.reload`):
  /// it removes what it did not reload. Bans are kept.
  static let takeNewActions = "reload --restart"

  var isThere: Bool { (try? FileStatus.of(program)) != nil }

  func run(_ arguments: [String], withErrors: Bool = true) -> Captured? {
    Captured.run(
      program, ["-c", directory] + arguments, patience: Self.patience, withErrors: withErrors)
  }

  /// Where a jail names luaslack now; in our own file if somebody changed that, so that it stays.
  var mention: JailFiles.Mention? {
    JailFiles(in: directory).mention ?? JailFiles(ownIn: directory).mention
  }

  /// The command as somebody would type it.
  func typed(_ command: String) -> String {
    directory == Self.usualDirectory
      ? "fail2ban-client \(command)" : "fail2ban-client -c \(directory) \(command)"
  }
}
