/// Renders Slack's mrkdwn for reading on a terminal, close to what Slack would show: entities
/// decoded, live markup told apart from text that only looks like it.
struct Mrkdwn {
  let terminal: Terminal

  func render(_ text: String) -> String {
    render(Terminal.harmless(text)[...])
  }

  /// For plain_text objects: emoji names, and nothing else.
  func plain(_ text: String) -> String {
    Self.emoji.reduce(Terminal.harmless(text)) { $0.replacing(":\($1.key):", with: $1.value) }
  }

  private func render(_ text: Substring) -> String {
    var shown = ""
    var rest = text
    var previous: Character = " "
    while !rest.isEmpty {
      let (piece, after) = piece(at: rest, after: previous)
      shown += piece
      previous = rest[rest.index(before: after.startIndex)]
      rest = after
    }
    return shown
  }

  /// The next bit of text as shown, and what follows it.
  private func piece(at text: Substring, after previous: Character) -> (String, Substring) {
    let one = text.dropFirst()
    switch text.first {
    case "`":
      return span(text, mark: "```", .code, literal: true)
        ?? span(text, mark: "`", .code, literal: true) ?? ("`", one)
    case "*" where Self.isBoundary(previous):
      return span(text, mark: "*", .bold) ?? ("*", one)
    case "_" where Self.isBoundary(previous):
      return span(text, mark: "_", .italic) ?? ("_", one)
    case "~" where Self.isBoundary(previous):
      return span(text, mark: "~", .strike) ?? ("~", one)
    case "<":
      guard let end = text.firstIndex(of: ">") else { return ("<", one) }
      return (control(one[..<end]), text[text.index(after: end)...])
    case "&":
      for (entity, character) in Self.entities where text.hasPrefix(entity) {
        return (character, text.dropFirst(entity.count))
      }
      return ("&", one)
    case ":":
      guard let end = one.firstIndex(of: ":"), let emoji = Self.emoji[String(one[..<end])] else {
        return (":", one)
      }
      return (emoji, text[text.index(after: end)...])
    default: return (String(text.prefix(1)), one)
    }
  }

  /// Text between two marks, styled; without colours the marks stay, as they say it all. Code is
  /// literal but for entities. Nil if no mark closes it on its line.
  private func span(
    _ text: Substring, mark: String, _ look: Terminal.Look, literal: Bool = false
  ) -> (String, Substring)? {
    guard text.hasPrefix(mark) else { return nil }
    let inner = text.dropFirst(mark.count)
    guard let end = inner.firstRange(of: mark), end.lowerBound > inner.startIndex else {
      return nil
    }
    let content = inner[..<end.lowerBound]
    guard mark == "```" || !content.contains("\n") else { return nil }
    if !literal, content.first == " " || content.last == " " { return nil }

    let shown = literal ? Self.decoded(content) : render(content)
    let marks = terminal.colours ? "" : mark
    return (marks + terminal.styled(shown, look) + marks, inner[end.upperBound...])
  }

  /// What stands between `<` and `>`: a link or a mention, both live.
  private func control(_ content: Substring) -> String {
    let halves = content.split(separator: "|", maxSplits: 1)
    let target = Self.decoded(halves.first ?? "")
    let label = halves.count > 1 ? Self.decoded(halves[1]) : nil
    switch target.first {
    case "!" where target.hasPrefix("!date"): return label ?? target
    case "!":
      return mention(label ?? "@" + (target.split(separator: "^").last ?? "").drop { $0 == "!" })
    case "@": return mention(label.map { "@" + $0 } ?? target)
    case "#": return mention(label.map { "#" + $0 } ?? target)
    default:
      let link = terminal.styled(target, .underline)
      return label.map { "\($0) (\(link))" } ?? link
    }
  }

  /// A live mention stands out: it would ring somebody's phone.
  private func mention(_ name: String) -> String {
    terminal.colours ? terminal.styled(" \(name) ", .reverse) : "[\(name)]"
  }

  private static func isBoundary(_ character: Character) -> Bool {
    !character.isLetter && !character.isNumber
  }

  private static func decoded(_ text: Substring) -> String {
    entities.reduce(String(text)) { $0.replacing($1.0, with: $1.1) }
  }

  /// `&amp;` last, so that `&amp;lt;` becomes `&lt;` and no more.
  private static let entities = [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]

  /// The few that formatters of ours are likely to use; others stay `:names:`.
  private static let emoji = [
    "shield": "🛡️", "warning": "⚠️", "rotating_light": "🚨", "no_entry": "⛔",
    "no_entry_sign": "🚫", "lock": "🔒", "unlock": "🔓", "white_check_mark": "✅", "x": "❌",
    "bell": "🔔", "fire": "🔥", "hourglass": "⌛", "information_source": "ℹ️", "bar_chart": "📊",
    "red_circle": "🔴", "large_green_circle": "🟢", "large_yellow_circle": "🟡",
    "hammer": "🔨", "skull": "💀", "eyes": "👀", "clipboard": "📋", "arrows_counterclockwise": "🔄",
  ]
}
