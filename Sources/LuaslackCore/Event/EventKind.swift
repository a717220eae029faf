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
  /// More bans than a `[[warning]]` of the config takes for usual: it begins, or is over.
  case warning
  /// What happened in a day or a week, in figures.
  case report

  /// Those that have a record: a digest is made of others'.
  public static var recorded: [EventKind] { allCases.filter { $0 != .digest } }

  /// luaslackd's own words, which nobody hands in.
  public var isOwn: Bool { self == .warning || self == .report }

  /// The handlers a formatter may have for it, the best first. A collective kind runs only under
  /// its own name: a handler written for single events would read fields that it has not.
  public var handlers: [String] {
    switch self {
    case .jailFlush, .digest, .warning, .report: [rawValue]
    default: [rawValue, "any"]
    }
  }

  /// The ones that are about one address.
  public var hasAddress: Bool {
    switch self {
    case .ban, .unban, .prolong: true
    case .jailStart, .jailStop, .jailFlush, .notify, .digest, .warning, .report: false
    }
  }

  /// The ones that are about a whole jail.
  public var isOfJail: Bool {
    switch self {
    case .jailStart, .jailStop, .jailFlush: true
    case .ban, .unban, .prolong, .notify, .digest, .warning, .report: false
    }
  }
}
