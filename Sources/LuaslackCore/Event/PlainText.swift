/// Makes attacker-chosen text plain: what is left shows on one line, in reading order, and is
/// what it looks like. Escaping for Slack happens later, at the sink.
public enum PlainText {
  /// One line: control, direction, zero-width and private-use characters are gone, white space is a
  /// space, a backtick (which would end a code span) an apostrophe.
  public static func line(_ text: String) -> String {
    clean(text, keepNewlines: false)
  }

  /// A name on one line, of so many characters at most.
  static func name(_ text: String, characters: Int) -> String {
    // Cut before it is cleaned: that takes its time with what an attacker wrote.
    let start =
      text.utf8.count > 4 * characters
      ? String(text.unicodeScalars.prefix(4 * characters)) : text
    return String(line(start).prefix(characters))
  }

  /// The same with its line ends kept, for log lines.
  public static func lines(_ text: String) -> String {
    clean(text, keepNewlines: true)
  }

  private static func clean(_ text: String, keepNewlines: Bool) -> String {
    // Nearly all that comes is plain already.
    let isPlain = text.utf8.allSatisfy { byte in
      (0x20...0x7e).contains(byte) && byte != 0x60 || keepNewlines && byte == 0x0a
    }
    guard !isPlain else { return text }
    var result = String.UnicodeScalarView()
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\n": result.append(keepNewlines ? "\n" : " ")
      case "\t": result.append(" ")
      case "`": result.append("'")
      default: if !isUnseen(scalar) { result.append(scalar) }
      }
    }
    return String(result)
  }

  /// Private-use characters matter twice: they draw as anything, and the formatter API marks live
  /// markup with them.
  static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
    switch scalar.properties.generalCategory {
    case .control, .format, .privateUse, .surrogate, .unassigned, .lineSeparator,
      .paragraphSeparator:
      true
    // Drawn as nothing although they are letters: the Hangul fillers.
    case .otherLetter: [0x115f, 0x1160, 0x3164, 0xffa0].contains(scalar.value)
    // Variation selectors and the combining grapheme joiner.
    case .nonspacingMark:
      (0xfe00...0xfe0f).contains(scalar.value) || (0xe0100...0xe01ef).contains(scalar.value)
        || scalar.value == 0x034f
    default: false
    }
  }
}

extension PlainText {
  /// One line of a file for a terminal: all that is in it, what would not show as its number.
  public static func marked(_ line: String) -> String {
    var result = String.UnicodeScalarView()
    for scalar in line.unicodeScalars {
      if isUnseen(scalar) {
        let digits = String(scalar.value, radix: 16, uppercase: true)
        let zeros = String(repeating: "0", count: max(0, 4 - digits.count))
        result.append(contentsOf: "<U+\(zeros)\(digits)>".unicodeScalars)
      } else {
        result.append(scalar)
      }
    }
    return String(result)
  }

  /// Characters that join the one before them, in a row. Nobody needs more, and Swift's comparing,
  /// hashing and counting of text takes quadratic time in the length of such a row.
  private static let longestRow = 16

  /// Text in which such rows are cut. Everything that another program wrote goes through this before
  /// it is compared or looked up.
  public static func tamed(_ text: String) -> String {
    guard !text.utf8.allSatisfy({ $0 < 0x80 }) else { return text }
    var result = String.UnicodeScalarView()
    var row = 0
    for scalar in text.unicodeScalars {
      row = joins(scalar) ? row + 1 : 0
      if row <= longestRow { result.append(scalar) }
    }
    return String(result)
  }

  private static func joins(_ scalar: Unicode.Scalar) -> Bool {
    if scalar.value < 0x300 { return false }
    // Regional indicators pair up to flags; jamo and emoji modifiers join as well.
    if (0x1f1e6...0x1f1ff).contains(scalar.value) { return true }
    if (0x1100...0x11ff).contains(scalar.value) || scalar.properties.isEmojiModifier { return true }
    switch scalar.properties.generalCategory {
    case .nonspacingMark, .spacingMark, .enclosingMark, .format: return true
    default: return scalar.properties.canonicalCombiningClass != .notReordered
    }
  }
}
