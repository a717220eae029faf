/// What Slack shows of a message, without how: the parts in their order, texts without their markup. Takes a
/// payload as it is sent. Pure; parts that it does not know are left out.
public struct Picture: Sendable, Equatable {
  public indirect enum Part: Sendable, Equatable {
    case text([Passage])
    case header(Span.Line)
    case divider
    /// Small and grey.
    case context([Span.Line])
    /// In two columns, but for those that are not short.
    case fields([Field])
    case buttons([Button])
    case image(alt: String, url: String)
    /// The beginning of a text that is so long that its rest is a click away.
    case folded([Passage], whole: [Passage])
    /// An attachment, with a bar of this colour (`#rrggbb`; nil: grey) at its left.
    case attachment(colour: String?, [Part])
  }

  public struct Field: Sendable, Equatable {
    public let title: [Passage]
    public let value: [Passage]
    public let isShort: Bool
  }

  public struct Button: Sendable, Equatable {
    public enum Style: Sendable { case usual, primary, danger }
    public let label: String
    public let url: String?
    public let style: Style
  }

  /// Who it is from.
  public let sender: String
  /// The name of an emoji; nil: the app's own picture.
  public let icon: String?
  /// When it came, as Slack writes that beside the name; nil: the message does not say.
  public let time: String?
  public let parts: [Part]

  public init(_ message: Value) {
    sender = message["username"]?.string ?? "luaslack"
    icon = message["icon_emoji"]?.string.map { name in
      let name = name.hasPrefix(":") ? name.dropFirst() : name[...]
      return String(name.hasSuffix(":") ? name.dropLast() : name)
    }
    // Slack shows the blocks in place of the text.
    let rules = message["mrkdwn"] == false ? Mrkdwn.Rules.all.subtracting(.marks) : .all
    let text = message["text"]?.string ?? ""
    let top = Self.blocks(message) ?? (text.isEmpty ? [] : [.text(Mrkdwn.passages(text, rules))])
    let attachments = message["attachments"]?.array ?? []
    time = attachments.compactMap { $0["ts"]?.int }.first.flatMap(SlackDate.time)
    parts = top + attachments.flatMap(Self.attachment)
  }

  // MARK: - Attachments

  private static func attachment(_ value: Value) -> [Part] {
    let colour = Self.colour(value["color"]?.string)
    if let blocks = blocks(value) { return [.attachment(colour: colour, blocks)] }
    let live = Set((value["mrkdwn_in"]?.array ?? []).compactMap(\.string))
    func read(_ key: String, _ text: String) -> [Passage] {
      Mrkdwn.passages(text, live.contains(key) ? .all : .all.subtracting(.marks))
    }
    let fields = (value["fields"]?.array ?? []).map { field in
      Field(
        title: bold(Mrkdwn.passages(field["title"]?.string ?? "", [.controls, .emoji])),
        value: read("fields", field["value"]?.string ?? ""), isShort: field["short"] == true)
    }
    var parts = line(value["author_name"], value["author_link"])
    parts += line(value["title"], value["title_link"], isBold: true)
    parts += folded(value["text"]?.string ?? "") { read("text", $0) }
    if !fields.isEmpty { parts.append(.fields(fields)) }
    let buttons = (value["actions"]?.array ?? []).filter { $0["type"] == "button" }.map(button)
    if !buttons.isEmpty { parts.append(.buttons(buttons)) }
    // Slack shows one of the two.
    if let url = (value["image_url"] ?? value["thumb_url"])?.string {
      parts.append(.image(alt: "", url: url))
    }
    parts += footer(value)
    // It stands above the bar.
    let pretext = value["pretext"]?.string ?? ""
    let above: [Part] = pretext.isEmpty ? [] : [.text(read("pretext", pretext))]
    return above + (parts.isEmpty ? [] : [.attachment(colour: colour, parts)])
  }

