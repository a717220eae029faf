/// What a reader of a rendered message sees of it in the channel, as far as text goes.
enum Visible {
  /// Characters and lines of one text that are counted: what comes later is cut or folded away.
  private static let longest = 3_000
  private static let mostLines = 40

  /// Whether the text stands somewhere in it, not as a part of a longer address or word.
  static func shows(_ text: String, in message: Value) -> Bool {
    // The beginning will do: a formatter may cut a long id.
    let wanted = Array(text.unicodeScalars.prefix(64))
    let isCut = wanted.count < text.unicodeScalars.count
    return texts(of: message).contains { contains(wanted, in: seen($0), mayGoOn: isCut) }
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

  /// The members of a block that hold what is on show, and not only after a click.
  private static let holders: Set<String> = ["text", "fields", "elements", "title", "accessory"]

  private static func nested(_ value: Value) -> [String] {
    switch value {
    case .string(let text): [text]
    case .array(let items): items.flatMap(nested)
    case .object(let members): members.flatMap { holders.contains($0) ? nested($1) : [] }
    default: []
    }
  }

  /// The text as it is read: links by their labels, no dates and names, which Slack words itself, no
  /// characters that are not seen. Nothing at all where the direction of reading is turned.
  private static func seen(_ text: String) -> [Unicode.Scalar] {
    var result: [Unicode.Scalar] = []
    var lines = 0
    var rest = text.unicodeScalars[...]
    while let scalar = rest.popFirst(), result.count < longest, lines < mostLines {
      switch scalar {
      case "<":
        guard let end = rest.firstIndex(of: ">") else { return result }
        result += label(rest[..<end])
        rest = rest[rest.index(after: end)...]
      case "\u{202a}"..."\u{202e}", "\u{2066}"..."\u{2069}": return []
      case "\n":
        lines += 1
        result.append(scalar)
      default:
        if scalar.isASCII || scalar.properties.generalCategory != .format { result.append(scalar) }
      }
    }
    return result
  }

  private static func label(_ markup: Substring.UnicodeScalarView) -> [Unicode.Scalar] {
    guard let first = markup.first, !["!", "@", "#"].contains(first) else { return [" "] }
    let bar = markup.firstIndex(of: "|")
    let shown = bar.map { markup[markup.index(after: $0)...] } ?? markup
    return [" "] + Array(shown) + [" "]
  }

  private static func contains(
    _ wanted: [Unicode.Scalar], in text: [Unicode.Scalar], mayGoOn: Bool
  ) -> Bool {
    guard let first = wanted.first, text.count >= wanted.count else { return false }
    let escaped = Array(Markup.escape(wanted.text).unicodeScalars)
    for start in text.indices where text[start] == first || text[start] == "&" {
      for form in wanted == escaped ? [wanted] : [wanted, escaped] {
        guard text[start...].starts(with: form) else { continue }
        let before = start > 0 ? text[start - 1] : nil
        let after = text[(start + form.count)...].prefix(2)
        if !isPart(before), mayGoOn || !continues(after) { return true }
      }
    }
    return false
  }

  private static func isPart(_ scalar: Unicode.Scalar?) -> Bool {
    guard let scalar else { return false }
    return isWord(scalar) || scalar == "." || scalar == ":"
  }

  private static func isWord(_ scalar: Unicode.Scalar) -> Bool {
    scalar.properties.isAlphabetic || scalar.properties.numericType != nil
  }

  /// `203.0.113.7` goes on in `203.0.113.70` and `203.0.113.7.1`, but not before a full stop.
  private static func continues(_ after: ArraySlice<Unicode.Scalar>) -> Bool {
    guard let first = after.first else { return false }
    if isWord(first) { return true }
    return (first == "." || first == ":") && isPart(after.dropFirst().first)
  }
}

extension [Unicode.Scalar] {
  fileprivate var text: String { String(String.UnicodeScalarView(self)) }
}
