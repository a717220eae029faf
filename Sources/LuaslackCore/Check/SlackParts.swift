/// What Slack knows of a message: the members that each part may have, and how much of them. From
/// docs.slack.dev/reference/block-kit and docs.slack.dev/legacy/legacy-messaging (attachments).
enum SlackParts {
  enum Member: Sendable {
    /// Not looked into.
    case anything
    /// At most so many characters as they are sent; nil: as many as the message has room for.
    case text(most: Int?)
    case colour
    case part(String)
    case parts(String, most: Int?)
  }

  struct Part: Sendable {
    let members: [String: Member]
    /// Without one of these Slack refuses the whole message; several: one of them is enough.
    var needs: [String] = []
  }

  /// By name; `block` and `element` are told apart by their `type`.
  static let parts: [String: Part] = [
    "message": Part(members: [
      "text": .text(most: 40_000), "blocks": .parts("block", most: 50),
      "attachments": .parts("attachment", most: 100), "username": .anything,
      "icon_emoji": .anything, "icon_url": .anything, "mrkdwn": .anything,
    ]),
    "attachment": Part(members: [
      "color": .colour, "pretext": .text(most: nil), "title": .text(most: 1_024),
      "title_link": .anything, "fallback": .anything, "text": .text(most: nil),
      "author_name": .text(most: nil), "author_link": .anything, "author_icon": .anything,
      "author_subname": .anything, "fields": .parts("field", most: nil),
      "blocks": .parts("block", most: 50), "footer": .text(most: 300), "footer_icon": .anything,
      "image_url": .anything, "thumb_url": .anything, "ts": .anything, "mrkdwn_in": .anything,
      "callback_id": .anything, "id": .anything,
    ]),
    "field": Part(members: [
      "title": .text(most: nil), "value": .text(most: nil), "short": .anything,
    ]),
    "text": Part(
      members: [
        "type": .anything, "text": .text(most: 3_000), "emoji": .anything, "verbatim": .anything,
      ], needs: ["text"]),
    "heading": Part(
      members: ["type": .anything, "text": .text(most: 150), "emoji": .anything], needs: ["text"]),
    "column": Part(
      members: [
        "type": .anything, "text": .text(most: 2_000), "emoji": .anything, "verbatim": .anything,
      ], needs: ["text"]),
  ]

  static let blocks: [String: Part] = [
    "section": Part(
      members: block([
        "text": .part("text"), "fields": .parts("column", most: 10), "accessory": .part("element"),
        "expand": .anything,
      ]), needs: ["text", "fields"]),
    "header": Part(members: block(["text": .part("heading")]), needs: ["text"]),
    "divider": Part(members: block([:])),
    "context": Part(
      members: block(["elements": .parts("element", most: 10)]), needs: ["elements"]),
    "actions": Part(
      members: block(["elements": .parts("element", most: 25)]), needs: ["elements"]),
    "image": Part(
      members: block([
        "image_url": .text(most: 3_000), "alt_text": .text(most: 2_000), "title": .part("text"),
        "slack_file": .anything,
      ]), needs: ["image_url", "slack_file"]),
    "rich_text": Part(members: block(["elements": .anything]), needs: ["elements"]),
    "video": Part(
      members: block([
        "alt_text": .anything, "author_name": .anything, "description": .part("text"),
        "provider_icon_url": .anything, "provider_name": .anything, "title": .part("text"),
        "title_url": .anything, "thumbnail_url": .anything, "video_url": .anything,
      ]), needs: ["video_url"]),
    "table": Part(
      members: block(["rows": .anything, "column_settings": .anything]), needs: ["rows"]),
  ]

  static let elements: [String: Part] = [
    "mrkdwn": Part(
      members: [
        "type": .anything, "text": .text(most: 3_000), "verbatim": .anything,
      ], needs: ["text"]),
    "plain_text": Part(
      members: ["type": .anything, "text": .text(most: 3_000), "emoji": .anything],
      needs: ["text"]),
    "image": Part(
      members: [
        "type": .anything, "image_url": .anything, "alt_text": .text(most: 2_000),
        "slack_file": .anything,
      ], needs: ["image_url", "slack_file"]),
    "button": Part(
      members: [
        "type": .anything, "text": .part("text"), "action_id": .anything, "url": .text(most: 3_000),
        "value": .anything, "style": .anything, "confirm": .anything,
        "accessibility_label": .anything,
      ], needs: ["text"]),
  ]

  private static func block(_ members: [String: Member]) -> [String: Member] {
    members.merging(["type": .anything, "block_id": .anything]) { first, _ in first }
  }
}
