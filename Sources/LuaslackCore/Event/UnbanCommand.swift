// The command that lifts a ban, for an admin to paste.
extension EventRecord {
  /// fail2ban's own, with what it knows the ban by.
  var unbanCommand: String? {
    guard kind == .ban || kind == .prolong, !subject.isEmpty else { return nil }
    return "fail2ban-client set \(Self.quoted(jail)) unbanip \(Self.quoted(subject))"
  }

  /// One word of a shell's, with nothing in it that people could not see or a code span not hold.
  private static func quoted(_ word: String) -> String {
    let isBare = word.utf8.allSatisfy { byte in
      switch byte {
      case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
      default: "._:/@%+=,-".utf8.contains(byte)
      }
    }
    if isBare, !word.isEmpty { return word }
    if PlainText.line(word) == word { return "'" + word.replacing("'", with: #"'\''"#) + "'" }
    // Only bash and its like read this, but they read exactly what fail2ban has.
    return "$'" + word.utf8.map(ansiC).joined() + "'"
  }

  /// The byte inside `$'…'`.
  private static func ansiC(_ byte: UInt8) -> String {
    let isPlain = (0x20...0x7e).contains(byte) && !#"'\`"#.utf8.contains(byte)
    if isPlain { return String(UnicodeScalar(byte)) }
    return #"\x"# + (byte < 16 ? "0" : "") + String(byte, radix: 16)
  }
}
