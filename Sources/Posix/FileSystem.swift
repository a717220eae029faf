internal import CPosix

/// What the kernel says of the file system that holds a path.
public struct FileSystem: Sendable, Equatable {
  /// `statfs`'s number for its kind.
  public let kind: Int64
  /// Bytes that an ordinary user may still use.
  public let free: Int64

  public init(kind: Int64, free: Int64) {
    self.kind = kind
    self.free = free
  }

  public static func of(_ path: String) throws(SystemError) -> FileSystem {
    var (kind, free): (Int64, Int64) = (0, 0)
    _ = try check("examine the file system of \(path)") {
      unsafe cposix_file_system(path, &kind, &free)
    }
    return FileSystem(kind: kind, free: free)
  }

  /// Those that another machine serves, or a program: statfs(2) and linux/magic.h.
  private static let remoteKinds: [Int64: String] = [
    0x6969: "NFS", 0xff53_4d42: "CIFS", 0xfe53_4d42: "SMB2", 0x517b: "SMB", 0x6573_5546: "FUSE",
    0x0102_1997: "9p", 0x00c3_6400: "Ceph", 0x5346_414f: "AFS", 0x7461_636f: "OCFS2",
    0x0116_1970: "GFS2", 0x0bd0_0bd0: "Lustre",
  ]

  /// Its name if it is not of this machine's own disks.
  public var remoteName: String? { Self.remoteKinds[kind] }
}

extension Clock {
  /// Nil where the kernel does not tell.
  public static var isSynchronised: Bool? {
    let answer = cposix_clock_is_synchronised()
    return answer < 0 ? nil : answer == 1
  }
}
