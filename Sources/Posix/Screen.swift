internal import CPosix
internal import Glibc

extension Terminal {
  public struct Size: Sendable, Equatable {
    public let columns: Int
    public let rows: Int
  }

  /// Nil: it is no terminal, or does not say.
  public static func size(_ descriptor: Int32) -> Size? {
    var size = winsize()
    guard unsafe ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0, size.ws_col > 0 else {
      return nil
    }
    return Size(columns: Int(size.ws_col), rows: Int(size.ws_row))
  }
}
