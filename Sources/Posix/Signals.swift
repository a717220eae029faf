internal import CPosix
internal import Glibc

/// Receives TERM, INT and HUP as data, so that a loop can wait for them beside everything else.
public struct Signals: ~Copyable {
  public enum Request: Sendable { case stop, reload }

  public let descriptor: FileDescriptor

  public init() throws(SystemError) {
    descriptor = FileDescriptor(
      owning: try check("receive signals") { cposix_signal_descriptor() })
  }

  public func next() -> Request? {
    switch cposix_next_signal(descriptor.raw) {
    case 0: nil
    case SIGHUP: .reload
    default: .stop
    }
  }

  /// While `body` runs, TERM and INT end the process at once, with status 0: for work that may be cut off anywhere
  /// and would look at no descriptor for long.
  public func endingAtOnce<Result, Failure>(
    _ body: () throws(Failure) -> Result
  ) throws(Failure) -> Result {
    cposix_defer_stop(0)
    defer { cposix_defer_stop(1) }
    return try body()
  }
}

/// What would end the process waits until it is released: for work that must not be left half done.
public struct HeldSignals: Sendable {
  private let before: sigset_t

  public init() {
    var ending = sigset_t()
    var before = sigset_t()
    _ = unsafe sigemptyset(&ending)
    for signal in [SIGINT, SIGQUIT, SIGTERM, SIGHUP] { _ = unsafe sigaddset(&ending, signal) }
    _ = unsafe sigprocmask(SIG_BLOCK, &ending, &before)
    self.before = before
  }

  public func release() {
    var before = before
    _ = unsafe sigprocmask(SIG_SETMASK, &before, nil)
  }
}

/// Waits for descriptors.
public enum Readiness {
  /// True as soon as it can be read or its other end is closed; false after `milliseconds`.
  public static func wait(for descriptor: Int32, milliseconds: Int32) throws(SystemError) -> Bool {
    try wait(for: [descriptor], milliseconds: milliseconds)[0]
  }

  /// The same of several: which of them are ready.
  public static func wait(
    for descriptors: [Int32], milliseconds: Int32
  ) throws(SystemError) -> [Bool] {
    var requests = descriptors.map { pollfd(fd: $0, events: Int16(POLLIN), revents: 0) }
    let count = unsafe poll(&requests, nfds_t(requests.count), max(0, milliseconds))
    if count < 0, errno != EINTR { throw SystemError.last("wait") }
    return requests.map { count > 0 && $0.revents != 0 }
  }

  /// True as soon as it takes something or nobody can read it any more; false after `milliseconds`.
  public static func wait(
    toWrite descriptor: Int32, milliseconds: Int32
  ) throws(SystemError) -> Bool {
    var request = pollfd(fd: descriptor, events: Int16(POLLOUT), revents: 0)
    let count = unsafe poll(&request, 1, max(0, milliseconds))
    if count < 0, errno != EINTR { throw SystemError.last("wait") }
    return count > 0
  }
}
