/// A message as plain text, for mail and the system's log: what Slack would show of it, without markup and
/// without emoji. Takes a payload as the sink made it. Pure.
enum MessageText {
  /// What people see of the message, in order; ends without a line end.
  static func body(_ message: Value) -> String {
    var groups: [[String]] = [[]]
    for part in Picture(message).parts {
      if case .attachment(_, let parts) = part {
        groups += [parts.flatMap(lines), []]
      } else {
        groups[groups.count - 1] += lines(part)
      }
    }
    return groups.map { $0.joined(separator: "\n").trimmingNewlines }.filter { !$0.isEmpty }
      .joined(separator: "\n\n")
  }

  /// One line that says what it is about.
  static func subject(_ message: Value) -> String {
    let said = plain(message["text"]?.string ?? "")
    let first = (said.isEmpty ? body(message) : said).components.first { !$0.isEmpty } ?? ""
    let line = PlainText.line(first)
    let short = line.count > 150 ? line.prefix(149) + "…" : line[...]
    return short.isEmpty ? "luaslack" : String(short)
  }

  /// Text without its markup.
  static func plain(_ text: String) -> String {
    Mrkdwn.passages(text).flatMap(lines).joined(separator: "\n").trimmingNewlines
  }

  private static func lines(_ part: Picture.Part) -> [String] {
    switch part {
    case .text(let passages), .folded(_, whole: let passages): passages.flatMap(lines)
    case .header(let line): [text(line)]
    case .divider: ["--"]
    case .context(let elements): [elements.map(text).joined(separator: "  ")]
    case .fields(let fields): fields.flatMap(lines)
    case .buttons(let buttons): buttons.map { $0.label + ($0.url.map { " (\($0))" } ?? "") }
    case .image(let alt, let url): [[alt, url].filter { !$0.isEmpty }.joined(separator: " ")]
    case .attachment(_, let parts): parts.flatMap(lines)
    }
  }

  /// A value of several lines stands below its title, and apart from it.
  private static func lines(_ field: Picture.Field) -> [String] {
    let (title, value) = (field.title.flatMap(lines), field.value.flatMap(lines))
    guard !title.isEmpty else { return value }
    let name = title.joined(separator: " ")
    guard value.count > 1 else { return ["\(name): \(value.first ?? "")"] }
    return ["\(name):"] + value.map { "    " + $0 }
  }

  /// What stood in a fence is indented: log lines must not look like lines of ours.
  private static func lines(_ passage: Passage) -> [String] {
    switch passage {
    case .lines(let lines): lines.map(text)
    case .quote(let lines): lines.map { "> " + text($0) }
    case .fence(let lines): lines.map { "    " + $0 }
    }
  }

  private static func text(_ line: Span.Line) -> String {
    var text = ""
    for (index, span) in line.enumerated() {
      switch span.kind {
      case .text, .code, .mention, .date: text += span.text
      case .link(let url):
        let isSaid = url == span.text || url == "mailto:" + span.text
        text += isSaid ? span.text : "\(span.text) (\(url))"
      case .emoji:
        let next = index + 1 < line.count ? line[index + 1].text : " "
        let isAlone = (text.last ?? " ") == " " && next.first == " "
        if !isAlone { text += ":\(span.text):" } else if !text.isEmpty { text.removeLast() }
      }
    }
    return text.first == " " && line.first?.kind == .emoji ? String(text.dropFirst()) : text
  }
}
