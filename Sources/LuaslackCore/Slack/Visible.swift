/// What a reader of a rendered message sees of it in the channel, as far as text goes.
enum Visible {
  /// Whether the text stands somewhere in it, not as a part of a longer address or word.
  static func shows(_ text: String, in message: Value) -> Bool {
    // The beginning will do: a formatter may cut a long id.
    let wanted = String(text.prefix(64))
    let forms = [wanted, Markup.escape(wanted)]
    return texts(of: message).contains { shown in
      forms.contains { contains($0, in: shown) }
    }
  }

  /// With blocks, Slack shows them instead of `text`; the same within an attachment.
  private static func texts(of message: Value) -> [String] {
    let attachments = message["attachments"]?.array ?? []
    return (blocks(of: message) ?? [message["text"]?.string ?? ""])
      + attachments.flatMap { blocks(of: $0) ?? legacy($0) }
  }

  private static func legacy(_ attachment: Value) -> [String] {
    let fields = (attachment["fields"]?.array ?? []).flatMap { [$0["title"], $0["value"]] }
    let others = ["pretext", "author_name", "title", "text", "footer"].map { attachment[$0] }
    return (fields + others).compactMap { $0?.string }
  }

  private static func blocks(of part: Value) -> [String]? {
    guard let blocks = part["blocks"]?.array, !blocks.isEmpty else { return nil }
    return blocks.flatMap(nested)
  }

  /// Every `text` at any depth: text objects, buttons, rich text.
  private static func nested(_ value: Value) -> [String] {
    switch value {
    case .array(let items): items.flatMap(nested)
    case .object(let members):
      members.flatMap { key, value in
        if key == "text", let text = value.string { [text] } else { nested(value) }
      }
    default: []
    }
  }

  private static func contains(_ wanted: String, in text: String) -> Bool {
    var rest = text[...]
    while let found = rest.firstRange(of: wanted) {
      let before = text[..<found.lowerBound].last
      let after = text[found.upperBound...].prefix(2)
      if !isPart(before), !continues(after) { return true }
      rest = rest[rest.index(after: found.lowerBound)...]
    }
    return false
  }

  private static func isPart(_ character: Character?) -> Bool {
    guard let character else { return false }
    return character.isLetter || character.isNumber || character == "." || character == ":"
  }

  /// `203.0.113.7` goes on in `203.0.113.70` and `203.0.113.7.1`, but not before a full stop.
  private static func continues(_ after: Substring) -> Bool {
    guard let first = after.first else { return false }
    if first.isLetter || first.isNumber { return true }
    return (first == "." || first == ":") && after.dropFirst().first.map { isPart($0) } == true
  }
}
