internal import ChildProcess
internal import Posix

/// Owns one running `luaslack-sandbox` and the pipes to it: bytes in, bytes out, never longer than it
/// should take. Knows nothing of what they mean.
final class SandboxProcess {
  /// How the child that served one request ended.
  enum Ending: Equatable {
    case exited(UInt8)
    case killed(signal: UInt8)
    /// By the sandbox itself, at the deadline.
    case stopped
    /// Not told: the sandbox overran the deadline by far, said too much, or is gone itself.
    case lost
  }

  private let child: ChildProcess
  private let frames: FileDescriptor
  private let requests: FileDescriptor
  private let endings: FileDescriptor

  /// `job` is the chain; `arguments` only a test build knows.
  init(_ program: String, _ arguments: [String], job: [UInt8]) throws(SystemError) {
    let job = try FileDescriptor.sealed("luaslack-job", job)
    let frames = try Pipe()
    let requests = try Pipe()
    let endings = try Pipe()
    child = try ChildProcess(
      program, arguments,
      descriptors: [job.raw, frames.writing.raw, requests.reading.raw, endings.writing.raw])
    self.frames = frames.takeReading()
    self.requests = requests.takeWriting()
    self.endings = endings.takeReading()
  }

  /// What was said on the way, at most `limit` bytes, and how it ended. After `.lost` this process is
  /// of no more use.
  func exchange(
    _ request: [UInt8], limit: Int, milliseconds: Int
  ) -> (bytes: [UInt8], ending: Ending) {
    var bytes: [UInt8] = []
    do throws(SystemError) {
      let deadline = Clock.monotonic() + Int64(milliseconds) * 1_000
      guard try send(request, until: deadline) else { return (bytes, .lost) }
      while bytes.count <= limit {
        let left = (deadline - Clock.monotonic() + 999) / 1_000
        guard left > 0 else { break }
        let ready = try Readiness.wait(for: [frames.raw, endings.raw], milliseconds: Int32(left))
        if ready[0] {
          let more = try frames.read(upTo: 64 * 1024)
          // The end of the file: the sandbox itself is gone, and nothing else will come.
          if more.isEmpty { break }
          bytes += more
        } else if ready[1], try !Readiness.wait(for: frames.raw, milliseconds: 0) {
          // Two pipes are not looked at in one instant, hence the second look: the child was dead
          // by then, so that what it said last was in the pipe, and that is empty now.
          return (bytes, Self.ending(try endings.read(upTo: 6)))
        }
      }
    } catch {
      // A broken pipe: the process is gone.
    }
    return (bytes, .lost)
  }

  /// False if it was not taken in time: the process is stopped, or worse.
  private func send(_ request: [UInt8], until deadline: Int64) throws(SystemError) -> Bool {
    var rest = request[...]
    while !rest.isEmpty {
      let left = (deadline - Clock.monotonic() + 999) / 1_000
      guard left > 0 else { return false }
      if try Readiness.wait(toWrite: requests.raw, milliseconds: Int32(left)) {
        rest = rest.dropFirst(try requests.writeSome(rest))
      }
    }
    return true
  }

  private static func ending(_ bytes: [UInt8]) -> Ending {
    guard bytes.count == 6, bytes.starts(with: "LSD1".utf8) else { return .lost }
    switch bytes[4] {
    case 0: return .exited(bytes[5])
    case 1: return .killed(signal: bytes[5])
    case 2: return .stopped
    default: return .lost
    }
  }
}
