/// What a program wrote for a terminal, without what steers one: colours, a cursor that moves. Pure.
public enum TerminalText {
  /// In colours or the like, as ECMA-48's SGR numbers them: `1;31` is bold and red.
  public static func painted(_ text: String, _ codes: String, if hasColour: Bool) -> String {
    hasColour && !codes.isEmpty && !text.isEmpty ? "\u{1b}[\(codes)m\(text)\u{1b}[0m" : text
  }

  /// Without control sequences (ECMA-48: CSI, OSC and their like); of a line that was written over by a
  /// carriage return, what was written last; tabs as spaces, so that columns stay below each other.
  public static func plain(_ text: String) -> String {
    let bytes = Array(text.utf8)
    guard bytes.contains(where: { [0x09, 0x0d, 0x1b].contains($0) }) else { return text }
    var result: [UInt8] = []
    var index = 0
    var startOfLine = 0
    // Characters and not bytes stand in columns.
    var column = 0
    while index < bytes.count {
      let byte = bytes[index]
      index += 1
      switch byte {
      case 0x1b: index = end(of: bytes, from: index)
      case 0x0d where index < bytes.count && bytes[index] != 0x0a:
        result.removeSubrange(startOfLine...)
        column = 0
      case 0x0d: break
      case 0x09:
        let width = 8 - column % 8
        result += repeatElement(0x20, count: width)
        column += width
      case 0x0a:
        result.append(byte)
        startOfLine = result.count
        column = 0
      default:
        result.append(byte)
        if byte & 0xc0 != 0x80 { column += 1 }
      }
    }
    return String(decoding: result, as: UTF8.self)
  }

  /// One line as it can be shown anywhere: what steers a terminal, turns the direction of text or is not seen is a
  /// `�`.
  static func visible(_ line: String) -> String {
    guard !line.utf8.allSatisfy({ (0x20...0x7e).contains($0) }) else { return line }
    var result = String.UnicodeScalarView()
    for scalar in line.unicodeScalars {
      switch scalar {
      // Chooses how the sign before it is drawn.
      case "\u{fe0e}", "\u{fe0f}": break
      default: result.append(PlainText.isUnseen(scalar) ? "\u{fffd}" : scalar)
      }
    }
    return String(result)
  }

  /// The same of bytes, a name perhaps: its beginning if it is long.
  public static func visible(_ bytes: [UInt8]) -> String {
    visible(PlainText.tamed(String(decoding: bytes.prefix(256), as: UTF8.self)))
  }

  /// Where a sequence ends whose escape character stands before `start`. One that has no end is but its
  /// first two characters.
  private static func end(of bytes: [UInt8], from start: Int) -> Int {
    guard start < bytes.count else { return start }
    switch bytes[start] {
    case UInt8(ascii: "["):
      let rest = bytes[(start + 1)...].prefix(longestSequence)
      let final = rest.firstIndex { !(0x20...0x3f).contains($0) }
      return final.map { (0x40...0x7e).contains(bytes[$0]) ? $0 + 1 : $0 } ?? start + 1
    case UInt8(ascii: "]"), UInt8(ascii: "P"), UInt8(ascii: "_"), UInt8(ascii: "^"):
      let rest = bytes[(start + 1)...].prefix(longestText)
      guard let final = rest.firstIndex(where: { $0 == 0x07 || $0 == 0x1b || $0 == 0x0a }) else {
        return start + 1
      }
      if bytes[final] == 0x0a { return start + 1 }
      let isEscape = bytes[final] == 0x1b && final + 1 < bytes.count && bytes[final + 1] == 0x5c
      return final + (isEscape ? 2 : 1)
    case 0x20...0x2f: return min(start + 2, bytes.count)
    case 0x30...0x7e: return start + 1
    default: return start
    }
  }

  /// Bytes; what is longer is none.
  private static let longestSequence = 64
  private static let longestText = 1_024
}

extension EventRecord {
  /// Of a notification: there is something that people would see.
  public var hasWords: Bool {
    [title, matches].contains { text in
      PlainText.line(text ?? "").contains { !$0.isWhitespace }
    }
  }
}
