/// Reads text as Slack does where it reads mrkdwn: with entities, `<…>` and the marks of bold, italic,
/// struck text, code, quotes and fences (docs.slack.dev/messaging/formatting-message-text). Pure; never
/// fails: what is no markup is text.
enum Mrkdwn {
  static func passages(_ text: String) -> [Passage] {
    var passages: [Passage] = []
    var rest = text[...]
    while let start = rest.firstRange(of: "```") {
      let after = rest[start.upperBound...]
      guard let end = after.firstRange(of: "```") else { break }
      passages += unfenced(rest[..<start.lowerBound].withoutLastNewline)
      let inside = decoded(after[..<end.lowerBound]).trimmingNewlines
      passages.append(.fence(inside.components))
      rest = after[end.upperBound...]
      if rest.first?.isNewline == true { rest = rest.dropFirst() }
    }
    return passages + unfenced(rest)
  }

  /// Text in which Slack reads no markup; names of emoji count where `hasEmoji`.
  static func plain(_ text: String, hasEmoji: Bool = true) -> [Passage] {
    let lines = text.components.map { line in
      hasEmoji ? merged(plainTokens(line)) : line.isEmpty ? [] : [Span(line)]
    }
    return lines.allSatisfy(\.isEmpty) ? [] : [.lines(lines)]
  }

  static func decoded(_ text: Substring) -> String { decoded(String(text)) }

  static func decoded(_ text: String) -> String {
    // `&amp;` last, so that nothing is decoded twice.
    text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
  }

  private static func unfenced(_ text: Substring) -> [Passage] {
    guard !text.isEmpty else { return [] }
    var passages: [Passage] = []
    for line in String(text).components {
      let quoted = line.withoutPrefix("&gt;") ?? line.withoutPrefix(">")
      let spans = spans(quoted.map { $0.drop { $0 == " " } } ?? line[...])
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

  private static func spans(_ line: Substring) -> Span.Line {
    merged(marked(tokens(line)))
  }

  private static func tokens(_ line: Substring) -> [Token] {
    var tokens: [Token] = []
    var rest = line
    while let first = rest.first {
      let after = rest.dropFirst()
      if first == "`", let end = after.firstIndex(of: "`"), end > after.startIndex {
        tokens.append(.whole(Span(decoded(after[..<end]), .code)))
        rest = after[after.index(after: end)...]
      } else if first == "<", let end = after.firstIndex(of: ">") {
        tokens.append(.whole(control(after[..<end])))
        rest = after[after.index(after: end)...]
      } else if first == "&", let (character, length) = entity(rest) {
        tokens.append(.whole(Span(character)))
        rest = rest.dropFirst(length)
      } else if first == ":", let name = emoji(after) {
        tokens.append(.whole(Span(String(name), .emoji)))
        rest = after.dropFirst(name.count + 1)
      } else {
        tokens.append(.character(first))
        rest = after
      }
    }
    return tokens
  }

  private static func plainTokens(_ line: String) -> [Token] {
    var tokens: [Token] = []
    var rest = line[...]
    while let first = rest.first {
      let after = rest.dropFirst()
      if first == ":", let name = emoji(after) {
        tokens.append(.whole(Span(String(name), .emoji)))
        rest = after.dropFirst(name.count + 1)
      } else {
        tokens.append(.character(first))
        rest = after
      }
    }
    return tokens
  }

  private static func entity(_ text: Substring) -> (String, Int)? {
    for (name, character) in [("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    where text.hasPrefix(name) {
      return (character, name.count)
    }
    return nil
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
    case "!":
      // Slack words a date itself; what stands there for others will do.
      if target.hasPrefix("!date^") { return Span(label ?? "") }
      let name = target.dropFirst().replacing("subteam^", with: "")
      return Span(label ?? "@" + name, .mention)
    case "@", "#": return Span(label.map { "\(target.prefix(1))\($0)" } ?? target, .mention)
    default:
      let shown = target.withoutPrefix("mailto:").map(String.init) ?? target
      return Span(label ?? shown, .link(url: target))
    }
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