  /// What Slack shows of an attachment's text before somebody asks for more.
  private static func folded(_ text: String, _ read: (String) -> [Passage]) -> [Part] {
    guard !text.isEmpty else { return [] }
    let whole = read(text)
    let isLong = FitText.isLonger(text, than: 700)
    let shown = (isLong ? read(FitText.cut(text, to: 700, .markup)) : whole).prefix(lines: 5)
    return [shown == whole ? .text(whole) : .folded(shown, whole: whole)]
  }

  private static func footer(_ value: Value) -> [Part] {
    let text = Mrkdwn.decoded(value["footer"]?.string ?? "")
    let words = [text, value["ts"]?.int.map(Timestamp.words) ?? ""].filter { !$0.isEmpty }
    return words.isEmpty ? [] : [.context([[Span(words.joined(separator: " | "))]])]
  }

  /// A name that may lead somewhere.
  private static func line(_ name: Value?, _ link: Value?, isBold: Bool = false) -> [Part] {
    guard let name = name?.string, !name.isEmpty else { return [] }
    let kind: Span.Kind = (link?.string).map { .link(url: $0) } ?? .text
    return [.text([.lines([[Span(Mrkdwn.decoded(name), kind, isBold ? .bold : [])]])])]
  }

  private static func bold(_ passages: [Passage]) -> [Passage] {
    passages.map { passage in
      guard case .lines(let lines) = passage else { return passage }
      return .lines(
        lines.map { line in line.map { Span($0.text, $0.kind, $0.style.union(.bold)) } })
    }
  }

  /// `#rrggbb`, also for Slack's three names.
  private static func colour(_ name: String?) -> String? {
    switch name {
    case "good": return "#2eb886"
    case "warning": return "#daa038"
    case "danger": return "#a30200"
    default:
      let digits = (name ?? "").filter { $0 != "#" }
      guard digits.count == 6, digits.allSatisfy({ $0.isASCII && $0.isHexDigit }) else {
        return nil
      }
      return "#" + digits.lowercased()
    }
  }

  // MARK: - Blocks

  private static func blocks(_ value: Value) -> [Part]? {
    guard let blocks = value["blocks"]?.array, !blocks.isEmpty else { return nil }
    return blocks.flatMap(block)
  }

  private static func block(_ block: Value) -> [Part] {
    let elements = block["elements"]?.array ?? []
    switch block["type"]?.string {
    case "divider": return [.divider]
    case "header": return [.header(line(block["text"]))]
    case "section": return section(block)
    case "context": return [.context(elements.map(element))]
    case "actions": return [.buttons(elements.filter { $0["type"] == "button" }.map(button))]
    case "image":
      let title = block["title"].map { [Part.text(object($0))] } ?? []
      return title + [image(block)]
    case "video": return line(block["title"]?["text"], block["title_url"], isBold: true)
    case "table": return [.text([.lines((block["rows"]?.array ?? []).map(row))])]
    case "rich_text": return elements.map { .text(rich($0)) }
    default: return []
    }
  }

  private static func section(_ block: Value) -> [Part] {
    var parts: [Part] = []
    if let text = block["text"] { parts.append(.text(object(text))) }
    let fields = (block["fields"]?.array ?? []).map {
      Field(title: [], value: object($0), isShort: true)
    }
    if !fields.isEmpty { parts.append(.fields(fields)) }
    switch block["accessory"]?["type"]?.string {
    case "button": parts.append(.buttons([button(block["accessory"] ?? .null)]))
    case "image": parts.append(image(block["accessory"] ?? .null))
    default: break
    }
    return parts
  }

  private static func image(_ value: Value) -> Part {
    let alt = Mrkdwn.decoded(value["alt_text"]?.string ?? "")
    return .image(alt: alt, url: value["image_url"]?.string ?? "")
  }

  /// An element of a context block: text, or a picture that its words stand for.
  private static func element(_ element: Value) -> Span.Line {
    element["type"] == "image"
      ? [Span("[\(Mrkdwn.decoded(element["alt_text"]?.string ?? "picture"))]")] : line(element)
  }

