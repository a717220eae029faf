internal import CPosix
internal import Glibc

/// The terminal that somebody sits at, if there is one. Holds no state.
public enum Terminal {
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// A line typed into standard input, without its end; nil at the end of the input. `question` goes to
  /// standard error before. `isHidden`: what is typed from then on is not shown. A signal that ends the process then takes
  /// effect at once, but not before the terminal shows again what is typed; one that stops it waits for the line.
  public static func readLine(
    question: String = "", isHidden: Bool = false
  ) throws(SystemError) -> String? {
    var before = termios()
    guard unsafe isHidden && tcgetattr(0, &before) == 0 else {
      Process.print(question, to: 2)
      return try line()
    }
    var ending = sigset_t()
    _ = unsafe sigemptyset(&ending)
    for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] { _ = unsafe sigaddset(&ending, signal) }
    var held = ending
    _ = unsafe sigaddset(&held, SIGTSTP)
    var usual = sigset_t()
    _ = unsafe sigprocmask(SIG_BLOCK, &held, &usual)
    var mute = before
    mute.c_lflag &= ~tcflag_t(ECHO)
    _ = unsafe tcsetattr(0, TCSADRAIN, &mute)
    defer {
      _ = unsafe tcsetattr(0, TCSADRAIN, &before)
      // Whoever pressed Enter, or Ctrl-C, saw no new line.
      Process.print("\n", to: 2)
      _ = unsafe sigprocmask(SIG_SETMASK, &usual, nil)
    }
    Process.print(question, to: 2)
    let waiting = FileDescriptor(
      owning: try check("watch signals") { unsafe cposix_waiting_signals(&ending) })
    return try line(endedBy: waiting.raw)
  }

  /// Bytes; nobody types more in one line.
  private static let longest = 64 * 1024

  /// `signals`: nil is returned as soon as this can be read.
  private static func line(endedBy signals: Int32? = nil) throws(SystemError) -> String? {
    let input = try FileDescriptor.standardInput()
    var bytes: [UInt8] = []
    // One by one: what follows the line is for the next call.
    while bytes.count < longest {
      if let signals {
        let ready = try Readiness.wait(for: [0, signals], milliseconds: .max)
        guard ready[0], !ready[1] else { return nil }
      }
      guard let byte = try input.read(upTo: 1).first else { break }
      if byte == 0x0a { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
