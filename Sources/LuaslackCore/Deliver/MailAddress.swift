/// What may stand as an address in a mail's header and in what is said to the server: nothing that
/// could end a line, begin another header or name a second receiver.
public enum MailAddress {
  /// `root` or `root@example.org`, without quotes, comments or names.
  public static func isAddress(_ text: String) -> Bool {
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard (1...2).contains(parts.count), (1...64).contains(parts[0].utf8.count),
      parts[0].first != "-", parts[0].utf8.allSatisfy(isLocalByte)
    else { return false }
    return parts.count == 1 || isHost(String(parts[1]))
  }

  static func isHost(_ text: String) -> Bool {
    (1...253).contains(text.utf8.count)
      && text.split(separator: ".", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.first != "-"
          && part.utf8.allSatisfy { isAlphanumeric($0) || $0 == 0x2d }
      }
  }

  /// RFC 5322's atom, and dots.
  private static func isLocalByte(_ byte: UInt8) -> Bool {
    isAlphanumeric(byte) || "!#$%&'*+-/=?^_`{|}~.".utf8.contains(byte)
  }

  private static func isAlphanumeric(_ byte: UInt8) -> Bool {
    0x30...0x39 ~= byte || 0x41...0x5a ~= byte || 0x61...0x7a ~= byte
  }
}
