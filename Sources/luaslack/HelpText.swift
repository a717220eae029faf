/// The parser's help as people read it: headings that do not shout, and exit statuses last. Never changes
/// what it says of a command.
struct HelpText {
  let text: String

  /// Nil for what is no help: the version, a script of completions.
  init?(_ message: String) {
    let overview = "OVERVIEW: "
    guard message.hasPrefix(overview) else { return nil }
    var lines = message.dropFirst(overview.count)
      .split(separator: "\n", omittingEmptySubsequences: false).map { Self.spoken(String($0)) }
    while lines.last == "" { lines.removeLast() }
    if let begin = lines.firstIndex(where: { $0.hasPrefix("Exit status:") }) {
      let end = lines[begin...].firstIndex(of: "") ?? lines.endIndex
      let statuses = lines[begin..<end]
      lines.removeSubrange(begin..<min(end + 1, lines.endIndex))
      lines += [""] + statuses
    }
    text = lines.joined(separator: "\n") + "\n"
  }

  /// `CALLED BY YOU SUBCOMMANDS:` becomes `Called by you:`.
  private static func spoken(_ line: String) -> String {
    let usage = "USAGE: "
    if line.hasPrefix(usage) { return short("Usage: " + named(line.dropFirst(usage.count))) }
    guard line.hasSuffix(":"), let first = line.first, first.isUppercase,
      !line.contains(where: \.isLowercase)
    else { return named(line[...]) }
    if line == "SUBCOMMANDS:" { return "Commands:" }
    return "\(first)" + line.dropFirst().lowercased().replacing(" subcommands:", with: ":")
  }

  /// A usage that would run over the line names no option: they all follow.
  private static func short(_ usage: String) -> String {
    guard usage.count > 79 else { return usage }
    var result = ""
    for (index, part) in usage.split(separator: " [").enumerated() {
      let isOption = part.hasPrefix("--")
      if isOption, !result.contains("<options>") { result += " [<options>]" }
      // Behind an option's bracket an operand may stand.
      result +=
        isOption ? String(part.drop { $0 != "]" }.dropFirst()) : (index > 0 ? " [" : "") + part
    }
    return result
  }

  private static func named(_ line: Substring) -> String {
    String(line).replacing("<subcommand>", with: "<command>")
  }
}
