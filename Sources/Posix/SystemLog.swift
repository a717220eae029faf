internal import Glibc

/// Hands one line to the system's log. Never waits: a log that is full or absent is a failure.
/// glibc's own `syslog` blocks when the reader hangs, so the datagram is sent here.
public enum SystemLog {
  /// Facility "auth private" (10), severity "error" (3): RFC 5424, 6.2.1.
  private static let priority = 10 * 8 + 3
  /// journald and rsyslog take 8 KiB a line; more would be refused whole on some hosts.
  private static let limit = 8 * 1024

  public static func post(_ line: String, to path: String = "/dev/log") throws(SystemError) {
    let socket = FileDescriptor(
      owning: try check("open the system log") {
        Glibc.socket(
          AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
      })
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let name = Array(path.utf8)
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      unsafe room.copyBytes(from: name.prefix(room.count - 1))
    }
    let text = "<\(priority)>luaslack[\(Process.id)]: \(line)"
    let bytes = Array(text.utf8.prefix(limit))
    _ = try check("write to the system log") {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          unsafe sendto(
            socket.raw, bytes, bytes.count, Int32(MSG_DONTWAIT), generic,
            socklen_t(MemoryLayout<sockaddr_un>.size))
        }
      }
    }
  }
}
