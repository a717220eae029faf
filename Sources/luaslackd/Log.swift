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

  /// A line that belongs into the host's log whoever started this. Once there: what systemd's journal
  /// takes from standard error is not printed as well.
  func alarm(_ line: String, _ severity: SystemLog.Severity) {
    do throws(SystemError) {
      try SystemLog.post(line, severity)
      if isDetached || SystemLog.takes(2) { return }
    } catch {
      if isDetached { return }
    }
    Process.print("luaslackd: \(line)\n", to: 2)
  }
}
