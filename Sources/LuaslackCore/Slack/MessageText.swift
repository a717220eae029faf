/// A message as plain text, for mail: what Slack would show of it, without markup. Takes a payload
/// as the sink made it, with entities and live markup.
enum MessageText {
  /// What people see of the message, in order; ends without a line end.
  static func body(_ message: Value) -> String {
    let attachments = (message["attachments"]?.array ?? []).map(attachment)
    let top = blocks(message) ?? plain(message["text"]?.string ?? "")
    return ([top] + attachments).filter { !$0.isEmpty }.joined(separator: "\n\n")
  }

  /// One line that says what it is about.
  static func subject(_ message: Value) -> String {
    let text = plain(message["text"]?.string ?? "").split(whereSeparator: \.isNewline).first
    let line = PlainText.line(String(text ?? body(message).prefix { !$0.isNewline }))
    let short = line.count > 150 ? line.prefix(149) + "…" : line[...]
    return short.isEmpty ? "luaslack" : String(short)
  }

  private static func attachment(_ part: Value) -> String {
    func text(_ key: String) -> String { part[key]?.string ?? "" }
    let live = Set((part["mrkdwn_in"]?.array ?? []).compactMap(\.string))
    func shown(_ key: String) -> String {
      live.contains(key) ? plain(text(key)) : decoded(text(key))
    }
    if let blocks = blocks(part) { return blocks }
    let title = [decoded(text("title")), text("title_link")].filter { !$0.isEmpty }
    let fields = (part["fields"]?.array ?? []).map { field in
      let value = field["value"]?.string ?? ""
      return labelled(
        decoded(field["title"]?.string ?? ""),
        live.contains("fields") ? plain(value) : decoded(value))
    }
    return
      ([
        shown("pretext"), decoded(text("author_name")), title.joined(separator: " "), shown("text"),
      ]
      + fields + [decoded(text("footer"))]).filter { !$0.isEmpty }.joined(separator: "\n")
  }

  /// A value of several lines stands below its title, and apart from it.
  private static func labelled(_ title: String, _ value: String) -> String {
    guard value.contains("\n") else { return "\(title): \(value)" }
    return "\(title):\n" + indented(value)
  }

  private static func blocks(_ part: Value) -> String? {
    guard let blocks = part["blocks"]?.array, !blocks.isEmpty else { return nil }
    return blocks.map(block).filter { !$0.isEmpty }.joined(separator: "\n")
  }

  private static func block(_ block: Value) -> String {
    let elements = block["elements"]?.array ?? []
    switch block["type"]?.string {
    case "divider": return "--"
    case "section":
      let fields = block["fields"]?.array ?? []
      return ([object(block["text"])] + fields.map(object)).filter { !$0.isEmpty }
        .joined(separator: "\n")
    case "context":
      return elements.map { $0["alt_text"]?.string ?? object($0) }.joined(separator: "  ")
    case "actions":
      return elements.map { element in
        let url = element["url"]?.string.map { " (\($0))" } ?? ""
        return object(element["text"]) + url
      }.joined(separator: "\n")
    case "image":
      return [block["alt_text"]?.string, block["image_url"]?.string].compactMap { $0 }
        .joined(separator: " ")
    case "rich_text": return rich(block)
    default: return object(block["text"])
    }
  }

  private static func object(_ object: Value?) -> String {
    let text = object?["text"]?.string ?? ""
    return object?["type"] == "mrkdwn" ? plain(text) : withoutEmoji(text)
  }

  private static func rich(_ value: Value) -> String {
    if let text = value["text"]?.string { return text }
    let isInline = value["type"] == "rich_text_section"
    let parts = (value["elements"]?.array ?? []).map(rich)
    return parts.joined(separator: isInline ? "" : "\n")
  }

  // MARK: - mrkdwn

  /// Text without its markup. What stood in a fence is indented: log lines must not look like lines
  /// of ours.
  static func plain(_ text: String) -> String {
    var result = ""
    var rest = text[...]
    while let start = rest.firstRange(of: "```") {
      let after = rest[start.upperBound...]
      guard let end = after.firstRange(of: "```") else { break }
      result += unfenced(rest[..<start.lowerBound])
      if !result.isEmpty, result.last?.isNewline != true { result += "\n" }
      result += indented(decoded(String(after[..<end.lowerBound])).trimmingNewlines)
      rest = after[end.upperBound...]
      if let first = rest.first, !first.isNewline { result += "\n" }
    }
    return withoutEmoji(result + unfenced(rest)).trimmingNewlines
  }

