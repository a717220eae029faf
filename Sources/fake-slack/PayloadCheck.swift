/// Slack's refusal of a message.
struct Refusal {
  let word: String
  /// What chat.postMessage adds in `response_metadata`, with JSON pointers.
  var messages: [String] = []
}

/// Checks a message as Slack does before posting it: the limits and words of facts/slack.md. It
/// counts Unicode scalars of the text as it was sent, entities included.
struct PayloadCheck {
  private static let mostBlocks = 50
  private static let mostAttachments = 100
  /// Undocumented; senders report 11,341 refused in one place and 13,000 passed in another.
  private static let mostBlockText = 13_000
  private static let mostMarkdown = 12_000

  private var complaints: [String] = []
  private var blockText = 0
  private var markdown = 0

  static func refusal(of payload: JSON?) -> Refusal? {
    guard let payload, payload.object != nil else { return Refusal(word: "invalid_payload") }
    let attachments = payload["attachments"]?.array ?? []
    guard attachments.count <= mostAttachments else {
      return Refusal(word: "too_many_attachments")
    }
    guard hasContent(payload) else { return Refusal(word: "no_text") }

    var check = PayloadCheck()
    if let blocks = payload["blocks"], !blocks.isNull {
      guard blocks.array != nil else { return Refusal(word: "invalid_blocks_format") }
      check.blocks(blocks, at: "/blocks")
    }
    if !check.complaints.isEmpty {
      return Refusal(word: "invalid_blocks", messages: check.complaints)
    }
    check.attachments(payload["attachments"])
    if !check.complaints.isEmpty {
      return Refusal(word: "invalid_attachments", messages: check.complaints)
    }
    guard check.blockText <= mostBlockText, check.markdown <= mostMarkdown else {
      return Refusal(word: "msg_blocks_too_long")
    }
    return nil
  }

  /// Is there anything to show? An attachment with nothing but a colour is nothing.
  private static func hasContent(_ payload: JSON) -> Bool {
    if let text = payload["text"]?.string, !text.isEmpty { return true }
    if let blocks = payload["blocks"], !blocks.isNull, blocks.array?.isEmpty != true {
      return true
    }
    let shown = ["text", "fallback", "pretext", "title", "fields", "blocks", "image_url", "footer"]
    return payload["attachments"]?.array?.contains { attachment in
      shown.contains { attachment[$0].map { !$0.isNull } ?? false }
    } ?? false
  }

  private mutating func attachments(_ value: JSON?) {
    guard let value, !value.isNull else { return }
    guard let list = value.array else { return complain("must be an array", "/attachments") }
    for (index, attachment) in list.enumerated() {
      let pointer = "/attachments/\(index)"
      guard attachment.object != nil else { return complain("must be an object", pointer) }
      if let inner = attachment["blocks"], !inner.isNull { blocks(inner, at: pointer + "/blocks") }
    }
  }

  private mutating func blocks(_ value: JSON, at pointer: String) {
    guard let list = value.array else { return complain("must be an array", pointer) }
    if list.count > Self.mostBlocks {
      complain("no more than \(Self.mostBlocks) items allowed", pointer)
    }
    var identifiers: Set<String> = []
    for (index, item) in list.enumerated() {
      let place = "\(pointer)/\(index)"
      block(item, at: place)
      guard let identifier = item["block_id"]?.string else { continue }
      length(identifier, 255, place + "/block_id")
      if !identifiers.insert(identifier).inserted {
        complain("`block_id` must be unique", place + "/block_id")
      }
    }
  }

  private mutating func block(_ block: JSON, at pointer: String) {
    switch block["type"]?.string {
    case "section": section(block, at: pointer)
    case "header": text(block["text"], most: 150, plainOnly: true, at: pointer + "/text")
    case "context":
      elements(block, most: 10, at: pointer) { check, element, place in
        element["type"]?.string == "image"
          ? check.image(element, at: place) : check.text(element, most: 3_000, at: place)
      }
    case "actions": elements(block, most: 25, at: pointer) { _, _, _ in }
    case "image": image(block, at: pointer)
    case "markdown":
      guard let string = block["text"]?.string else {
        return complain("missing required field: text", pointer)
      }
      markdown += string.unicodeScalars.count
    case "divider", "rich_text", "table", "video", "file", "input": break
    case let other?: complain("unsupported type: \(other)", pointer)
    case nil: complain("missing required field: type", pointer)
    }
  }

  private mutating func section(_ block: JSON, at pointer: String) {
    if block["text"] == nil, block["fields"] == nil {
      complain("must provide `text` or `fields`", pointer)
    }
    if let value = block["text"] { text(value, most: 3_000, at: pointer + "/text") }
    guard let fields = block["fields"] else { return }
    guard let list = fields.array, (1...10).contains(list.count) else {
      return complain("must be 1 to 10 items", pointer + "/fields")
    }
    for (index, field) in list.enumerated() {
      text(field, most: 2_000, at: "\(pointer)/fields/\(index)")
    }
  }

  private mutating func elements(
    _ block: JSON, most: Int, at pointer: String,
    each check: (inout PayloadCheck, JSON, String) -> Void
  ) {
    guard let list = block["elements"]?.array, (1...most).contains(list.count) else {
      return complain("must be 1 to \(most) items", pointer + "/elements")
    }
    for (index, element) in list.enumerated() {
      check(&self, element, "\(pointer)/elements/\(index)")
    }
  }

  private mutating func image(_ image: JSON, at pointer: String) {
    if image["slack_file"] == nil { required(image, "image_url", 3_000, pointer) }
    required(image, "alt_text", 2_000, pointer)
    if let title = image["title"] {
      text(title, most: 2_000, plainOnly: true, at: pointer + "/title")
    }
  }

  private mutating func required(_ object: JSON, _ key: String, _ most: Int, _ pointer: String) {
    guard let value = object[key]?.string else {
      return complain("missing required field: \(key)", pointer)
    }
    length(value, most, "\(pointer)/\(key)")
  }

  private mutating func text(
    _ object: JSON?, most: Int, plainOnly: Bool = false, at pointer: String
  ) {
    guard let object, let string = object["text"]?.string, let type = object["type"]?.string else {
      return complain("must be a text object", pointer)
    }
    guard type == "plain_text" || (type == "mrkdwn" && !plainOnly) else {
      return complain("unsupported text type: \(type)", pointer)
    }
    if type == "mrkdwn", object["emoji"] != nil { complain("unsupported field: emoji", pointer) }
    if type == "plain_text", object["verbatim"] != nil {
      complain("unsupported field: verbatim", pointer)
    }
    length(string, most, pointer + "/text")
    blockText += string.unicodeScalars.count
  }

  private mutating func length(_ string: String, _ most: Int, _ pointer: String) {
    if string.isEmpty { complain("must be more than 0 characters", pointer) }
    if string.unicodeScalars.count > most {
      complain("must be less than \(most + 1) characters", pointer)
    }
  }

  private mutating func complain(_ sentence: String, _ pointer: String) {
    complaints.append("\(sentence) [json-pointer:\(pointer)]")
  }
}
