internal import CPosix
internal import Glibc

/// Owns one open file descriptor and closes it. Never shares it: `raw` is for calls that end before
/// the owner does.
public struct FileDescriptor: ~Copyable {
  public let raw: Int32

  /// Takes over a descriptor that is already open.
  public init(owning raw: Int32) {
    self.raw = raw
  }

  deinit {
    _ = Glibc.close(raw)
  }

  /// Opens an absolute or relative path for reading, closed on exec.
  public static func open(reading path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(
      owning: try check("read \(path)") {
        unsafe Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
      })
  }

  /// Makes a file, or opens the one that is there.
  public static func open(writing path: String) throws(SystemError) -> FileDescriptor {
    FileDescriptor(
      owning: try check("write \(path)") {
        unsafe Glibc.open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644)
      })
  }

  /// A copy of standard input, so that closing it leaves the number taken.
  public static func standardInput() throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try check("read standard input") { fcntl(0, F_DUPFD_CLOEXEC, 3) })
  }

  /// The same of standard output.
  public static func standardOutput() throws(SystemError) -> FileDescriptor {
    FileDescriptor(owning: try check("write standard output") { fcntl(1, F_DUPFD_CLOEXEC, 3) })
  }

  /// An anonymous file that nobody can change any more; for data handed to another process.
  public static func sealed(_ name: String, _ bytes: [UInt8]) throws(SystemError) -> FileDescriptor
  {
    FileDescriptor(
      owning: try check("create a sealed memory file") {
        unsafe cposix_sealed_file(name, bytes, bytes.count)
      })
  }

  /// Gives the descriptor up without closing it, to a child that inherits it.
  public consuming func release() -> Int32 {
    let raw = raw
    discard self
    return raw
  }

  public func write(_ bytes: [UInt8]) throws(SystemError) {
    var offset = 0
    while offset < bytes.count {
      offset += try check("write") {
        unsafe bytes[offset...].withUnsafeBytes { buffer in
          unsafe Glibc.write(raw, buffer.baseAddress, buffer.count)
        }
      }
    }
  }

  /// Writes what fits at once into a pipe that can take something; returns how many bytes that were.
  /// No more than the 4 KiB that such a pipe takes without waiting (pipe(7), PIPE_BUF).
  public func writeSome(_ bytes: ArraySlice<UInt8>) throws(SystemError) -> Int {
    try check("write") {
      unsafe bytes.prefix(4096).withUnsafeBytes { buffer in
        unsafe Glibc.write(raw, buffer.baseAddress, buffer.count)
      }
    }
  }

  /// Reads once, at most `count` bytes; empty at the end of the file.
  public func read(upTo count: Int) throws(SystemError) -> [UInt8] {
    var failure: SystemError?
    let bytes = unsafe [UInt8](unsafeUninitializedCapacity: count) { buffer, filled in
      do throws(SystemError) {
        filled = try check("read") { unsafe Glibc.read(raw, buffer.baseAddress, count) }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// Reads to the end of the file, or until `limit` bytes are there.
  public func readAll(limit: Int) throws(SystemError) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < limit {
      let part = try read(upTo: min(64 * 1024, limit - bytes.count))
      if part.isEmpty { break }
      bytes += part
    }
    return bytes
  }

  /// The last bytes of a file, `limit` at most.
  public func readTail(limit: Int) throws(SystemError) -> [UInt8] {
    let size = try status().size
    _ = try check("seek") { lseek(raw, max(0, size - limit), SEEK_SET) }
    return try readAll(limit: limit)
  }

  /// Removes what is in it; does nothing to what is no ordinary file.
  public func empty() throws(SystemError) {
    guard try status().kind == .file else { return }
    _ = try check("empty a file") { ftruncate(raw, 0) }
  }

  /// Returns when the file, or the directory's entries, are on the disk.
  public func sync() throws(SystemError) {
    _ = try check("sync to disk") { fsync(raw) }
  }

  /// The permission bits as given, whatever the umask is.
  public func setPermissions(_ permissions: UInt32) throws(SystemError) {
    _ = try check("change permissions") { fchmod(raw, permissions) }
  }

  public func setGroup(_ group: UInt32) throws(SystemError) {
    _ = try check("change the group") { fchown(raw, uid_t.max, group) }
  }

  /// Takes the file's lock if nobody holds it; the lock goes with the last copy of the descriptor.
  public func tryLock() throws(SystemError) -> Bool {
    do throws(SystemError) {
      _ = try check("lock") { flock(raw, LOCK_EX | LOCK_NB) }
      return true
    } catch {
      if error.wouldBlock { return false }
      throw error
    }
  }

  public func unlock() throws(SystemError) {
    _ = try check("unlock") { flock(raw, LOCK_UN) }
  }

  public func status() throws(SystemError) -> FileStatus {
    var result = stat()
    _ = try check("examine a file") { unsafe fstat(raw, &result) }
    return FileStatus(result)
  }
}

/// Both ends of a pipe, closed on exec.
public struct Pipe: ~Copyable {
  public let reading: FileDescriptor
  public let writing: FileDescriptor

  public init() throws(SystemError) {
    var ends: [Int32] = [-1, -1]
    _ = try check("create a pipe") { unsafe cposix_pipe(&ends) }
    reading = FileDescriptor(owning: ends[0])
    writing = FileDescriptor(owning: ends[1])
  }

  /// Closes the writing end and keeps the other.
  public consuming func takeReading() -> FileDescriptor { reading }

  /// Closes the reading end and keeps the other.
  public consuming func takeWriting() -> FileDescriptor { writing }
}
