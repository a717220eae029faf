internal import Glibc

/// Hands one line to the system's log. Never waits: a log that is full or absent is a failure.
/// glibc's own `syslog` blocks when the reader hangs, so the datagram is sent here.
public enum SystemLog {
  /// RFC 5424, 6.2.1.
  public enum Severity: Int, Sendable {
    case error = 3
    case information = 6
  }

  /// "auth private".
  private static let facility = 10
  /// journald and rsyslog take 8 KiB a line; more would be refused whole on some hosts.
  private static let limit = 8 * 1024

  /// Whether the journal takes what is written to a descriptor: systemd says which it connected
  /// (systemd.exec(5)).
  public static func takes(
    _ descriptor: Int32, stream: String? = Process.variable("JOURNAL_STREAM")
  ) -> Bool {
    var status = stat()
    guard let stream, unsafe fstat(descriptor, &status) == 0 else { return false }
    return stream == "\(status.st_dev):\(status.st_ino)"
  }

  public static func post(
    _ line: String, _ severity: Severity = .error, to path: String = "/dev/log"
  ) throws(SystemError) {
    let text = "<\(facility * 8 + severity.rawValue)>luaslack[\(Process.id)]: \(line)"
    try LocalDatagram.send(
      Array(text.utf8.prefix(limit)), to: path, "write to the system log")
  }
}
