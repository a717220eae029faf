/// A picture as lines of a terminal. Pure. What stands in a message can neither move the cursor nor set a
/// colour: control characters become `�`.
public struct TerminalPicture: Sendable {
  /// Columns.
  private let width: Int
  private let hasColour: Bool
  private let palette: Palette

  /// Of which colours a terminal has the bar's.
  public enum Palette: Sendable {
    case eight, indexed, full

    /// By its name, `TERM`, and by `COLORTERM`, which ssh mostly leaves behind. GNU screen and the console would take
    /// a full colour for other commands.
    public init(term: String?, colorterm: String?) {
      let term = term ?? ""
      if ["truecolor", "24bit"].contains(colorterm) {
        self = .full
      } else if ["screen", "linux", "vt", "ansi"].contains(where: term.hasPrefix) {
        self = term.contains("256") ? .indexed : .eight
      } else {
        self = .full
      }
    }
  }

  /// `hasColour`: false leaves text alone, which can be piped and read by anything.
  public init(width: Int, hasColour: Bool, palette: Palette = .full) {
    self.width = max(20, width)
    self.hasColour = hasColour
    self.palette = palette
  }

  /// Without a newline at its end.
  public func text(_ picture: Picture) -> String {
    let icon = picture.icon.map { (Emoji.glyph($0) ?? ":\($0):") + " " } ?? ""
    let head = sgr("1", cleaned(icon + picture.sender)) + " " + sgr("2", "APP")
    return ([head] + lines(picture.parts, width)).joined(separator: "\n")
  }

  /// With what is said of it; nil: there is no message.
  public func text(title: String?, _ picture: Picture?, remarks: [String]) -> String {
    let head = title.map { wrapped([Span("── \($0)")], width).map { sgr("2", $0) } } ?? []
    let message = picture.map { [text($0)] } ?? []
    let notes = remarks.flatMap { wrapped([Span($0)], width - 2) }.map { sgr("33", "! " + $0) }
    return (head + message + notes).joined(separator: "\n")
  }

  private func lines(_ parts: [Picture.Part], _ width: Int) -> [String] {
    parts.flatMap { lines($0, width) }
  }

  private func lines(_ part: Picture.Part, _ width: Int) -> [String] {
    switch part {
    case .text(let passages): return lines(passages, width)
    case .header(let line):
      return wrapped(line.map { Span($0.text, $0.kind, $0.style.union(.bold)) }, width)
    case .divider: return [sgr("2", String(repeating: "─", count: width))]
    case .context(let elements):
      let line = Array(elements.joined(separator: [Span("  ")]))
      return wrapped(line, width).map { sgr("2", $0) }
    case .fields(let fields): return columns(fields, width)
    case .buttons(let buttons): return buttons.flatMap { lines($0, width) }
    case .image(let alt, let url):
      return wrapped(
        [Span("[\(alt.isEmpty ? "picture" : alt)] "), Span(url, .link(url: url))], width)
    case .folded(let passages, _): return lines(passages, width) + [sgr("34", "Show more")]
    case .attachment(let colour, let parts):
      let bar = self.bar(colour)
      return lines(parts, width - 2).map { bar + " " + $0 }
    }
  }

  private func lines(_ passages: [Passage], _ width: Int) -> [String] {
    passages.flatMap { passage in
      switch passage {
      case .lines(let lines): return lines.flatMap { wrapped($0, width) }
      case .quote(let lines):
        return lines.flatMap { wrapped($0, width - 2) }.map { sgr("2", "┃") + " " + $0 }
      case .fence(let lines):
        return lines.flatMap { wrapped([Span($0, .code)], width - 2) }.map { "  " + $0 }
      }
    }
  }

  private func lines(_ button: Picture.Button, _ width: Int) -> [String] {
    let url = button.url.map { [Span(" "), Span($0, .link(url: $0))] } ?? []
    let style: Span.Style = button.style == .usual ? [] : .bold
    return wrapped([Span("[ \(button.label) ]", .text, style)] + url, width)
  }

  // MARK: - Fields

  /// Short ones stand in pairs, where there is room for two.
  private func columns(_ fields: [Picture.Field], _ width: Int) -> [String] {
    let column = (width - 2) / 2
    var lines: [String] = []
    var left: Picture.Field?
    func flush() {
      if let field = left { lines += cell(field, width) }
      left = nil
    }
    for field in fields {
      guard field.isShort, column >= 16 else {
        flush()
        lines += cell(field, width)
        continue
      }
      if let first = left {
        lines += pair(cell(first, column), cell(field, column), column)
        left = nil
      } else {
        left = field
      }
    }
    flush()
    return lines
  }

  private func cell(_ field: Picture.Field, _ width: Int) -> [String] {
    lines(field.title, width) + lines(field.value, width)
  }

  private func pair(_ left: [String], _ right: [String], _ column: Int) -> [String] {
    (0..<max(left.count, right.count)).map { index in
      let first = index < left.count ? left[index] : ""
      guard index < right.count else { return first }
      let gap = String(repeating: " ", count: column + 2 - Self.visibleWidth(first))
      return first + gap + right[index]
    }
  }

  // MARK: - Lines

