internal import Glibc

/// Owns one open directory. Everything in it is reached from the descriptor, so that nobody can
/// swap a path component in between; no name it is given is ever followed through a symbolic link.
public struct Directory: ~Copyable {
  public let descriptor: FileDescriptor

  private init(_ descriptor: consuming FileDescriptor) {
    self.descriptor = descriptor
  }

  private static let flags = O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC
  /// Linux's `O_PATH`, the same on every architecture that Swift knows; its Glibc module does not show it.
  private static let passing: Int32 = 0o10_000_000

  public static func open(_ path: String) throws(SystemError) -> Directory {
    Directory(FileDescriptor(owning: try check("open \(path)") { unsafe Glibc.open(path, flags) }))
  }

  /// One whose parts can be reached by name and that cannot be listed: no more than the right to pass
  /// through it is needed.
  public static func open(passing path: String) throws(SystemError) -> Directory {
    Directory(
      FileDescriptor(
        owning: try check("open \(path)") { unsafe Glibc.open(path, flags | passing) }))
  }

  /// The same of a directory in it.
  public func directory(passing name: String) throws(SystemError) -> Directory {
    Directory(
      FileDescriptor(
        owning: try check("open \(name)") {
          unsafe openat(descriptor.raw, name, Directory.flags | Directory.passing)
        }))
  }

  /// Makes one directory, by default for its owner alone; an existing one is left as it is.
  public static func make(
    _ path: String, permissions: UInt32 = 0o700
  ) throws(SystemError) {
    do throws(SystemError) {
      _ = try check("create \(path)") { unsafe mkdir(path, 0o700) }
      // Apart, since the process's umask would take from the call above.
      _ = try check("create \(path)") { unsafe chmod(path, permissions) }
    } catch {
      guard error.exists else { throw error }
    }
  }

  public func directory(_ name: String) throws(SystemError) -> Directory {
    Directory(
      FileDescriptor(
        owning: try check("open \(name)") { unsafe openat(descriptor.raw, name, Directory.flags) }))
  }

  public func makeDirectory(_ name: String) throws(SystemError) {
    do throws(SystemError) {
      _ = try check("create \(name)") { unsafe mkdirat(descriptor.raw, name, 0o700) }
    } catch {
      guard error.exists else { throw error }
    }
  }

  public func makeFifo(_ name: String) throws(SystemError) {
    do throws(SystemError) {
      _ = try check("create \(name)") { unsafe mkfifoat(descriptor.raw, name, 0o600) }
    } catch {
      guard error.exists else { throw error }
    }
  }

  /// A new, empty file of this name, 0600.
  public func create(_ name: String) throws(SystemError) -> FileDescriptor {
    try open(name, O_WRONLY | O_CREAT | O_EXCL)
  }

  /// The file of this name, made if it is missing; for locks.
  public func openOrCreate(_ name: String) throws(SystemError) -> FileDescriptor {
    try open(name, O_RDWR | O_CREAT)
  }

  public func openForReading(_ name: String) throws(SystemError) -> FileDescriptor {
    try open(name, O_RDONLY | O_NONBLOCK)
  }

  /// A FIFO's writing end; fails with `hasNoReader` instead of waiting for a reader.
  public func openFifoForWriting(_ name: String) throws(SystemError) -> FileDescriptor {
    try open(name, O_WRONLY | O_NONBLOCK)
  }

  /// Both ends of a FIFO, so that its reader never sees an end of file.
  public func openFifoForReading(_ name: String) throws(SystemError) -> FileDescriptor {
    try open(name, O_RDWR | O_NONBLOCK)
  }

  private func open(_ name: String, _ flags: Int32) throws(SystemError) -> FileDescriptor {
    FileDescriptor(
      owning: try check("open \(name)") {
        unsafe openat(descriptor.raw, name, flags | O_NOFOLLOW | O_CLOEXEC, 0o600)
      })
  }

  public func rename(_ name: String, to newName: String) throws(SystemError) {
    _ = try check("rename \(name)") {
      unsafe renameat(descriptor.raw, name, descriptor.raw, newName)
    }
  }

  /// Gives a file of this directory its name, unless something has that; `draft` goes.
  public func publish(_ draft: String, as name: String) throws(SystemError) {
    _ = try check("create \(name)") {
      unsafe linkat(descriptor.raw, draft, descriptor.raw, name, 0)
    }
    try remove(draft)
  }

  public func remove(_ name: String) throws(SystemError) {
    _ = try check("remove \(name)") { unsafe unlinkat(descriptor.raw, name, 0) }
  }

  /// Removes a directory in it that is empty.
  public func removeDirectory(_ name: String) throws(SystemError) {
    _ = try check("remove \(name)") { unsafe unlinkat(descriptor.raw, name, AT_REMOVEDIR) }
  }

  public func exists(_ name: String) -> Bool {
    unsafe faccessat(descriptor.raw, name, F_OK, AT_SYMLINK_NOFOLLOW) == 0
  }

  public func status(_ name: String) throws(SystemError) -> FileStatus {
    var result = stat()
    _ = try check("examine \(name)") {
      unsafe fstatat(descriptor.raw, name, &result, AT_SYMLINK_NOFOLLOW)
    }
    return FileStatus(result)
  }

  /// The names in it but `.` and `..`, in no order; stops after `limit`.
  public func names(limit: Int = .max) throws(SystemError) -> [String] {
    // A second descriptor: closedir closes the one it was given, and each has its own position.
    let copy = try check("list a directory") { unsafe openat(descriptor.raw, ".", Directory.flags) }
    guard let stream = unsafe fdopendir(copy) else {
      let error = SystemError.last("list a directory")
      _ = Glibc.close(copy)
      throw error
    }
    defer { _ = unsafe closedir(stream) }
    var names: [String] = []
    while names.count < limit, let entry = unsafe readdir(stream) {
      let name = unsafe withUnsafePointer(to: &entry.pointee.d_name) { pointer in
        unsafe pointer.withMemoryRebound(to: CChar.self, capacity: 256) { bytes in
          unsafe String(cString: bytes)
        }
      }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// Hands a directory of root's, with what is in it, to another user; leaves another's alone.
  public func give(user: UInt32, group: UInt32) throws(SystemError) {
    let own = try descriptor.status()
    guard own.owner == 0, own.permissions & 0o077 == 0 else { return }
    for name in try names() {
      guard try status(name).kind == .file else { continue }
      _ = try check("give away \(name)") {
        unsafe fchownat(descriptor.raw, name, user, group, AT_SYMLINK_NOFOLLOW)
      }
    }
    // Last: from here on the new owner could put other names in.
    _ = try check("give a directory away") { fchown(descriptor.raw, user, group) }
  }

  public func sync() throws(SystemError) {
    try descriptor.sync()
  }
}
