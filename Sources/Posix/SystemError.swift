internal import Glibc

/// A system call that failed: what was being done, and why the kernel refused. Never holds data
/// that was being read or written.
public struct SystemError: Error, Equatable, CustomStringConvertible {
  public let operation: String
  public let code: Int32

  public init(_ operation: String, code: Int32) {
    self.operation = operation
    self.code = code
  }

  /// Takes the reason from `errno`; call it before anything else can change that.
  public static func last(_ operation: String) -> SystemError {
    SystemError(operation, code: errno)
  }

  public var isMissing: Bool { code == ENOENT }
  public var exists: Bool { code == EEXIST }
  public var isDenied: Bool { code == EACCES || code == EPERM }
  /// Nobody has the other end of a FIFO open.
  public var hasNoReader: Bool { code == ENXIO }
  /// A link, a file or the like stands where a directory should.
  public var isNoDirectory: Bool { [ELOOP, ENOTDIR].contains(code) }
  /// A link, a directory or the like stands where a file should.
  public var isNoOrdinaryFile: Bool { [ELOOP, EISDIR, ENXIO].contains(code) }
  public var wouldBlock: Bool { code == EWOULDBLOCK || code == EAGAIN }

  /// The kernel's word alone.
  public var reason: String { unsafe String(cString: strerror(code)) }

  public var description: String { "\(operation): \(reason)" }
}

/// Repeats a call that a signal interrupted; throws what `errno` says when it returns -1.
func check<Result: FixedWidthInteger>(
  _ operation: @autoclosure () -> String, _ call: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = call()
    if result != -1 { return result }
    let code = errno
    if code != EINTR { throw SystemError(operation(), code: code) }
  }
}
