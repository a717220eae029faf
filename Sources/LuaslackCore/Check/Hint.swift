/// What a message means to who reads it, and what to do about it: one row of the table in `Hints.swift`, which
/// docs/errors.md shows. Pure: a message in, words out.
struct Hint: Sendable {
  /// The message; a placeholder stands for any text.
  let message: String
  /// One sentence in the reader's terms, and the mend; empty where the message itself says it. The placeholders
  /// stand for what the message had in their place.
  let why: String
  let mend: String
  /// What NAME can be; nil: anything.
  let names: [String]?
  /// What NAME may be misspelt for.
  let known: [String]

  init(
    _ message: String, _ why: String, _ mend: String, names: [String]? = nil,
    known: [String] = []
  ) {
    (self.message, self.why, self.mend) = (message, why, mend)
    (self.names, self.known) = (names, known)
  }

  static let placeholders = ["NAME", "TYPE", "NUMBER", "VERB", "TEXT", "KEY"]

  /// A message that a hint is about.
  struct Match {
    let hint: Hint
    fileprivate let found: [String: String]
    fileprivate var path: String?

    /// What the message is about, as it stands in the source.
    var name: String? { found["NAME"] }

    /// What is marked in the source: of `event.history.user` it is that, and not `event.user`.
    func about(_ marked: String) -> Match {
      guard let name, marked.hasSuffix("." + name), marked.split(separator: ".").count > 2 else {
        return self
      }
      var match = self
      match.path = marked
      return match
    }

    /// For the reader: `why: mend`.
    var sentence: String {
      [why, mend].filter { !$0.isEmpty }.joined(separator: ": ")
    }

    var why: String { filled(hint.why) }
    var mend: String {
      let near = Nearest.of(name ?? "", hint.known)
      return near.map { "did you mean `\($0)`?" } ?? filled(hint.mend)
    }

    private func filled(_ text: String) -> String {
      let text = Hint.pieces(text).map { found[$0] ?? $0 }.joined()
      guard let path, let name else { return text }
      return text.replacing("event.\(name)", with: path)
        .replacing("`if \(name) then`", with: "`if \(path) then`")
    }
  }

  /// The first hint that is about the message.
  static func match(_ message: String) -> Match? {
    for hint in all {
      guard let found = hint.found(in: message) else { continue }
      // No name of anything has a blank in it: these are a script's own words.
      if hint.message.hasPrefix("NAME"), found["NAME"]?.contains(" ") == true { continue }
      if let names = hint.names, !names.contains(found["NAME"] ?? "") { continue }
      return Match(hint: hint, found: found)
    }
    return nil
  }

  /// What stands in the places of the placeholders; nil: another message.
  private func found(in message: String) -> [String: String]? {
    var found: [String: String] = [:]
    var rest = message[...]
    var open: String?
    for piece in Self.pieces(self.message) {
      if Self.placeholders.contains(piece) {
        open = piece
      } else if let name = open {
        guard let range = rest.firstRange(of: piece) else { return nil }
        found[name] = found[name] ?? String(rest[..<range.lowerBound])
        rest = rest[range.upperBound...]
        open = nil
      } else {
        guard rest.hasPrefix(piece) else { return nil }
        rest = rest.dropFirst(piece.count)
      }
    }
    guard let name = open else { return rest.isEmpty ? found : nil }
    found[name] = found[name] ?? String(rest)
    return found
  }

  /// Placeholders, and what is between them.
  private static func pieces(_ pattern: String) -> [String] {
    var pieces: [String] = []
    var literal = ""
    var rest = pattern[...]
    while !rest.isEmpty {
      if let placeholder = placeholders.first(where: rest.hasPrefix) {
        pieces += literal.isEmpty ? [placeholder] : [literal, placeholder]
        literal = ""
        rest = rest.dropFirst(placeholder.count)
      } else {
        literal.append(rest.removeFirst())
      }
    }
    return literal.isEmpty ? pieces : pieces + [literal]
  }

  /// As a row of the page that lists them.
  var row: String {
    let names = names.map {
      $0 == Event.members ? "a member of `event`" : $0.joined(separator: ", ")
    }
    let columns = [
      "`\(message)`" + (names.map { ", NAME: \($0)" } ?? ""), why,
      mend.isEmpty ? "as it says" : mend,
    ]
    return "| " + columns.map { $0.replacing("|", with: "\\|") }.joined(separator: " | ") + " |"
  }
}
