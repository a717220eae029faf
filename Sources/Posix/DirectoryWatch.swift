internal import Glibc

/// Tells that something in directories changed: a file was saved, put there, renamed, removed, or its rights were
/// changed. inotify(7): of network file systems only what this machine changes.
public struct DirectoryWatch: ~Copyable {
  public let descriptor: FileDescriptor
  private var known: Set<Int32> = []

  public init() throws(SystemError) {
    descriptor = FileDescriptor(
      owning: try check("watch files") {
        inotify_init1(Int32(IN_CLOEXEC) | Int32(IN_NONBLOCK))
      })
  }

  private static let mask = [
    IN_CLOSE_WRITE, IN_CREATE, IN_MOVED_TO, IN_MOVED_FROM, IN_DELETE, IN_ATTRIB, IN_DELETE_SELF,
    IN_MOVE_SELF, IN_ONLYDIR,
  ].reduce(UInt32(0)) { $0 | UInt32(truncatingIfNeeded: $1) }

  /// Something could not be watched, so that who wants to know has to look.
  public private(set) var isBlind = false

  /// True if the directory is there and was not watched before; one that was replaced counts as new.
  public mutating func add(_ path: String) throws(SystemError) -> Bool {
    do throws(SystemError) {
      let number = try check("watch \(path)") {
        unsafe inotify_add_watch(descriptor.raw, path, Self.mask)
      }
      return known.insert(number).inserted
    } catch {
      guard error.isMissing || error.isDenied || error.isNoDirectory else { throw error }
      if !error.isMissing { isBlind = true }
      return false
    }
  }

  /// Forgets what was told; true if there was something.
  public func drain() -> Bool {
    var wasTold = false
    while let bytes = try? descriptor.read(upTo: 64 * 1024), !bytes.isEmpty { wasTold = true }
    return wasTold
  }
}

/// Where symbolic links lead; nil: nowhere.
public func resolvedPath(_ path: String) -> String? {
  guard let resolved = unsafe realpath(path, nil) else { return nil }
  defer { unsafe free(resolved) }
  return unsafe String(cString: resolved)
}
