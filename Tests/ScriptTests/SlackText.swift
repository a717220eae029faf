@testable import LuaslackCore

/// One text of a message, and how Slack reads it.
struct SlackText {
  enum Reading {
    /// Markup and emphasis.
    case formatted
    /// `<…>` is markup, emphasis is not: an attachment's part that `mrkdwn_in` does not name.
    case unformatted
    /// Neither: plain_text and rich_text.
    case plain
  }

  let place: String
  let text: String
  let reading: Reading

  /// Every text of the message, in the order of the places where they stand.
  static func all(in message: Value) -> [SlackText] {
    var texts: [SlackText] = []
    collect(message, "", .formatted, &texts)
    return texts.sorted { $0.place < $1.place }
  }

  /// Names, colours and addresses: nobody reads them.
  private static let unread: Set<String> = [
    "type", "color", "style", "block_id", "action_id", "icon_emoji", "callback_id", "mrkdwn_in",
    "url", "image_url", "thumb_url", "title_link", "author_link", "author_icon", "footer_icon",
    "icon_url",
  ]

  private static func collect(
    _ value: Value, _ place: String, _ reading: Reading, _ texts: inout [SlackText]
  ) {
    switch value {
    case .string(let text): texts.append(SlackText(place: place, text: text, reading: reading))
    case .array(let items):
      for (index, item) in items.enumerated() {
        collect(item, "\(place)[\(1_000 + index)]", reading, &texts)
      }
    case .object(let members):
      for (key, part) in members where !unread.contains(key) {
        let inner = self.reading(of: key, in: members, at: place, reading)
        collect(part, place + "." + key, inner, &texts)
      }
    default: break
    }
  }

  private static func reading(
    of key: String, in members: [String: Value], at place: String, _ outer: Reading
  ) -> Reading {
    switch members["type"]?.string {
    case "plain_text", "rich_text": return .plain
    case "mrkdwn": return .formatted
    default: break
    }
    let isAttachment = place.hasPrefix(".attachments[") && !place.dropFirst().contains(".")
    guard isAttachment, key != "blocks" else { return outer }
    let named = (members["mrkdwn_in"]?.array ?? []).compactMap(\.string)
    return named.contains(key) ? .formatted : .unformatted
  }

  /// What in this text the formatter cannot have meant, if it made `twin` of a harmless event.
  func complaints(twin: SlackText, mayMark: Bool) -> [String] {
    var complaints: [String] = []
    for scalar in text.unicodeScalars where Self.isForbidden(scalar) {
      complaints.append("U+\(String(scalar.value, radix: 16)) came through")
    }
    // Escaped it has another length than its twin, and so one of them may have been cut where the other
    // fits: with fewer lines and marks then, and with one line that says what was left out.
    let isCut = text.contains("…") || twin.text.contains("…")
    if isCut ? lines > twin.lines + 1 : lines != twin.lines {
      complaints.append("\(lines) lines, not \(twin.lines)")
    }
    guard reading != .plain else { return complaints }
    let mine = SlackReader(text, reading == .formatted)
    let theirs = SlackReader(twin.text, reading == .formatted)
    complaints += mine.problems
    let isTold = isCut ? theirs.marks.starts(with: mine.marks) : mine.marks == theirs.marks
    if !isTold { complaints.append("marks \(mine.marks), not \(theirs.marks)") }
    let isOut = mine.bare.unicodeScalars.contains(HostileEvent.canary.unicodeScalars)
    if reading == .formatted, !mayMark, isOut {
      complaints.append("an outsider's text outside code: \(mine.bare)")
    }
    return complaints
  }

  private var lines: Int { text.unicodeScalars.count { $0 == "\n" } + 1 }

  /// Line ends other than \n, what turns the direction, what is not seen, and our own marks.
  private static func isForbidden(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.value {
    case 0x0a: false
    case 0..<0x20, 0x7f...0x9f, 0x200b...0x200f, 0x2028...0x202e, 0x2066...0x2069, 0xfeff: true
    case 0xe000...0xf8ff, 0xf0000...: true
    default: false
    }
  }
}

/// Reads mrkdwn from left to right, the way https://docs.slack.dev/messaging/formatting-message-text
/// describes it.
struct SlackReader {
  /// The markup in it, in order: `code`, `pre`, `*`, `_`, `~`, `quote`, and of `<…>` the first word.
  private(set) var marks: [String] = []
  /// What stands neither in code nor in `<…>`.
  private(set) var bare = ""
  private(set) var problems: [String] = []

  private var rest: Substring.UnicodeScalarView
  private let isFormatted: Bool
  private var isLineStart = true

  init(_ text: String, _ isFormatted: Bool) {
    rest = text[...].unicodeScalars
    self.isFormatted = isFormatted
    while !rest.isEmpty { step() }
    if isFormatted { emphasis() }
  }

  private mutating func step() {
    if isFormatted, skip("```") { return code("pre", until: "```") }
    if isFormatted, skip("`") { return code("code", until: "`") }
    if skip("<") { return control() }
    if isLineStart, isFormatted, starts(with: "&gt;") { marks.append("quote") }
    guard let scalar = rest.popFirst() else { return }
    isLineStart = scalar == "\n" || isLineStart && scalar == " "
    if scalar == ">" { problems.append("a bare >") }
    if scalar == "&", !["amp;", "lt;", "gt;"].contains(where: { starts(with: $0) }) {
      problems.append("a bare &")
    }
    bare.unicodeScalars.append(scalar)
  }

  private mutating func code(_ name: String, until end: String) {
    marks.append(name)
    isLineStart = false
    var content = ""
    while !rest.isEmpty, !skip(end) {
      if rest.isEmpty { break }
      guard let scalar = rest.popFirst() else { break }
      content.unicodeScalars.append(scalar)
      if rest.isEmpty { problems.append("\(name) that does not end") }
    }
    if content.isEmpty { problems.append("\(name) of nothing") }
    let isBroken = name == "code" && content.unicodeScalars.contains("\n")
    if isBroken { problems.append("code across lines") }
    if content.unicodeScalars.contains("`") { problems.append("a backtick inside \(name)") }
    if content.unicodeScalars.contains("<") { problems.append("markup inside \(name)") }
    bare += "\u{1}"
  }

  private mutating func control() {
    var content = ""
    isLineStart = false
    while let scalar = rest.popFirst(), scalar != ">" {
      if scalar == "<" || scalar == "\n" { problems.append("a broken <…>") }
      content.unicodeScalars.append(scalar)
      if rest.isEmpty { problems.append("a < that does not end") }
    }
    marks.append("<" + content.prefix { $0 != "|" && $0 != "^" })
    bare += "\u{1}"
  }

  /// Marks that stand in pairs on a line, the first at the beginning of a word.
  private mutating func emphasis() {
    for line in bare.unicodeScalars.split(separator: "\n") {
      for mark in ["*", "_", "~"] as [Unicode.Scalar] {
        let places = line.indices.filter { line[$0] == mark }
        let begins = places.contains { place in
          let before = place == line.startIndex ? " " : line[line.index(before: place)]
          let after = line.index(after: place)
          return !before.properties.isAlphabetic && before.properties.numericType == nil
            && after < line.endIndex && !line[after].properties.isWhitespace
        }
        if places.count > 1, begins { marks.append(String(mark)) }
      }
    }
  }

  private func starts(with text: String) -> Bool { rest.starts(with: text.unicodeScalars) }

  private mutating func skip(_ text: String) -> Bool {
    guard starts(with: text) else { return false }
    rest = rest.dropFirst(text.unicodeScalars.count)
    return true
  }
}
