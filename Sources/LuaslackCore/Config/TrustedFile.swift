internal import Posix

/// Reads files that tell the program what to do: only root, or the user that runs it, may be able to
/// write them. A secret besides may not be readable by everybody.
public enum TrustedFile {
  /// Why a file was not used, and how to mend it.
  public struct Refused: Error, Equatable, CustomStringConvertible {
    public let path: String
    public let problem: String
    public var isMissing = false

    public var description: String { "\(path): \(problem)" }
  }

  /// The whole file, which must be no longer than `limit` bytes.
  public static func read(
    _ path: String, limit: Int, isSecret: Bool = false
  ) throws(Refused) -> [UInt8] {
    let bytes: [UInt8]
    let complaint: String?
    do throws(SystemError) {
      let file = try FileDescriptor.open(reading: path)
      complaint = try Self.complaint(about: file.status(), isSecret: isSecret)
      bytes = complaint == nil ? try file.readAll(limit: limit + 1) : []
    } catch {
      throw Refused(
        path: path, problem: error.isMissing ? "no such file" : "\(error)",
        isMissing: error.isMissing)
    }
    if let complaint { throw Refused(path: path, problem: complaint) }
    guard bytes.count <= limit else {
      throw Refused(path: path, problem: "larger than \(limit / 1024) KiB")
    }
    return bytes
  }

  private static func complaint(about status: FileStatus, isSecret: Bool) -> String? {
    guard status.kind == .file else { return "not an ordinary file" }
    guard status.owner == 0 || status.owner == Process.user else {
      return "belongs to user \(status.owner); it must belong to root (chown root)"
    }
    guard status.permissions & 0o022 == 0 else {
      return "can be written by others; chmod go-w"
    }
    return isSecret && status.permissions & 0o007 != 0
      ? "holds a secret and can be read by everybody; chmod 0640" : nil
  }
}
