import Foundation
import Glibc

/// `LUASLACK_LONG=1`: the full numbers of the promise instead of a slice.
public enum Long {
  public static let isOn = ProcessInfo.processInfo.environment["LUASLACK_LONG"] == "1"

  /// One line of the figures that `make torture` prints at its end: what was done, what came of it, and
  /// what was promised.
  public static func note(_ scenario: String, _ numbers: String, bar: String) {
    guard isOn, let path = ProcessInfo.processInfo.environment["LUASLACK_FIGURES"] else { return }
    let file = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o644)
    guard file >= 0 else { return }
    defer { close(file) }
    // One write: suites run beside each other.
    let line = Array("\(scenario): \(numbers) (\(bar))\n".utf8)
    _ = line.withUnsafeBytes { write(file, $0.baseAddress, $0.count) }
  }
}
