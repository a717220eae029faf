/// How many columns of a terminal text takes (Unicode's UAX 11, and what terminals do with emoji).
enum CellWidth {
  static func of(_ text: String) -> Int { text.reduce(0) { $0 + of($1) } }

  /// The beginning of a text, with `…` if that is not all of it.
  static func cut(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    return width < 1 ? "" : String(beginning(of: text, width - 1)) + "…"
  }

  /// The end of a text.
  static func cutFront(_ text: String, to width: Int) -> String {
    guard of(text) > width else { return text }
    return width < 1 ? "" : "…" + String(beginning(of: text.reversed(), width - 1).reversed())
  }

  /// In lines of whole words; a word that is wider has a line of its own.
  static func wrapped(_ text: String, to width: Int) -> [String] {
    var lines: [String] = []
    for word in text.split(separator: " ") {
      if let last = lines.last, of(last) + 1 + of(String(word)) <= width {
        lines[lines.count - 1] += " " + word
      } else {
        lines.append(String(word))
      }
    }
    return lines
  }

  private static func beginning(of text: some Sequence<Character>, _ width: Int) -> [Character] {
    var left = width
    return text.prefix { character in
      left -= of(character)
      return left >= 0
    }
  }

  static func of(_ character: Character) -> Int {
    if character.isASCII { return 1 }
    let scalars = character.unicodeScalars
    guard let first = scalars.first else { return 0 }
    // Drawn as one picture, of however many it is made: a sign by the selector behind it, a flag of two.
    let isPicture = scalars.contains { $0.value == 0xfe0f || $0.properties.isEmojiPresentation }
    if isPicture { return 2 }
    // What Unicode calls one character may stand in several cells, as in Devanagari.
    return max(of(first), scalars.reduce(0) { $0 + of($1) })
  }

  private static func of(_ scalar: Unicode.Scalar) -> Int {
    if scalar.value < 0x300 { return 1 }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .enclosingMark, .format, .control: return 0
    default: break
    }
    if vowels.contains(where: { $0.contains(scalar.value) }) { return 0 }
    return wide.contains { $0.contains(scalar.value) } ? 2 : 1
  }

  /// Of Hangul: they go into the cells of the consonant before them.
  private static let vowels: [ClosedRange<UInt32>] = [0x1160...0x11ff, 0xd7b0...0xd7ff]

  /// East Asian wide and full-width, without the emoji.
  private static let wide: [ClosedRange<UInt32>] = [
    0x1100...0x115f, 0x2329...0x232a, 0x2e80...0x303e, 0x3041...0x3247, 0x3250...0x4dbf,
    0x4e00...0xa4cf, 0xa960...0xa97f, 0xac00...0xd7a3, 0xf900...0xfaff, 0xfe10...0xfe19,
    0xfe30...0xfe6f, 0xff01...0xff60, 0xffe0...0xffe6, 0x16fe0...0x1b2ff, 0x1f200...0x1f265,
    0x20000...0x3fffd,
  ]
}
