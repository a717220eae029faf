import Foundation

/// Where the programs under test are: the folder in `LUASLACK_PROGRAMS` (absolute, such as
/// `/x/.build/release`), else the one in which this test was built.
public enum Programs {
  public static let luaslack = path("luaslack")
  public static let luaslackd = path("luaslackd")
  public static let sandbox = path("luaslack-sandbox")
  public static let fakeSlack = path("fake-slack")

  public static let directory: String = {
    if let given = ProcessInfo.processInfo.environment["LUASLACK_PROGRAMS"] {
      precondition(given.hasPrefix("/"), "LUASLACK_PROGRAMS must be absolute, not \(given)")
      return given
    }
    // On Linux the test bundle is the running program, and lies among the others.
    let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return ((bundle ?? CommandLine.arguments[0]) as NSString).deletingLastPathComponent
  }()

  public static func path(_ name: String) -> String { "\(directory)/\(name)" }
}
