/// What really goes out of a stored payload, at the time at which it is sent: honest about a message
/// that may stand in the channel already and about one that comes late, and without live mentions if
/// it is so late that waking somebody up would mislead. Pure; within Slack's limits if the payload is.
struct Outgoing {
  /// JSON, as the delivery's row has it.
  var payload: String
  /// Microseconds since 1970, as all times here.
  var acceptedAt: Int64
  /// When the event itself happened, where that is known.
  var happenedAt: Int64?
  /// When the newest of those in a digest happened that call somebody; nil: the whole is as old as it is.
  var calledAt: Int64?
  var maybeSent = false
  /// Microseconds; beyond this age mentions notify nobody.
  var mentionMaxAge: Int64 = .max

  /// Happened and accepted so close together are one time.
  private static let sameTime: Int64 = 60 * 1_000_000

  static func isLate(acceptedAt: Int64, now: Int64) -> Bool { now - acceptedAt > Fold.lateAfter }

  /// The stored bytes, unless there is something to be changed.
  func body(now: Int64) -> String {
    let marks = self.marks(now: now)
    let isStale = now - (calledAt ?? acceptedAt) > mentionMaxAge
    guard !marks.isEmpty || isStale, let stored = try? JSONReader.read(payload),
      stored.object != nil
    else { return payload }
    var message = stored
    if isStale { message = Mentions.silenced(message) }
    // Words may be longer than the markup that they stand for.
    if message != stored { message = Fit.fitted(message).message }
    if !marks.isEmpty { Self.add(marks.joined(separator: " "), to: &message) }
    return message == stored ? payload : JSONWriter.compact(message)
  }

  // MARK: - Marks

  private func marks(now: Int64) -> [String] {
    var marks: [String] = []
    if maybeSent { marks.append("(possible repeat)") }
    if Self.isLate(acceptedAt: acceptedAt, now: now) {
      let delay = Seconds.describe(Int((now - acceptedAt) / 1_000_000))
      marks.append("(delayed \(delay), \(times.joined(separator: ", ")))")
    }
    return marks
  }

  private var times: [String] {
    let accepted = "accepted \(Timestamp.minute(acceptedAt))"
    guard let happenedAt, Timestamp.isDate(happenedAt) else { return [accepted] }
    let happened = "happened \(Timestamp.minute(happenedAt))"
    return abs(happenedAt - acceptedAt) < Self.sameTime ? [happened] : [happened, accepted]
  }

  /// Where people and their notifications see it, also in a message that has no room left.
  private static func add(_ mark: String, to message: inout Value) {
    let text = message["text"]?.string ?? ""
    let room = SlackParts.mostText - FitText.count(mark) - 1
    let kept = FitText.isLonger(text, than: room) ? FitText.cut(text, to: room, .markup) : text
    message["text"] = .string(kept + " " + mark)
    // Where there are blocks, Slack shows the text in the notification alone.
    guard let blocks = message["blocks"]?.array, !blocks.isEmpty else { return }
    let context: Value = [
      "type": "context", "elements": [["type": "plain_text", "text": .string(mark)]],
    ]
    let isFull = blocks.count >= SlackParts.mostBlocks
    let spare = FitText.count(mark) + (isFull ? Folded.mostCharacters : 0)
    if let total = FitTotal(message, spare: spare) { message = total.fitted }
    var shown = message["blocks"]?.array ?? blocks
    if shown.count >= SlackParts.mostBlocks {
      // The place of two: for the mark, and for the word on what had to go.
      let last = shown[(SlackParts.mostBlocks - 2)...]
      let leftOut = last.reduce(0) { $0 + (Folded.number(in: $1) ?? 1) }
      shown = shown.dropLast(last.count) + [Folded.part("block", leftOut)]
    }
    message["blocks"] = .array(shown + [context])
  }
}

/// Live mentions in a message that is ready to be sent, made into words that notify nobody.
enum Mentions {
  static func silenced(_ message: Value) -> Value { silenced(message, isRead: true) }

  /// `isRead`: Slack reads markup in it. Rich text names whom it calls outside of its texts.
  private static func silenced(_ value: Value, isRead: Bool) -> Value {
    switch value {
    case .string(let text): return isRead ? .string(silenced(text)) : value
    case .array(let items): return .array(items.map { silenced($0, isRead: isRead) })
    case .object(let members):
      let type = members["type"]?.string ?? ""
      if !isRead, let words = words(ofElement: type, members) {
        return ["type": "text", "text": .string(words)]
      }
      let isUnread = !isRead || type == "rich_text"
      let result = members.map { key, member in
        let isText = type == "plain_text" && key == "text"
        let isName = Sink.verbatim.contains(key) || Sink.addresses.contains(key)
        return (key, silenced(member, isRead: !isUnread && !isText && !isName))
      }
      return .object(Dictionary(uniqueKeysWithValues: result))
    default: return value
    }
  }

  private static func words(ofElement type: String, _ members: [String: Value]) -> String? {
    func member(_ key: String) -> String { bare(members[key]?.string ?? "") }
    switch type {
    case "broadcast": return member("range").isEmpty ? "-" : member("range")
    case "user": return "user \(member("user_id"))"
    case "usergroup": return "group \(member("usergroup_id"))"
    default: return nil
    }
  }

  /// `<!here>` is "here", `<@U01>` "user U01", `<!subteam^S01|@oncall>` "oncall". A date stays, and so
  /// does what the sink escaped.
  static func silenced(_ text: String) -> String {
    guard text.utf8.contains(0x3c) else { return text }
    var result = String.UnicodeScalarView()
    var rest = text.unicodeScalars[...]
    while let start = rest.firstIndex(of: "<") {
      result.append(contentsOf: rest[..<start])
      let inner = rest[rest.index(after: start)...]
      rest = inner
      guard inner.first == "!" || inner.first == "@",
        !inner.starts(with: "!date^".unicodeScalars)
      else {
        result.append("<")
        continue
      }
      let end = inner.firstIndex { $0 == ">" || $0 == "<" }
      guard let end, inner[end] == ">" else {
        // Nothing closes it as far as can be seen here; Slack might see further.
        result.append(contentsOf: "&lt;".unicodeScalars)
        continue
      }
      result.append(contentsOf: words(inner[..<end]).unicodeScalars)
      rest = inner[inner.index(after: end)...]
    }
    result.append(contentsOf: rest)
    return String(result)
  }

  private static func words(_ control: Substring.UnicodeScalarView) -> String {
    let parts = String(control).split(separator: "|", maxSplits: 1).map(String.init)
    if parts.count > 1, !bare(parts[1]).isEmpty { return bare(parts[1]) }
    let name = parts.first ?? ""
    let words =
      name.hasPrefix("@")
      ? "user \(bare(name))"
      : name.hasPrefix("!subteam^") ? "group \(name.dropFirst(9))" : bare(name)
    return words.isEmpty ? "-" : words
  }

  /// Without what would make it a mention again: by itself, by `link_names`, or by a bracket before it.
  private static func bare(_ text: String) -> String {
    String(text.filter { $0 != "@" }.drop { $0 == "!" || $0.isWhitespace })
  }
}
