/// What Slack would not understand in a payload that a formatter made, and where it does not fit.
/// Pure: a value in, remarks out.
struct PayloadCheck {
  struct Remark: Hashable {
    /// Where in the payload: `attachments[1].color`, where lists count from 1, as in Lua; a limit's
    /// place is a JSON pointer.
    let path: String
    let problem: String
    /// What to look for in the source to find the line; empty: nothing that would stand there alone.
    let word: String
  }

  private(set) var remarks: [Remark] = []
  /// Whether text that looks like markup must be the formatter's own.
  private let looksForMarkup: Bool

  static func remarks(_ payload: Value, looksForMarkup: Bool) -> [Remark] {
    var check = PayloadCheck(looksForMarkup: looksForMarkup)
    check.part(payload, SlackParts.parts["message"], "message", "")
    return check.remarks
  }

  /// What does not fit in a message that the sink has made. What the sink refuses is said elsewhere.
  static func limits(_ payload: Value) -> [Remark] {
    guard let message = try? Sink.message(payload, fallback: "-") else { return [] }
    return Fit.fitted(message).violations.map { violation in
      var problem = violation.description
      if case .characters = violation.problem { problem += "; use slack.truncate" }
      return Remark(path: violation.pointer, problem: problem, word: "")
    }
  }

  private init(looksForMarkup: Bool) {
    self.looksForMarkup = looksForMarkup
  }

  private mutating func remark(_ path: String, _ problem: String, word: String = "") {
    remarks.append(Remark(path: path, problem: problem, word: word))
  }

  /// `part` is nil for one of a kind that is not known in detail.
  private mutating func part(
    _ value: Value, _ part: SlackParts.Part?, _ name: String, _ path: String
  ) {
    guard let members = value.object else {
      let builder = Self.builders[name] ?? "section"
      return remark(path, "\(path) must be a table, such as slack.\(builder)(…)")
    }
    guard let part else { return texts(value, path) }
    for (key, value) in members.sorted(by: { $0.key < $1.key }) {
      let here = path.isEmpty ? key : path + "." + key
      guard let member = part.members[key] else {
        // The sink names unknown members of a message itself, as an error.
        if name != "message" {
          let known = part.members.keys.sorted()
          remark(here, "\(here): no \(name) has that" + Nearest.hint(key, known), word: key)
        }
        continue
      }
      self.member(value, member, here)
    }
  }

  private static let builders = [
    "field": "field", "heading": "header", "column": "fields", "attachment": "attachment",
  ]

  private mutating func member(_ value: Value, _ member: SlackParts.Member, _ path: String) {
    switch member {
    case .anything: texts(value, path)
    case .text, .address, .identifier: text(value, path)
    case .colour: colour(value, path)
    case .part(let name): one(value, name, path)
    case .parts(let name, _, _):
      guard case .array(let items) = value else {
        if value != .null, value != [:] {
          remark(path, "\(path) must be a list { … }")
        }
        return
      }
      for (index, item) in items.enumerated() { one(item, name, "\(path)[\(index + 1)]") }
    }
  }

  private mutating func one(_ value: Value, _ name: String, _ path: String) {
    switch name {
    case "block": typed(value, SlackParts.blocks, "block", path)
    case "element", "action": typed(value, SlackParts.elements, "element", path)
    default: part(value, SlackParts.parts[name], name, path)
    }
  }

  /// Elements of kinds that need an app to answer are left to Slack.
  private mutating func typed(
    _ value: Value, _ known: [String: SlackParts.Part], _ name: String, _ path: String
  ) {
    guard value.object != nil else { return part(value, nil, name, path) }
    guard let type = value["type"]?.string else {
      return remark(
        path, "\(path) has no type; build it with slack.section and the like", word: "type")
    }
    if known[type] == nil, name == "block" {
      let hint = Nearest.hint(type, known.keys.sorted())
      return remark(path, "\(path): there is no block of type \"\(type)\"" + hint, word: type)
    }
    part(value, known[type], type, path)
  }

  private mutating func text(_ value: Value, _ path: String) {
    texts(value, path)
    switch value {
    case .string, .int, .float, .null: return
    default: remark(path, "\(path) must be text")
    }
  }

  private mutating func colour(_ value: Value, _ path: String) {
    if value == .null { return }
    let text = value.string ?? ""
    let isHex =
      text.hasPrefix("#") && text.utf8.count == 7 && text.dropFirst().allSatisfy(\.isHexDigit)
    guard !isHex, !["good", "warning", "danger"].contains(text) else { return }
    let what =
      value.string.map { "\"\(PlainText.line(String($0.prefix(40))))\"" } ?? "what is no text"
    remark(
      path, "\(path): \(what) is no colour to Slack; write good, warning, danger or #rrggbb",
      word: text.isEmpty ? "color" : text)
  }

  // MARK: - Markup that is not

  private mutating func texts(_ value: Value, _ path: String) {
    guard looksForMarkup else { return }
    switch value {
    case .string(let text): markup(Markup.outsideMarks(text), path)
    case .array(let items):
      for (index, item) in items.enumerated() { texts(item, "\(path)[\(index + 1)]") }
    case .object(let members):
      for (key, value) in members.sorted(by: { $0.key < $1.key }) { texts(value, path + "." + key) }
    default: break
    }
  }

  private mutating func markup(_ text: String, _ path: String) {
    var rest = text[...]
    while let start = rest.firstIndex(where: { $0 == "<" || $0 == "&" }) {
      rest = rest[start...]
      for (opening, advice) in Self.markups where rest.hasPrefix(opening) {
        let end = opening.hasPrefix("&") ? nil : rest.firstIndex(of: ">")
        let literal = end.map { String(rest[...$0]) } ?? opening
        remark(path, "a literal \"\(literal)\" is shown as text; use \(advice)", word: opening)
        break
      }
      rest = rest.dropFirst()
    }
  }

  private static let markups: [(opening: String, advice: String)] = [
    ("<!here", "slack.mention(\"here\")"), ("<!channel", "slack.mention(\"channel\")"),
    ("<!everyone", "slack.mention(\"everyone\")"), ("<!subteam^", "slack.user_group(id)"),
    ("<!date^", "slack.date(time)"), ("<@", "slack.mention(id)"), ("<#C", "slack.channel_link(id)"),
    ("<https://", "slack.link(url, label)"), ("<http://", "slack.link(url, label)"),
    ("<mailto:", "slack.link(url, label)"), ("&lt;", "\"<\": luaslack escapes it"),
    ("&gt;", "\">\": luaslack escapes it"), ("&amp;", "\"&\": luaslack escapes it"),
  ]
}
