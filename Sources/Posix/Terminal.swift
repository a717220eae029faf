internal import Glibc

/// The terminal that somebody sits at, if there is one. Holds no state.
public enum Terminal {
  public static func isTerminal(_ descriptor: Int32) -> Bool { isatty(descriptor) == 1 }

  /// A line typed into standard input, without its end; nil at the end of the input. `question` goes to
  /// standard error before. `isHidden`: what is typed from then on is not shown, and a signal from the keyboard waits until that is over, so that the
  /// terminal is never left mute.
  public static func readLine(
    question: String = "", isHidden: Bool = false
  ) throws(SystemError) -> String? {
    var before = termios()
    let isMute = unsafe isHidden && tcgetattr(0, &before) == 0
    var held = sigset_t()
    if isMute {
      _ = unsafe sigemptyset(&held)
      for signal in [SIGINT, SIGQUIT, SIGTSTP, SIGTERM, SIGHUP] {
        _ = unsafe sigaddset(&held, signal)
      }
      _ = unsafe sigprocmask(SIG_BLOCK, &held, nil)
      var mute = before
      mute.c_lflag &= ~tcflag_t(ECHO)
      _ = unsafe tcsetattr(0, TCSADRAIN, &mute)
    }
    defer {
      if isMute {
        _ = unsafe tcsetattr(0, TCSADRAIN, &before)
        _ = unsafe sigprocmask(SIG_UNBLOCK, &held, nil)
      }
    }
    Process.print(question, to: 2)
    return try line()
  }

  /// Bytes; nobody types more in one line.
  private static let longest = 64 * 1024

  private static func line() throws(SystemError) -> String? {
    let input = try FileDescriptor.standardInput()
    var bytes: [UInt8] = []
    // One by one: what follows the line is for the next call.
    while bytes.count < longest {
      guard let byte = try input.read(upTo: 1).first else { break }
      if byte == 0x0a { return String(decoding: bytes, as: UTF8.self) }
      bytes.append(byte)
    }
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }
}
