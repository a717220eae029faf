/// Escapes text for Slack's mrkdwn. Live markup is only what a formatter marked through the `slack`
/// library: a group of private-use characters, which event text cannot contain.
/// `U+E000 kind U+E001 argument … U+E002`
enum Markup {
  private static let open: Unicode.Scalar = "\u{E000}"
  private static let separator: Unicode.Scalar = "\u{E001}"
  private static let close: Unicode.Scalar = "\u{E002}"

  /// Text where Slack reads mrkdwn: `&`, `<` and `>` become entities (nothing else needs to:
  /// api.slack.com/docs/message-formatting), marked groups become markup.
  static func mrkdwn(_ text: String) -> String {
    render(text, plain: escape) { group in markup(group) ?? escape(group.arguments.joined(" ")) }
  }

  /// Text where Slack reads none: a marked group leaves what a person would read of it.
  static func plain(_ text: String) -> String {
    render(text, plain: { $0 }) { group in words(group) }
  }

  /// What a formatter wrote outside of the library's groups.
  static func outsideMarks(_ text: String) -> String {
    render(text, plain: { $0 }) { _ in " " }
  }

  static func escape(_ text: String) -> String {
    guard text.utf8.contains(where: { $0 == 0x26 || $0 == 0x3c || $0 == 0x3e }) else { return text }
    var result = ""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "&": result += "&amp;"
      case "<": result += "&lt;"
      case ">": result += "&gt;"
      default: result.unicodeScalars.append(scalar)
      }
    }
    return result
  }

  /// Calls `here`, a member or a user group, as a formatter would have it.
  static func mention(_ who: String) -> String {
    let kind = who.hasPrefix("S") ? "user_group" : "mention"
    return "\(open)\(kind)\(separator)\(who)\(close)"
  }

  private struct Group {
    var kind: String
    var arguments: [String]
  }

  private static func render(
    _ text: String, plain: (String) -> String, group: (Group) -> String
  ) -> String {
    // Most texts hold no character of the marks' block, of which this is the first byte.
    guard text.utf8.contains(0xee) else { return plain(text) }
    var result = ""
    var rest = text.unicodeScalars[...]
    while let start = rest.firstIndex(of: open) {
      result += plain(unmarked(rest[..<start]))
      rest = rest[rest.index(after: start)...]
      guard let end = rest.firstIndex(of: close) else { break }
      let parts = rest[..<end].split(separator: separator, omittingEmptySubsequences: false)
        .map { unmarked($0) }
      result += group(Group(kind: parts.first ?? "", arguments: Array(parts.dropFirst())))
      rest = rest[rest.index(after: end)...]
    }
    return result + plain(unmarked(rest))
  }

  /// Stray marks, which only a formatter can make by hand, mean nothing.
  private static func unmarked(_ text: Substring.UnicodeScalarView) -> String {
    String(String.UnicodeScalarView(text.filter { ![open, separator, close].contains($0) }))
  }

  /// Nil for a group that is not one of the library's.
  private static func markup(_ group: Group) -> String? {
    let first = group.arguments.first ?? ""
    switch (group.kind, group.arguments.count) {
    case ("raw", 1): return first
    case ("mention", 1):
      if ["here", "channel", "everyone"].contains(first) { return "<!\(first)>" }
      return isIdentifier(first, "UW") ? "<@\(first)>" : nil
    case ("user_group", 1): return isIdentifier(first, "S") ? "<!subteam^\(first)>" : nil
    case ("channel", 1): return isIdentifier(first, "CG") ? "<#\(first)>" : nil
    case ("link", 2): return link(first, group.arguments[1])
    case ("date", 3...4): return date(group.arguments)
    default: return nil
    }
  }

  private static func link(_ url: String, _ label: String) -> String? {
    guard let url = address(url) else { return nil }
    let label = escape(inside(label))
    return label.isEmpty ? "<\(url)>" : "<\(url)|\(label)>"
  }

  private static func date(_ arguments: [String]) -> String? {
    guard let time = Int64(arguments[0]) else { return nil }
    var text = "<!date^\(time)^\(inside(escape(arguments[1])))"
    if arguments.count == 4, let url = address(arguments[3]) { text += "^\(url)" }
    return text + "|\(inside(escape(arguments[2])))>"
  }

  private static func address(_ url: String) -> String? {
    let isAllowed = ["https://", "http://", "mailto:"].contains { url.hasPrefix($0) }
    guard isAllowed else { return nil }
    return replacing(url) { scalar in
      switch scalar {
      case "<": "%3C"
      case ">": "%3E"
      case "|": "%7C"
      default: scalar.properties.isWhitespace ? "" : nil
      }
    }
  }

  /// A bar or a line end would end the part of markup that it stands in.
  private static func inside(_ text: String) -> String {
    replacing(text) { scalar in
      switch scalar {
      case "|": "¦"
      case "\n", "\r": " "
      case "^": ""
      default: nil
      }
    }
  }

  /// Scalar by scalar: a mark that combines with a character must not hide it.
  private static func replacing(
    _ text: String, _ replacement: (Unicode.Scalar) -> String?
  ) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      if let instead = replacement(scalar) {
        result.append(contentsOf: instead.unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  private static func isIdentifier(_ text: String, _ initials: String) -> Bool {
    guard let first = text.first, initials.contains(first), text.count > 1 else { return false }
    return text.allSatisfy { $0.isASCII && ($0.isNumber || $0.isUppercase) }
  }

  private static func words(_ group: Group) -> String {
    switch group.kind {
    case "mention", "user_group", "channel": "@" + (group.arguments.first ?? "")
    case "link": group.arguments.last { !$0.isEmpty } ?? ""
    case "date": group.arguments.count > 2 ? group.arguments[2] : ""
    default: group.arguments.first ?? ""
    }
  }
}

extension [String] {
  fileprivate func joined(_ separator: String) -> String { joined(separator: separator) }
}
