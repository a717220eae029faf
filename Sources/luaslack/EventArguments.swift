import LuaslackCore

/// Prepares the command line of an event for the parser. fail2ban fills in tags without asking, and
/// an action file may be newer than this program: neither may cost an event.
enum EventArguments {
  private static let commands: Set<String> = [
    "ban", "unban", "prolong", "jail-start", "jail-stop", "jail-flush",
  ]
  private static let known: Set<String> = Set(EventRecord.Option.allCases.map(\.rawValue)).union([
    "matches", "matches-stdin", "field", "fields", "to", "dry-run", "wait", "spool", "config",
    "help",
    "version",
  ])

  /// Up to a bare `--`: `--option=` (an empty tag) is left out, an unknown `--option=value` becomes
  /// `--unknown-option=option=value`, and `--wait` gets its time.
  static func normalised(_ arguments: [String]) -> [String] {
    guard let command = arguments.first else { return arguments }
    let end = arguments.firstIndex(of: "--") ?? arguments.endIndex
    // No action file calls these, so that an option that is unknown is a mistake.
    if command == "notify" || command == "report" {
      return joinWait(arguments[..<end]).map { $0 == "--wait" ? "--wait=30s" : $0 }
        + arguments[end...]
    }
    guard commands.contains(command) else { return arguments }
    return joinWait(arguments[..<end]).flatMap(normalised) + arguments[end...]
  }

  /// `--wait 5s` is meant as `--wait=5s`, though the time may be left out.
  private static func joinWait(_ arguments: ArraySlice<String>) -> [String] {
    var result: [String] = []
    for argument in arguments {
      let isTime = argument.last.map { "smhd".contains($0) } ?? false
      if result.last == "--wait", isTime, Seconds.parse(argument) != nil {
        result[result.count - 1] = "--wait=" + argument
      } else {
        result.append(argument)
      }
    }
    return result
  }

  private static func normalised(_ argument: String) -> [String] {
    if argument == "--wait" { return ["--wait=30s"] }
    let text = argument.utf8
    guard text.starts(with: "--".utf8), let separator = text.firstIndex(of: UInt8(ascii: "="))
    else { return [argument] }
    let name = String(argument[text.index(text.startIndex, offsetBy: 2)..<separator])
    let value = String(argument[text.index(after: separator)...])
    if value.isEmpty { return [] }
    guard known.contains(name) else { return ["--unknown-option=" + name + "=" + value] }
    // The parser looks for a character `=`, and an attacker's combining mark makes it another one.
    // Such a value stands as an argument of its own; it cannot be mistaken for an option.
    return argument.firstIndex(of: "=") == separator ? [argument] : ["--" + name, value]
  }
}
