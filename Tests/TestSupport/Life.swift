import Foundation
import Glibc
import Synchronization

/// The life of one child process, from start to reaping. Signals go out under the lock and only
/// before it is reaped, so that they never hit a stranger who got its number.
final class Life: Sendable {
  struct End: Sendable {
    let status: Int32?
    let signal: Int32?
    let duration: Duration
    let cpuTime: Duration
  }

  private enum State {
    case running(waiting: [CheckedContinuation<End, Never>])
    case ended(End)
  }

  private let processID: pid_t
  private let started: ContinuousClock.Instant
  private let state = Mutex(State.running(waiting: []))

  init(processID: pid_t, started: ContinuousClock.Instant) {
    (self.processID, self.started) = (processID, started)
  }

  var isRunning: Bool {
    state.withLock { if case .running = $0 { true } else { false } }
  }

  func signal(_ number: Int32) {
    state.withLock { if case .running = $0 { kill(processID, number) } }
  }

  func end() async -> End {
    await withCheckedContinuation { continuation in
      let known: End? = state.withLock { state in
        switch state {
        case .ended(let end): return end
        case .running(let waiting):
          state = .running(waiting: waiting + [continuation])
          return nil
        }
      }
      if let known { continuation.resume(returning: known) }
    }
  }

  /// Waits on a thread of its own: exact times, and no cooperative thread blocked.
  func watch() {
    Thread.detachNewThread { [self] in
      var information = siginfo_t()
      while waitid(P_PID, id_t(processID), &information, WEXITED | WNOWAIT) < 0, errno == EINTR {}
      let duration = ContinuousClock.now - started

      finish(after: duration)
    }
  }

  private func finish(after duration: Duration) {
    var waiters: [CheckedContinuation<End, Never>] = []
    let end = state.withLock { state -> End in
      if case .running(let waiting) = state { waiters = waiting }
      let end = reap(after: duration)
      state = .ended(end)
      return end
    }
    for waiter in waiters { waiter.resume(returning: end) }
  }

  private func reap(after duration: Duration) -> End {
    var status: Int32 = 0
    var usage = rusage()
    while wait4(processID, &status, 0, &usage) < 0, errno == EINTR {}
    // The macros of <sys/wait.h>: the low seven bits are the signal, the next byte the status.
    let signal = status & 0x7F
    return End(
      status: signal == 0 ? (status >> 8) & 0xFF : nil, signal: signal == 0 ? nil : signal,
      duration: duration, cpuTime: usage.ru_utime.duration + usage.ru_stime.duration)
  }
}

/// A file with no name that a child writes to and we read at any time.
final class OutputFile: Sendable {
  let descriptor: Int32

  init() throws {
    let path = "/tmp/luaslack-output-\(UUID().uuidString)"
    descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_APPEND, 0o600)
    guard descriptor >= 0 else { throw CocoaError(.fileWriteUnknown) }
    unlink(path)
  }

  deinit { close(descriptor) }

  var contents: [UInt8] {
    var contents: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = pread(descriptor, &buffer, buffer.count, off_t(contents.count))
      if count < 0, errno == EINTR { continue }
      if count <= 0 { return contents }
      contents += buffer[..<count]
    }
  }
}

extension timeval {
  fileprivate var duration: Duration { .seconds(tv_sec) + .microseconds(tv_usec) }
}
