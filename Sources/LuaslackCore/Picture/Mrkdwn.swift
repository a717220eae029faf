/// Reads text as Slack does where it reads mrkdwn: with entities, `<…>` and the marks of bold, italic,
/// struck text, code, quotes and fences (docs.slack.dev/messaging/formatting-message-text). Pure; never
/// fails: what is no markup is text.
enum Mrkdwn {
  /// What of it counts: not everything does everywhere.
  struct Rules: OptionSet {
    let rawValue: UInt8

    static let marks = Rules(rawValue: 1)
    /// `<…>` and the entities.
    static let controls = Rules(rawValue: 2)
    static let emoji = Rules(rawValue: 4)
    /// An address becomes a link without being asked.
    static let addresses = Rules(rawValue: 8)

    static let all: Rules = [.marks, .controls, .emoji, .addresses]
  }

  static func passages(_ text: String, _ rules: Rules = .all) -> [Passage] {
    guard rules.contains(.marks) else {
      let lines = text.components.map { merged(tokens($0[...], rules)) }
      return lines.allSatisfy(\.isEmpty) ? [] : [.lines(lines)]
    }
    var passages: [Passage] = []
    var rest = text[...]
    while let start = rest.firstRange(of: "```") {
      let after = rest[start.upperBound...]
      guard let end = after.firstRange(of: "```") else { break }
      passages += unfenced(rest[..<start.lowerBound].withoutLastNewline, rules)
      let inside = decoded(after[..<end.lowerBound]).trimmingNewlines
      passages.append(.fence(inside.components))
      rest = after[end.upperBound...]
      if rest.first?.isNewline == true { rest = rest.dropFirst() }
    }
    return passages + unfenced(rest, rules)
  }

  static func decoded(_ text: Substring) -> String { decoded(String(text)) }

  static func decoded(_ text: String) -> String {
    // `&amp;` last, so that nothing is decoded twice.
    text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
  }

  private static func unfenced(_ text: Substring, _ rules: Rules) -> [Passage] {
    guard !text.isEmpty else { return [] }
    var passages: [Passage] = []
    for line in String(text).components {
      let quoted = line.withoutPrefix("&gt;") ?? line.withoutPrefix(">")
      let tokens = tokens(quoted.map { $0.drop { $0 == " " } } ?? line[...], rules)
      let spans = merged(marked(tokens))
      switch (passages.last, quoted != nil) {
      case (.quote(let lines), true): passages[passages.count - 1] = .quote(lines + [spans])
      case (.lines(let lines), false): passages[passages.count - 1] = .lines(lines + [spans])
      case (_, let isQuote): passages.append(isQuote ? .quote([spans]) : .lines([spans]))
      }
    }
    return passages
  }

  // MARK: - One line

  /// A character, or something that no mark looks into.
  private enum Token {
    case character(Character)
    case whole(Span)

    var isSpace: Bool {
      if case .character(let character) = self { character.isWhitespace } else { false }
    }
    var isWord: Bool {
      if case .character(let character) = self {
        character.isLetter || character.isNumber
      } else {
        false
      }
    }
  }

  private static func tokens(_ line: Substring, _ rules: Rules) -> [Token] {
    var tokens: [Token] = []
    var rest = line
    while let first = rest.first {
      let isWithinWord = tokens.last?.isWord ?? false
      if let (span, length) = whole(rest, first, rules, isWithinWord: isWithinWord) {
        tokens.append(.whole(span))
        rest = rest.dropFirst(length)
      } else {
        tokens.append(.character(first))
        rest = rest.dropFirst()
      }
    }
    return tokens
  }

  /// What the text begins with, if that is more than a character, and of how many it is.
  private static func whole(
    _ text: Substring, _ first: Character, _ rules: Rules, isWithinWord: Bool
  ) -> (Span, Int)? {
    let rest = text.dropFirst()
    switch first {
    case "`" where rules.contains(.marks):
      guard let end = rest.firstIndex(of: "`"), end > rest.startIndex else { return nil }
      return (Span(decoded(rest[..<end]), .code), rest[..<end].count + 2)
    case "<" where rules.contains(.controls):
      guard let end = rest.firstIndex(of: ">") else { return nil }
      return (control(rest[..<end]), rest[..<end].count + 2)
    case "&" where rules.contains(.controls):
      let names = ["&lt;": "<", "&gt;": ">", "&amp;": "&"]
      return names.first { text.hasPrefix($0.key) }.map { (Span($0.value), $0.key.count) }
    case ":" where rules.contains(.emoji):
      guard let name = emoji(rest) else { return nil }
      let tone = skinTone(rest.dropFirst(name.count + 1))
      return (Span(name + tone, .emoji), name.count + tone.count + 2)
    case "h" where rules.contains(.addresses) && !isWithinWord:
      return address(text).map { (Span($0.shown, .link(url: $0.shown)), $0.length) }
    default: return nil
    }
  }

