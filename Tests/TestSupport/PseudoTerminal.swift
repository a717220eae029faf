import CPosix
import Foundation
import Glibc

/// Runs a program to its end with its standard output on a terminal of so many columns, as an admin has it over
/// ssh. What comes out is what the terminal would get, line ends as the program wrote them.
public func runOnTerminal(
  _ program: String, _ arguments: [String], columns: Int, environment: [String: String] = [:]
) async throws -> Finished {
  let terminal = open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC)
  // TIOCSPTLCK and TIOCGPTN, which Swift does not see: its other side is open to us, and is this one.
  var (isLocked, number) = (Int32(0), Int32(-1))
  guard terminal >= 0, ioctl(terminal, 0x4004_5431, &isLocked) == 0,
    ioctl(terminal, 0x8004_5430, &number) == 0
  else { throw RunningProgram.StartFailure(description: "no pseudo-terminal: \(errno)") }
  let screen = open("/dev/pts/\(number)", O_RDWR | O_NOCTTY | O_CLOEXEC)
  var size = winsize(ws_row: 24, ws_col: UInt16(columns), ws_xpixel: 0, ws_ypixel: 0)
  var modes = termios()
  tcgetattr(screen, &modes)
  cfmakeraw(&modes)
  guard screen >= 0, ioctl(terminal, UInt(TIOCSWINSZ), &size) == 0,
    tcsetattr(screen, TCSANOW, &modes) == 0
  else { throw RunningProgram.StartFailure(description: "no pseudo-terminal: \(errno)") }
  // Read while it runs: a terminal holds but a few KiB.
  let output = Task.detached { await TerminalReader(terminal).all() }
  let running: RunningProgram
  do {
    defer { close(screen) }
    running = try RunningProgram(
      program, rawArguments: arguments.map { Array($0.utf8) }, environment: environment,
      terminal: screen)
  }
  let finished = try await running.wait()
  return Finished(
    status: finished.status, signal: finished.signal, duration: finished.duration,
    cpuTime: finished.cpuTime, outputBytes: await output.value, errorBytes: finished.errorBytes)
}

private struct TerminalReader {
  private let descriptor: Int32

  init(_ descriptor: Int32) { self.descriptor = descriptor }

  /// On a thread of its own, until nobody has the other side any more, which reads as an error.
  func all() async -> [UInt8] {
    await withCheckedContinuation { continuation in
      Thread.detachNewThread { [descriptor] in
        var bytes: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 16_384)
        while true {
          let count = read(descriptor, &buffer, buffer.count)
          if count < 0, errno == EINTR { continue }
          if count <= 0 { break }
          bytes += buffer[..<count]
        }
        close(descriptor)
        continuation.resume(returning: bytes)
      }
    }
  }
}
