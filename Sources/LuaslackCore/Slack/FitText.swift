/// Cuts text that is ready to be sent. Never inside a character, an entity, a `<…>` group of live
/// markup or the ticks around code, and code that is cut is ended.
enum FitText {
  enum Sort {
    /// With entities and live markup in it: mrkdwn, and all that the sink escapes.
    case markup
    /// A `plain_text` object, in which an `&` is an `&`.
    case plain
  }

  /// As Slack counts, which is in code points of what was sent: an `&` is the five of `&amp;`.
  static func count(_ text: String) -> Int { text.unicodeScalars.count }

  static func isLonger(_ text: String, than most: Int) -> Bool {
    // There are never more code points than bytes.
    text.utf8.count > most && count(text) > most
  }

  /// The beginning of a text that is longer than `most`, which is at least 6, and an ellipsis.
  static func cut(_ text: String, to most: Int, _ sort: Sort) -> String {
    let scalars = text.unicodeScalars
    let mayEndCode = sort == .markup && text.utf8.contains(0x60)
    let room = most - 1 - (mayEndCode ? Code.longestEnding : 0)
    var at = scalars.startIndex
    var used = 0
    var code = Code()
    // Both stop where a piece and a character end together.
    var character = text.startIndex
    var kept = (end: at, ending: "")
    while at < scalars.endIndex {
      let piece = sort == .plain ? scalars[at...at] : Self.piece(of: scalars, at: at)
      used += piece.count
      guard used <= room else { break }
      if sort == .markup { code.note(piece) }
      at = piece.endIndex
      while character < at { character = text.index(after: character) }
      if character == at { kept = (at, code.ending) }
    }
    return text[..<kept.end] + "…" + kept.ending
  }

  /// As much of a text as takes `most` characters once it is escaped, cut between characters.
  static func beginning(of text: String, sent most: Int) -> Substring {
    guard isLonger(Markup.escape(text), than: most) else { return text[...] }
    var room = most
    return text.prefix { character in
      room -= sent(character)
      return room >= 0
    }
  }

  /// The same from the end, and from the beginning of a line if there is one in its first half: no half line stands
  /// first.
  static func end(of text: String, sent most: Int) -> Substring {
    guard isLonger(Markup.escape(text), than: most) else { return text[...] }
    var room = most
    let kept = text.reversed().prefix { character in
      room -= sent(character)
      return room >= 0
    }
    return fromLine(text.suffix(kept.count))
  }

  /// The end of a text from the beginning of its first whole line, if that is half of it at least.
  static func fromLine(_ rest: Substring) -> Substring {
    if rest.base[..<rest.startIndex].utf8.last == 0x0a { return rest }
    guard let line = rest.utf8.firstIndex(of: 0x0a) else { return rest }
    let whole = rest[rest.utf8.index(after: line)...]
    return whole.utf8.count * 2 >= rest.utf8.count ? whole : rest
  }

  private static func sent(_ character: Character) -> Int {
    character.unicodeScalars.reduce(0) {
      $0 + ($1 == "&" ? 5 : "<>".unicodeScalars.contains($1) ? 4 : 1)
    }
  }

  /// What must stay whole, but for marks that combine with its end.
  private static func piece(
    of scalars: String.UnicodeScalarView, at start: String.Index
  ) -> Substring.UnicodeScalarView {
    let one = scalars[start...start]
    switch scalars[start] {
    case "`":
      let fence = scalars[start...].prefix(3)
      return fence.count == 3 && fence.allSatisfy { $0 == "`" } ? fence : one
    case "&":
      let name = scalars[scalars.index(after: start)...].prefix(10).prefix {
        $0 == "#" || $0.isASCII && $0.properties.isAlphabetic || ("0"..."9").contains($0)
      }
      let isEntity = name.endIndex < scalars.endIndex && scalars[name.endIndex] == ";"
      return isEntity && !name.isEmpty ? scalars[start...name.endIndex] : one
    case "<":
      // A formatter's slack.raw may hold one that nothing closes.
      let end = scalars[scalars.index(after: start)...].firstIndex { $0 == ">" || $0 == "<" }
      guard let end, scalars[end] == ">" else { return one }
      return scalars[start...end]
    default: return one
    }
  }

  /// Which code is open.
  private struct Code {
    static let longestEnding = 4
    private var isFenced = false
    private var isSpan = false

    mutating func note(_ piece: Substring.UnicodeScalarView) {
      guard piece.first == "`" else { return }
      if piece.count == 3 {
        isFenced.toggle()
        // No span goes on over a fence.
        isSpan = false
      } else if !isFenced {
        isSpan.toggle()
      }
    }

    var ending: String { isFenced ? "\n```" : isSpan ? "`" : "" }
  }
}