  private static func row(_ cells: Value) -> Span.Line {
    let cells = (cells.array ?? []).map { cell in
      cell["type"] == "rich_text"
        ? Array(
          (cell["elements"]?.array ?? []).flatMap { lines($0["elements"]?.array ?? []) }.joined())
        : [Span(cell["text"]?.string ?? "")]
    }
    return Array(cells.joined(separator: [Span("  ")]))
  }

  /// A text object.
  private static func object(_ object: Value) -> [Passage] {
    let text = object["text"]?.string ?? ""
    guard object["type"] == "mrkdwn" else {
      return Mrkdwn.passages(text, object["emoji"] == false ? [] : .emoji)
    }
    return Mrkdwn.passages(text, object["verbatim"] == true ? .all.subtracting(.addresses) : .all)
  }

  /// A text object that has one line.
  private static func line(_ value: Value?) -> Span.Line {
    let lines = object(value ?? .null).flatMap { passage -> [Span.Line] in
      switch passage {
      case .lines(let lines), .quote(let lines): lines
      case .fence(let lines): lines.map { [Span($0, .code)] }
      }
    }
    return Array(lines.joined(separator: [Span(" ")]))
  }

  private static func button(_ value: Value) -> Button {
    let label = value["text"]?["text"]?.string ?? Mrkdwn.decoded(value["text"]?.string ?? "")
    let style: Button.Style =
      switch value["style"]?.string {
      case "primary": .primary
      case "danger": .danger
      default: .usual
      }
    return Button(label: label, url: value["url"]?.string, style: style)
  }

  // MARK: - Rich text

  private static func rich(_ value: Value) -> [Passage] {
    let elements = value["elements"]?.array ?? []
    switch value["type"]?.string {
    case "rich_text_preformatted":
      return [.fence(elements.compactMap { $0["text"]?.string }.joined().components)]
    case "rich_text_quote": return [.quote(lines(elements))]
    case "rich_text_list":
      let isOrdered = value["style"] == "ordered"
      return [
        .lines(
          elements.enumerated().flatMap { index, item in
            let mark = Span(isOrdered ? "\(index + 1). " : "• ")
            let lines = lines(item["elements"]?.array ?? [])
            return lines.enumerated().map { $0.offset == 0 ? [mark] + $0.element : $0.element }
          })
      ]
    default: return [.lines(lines(elements))]
    }
  }

  private static func lines(_ elements: [Value]) -> [Span.Line] {
    var lines: [Span.Line] = [[]]
    for element in elements {
      let parts = richSpan(element).text.components
      for (index, part) in parts.enumerated() {
        if index > 0 { lines.append([]) }
        var span = richSpan(element)
        span.text = part
        if !part.isEmpty { lines[lines.count - 1].append(span) }
      }
    }
    return lines
  }

  private static func richSpan(_ element: Value) -> Span {
    var style: Span.Style = []
    if element["style"]?["bold"] == true { style.insert(.bold) }
    if element["style"]?["italic"] == true { style.insert(.italic) }
    if element["style"]?["strike"] == true { style.insert(.struck) }
    let text = element["text"]?.string
    switch element["type"]?.string {
    case "link":
      let url = element["url"]?.string ?? ""
      return Span(text ?? url, .link(url: url), style)
    case "emoji":
      let tone = element["skin_tone"]?.int.map { "::skin-tone-\($0)" } ?? ""
      return Span((element["name"]?.string ?? "") + tone, .emoji, style)
    case "date":
      let parts = ["\(element["timestamp"]?.int ?? 0)", element["format"]?.string ?? ""]
      let fallback = element["fallback"]?.string ?? ""
      return Span(fallback, .date(shown: SlackDate.text(parts) ?? fallback), style)
    case "user": return Span("@" + (element["user_id"]?.string ?? ""), .mention, style)
    case "usergroup": return Span("@" + (element["usergroup_id"]?.string ?? ""), .mention, style)
    case "channel": return Span("#" + (element["channel_id"]?.string ?? ""), .mention, style)
    case "broadcast": return Span("@" + (element["range"]?.string ?? ""), .mention, style)
    default:
      let kind: Span.Kind = element["style"]?["code"] == true ? .code : .text
      return Span(text ?? "", kind, style)
    }
  }
}
