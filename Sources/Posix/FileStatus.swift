internal import Glibc

/// What `stat` says of a file, as far as this project asks.
public struct FileStatus: Sendable, Equatable {
  public enum Kind: Sendable { case file, directory, fifo, other }

  public let kind: Kind
  public let owner: UInt32
  public let group: UInt32
  /// The permission bits alone, such as 0o640.
  public let permissions: UInt32
  /// Bytes.
  public let size: Int
  /// Microseconds since 1970.
  public let modified: Int64
  /// The same of the last change of anything about it, which its owner cannot set.
  public let changed: Int64
  public let inode: UInt64
  /// Of the file system.
  public let device: UInt64
  /// How many names it has.
  public let links: Int

  init(_ status: stat) {
    switch status.st_mode & S_IFMT {
    case S_IFREG: kind = .file
    case S_IFDIR: kind = .directory
    case S_IFIFO: kind = .fifo
    default: kind = .other
    }
    owner = status.st_uid
    group = status.st_gid
    permissions = status.st_mode & 0o7777
    size = Int(status.st_size)
    modified = Self.microseconds(status.st_mtim)
    changed = Self.microseconds(status.st_ctim)
    inode = UInt64(status.st_ino)
    device = UInt64(status.st_dev)
    links = Int(status.st_nlink)
  }

  private static func microseconds(_ time: timespec) -> Int64 {
    Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }

  /// Follows symbolic links.
  public static func of(_ path: String) throws(SystemError) -> FileStatus {
    var result = stat()
    _ = try check("examine \(path)") { unsafe stat(path, &result) }
    return FileStatus(result)
  }
}
