import LuaslackCore

/// Prepares the command line of an event for the parser. fail2ban fills in tags without asking, and
/// an action file may be newer than this program: neither may cost an event.
enum EventArguments {
  private static let commands: Set<String> = [
    "ban", "unban", "prolong", "jail-start", "jail-stop", "jail-flush",
  ]
  private static let known: Set<String> = Set(EventRecord.Option.allCases.map(\.rawValue)).union([
    "matches", "matches-stdin", "field", "to", "dry-run", "wait", "spool", "config", "help",
    "version",
  ])

  /// Up to a bare `--`: `--option=` (an empty tag) is left out, an unknown `--option=value` becomes
  /// `--unknown-option=option=value`, and `--wait` gets its time.
  static func normalised(_ arguments: [String]) -> [String] {
    guard let command = arguments.first, commands.contains(command) else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    return arguments[..<end].compactMap(normalised) + arguments[end...]
  }

  private static func normalised(_ argument: String) -> String? {
    if argument == "--wait" { return "--wait=30s" }
    guard argument.hasPrefix("--"), let separator = argument.firstIndex(of: "=") else {
      return argument
    }
    let name = argument[argument.index(argument.startIndex, offsetBy: 2)..<separator]
    if argument.index(after: separator) == argument.endIndex { return nil }
    return known.contains(String(name)) ? argument : "--unknown-option=" + argument.dropFirst(2)
  }
}
