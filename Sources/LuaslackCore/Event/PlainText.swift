/// Makes attacker-chosen text plain: what is left shows on one line, in reading order, and is
/// what it looks like. Escaping for Slack happens later, at the sink.
public enum PlainText {
  /// One line: control, direction, zero-width and private-use characters are gone, white space is a
  /// space, a backtick (which would end a code span) an apostrophe.
  public static func line(_ text: String) -> String {
    clean(text, keepNewlines: false)
  }

  /// The same with its line ends kept, for log lines.
  public static func lines(_ text: String) -> String {
    clean(text, keepNewlines: true)
  }

  private static func clean(_ text: String, keepNewlines: Bool) -> String {
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
  private static func isUnseen(_ scalar: Unicode.Scalar) -> Bool {
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