  /// One word after the other, broken between them, and within one that is too long.
  private func wrapped(_ line: Span.Line, _ width: Int) -> [String] {
    var lines: [[Span]] = [[]]
    var used = 0
    for word in words(line) {
      let length = word.reduce(0) { $0 + CellWidth.of($1.text) }
      if used + length > width, used > 0 {
        // What follows white space at the end of a line begins the next.
        if Self.isSpace(word[0]) {
          used = width
          continue
        }
        if lines[lines.count - 1].last.map(Self.isSpace) == true {
          lines[lines.count - 1].removeLast()
        }
        lines.append([])
        used = 0
      }
      for var span in word {
        while used + CellWidth.of(span.text) > width {
          let part = beginning(span.text, width - used, atStart: used == 0)
          lines[lines.count - 1].append(Span(part, span.kind, span.style))
          lines.append([])
          used = 0
          span.text = String(span.text.dropFirst(part.count))
        }
        lines[lines.count - 1].append(span)
        used += CellWidth.of(span.text)
      }
    }
    return lines.map { spans in merged(spans).map(styled).joined() }
  }

  /// Words, which may change their style within, and the white space between them.
  private func words(_ line: Span.Line) -> [[Span]] {
    var words: [[Span]] = []
    for span in line {
      var isFirst = true
      for character in shown(span) {
        let isSpace = character.isWhitespace
        let hasBroken = words.last.map { Self.isSpace($0[0]) != isSpace } ?? true
        if hasBroken {
          words.append([Span(String(character), span.kind, span.style)])
        } else if isFirst {
          words[words.count - 1].append(Span(String(character), span.kind, span.style))
        } else {
          words[words.count - 1][words[words.count - 1].count - 1].text.append(character)
        }
        isFirst = false
      }
    }
    return words
  }

  private static func isSpace(_ span: Span) -> Bool { span.text.first?.isWhitespace ?? true }

  private func beginning(_ text: String, _ width: Int, atStart: Bool) -> String {
    var used = 0
    let part = text.prefix { character in
      used += CellWidth.of(character)
      return used <= width
    }
    // A character that is wider than the line has to stand somewhere.
    return part.isEmpty && atStart ? String(text.prefix(1)) : String(part)
  }

  private func merged(_ spans: [Span]) -> [Span] {
    var result: [Span] = []
    for span in spans {
      if let last = result.last, last.kind == span.kind, last.style == span.style {
        result[result.count - 1].text += span.text
      } else {
        result.append(span)
      }
    }
    return result
  }

  private func shown(_ span: Span) -> String {
    switch span.kind {
    case .emoji: return Emoji.glyph(span.text) ?? ":\(cleaned(span.text)):"
    case .link(let url):
      let isSaid = url == span.text || url == "mailto:" + span.text
      return cleaned(isSaid ? span.text : "\(span.text) (\(url))")
    case .date(let shown): return cleaned(shown)
    default: return cleaned(span.text)
    }
  }

  private func cleaned(_ text: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      guard scalar != "\t" else {
        result.append(" ")
        continue
      }
      switch scalar.properties.generalCategory {
      case .control, .lineSeparator, .paragraphSeparator: result.append("\u{fffd}")
      // They would turn around what else stands in the line.
      case .format where scalar.properties.isBidiControl: result.append("\u{fffd}")
      default: result.append(scalar)
      }
    }
    return String(result)
  }

  // MARK: - Colours

  private func styled(_ span: Span) -> String {
    var codes: [String] = []
    if span.style.contains(.bold) { codes.append("1") }
    if span.style.contains(.italic) { codes.append("3") }
    if span.style.contains(.struck) { codes.append("9") }
    switch span.kind {
    case .code: codes.append("36")
    case .link: codes += ["4", "34"]
    case .mention: codes += ["1", "33"]
    case .text, .emoji, .date: break
    }
    return sgr(codes.joined(separator: ";"), span.text)
  }

  private func bar(_ colour: String?) -> String {
    guard let colour, let value = UInt32(colour.dropFirst(), radix: 16) else {
      return sgr("2", "┃")
    }
    let (red, green, blue) = (value >> 16, value >> 8 & 0xff, value & 0xff)
    switch palette {
    case .full: return sgr("38;2;\(red);\(green);\(blue)", "┃")
    case .indexed:
      // A cube of six steps for each (ECMA-48 as xterm extends it).
      let steps = [red, green, blue].map { ($0 * 5 + 127) / 255 }
      return sgr("38;5;\(16 + 36 * steps[0] + 6 * steps[1] + steps[2])", "┃")
    case .eight:
      let code = (red >> 7) + 2 * (green >> 7) + 4 * (blue >> 7)
      // Black could not be told from the screen.
      return sgr(code == 0 ? "90" : "\(30 + code)", "┃")
    }
  }

  private func sgr(_ codes: String, _ text: String) -> String {
    TerminalText.painted(text, codes, if: hasColour)
  }

  /// Columns of a line that is styled already.
  private static func visibleWidth(_ line: String) -> Int {
    var text = ""
    var rest = line[...]
    while let start = rest.firstIndex(of: "\u{1b}") {
      text += rest[..<start]
      rest = rest[start...].drop { $0 != "m" }.dropFirst()
    }
    return CellWidth.of(text + rest)
  }
}
