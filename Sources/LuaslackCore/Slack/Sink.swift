/// Where a formatter's payload becomes what is posted: text is escaped here and nowhere else, and only
/// what belongs into a message gets through.
enum Sink {
  /// What a payload must not contain, with the formatter's way out.
  struct Refused: Error, Equatable, CustomStringConvertible {
    let description: String
  }

  private static let allowed: Set<String> = [
    "text", "blocks", "attachments", "username", "icon_emoji", "icon_url", "mrkdwn",
  ]
  /// Switches and addresses that Slack compares; a marked group has no meaning in them.
  static let verbatim: Set<String> = [
    "type", "color", "style", "block_id", "action_id", "icon_emoji", "callback_id", "mrkdwn_in",
  ]
  /// Stands for the key of anything in which Slack reads no markup.
  private static let unread = "rich_text"
  static let addresses: Set<String> = [
    "url", "image_url", "thumb_url", "title_link", "author_link", "author_icon", "footer_icon",
    "icon_url",
  ]

  /// `fallback` is shown where only text can be, if the formatter gave none.
  static func message(_ payload: Value, fallback: String) throws(Refused) -> Value {
    guard let members = payload.object else {
      throw Refused(description: "the payload must be a table with text, blocks or attachments")
    }
    for key in members.keys.sorted() where !allowed.contains(key) {
      // The script's own word, which people will read, and which may be anything.
      let shown = PlainText.line(String(key.unicodeScalars.prefix(40)))
      throw Refused(description: "payload.\(shown) is not allowed; \(advice(shown))")
    }
    var message = try rendered(payload, key: "")
    // Without it phones show "This content can't be displayed".
    if (message["text"]?.string ?? "").allSatisfy(\.isWhitespace) {
      message["text"] = .string(Markup.mrkdwn(fallback))
    }
    message["unfurl_links"] = false
    message["unfurl_media"] = false
    return message
  }

  private static func advice(_ key: String) -> String {
    switch key {
    case "channel", "url", "to", "thread":
      "return { to = {\"name\"} } as second value: a destination of the config"
    case "parse", "link_names": "use slack.mention and slack.link"
    default: String(Nearest.hint(key, Array(allowed)).dropFirst(2))
    }
  }

  private static func rendered(_ value: Value, key: String) throws(Refused) -> Value {
    switch value {
    case .string(let text): return .string(try rendered(text, key: key))
    case .array(let items):
      var result: [Value] = []
      for item in items { result.append(try rendered(item, key: key)) }
      return .array(result)
    case .object(let members):
      // As Slack will read it: without the marks that somebody may have put into it.
      let type = members["type"]?.string.map(Markup.plain)
      // Its text is Markdown, with links of its own that no escaping here would reach.
      guard type != "markdown" else {
        throw Refused(description: "blocks of type markdown are not allowed; use slack.section")
      }
      // Slack reads no markup in these, and so shows an entity as it stands.
      let isRich = type == "rich_text" || key == unread
      let isPlain = type == "plain_text"
      var result: [String: Value] = [:]
      for (key, value) in members {
        let isUnread = isRich || isPlain && key == "text"
        result[key] = try rendered(value, key: isUnread ? unread : key)
      }
      // An empty list, which in Lua looks like an empty object: Slack would refuse the message.
      for list in ["fields", "blocks", "attachments"] where isEmpty(result[list]) {
        result[list] = nil
      }
      // Bare addresses in a log line would otherwise become links.
      if type == "mrkdwn" { result["verbatim"] = true }
      return .object(result)
    default: return value
    }
  }

  private static func isEmpty(_ value: Value?) -> Bool { value == [] || value == [:] }

  private static func rendered(_ text: String, key: String) throws(Refused) -> String {
    if key == unread || verbatim.contains(key) { return Markup.plain(text) }
    guard addresses.contains(key) else { return Markup.mrkdwn(text) }
    let url = Markup.plain(text)
    guard ["https://", "http://", "mailto:"].contains(where: { url.hasPrefix($0) }) else {
      throw Refused(description: "\(key) must begin with https://, http:// or mailto:")
    }
    return url
  }
}
