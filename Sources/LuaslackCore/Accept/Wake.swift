internal import ChildProcess
public import Posix

extension Acceptor {
  public enum Wake: Sendable, Equatable {
    /// luaslackd runs and was told.
    case told
    /// None ran; one was started.
    case started
    /// Another is just starting, or leaving and about to look once more.
    case busy
    /// Somebody else starts it.
    case managed
  }

  /// Lets luaslackd know that there is something, and starts it where none runs. Never waits for it.
  /// No wake-up is lost: the event was renamed into place before this looks, and luaslackd
  /// scans after it opened the trigger and again after it closed it and gave up the lock.
  public func wake(mayStart: Bool) throws(SystemError) -> Wake {
    let spool = try Spool.open(locations, creating: false)
    if try spool.trigger() { return .told }
    guard mayStart, !spool.isManaged else { return .managed }
    let lock = try spool.directory.openOrCreate(Spool.lockName)
    guard try lock.tryLock() else { return .busy }
    // Its descriptor 3 is the locked file: the lock passes on without a moment in which it is free.
    try ChildProcess.launchDetached(
      try Programs.path(of: "luaslackd"), locations.arguments + ["--inherited-lock"],
      environment: [], descriptors: [-1, -1, -1, lock.raw])
    return .started
  }
}

extension Spool {
  /// False if nobody listens.
  func trigger() throws(SystemError) -> Bool {
    do throws(SystemError) {
      let trigger = try directory.openFifoForWriting(Self.triggerName)
      // Something else of that name, as from a backup, has no listener.
      guard try trigger.status().kind == .fifo else { return false }
      // A full pipe holds enough wake-ups already.
      try? trigger.write([UInt8(ascii: "!")])
      return true
    } catch {
      if error.hasNoReader || error.isMissing { return false }
      throw error
    }
  }
}
