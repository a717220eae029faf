public import Posix

/// Owns the spool's lock and listens at its trigger: whoever holds this is the one luaslackd of the
/// spool. The order of its steps is what keeps a wake-up from being lost; `Acceptor.wake` is the
/// other half.
public struct Watch: ~Copyable {
  private let locations: Locations
  private var lock: FileDescriptor
  private var trigger: Trigger?

  /// The descriptor under which a caller of `luaslackd --inherited-lock` hands the lock over.
  public static let inheritedLock: Int32 = 3

  /// Microseconds that a service waits for a luaslackd that an event started to hand the spool over.
  private static let patience: Int64 = 10_000_000
  private static let interval: UInt32 = 20_000

  /// Nil if another luaslackd has the spool. As root, becomes the spool's owner.
  public static func begin(
    _ locations: Locations, hasInheritedLock: Bool, isService: Bool
  ) throws(SystemError) -> Watch? {
    let spool = try Spool.open(locations, creating: true)
    let lock =
      hasInheritedLock
      ? FileDescriptor(owning: inheritedLock) : try spool.directory.openOrCreate(Spool.lockName)
    // Locks that are held already are taken again by their holder.
    guard try take(lock, of: spool, waiting: isService && spool.isManaged) else { return nil }
    var watch = Watch(locations: locations, lock: lock)
    try watch.listen()
    return watch
  }

  private static func take(
    _ lock: borrowing FileDescriptor, of spool: borrowing Spool, waiting: Bool
  ) throws(SystemError) -> Bool {
    let deadline = Clock.monotonic() + (waiting ? patience : 0)
    var isTold = false
    while true {
      if try lock.tryLock() { return true }
      guard Clock.monotonic() < deadline else { return false }
      if !isTold { isTold = (try? spool.trigger()) == true }
      Clock.sleep(microseconds: interval)
    }
  }

  /// A service is there to deliver in the place of what an event started.
  public var isManaged: Bool {
    (try? Spool.open(locations, creating: false).isManaged) ?? false
  }

  private init(locations: Locations, lock: consuming FileDescriptor) {
    self.locations = locations
    self.lock = lock
  }

  private mutating func listen() throws(SystemError) {
    let spool = try Spool.open(locations, creating: true)
    if let found = try? spool.directory.status(Spool.triggerName), found.kind != .fifo {
      try spool.directory.remove(Spool.triggerName)
    }
    try spool.directory.makeFifo(Spool.triggerName)
    trigger = Trigger(try spool.directory.openFifoForReading(Spool.triggerName))
  }

  /// Readable when somebody has left something.
  public var descriptor: Int32 { trigger?.descriptor.raw ?? -1 }

  /// Takes the wake-ups out; to be followed by a look at the spool.
  public func drain() {
    while let bytes = try? trigger?.descriptor.read(upTo: 4_096), bytes.count == 4_096 {}
  }

  /// False: somebody has deleted or replaced the spool or its lock, so that another may begin there.
  public var isInPlace: Bool {
    do throws(SystemError) {
      return try isOwn(FileStatus.of(locations.spool + "/" + Spool.lockName))
    } catch {
      // What cannot be looked at is no sign of anything.
      return !error.isMissing
    }
  }

  private func isOwn(_ named: FileStatus) throws(SystemError) -> Bool {
    let own = try lock.status()
    return (named.device, named.inode) == (own.device, own.inode)
  }

  /// Goes on in the spool that is there now. False: another luaslackd has that.
  public mutating func move() throws(SystemError) -> Bool {
    let spool = try Spool.open(locations, creating: true)
    let lock = try spool.directory.openOrCreate(Spool.lockName)
    // It was away for a moment only; through another descriptor its own lock is another's.
    if try isOwn(lock.status()) { return true }
    guard try lock.tryLock() else { return false }
    try listen()
    self.lock = lock
    return true
  }

  /// Stops listening, gives the lock up and looks once more. True: gone, or another has taken over.
  /// False: something came in between, and this is still the one.
  public mutating func leave() throws(SystemError) -> Bool {
    trigger = nil
    try lock.unlock()
    guard Intake(locations: locations).waitingFiles() > 0 else { return true }
    guard try lock.tryLock() else { return true }
    try listen()
    return false
  }
}

/// The open FIFO; a class, so that it can be given up before its owner is.
private final class Trigger {
  let descriptor: FileDescriptor

  init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = descriptor
  }
}