  /// What stands behind an emoji's closing colon and colours its skin, with both: `::skin-tone-4`.
  private static func skinTone(_ text: Substring) -> String {
    let tone = (2...6).map { ":skin-tone-\($0)" }.first { text.hasPrefix($0 + ":") }
    return tone.map { ":" + $0 } ?? ""
  }

  /// A web address that stands there without `<…>`, up to what can be none of it.
  private static func address(_ text: Substring) -> (shown: String, length: Int)? {
    guard text.hasPrefix("https://") || text.hasPrefix("http://") else { return nil }
    var address = text.prefix { !$0.isWhitespace && !"<>|`\"".contains($0) }
    for entity in ["&lt;", "&gt;"] {
      if let found = address.firstRange(of: entity) { address = address[..<found.lowerBound] }
    }
    // What ends a sentence ends no address.
    while let last = address.last, ".,;:!?)*_~'".contains(last) { address = address.dropLast() }
    guard address.count > "https://".count else { return nil }
    return (decoded(address), address.count)
  }

  /// The name of an emoji up to the colon that ends it; a number, as in a time of day, is none.
  private static func emoji(_ text: Substring) -> Substring? {
    let name = text.prefix { character in
      character.isASCII
        && (character.isLowercase || character.isNumber || "_+-'".contains(character))
    }
    guard !name.isEmpty, name.count <= 100, text.dropFirst(name.count).first == ":",
      name.contains(where: \.isLetter) || ["+1", "-1", "100", "1234"].contains(name)
    else { return nil }
    return name
  }

  /// `<…>`: a link, a mention or a date.
  private static func control(_ inside: Substring) -> Span {
    let parts = inside.split(separator: "|", maxSplits: 1).map(decoded)
    let (target, label) = (parts.first ?? "", parts.count > 1 ? parts[1] : nil)
    switch target.first {
    case "!": return command(String(target.dropFirst()), label)
    case "@", "#": return Span(label.map { "\(target.prefix(1))\($0)" } ?? target, .mention)
    default:
      let shown = target.withoutPrefix("mailto:").map(String.init) ?? target
      return Span(label ?? shown, .link(url: target))
    }
  }

  /// `<!…>`: what calls many, a date, or what a later Slack may know.
  private static func command(_ name: String, _ label: String?) -> Span {
    if let group = name.withoutPrefix("subteam^") { return Span(label ?? "@" + group, .mention) }
    if ["here", "channel", "everyone"].contains(name) { return Span("@" + name, .mention) }
    guard let date = name.withoutPrefix("date^") else { return Span("<\(label ?? name)>") }
    let parts = date.split(separator: "^", maxSplits: 2).map(String.init)
    let shown = SlackDate.text(parts) ?? label ?? ""
    return parts.count > 2
      ? Span(shown, .link(url: parts[2])) : Span(label ?? shown, .date(shown: shown))
  }

  /// Pairs of `*`, `_` and `~` that stand around words give these their style and go.
  private static func marked(_ tokens: [Token]) -> [(Token, Span.Style)] {
    var styles = [Span.Style](repeating: [], count: tokens.count)
    var marks: Set<Int> = []
    for (mark, style) in [("*", .bold), ("_", .italic), ("~", .struck)] as [(Character, Span.Style)]
    {
      var open: Int?
      for (index, token) in tokens.enumerated() {
        guard case .character(mark) = token else { continue }
        let before = index > 0 ? tokens[index - 1] : .character(" ")
        let after = index + 1 < tokens.count ? tokens[index + 1] : .character(" ")
        if let start = open, !before.isSpace, !after.isWord, index > start + 1 {
          for inner in start + 1..<index { styles[inner].insert(style) }
          marks.formUnion([start, index])
          open = nil
        } else if open == nil, !before.isWord, !after.isSpace {
          open = index
        }
      }
    }
    return tokens.indices.filter { !marks.contains($0) }.map { (tokens[$0], styles[$0]) }
  }

  private static func merged(_ tokens: [Token]) -> Span.Line { merged(tokens.map { ($0, []) }) }

  private static func merged(_ tokens: [(Token, Span.Style)]) -> Span.Line {
    var line: Span.Line = []
    for (token, style) in tokens {
      var span: Span
      switch token {
      case .character(let character): span = Span(String(character))
      case .whole(let whole): span = whole
      }
      span.style = style
      if span.kind == .text, let last = line.last, last.kind == .text, last.style == style {
        line[line.count - 1].text += span.text
      } else if !span.text.isEmpty {
        line.append(span)
      }
    }
    return line
  }
}

extension String {
  /// Its lines.
  var components: [String] {
    split(omittingEmptySubsequences: false, whereSeparator: \.isNewline).map(String.init)
  }

  var trimmingNewlines: String {
    var text = self[...]
    while text.last?.isNewline == true { text = text.dropLast() }
    while text.first?.isNewline == true { text = text.dropFirst() }
    return String(text)
  }

  fileprivate func withoutPrefix(_ prefix: String) -> Substring? {
    hasPrefix(prefix) ? dropFirst(prefix.count) : nil
  }
}

extension Substring {
  fileprivate var withoutLastNewline: Substring { last?.isNewline == true ? dropLast() : self }
}
