internal import Posix

/// Where everything is, decided once from the command line, the environment and the user.
public struct Locations: Sendable, Equatable {
  /// The directory of `incoming/`, `trigger` and `lock`.
  public var spool: String
  public var database: String
  /// Where events go while the spool cannot be written: memory, not the same disk.
  public var overflow: String
  public var config: String

  /// No place for a user without a home.
  public struct Unknown: Error, CustomStringConvertible {
    public let description = "neither HOME nor XDG_STATE_HOME is set; name the spool with --spool"
  }

  private static let systemSpool = "/var/spool/luaslack"

  /// `spool` and `config` are what the command line says. `isRoot`: or whom root gave the system's spool to.
  public init(
    spool: String?, config: String?, environment: (String) -> String?, isRoot: Bool,
    fileExists: (String) -> Bool
  ) throws(Unknown) {
    func path(_ name: String) -> String? {
      environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    let home = path("HOME")
    let state = path("XDG_STATE_HOME") ?? home.map { $0 + "/.local/state" }

    let system = Self.systemSpool
    let named = (spool ?? path("LUASLACK_SPOOL")).map(Self.withoutSlash)
    if let chosen = named ?? (isRoot ? system : state.map { $0 + "/luaslack" }) {
      self.spool = chosen
      database = (chosen == system ? "/var/lib/luaslack" : chosen) + "/luaslack.db"
    } else {
      throw Unknown()
    }

    if let named = path("LUASLACK_OVERFLOW") {
      overflow = named
    } else if self.spool == system || isRoot {
      // A second spool of root's keeps its own: it must not collect another's events.
      overflow = "/run/luaslack/overflow" + (self.spool == system ? "" : "-" + Self.tag(self.spool))
    } else {
      overflow = (path("XDG_RUNTIME_DIR") ?? "/tmp") + "/luaslack-overflow-" + Self.tag(self.spool)
    }

    let personal = Self.personalConfig(environment: environment)
    if let named = config ?? path("LUASLACK_CONFIG") {
      self.config = named
    } else if !isRoot, let personal, fileExists(personal) {
      self.config = personal
    } else {
      self.config = "/etc/luaslack/config.toml"
    }
  }

  /// Where a user who is not root has a configuration of their own.
  public static func personalConfig(environment: (String) -> String?) -> String? {
    func path(_ name: String) -> String? {
      environment(name).flatMap { $0.hasPrefix("/") ? $0 : nil }
    }
    return (path("XDG_CONFIG_HOME") ?? path("HOME").map { $0 + "/.config" })
      .map { $0 + "/luaslack/config.toml" }
  }

  private static func withoutSlash(_ path: String) -> String {
    path.count > 1 && path.hasSuffix("/") ? withoutSlash(String(path.dropLast())) : path
  }

  private static func tag(_ path: String) -> String {
    String(SpoolFile.checksum(Array(path.utf8)), radix: 16)
  }

  /// The same as seen by the running process.
  public static func current(spool: String?, config: String?) throws(Unknown) -> Locations {
    try Locations(
      spool: spool.flatMap(absolute), config: config.flatMap(absolute),
      environment: Process.variable,
      isRoot: Process.user == 0 || (try? FileStatus.of(systemSpool))?.owner == Process.user
    ) { path in (try? FileStatus.of(path)) != nil }
  }

  /// The same for a notification: somebody without a luaslack of his own means the host's.
  public static func submitting(
    spool: String?, config: String?
  ) throws(Unknown) -> Locations {
    let isNamed = [
      spool, config, Process.variable("LUASLACK_SPOOL"), Process.variable("LUASLACK_CONFIG"),
    ]
    .contains { $0?.isEmpty == false }
    let personal = personalConfig(environment: Process.variable)
    let isPersonal = personal.map { (try? FileStatus.of($0)) != nil } ?? false
    guard Process.user != 0, !isNamed, !isPersonal, (try? FileStatus.of(systemSpool)) != nil else {
      return try current(spool: spool, config: config)
    }
    return try current(spool: systemSpool, config: config)
  }

  /// Nil for an empty one, which counts as not given.
  private static func absolute(_ path: String) -> String? {
    if path.isEmpty { return nil }
    return path.hasPrefix("/") ? path : Process.workingDirectory + "/" + path
  }
}
