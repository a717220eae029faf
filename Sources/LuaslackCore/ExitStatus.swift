/// How every program here ends: sysexits, so that a caller can tell a mistake from bad luck.
public enum ExitStatus: Int32, Sendable, Error, CaseIterable {
  case success = 0
  /// `status`: something waits longer than it should, or was given up.
  case degraded = 1
  /// `status`: a destination takes nothing any more.
  case destinationDead = 2
  case usage = 64
  case data = 65
  case noInput = 66
  case unavailable = 69
  case software = 70
  case temporary = 75
  case noPermission = 77
  case configuration = 78

  public var meaning: String {
    switch self {
    case .success: "done; an event is safe"
    case .degraded: "status: degraded"
    case .destinationDead: "status: a destination is dead"
    case .usage: "the command line is wrong"
    case .data: "the input is wrong"
    case .noInput: "an input file cannot be read"
    case .unavailable: "a part of luaslack is missing or already running; --wait: given up"
    case .software: "a mistake in luaslack"
    case .temporary: "not now; --wait: not yet, it stays queued; else nothing was kept"
    case .noPermission: "you may not do that, or ask; nothing was kept"
    case .configuration: "the configuration is wrong"
    }
  }
}
