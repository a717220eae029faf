public import Posix

/// Where the other programs and the shipped files are: beside the running program, or where
/// `make install` puts them. Never from PATH or the environment, which a caller could choose.
public enum Programs {
  public static func path(of name: String) throws(SystemError) -> String {
    let here = try Process.executable().directoryPart
    let candidates = [here + "/" + name, here.directoryPart + "/libexec/luaslack/" + name]
    for candidate in candidates where (try? FileStatus.of(candidate)) != nil { return candidate }
    throw SystemError("find \(name) beside \(here)/luaslack", code: 2)
  }

  /// The shipped formatters: `share/luaslack/scripts`, from bin/ or from libexec/luaslack/.
  static func scripts() throws(SystemError) -> String { try shared("scripts") }

  /// `share/luaslack/NAME`.
  public static func shared(_ name: String) throws(SystemError) -> String {
    let here = try Process.executable().directoryPart
    let prefixes = [here.directoryPart, here.directoryPart.directoryPart]
    for prefix in prefixes {
      let path = prefix + "/share/luaslack/" + name
      if (try? FileStatus.of(path)) != nil { return path }
    }
    throw SystemError("find share/luaslack/\(name) near \(here)", code: 2)
  }
}

extension String {
  /// What stands before the last `/`.
  public var directoryPart: String {
    lastIndex(of: "/").map { String(self[..<$0]) } ?? "."
  }
}

extension Locations {
  /// As luaslackd takes them: it must not decide anew, under another user and environment.
  public var arguments: [String] {
    ["--spool", spool, "--database", database, "--overflow", overflow, "--config", config]
  }
}