  private static func indented(_ text: String) -> String {
    text.split(separator: "\n", omittingEmptySubsequences: false).map { "    " + $0 }
      .joined(separator: "\n")
  }

  /// Code spans are taken as they are; between them, links and mentions become words and the marks
  /// of bold, italic and struck text go.
  private static func unfenced(_ text: Substring) -> String {
    var result = ""
    for (index, part) in text.split(separator: "`", omittingEmptySubsequences: false).enumerated() {
      result += index % 2 == 1 ? decoded(String(part)) : worded(part)
    }
    return result
  }

  private static func worded(_ text: Substring) -> String {
    var result = ""
    var rest = text
    while let start = rest.firstIndex(of: "<") {
      let inner = rest[rest.index(after: start)...]
      guard let end = inner.firstIndex(of: ">") else { break }
      result += decoded(unmarked(String(rest[..<start]))) + words(inner[..<end])
      rest = inner[inner.index(after: end)...]
    }
    return result + decoded(unmarked(String(rest)))
  }

  private static func words(_ control: Substring) -> String {
    let parts = control.split(separator: "|", maxSplits: 1).map { decoded(String($0)) }
    let (target, label) = (parts.first ?? "", parts.count > 1 ? parts[1] : nil)
    switch target.first {
    case "!":
      if target.hasPrefix("!date^") { return label ?? "" }
      return label ?? "@" + target.dropFirst().replacing("subteam^", with: "")
    case "@", "#": return label.map { "\(target.prefix(1))\($0)" } ?? target
    default: return label.map { "\($0) (\(target))" } ?? target
    }
  }

  /// Without pairs of `*`, `_` and `~` that stand around words, as Slack reads them.
  private static func unmarked(_ text: String) -> String {
    var characters = Array(text)
    for mark in ["*", "_", "~"] as [Character] {
      var open: Int?
      var drop: Set<Int> = []
      for (index, character) in characters.enumerated() {
        if character.isNewline { open = nil }
        guard character == mark else { continue }
        let before = index > 0 ? characters[index - 1] : " "
        let after = index + 1 < characters.count ? characters[index + 1] : " "
        if let start = open, !before.isWhitespace, !isWord(after), index > start + 1 {
          drop.formUnion([start, index])
          open = nil
        } else if open == nil, !isWord(before), !after.isWhitespace {
          open = index
        }
      }
      if !drop.isEmpty {
        characters = characters.enumerated().filter { !drop.contains($0.offset) }.map(\.element)
      }
    }
    return String(characters)
  }

  private static func isWord(_ character: Character) -> Bool {
    character.isLetter || character.isNumber
  }

  /// `&amp;` last, so that nothing is decoded twice.
  private static func decoded(_ text: String) -> String {
    text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&amp;", with: "&")
  }

  /// Without names of emoji that stand alone, like `:shield:`.
  private static func withoutEmoji(_ text: String) -> String {
    guard text.contains(":") else { return text }
    return text.split(separator: "\n", omittingEmptySubsequences: false).map { line in
      // What is indented is quoted.
      guard !line.hasPrefix("    ") else { return String(line) }
      return line.split(separator: " ", omittingEmptySubsequences: false)
        .filter { !isEmoji($0) }.joined(separator: " ")
    }.joined(separator: "\n")
  }

  private static func isEmoji(_ word: Substring) -> Bool {
    guard word.count > 2, word.first == ":", word.last == ":" else { return false }
    let name = word.dropFirst().dropLast()
    return name.first?.isLetter == true
      && name.utf8.allSatisfy { byte in
        (0x61...0x7a).contains(byte) || (0x30...0x39).contains(byte) || "_+-".utf8.contains(byte)
      }
  }
}

extension String {
  fileprivate var trimmingNewlines: String {
    var text = self[...]
    while text.last?.isNewline == true { text = text.dropLast() }
    while text.first?.isNewline == true { text = text.dropFirst() }
    return String(text)
  }
}
