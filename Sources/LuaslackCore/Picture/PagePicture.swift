/// Pictures as one page of HTML that needs nothing else: each message as Slack shows it by day and by night.
/// Pure. Texts of messages are escaped, and a link leads only where Slack would let it.
public struct PagePicture: Sendable {
  /// A message with what is said of it.
  public struct Entry: Sendable {
    public let title: String
    /// Nil: there is no message, and the remarks say why.
    public let picture: Picture?
    public let remarks: [String]

    public init(title: String, picture: Picture?, remarks: [String]) {
      (self.title, self.picture, self.remarks) = (title, picture, remarks)
    }
  }

  public static func page(_ entries: [Entry], title: String) -> String {
    let body = entries.map(section).joined(separator: "\n")
    return """
      <!doctype html>
      <html lang="en">
      <head>
      <meta charset="utf-8">
      <meta name="viewport" content="width=device-width">
      <meta name="referrer" content="no-referrer">
      <meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'">
      <title>\(escaped(title))</title>
      <style>
      \(style)
      </style>
      </head>
      <body>
      \(body)
      </body>
      </html>

      """
  }

  private static func section(_ entry: Entry) -> String {
    let message = entry.picture.map(message) ?? "<p class=\"none\">no message</p>"
    let remarks = entry.remarks.map { "<li>\(escaped($0))</li>" }.joined()
    return """
      <section>
      \(entry.title.isEmpty ? "" : "<h2>\(escaped(entry.title))</h2>")
      <div class="pair"><div class="slack day">\(message)</div><div class="slack night">\(message)</div></div>
      \(remarks.isEmpty ? "" : "<ul class=\"remarks\">\(remarks)</ul>")
      </section>
      """
  }

  private static func message(_ picture: Picture) -> String {
    let icon = picture.icon.map { escaped(Emoji.glyph($0) ?? ":\($0):") } ?? "🛡️"
    let time = picture.time.map { " <span class=\"time\">\($0)</span>" } ?? ""
    return """
      <article class="message"><div class="icon">\(icon)</div><div class="body">\
      <div class="head"><b>\(escaped(picture.sender))</b> <span class="app">APP</span>\(time)</div>\
      \(picture.parts.map(part).joined())</div></article>
      """
  }

