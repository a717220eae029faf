internal import CPosix
internal import Glibc
public import Posix

/// Owns one child process: it is killed and reaped, whatever happens, so that none stays behind.
public struct ChildProcess: ~Copyable {
  public enum Ending: Sendable, Equatable {
    case exited(Int32)
    case killed(signal: Int32)

    /// As `waitpid` gives it.
    init(_ status: Int32) {
      self = status & 0x7f == 0 ? .exited((status >> 8) & 0xff) : .killed(signal: status & 0x7f)
    }
  }

  private let id: pid_t

  /// Starts the program at this absolute path. Its descriptor i is a copy of `descriptors[i]`, -1 for
  /// /dev/null; it gets nothing else of this process, neither its environment nor its signal mask.
  public init(
    _ path: String, _ arguments: [String] = [], environment: [String] = [], descriptors: [Int32]
  ) throws(SystemError) {
    id = try spawn(path, arguments, environment, descriptors, newSession: false)
  }

  /// One that was started already.
  init(_ id: pid_t) {
    self.id = id
  }

  deinit {
    kill(id, SIGKILL)
    _ = waitpid(id, nil, 0)
  }

  /// True as soon as it can be waited for without waiting.
  var hasEnded: Bool { cposix_has_ended(id) == 1 }

  func send(_ signal: Int32) {
    kill(id, signal)
  }

  /// Kills the child if it still runs, and says how it ended. One that is already ending keeps its
  /// own status.
  public consuming func finish() -> Ending {
    kill(id, SIGKILL)
    return reap()
  }

  /// The same for a child that is given so many milliseconds more.
  public consuming func finish(afterMilliseconds patience: Int64) -> Ending {
    let deadline = Clock.monotonic() + patience * 1_000
    while Clock.monotonic() < deadline {
      var status: Int32 = 0
      if unsafe waitpid(id, &status, WNOHANG) == id {
        discard self
        return Ending(status)
      }
      Clock.sleep(microseconds: 2_000)
    }
    return finish()
  }

  /// Waits for the child to end by itself.
  public consuming func wait() -> Ending {
    reap()
  }

  private consuming func reap() -> Ending {
    var status: Int32 = 0
    while unsafe waitpid(id, &status, 0) < 0, errno == EINTR {}
    discard self
    return Ending(status)
  }

  /// Starts a program that outlives this one: its own session, so that no terminal or process group
  /// takes it along. Nobody waits for it here.
  public static func launchDetached(
    _ path: String, _ arguments: [String], environment: [String], descriptors: [Int32]
  ) throws(SystemError) {
    _ = try spawn(path, arguments, environment, descriptors, newSession: true)
  }
}

private func spawn(
  _ path: String, _ arguments: [String], _ environment: [String], _ descriptors: [Int32],
  newSession: Bool
) throws(SystemError) -> pid_t {
  let argumentBytes = unsafe ([path] + arguments).map { unsafe strdup($0) } + [nil]
  let environmentBytes = unsafe environment.map { unsafe strdup($0) } + [nil]
  defer {
    unsafe (argumentBytes + environmentBytes).forEach { unsafe free($0) }
  }
  let id = unsafe cposix_spawn(
    path, argumentBytes, environmentBytes, descriptors, Int32(descriptors.count),
    newSession ? 1 : 0)
  guard id > 0 else { throw SystemError.last("start \(path)") }
  return id
}
