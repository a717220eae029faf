import Posix

/// Where luaslackd speaks. systemd and a terminal read its standard error; started by an event it has
/// none, and the system log stands in.
struct Log {
  let isDetached: Bool

  func write(_ line: String, _ severity: SystemLog.Severity = .error) {
    if isDetached {
      try? SystemLog.post(line, severity)
    } else {
      Process.print("luaslackd: \(line)\n", to: 2)
    }
  }
}
