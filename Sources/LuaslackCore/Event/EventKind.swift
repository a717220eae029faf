/// What happened. The raw values are the names of a formatter's handlers and of `post` in the config.
public enum EventKind: String, Sendable, CaseIterable {
  case ban
  case unban
  case prolong
  case jailStart = "jail_start"
  case jailStop = "jail_stop"
  case jailFlush = "jail_flush"
  /// What another program, or somebody, has to say; no jail and no address has a part in it.
  case notify
  /// Many of the others in one message; luaslack makes it, nobody hands one in.
  case digest

  /// Those that callers hand in.
  public static var accepted: [EventKind] { allCases.filter { $0 != .digest } }

  /// The handlers a formatter may have for it, the best first. A collective kind runs only under
  /// its own name: a handler written for single events would read fields that it has not.
  public var handlers: [String] {
    switch self {
    case .jailFlush, .digest: [rawValue]
    default: [rawValue, "any"]
    }
  }

  /// The ones that are about one address.
  public var hasAddress: Bool {
    switch self {
    case .ban, .unban, .prolong: true
    case .jailStart, .jailStop, .jailFlush, .notify, .digest: false
    }
  }

  /// The ones that are about a whole jail.
  public var isOfJail: Bool {
    switch self {
    case .jailStart, .jailStop, .jailFlush: true
    case .ban, .unban, .prolong, .notify, .digest: false
    }
  }
}