  private static func part(_ part: Picture.Part) -> String {
    switch part {
    case .text(let passages): passages.map(passage).joined()
    case .header(let line): "<h3>\(spans(line))</h3>"
    case .divider: "<hr>"
    case .context(let elements):
      "<div class=\"context\">"
        + elements.map { "<span>\(spans($0))</span>" }.joined(separator: " ") + "</div>"
    case .fields(let fields): "<div class=\"fields\">\(fields.map(field).joined())</div>"
    case .buttons(let buttons): "<div class=\"buttons\">\(buttons.map(button).joined())</div>"
    // Nothing is loaded from anywhere: a preview tells no server that somebody looks.
    case .image(let alt, let url):
      "<div class=\"picture\">\(escaped(alt.isEmpty ? "picture" : alt))<br><small>\(escaped(url))</small></div>"
    case .attachment(let colour, let parts):
      "<div class=\"attachment\"\(colour.map { " style=\"--bar: \($0)\"" } ?? "")>"
        + parts.map(Self.part).joined() + "</div>"
    case .folded(let passages, _):
      passages.map(passage).joined() + "<p class=\"more\">Show more</p>"
    }
  }

  private static func field(_ field: Picture.Field) -> String {
    "<div class=\"field\(field.isShort ? "" : " long")\">"
      + field.title.map(passage).joined() + field.value.map(passage).joined() + "</div>"
  }

  private static func button(_ button: Picture.Button) -> String {
    let style: String =
      switch button.style {
      case .usual: ""
      case .primary: " primary"
      case .danger: " danger"
      }
    return link(
      button.url ?? "", escaped(button.label), attributes: " class=\"button\(style)\"")
  }

  private static func passage(_ passage: Passage) -> String {
    switch passage {
    case .lines(let lines): "<p>\(lines.map(spans).joined(separator: "<br>"))</p>"
    case .quote(let lines):
      "<blockquote>\(lines.map(spans).joined(separator: "<br>"))</blockquote>"
    case .fence(let lines): "<pre>\(lines.map(escaped).joined(separator: "\n"))</pre>"
    }
  }

  private static func spans(_ line: Span.Line) -> String { line.map(span).joined() }

  private static func span(_ span: Span) -> String {
    var html =
      switch span.kind {
      case .text: escaped(span.text)
      case .code: "<code>\(escaped(span.text))</code>"
      case .link(let url): link(url, escaped(span.text))
      case .mention:
        "<span class=\"mention\(callsAll(span.text) ? " all" : "")\">\(escaped(span.text))</span>"
      case .date(let shown): escaped(shown)
      case .emoji: escaped(Emoji.glyph(span.text) ?? ":\(span.text):")
      }
    if span.style.contains(.bold) { html = "<b>\(html)</b>" }
    if span.style.contains(.italic) { html = "<i>\(html)</i>" }
    if span.style.contains(.struck) { html = "<s>\(html)</s>" }
    return html
  }

  /// Slack shows these in the colour of what concerns the reader.
  private static func callsAll(_ mention: String) -> Bool {
    ["@here", "@channel", "@everyone"].contains(mention)
  }

  private static func link(_ url: String, _ html: String, attributes: String = "") -> String {
    let isAllowed = ["https://", "http://", "mailto:"].contains { url.hasPrefix($0) }
    guard isAllowed else { return attributes.isEmpty ? html : "<span\(attributes)>\(html)</span>" }
    return "<a\(attributes) href=\"\(escaped(url))\" rel=\"noreferrer\">\(html)</a>"
  }

  static func escaped(_ text: String) -> String {
    Markup.escape(text).replacing("\"", with: "&quot;").replacing("'", with: "&#39;")
  }

  private static let style = """
    body { margin: 24px; background: #f0f0f0; font: 15px/22px Lato, "Noto Sans", "DejaVu Sans", sans-serif; }
    h2 { margin: 24px 0 8px; font-size: 15px; color: #555; }
    .pair { display: flex; gap: 16px; flex-wrap: wrap; align-items: stretch; }
    .slack { flex: 1 1 min(460px, 100%); max-width: 680px; box-sizing: border-box; padding: 8px 20px; border-radius: 8px; }
    .day { background: #fff; color: #1d1c1d; --grey: #616061; --line: #1d1c1d21; --bar: #ddd; --code: #c01343;
      --shade: #1d1c1d0a; --link: #1264a3; --slug: #1d9bd11a; --all: #f2c74466; --called: #1264a3; --badge: #1d1c1d21; --edge: #1d1c1d4d; }
    .night { background: #1a1d21; color: #d1d2d3; --grey: #ababad; --line: #e8e8e821; --bar: #565856; --code: #e8912d;
      --shade: #e8e8e80a; --link: #1d9bd1; --slug: #1d9bd11a; --all: #f2c74433; --called: #f2c744; --badge: #e8e8e821; --edge: #e8e8e84d; }
    .message { display: flex; gap: 8px; }
    .icon { flex: 0 0 36px; height: 36px; margin-top: 4px; border-radius: 8px; background: var(--badge);
      text-align: center; font-size: 22px; line-height: 36px; overflow: hidden; }
    .body { flex: 1; min-width: 0; overflow-wrap: anywhere; }
    .head b { font-weight: 900; }
    .app { margin: 0 2px; padding: 1px 3px; border-radius: 2px; font-size: 10px; font-weight: 700; vertical-align: 1px;
      background: var(--badge); color: var(--grey); }
    .time { font-size: 12px; color: var(--grey); }
    p { margin: 0; white-space: pre-wrap; }
    h3 { margin: 8px 0 4px; font-size: 18px; font-weight: 900; }
    hr { border: 0; border-top: 1px solid var(--line); margin: 12px 0; }
    a, .more { color: var(--link); text-decoration: none; }
    code, pre { font: 12px/18px "Noto Sans Mono", "DejaVu Sans Mono", monospace; border: 1px solid var(--line);
      background: var(--shade); border-radius: 4px; }
    code { padding: 2px 3px 1px; color: var(--code); }
    pre { margin: 4px 0; padding: 8px; white-space: pre-wrap; }
    blockquote { margin: 4px 0; padding-left: 12px; border-left: 4px solid var(--bar); border-radius: 4px; }
    .mention { padding: 0 2px 1px; border-radius: 3px; background: var(--slug); color: var(--link); }
    .all { background: var(--all); color: var(--called); }
    .context { font-size: 13px; line-height: 18px; margin: 4px 0; color: var(--grey); }
    .context span { margin-right: 8px; }
    .fields { display: grid; grid-template-columns: 1fr 1fr; gap: 8px 16px; margin: 8px 0; }
    .long { grid-column: 1 / 3; }
    .button { display: inline-block; margin: 4px 8px 4px 0; padding: 2px 12px; border: 1px solid var(--edge);
      border-radius: 8px; color: inherit; font-weight: 700; font-size: 13px; }
    .primary { border-color: #007a5a; background: #007a5a; color: #fff; }
    .danger { border-color: #e01e5a; background: #e01e5a; color: #fff; }
    .picture { margin: 4px 0; padding: 16px; border-radius: 8px; background: var(--shade); color: var(--grey); }
    .attachment { position: relative; margin: 4px 0; padding: 2px 0 2px 16px; }
    .attachment::before { content: ""; position: absolute; left: 0; top: 0; bottom: 0; width: 4px; border-radius: 8px;
      background: var(--bar); }
    .remarks { color: #777; font-size: 13px; }
    .remarks li { white-space: pre-wrap; font-family: ui-monospace, monospace; }
    .none { color: var(--grey); font-style: italic; }
    """
}
