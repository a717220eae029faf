/// What Slack knows of a message: the members that each part may have, and how much of them. The one
/// table by which `Fit` fits messages and `PayloadCheck` judges formatters. From
/// docs.slack.dev/reference/block-kit and docs.slack.dev/legacy/legacy-messaging (attachments).
enum SlackParts {
  enum Member: Sendable {
    /// Not looked into.
    case anything
    /// At most so many characters as they are sent, cut beyond; nil: as many as there are.
    case text(most: Int?)
    /// What leads somewhere is nothing when it is cut: without it the part goes.
    case address(most: Int)
    /// A name that only programs read; one that is too long or stands twice goes.
    case identifier(most: Int)
    case colour
    case part(String)
    case parts(String, least: Int = 0, most: Int?)
  }

  struct Part: Sendable {
    let members: [String: Member]
    /// Without one of these Slack refuses the whole message; several: one of them is enough.
    let needs: [String]
    /// Texts that Slack refuses the whole message without; a dash will do.
    let dash: [String]
    /// What there is to look into, always in the same order.
    let limited: [(key: String, member: Member)]

    init(members: [String: Member], needs: [String] = [], dash: [String] = []) {
      self.members = members
      self.needs = needs
      self.dash = dash
      limited = members.sorted { $0.key < $1.key }.compactMap { key, member in
        switch member {
        case .anything, .colour, .text(most: nil): nil
        default: (key, member)
        }
      }
    }
  }

  /// Of the text in all blocks of a message together. Not documented: senders had 11,341 refused and
  /// 9,597 accepted (bolt-js #2509, #2867).
  static let mostBlockText = 9_000

  /// Beyond 4,000 Slack may make several messages of the text, beyond 40,000 it cuts it.
  static let mostText = 4_000
  static let mostBlocks = 50
  static let mostAttachments = 100
  /// Where Slack cuts it, says no page of its own; it folds the text at 700 behind "Show more".
  static let mostAttachmentText = 8_000

  static func part(_ name: String, type: String?) -> Part? {
    switch name {
    case "block": type.flatMap { blocks[$0] }
    case "element", "action": type.flatMap { elements[$0] }
    default: parts[name]
    }
  }

  /// By name; `block`, `element` and `action` are told apart by their `type`.
  static let parts: [String: Part] = [
    "message": Part(
      members: [
        "text": .text(most: mostText), "blocks": .parts("block", most: mostBlocks),
        "attachments": .parts("attachment", most: mostAttachments), "username": .anything,
        "icon_emoji": .anything, "icon_url": .anything, "mrkdwn": .anything,
      ], dash: ["text"]),
    "attachment": Part(members: [
      "color": .colour, "pretext": .text(most: nil), "title": .text(most: 1_024),
      "title_link": .anything, "fallback": .anything, "text": .text(most: mostAttachmentText),
      "author_name": .text(most: nil), "author_link": .anything, "author_icon": .anything,
      "author_subname": .anything, "fields": .parts("field", most: nil),
      "blocks": .parts("block", most: mostBlocks), "footer": .text(most: 300),
      "footer_icon": .anything,
      "image_url": .anything, "thumb_url": .anything, "ts": .anything, "mrkdwn_in": .anything,
      "callback_id": .anything, "id": .anything,
    ]),
    "field": Part(members: [
      "title": .text(most: nil), "value": .text(most: nil), "short": .anything,
    ]),
    "text": text(most: 3_000),
    "heading": text(most: 150),
    "column": text(most: 2_000),
    "caption": text(most: 2_000),
    "label": text(most: 75),
  ]

  static let blocks: [String: Part] = [
    "section": Part(
      members: block([
        "text": .part("text"), "fields": .parts("column", least: 1, most: 10),
        "accessory": .part("element"), "expand": .anything,
      ]), needs: ["text", "fields"]),
    "header": Part(members: block(["text": .part("heading")]), needs: ["text"]),
    "divider": Part(members: block([:])),
    "context": Part(
      members: block(["elements": .parts("element", least: 1, most: 10)]), needs: ["elements"]),
    "actions": Part(
      members: block(["elements": .parts("action", least: 1, most: 25)]), needs: ["elements"]),
    "image": Part(
      members: block([
        "image_url": .address(most: 3_000), "alt_text": .text(most: 2_000),
        "title": .part("caption"), "slack_file": .anything,
      ]), needs: ["image_url", "slack_file"], dash: ["alt_text"]),
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
    "mrkdwn": text(most: 3_000, but: "emoji"),
    "plain_text": text(most: 3_000, but: "verbatim"),
    "image": Part(
      members: [
        "type": .anything, "image_url": .address(most: 3_000), "alt_text": .text(most: 2_000),
        "slack_file": .anything,
      ], needs: ["image_url", "slack_file"], dash: ["alt_text"]),
    "button": Part(
      members: [
        "type": .anything, "text": .part("label"), "action_id": .identifier(most: 255),
        "url": .address(most: 3_000), "value": .text(most: 2_000), "style": .anything,
        "confirm": .anything, "accessibility_label": .text(most: 75),
      ], needs: ["text"]),
  ]

  private static func text(most: Int, but absent: String = "") -> Part {
    var members: [String: Member] = [
      "type": .anything, "text": .text(most: most), "emoji": .anything, "verbatim": .anything,
    ]
    members[absent] = nil
    return Part(members: members, dash: ["text"])
  }

  private static func block(_ members: [String: Member]) -> [String: Member] {
    members.merging(["type": .anything, "block_id": .identifier(most: 255)]) { first, _ in first }
  }
}
