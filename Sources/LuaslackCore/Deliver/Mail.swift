/// A message as mail in plain text: RFC 5322, with nothing in its headers but what is checked or
/// encoded here. Pure.
enum Mail {
  /// The whole mail with its header, lines ended as SMTP wants them. `now` is in microseconds since
  /// 1970; `id` tells this mail from others of the same moment.
  static func text(
    _ message: Value, from: String, to: String, id: String, now: Int64
  ) -> String {
    let body = MessageText.body(message)
    let isPlain =
      body.utf8.allSatisfy { (0x20..<0x7f).contains($0) || $0 == 0x0a }
      && body.split(separator: "\n").allSatisfy { $0.utf8.count <= 900 }
    let host = from.split(separator: "@").last ?? "localhost"
    let header = [
      "From: luaslack <\(from)>", "To: \(to)",
      "Subject: \(headerText(MessageText.subject(message)))", "Date: \(Timestamp.mail(now))",
      "Message-ID: <\(now).\(id)@\(host)>", "MIME-Version: 1.0",
      "Content-Type: text/plain; charset=utf-8",
      "Content-Transfer-Encoding: \(isPlain ? "7bit" : "quoted-printable")",
      // No answers from those who are away.
      "Auto-Submitted: auto-generated",
    ]
    let lines = body.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    return (header + [""] + (isPlain ? lines : lines.flatMap(quotedPrintable)))
      .joined(separator: "\r\n") + "\r\n"
  }

  /// `luaslack@HOST`; a host whose name cannot stand in an address is left out.
  static func sender(host: String) -> String {
    "luaslack@" + (MailAddress.isHost(host) ? host : "localhost")
  }

  /// Printable ASCII as it is, all else in encoded words (RFC 2047) of 75 characters at most. Nothing
  /// can end the line: a line end is not printable.
  static func headerText(_ text: String) -> String {
    let isPlain = text.utf8.allSatisfy { (0x20..<0x7f).contains($0) } && !text.contains("=?")
    guard !isPlain else { return text }
    var words: [[UInt8]] = [[]]
    for character in text {
      let bytes = Array(String(character).utf8)
      // A character of more than a word is cut; such clusters are nothing that anybody reads.
      for scalarBytes in bytes.count <= 45
        ? [bytes] : character.unicodeScalars.map({ Array(String($0).utf8) })
      {
        if words[words.count - 1].count + scalarBytes.count > 45 { words.append([]) }
        words[words.count - 1] += scalarBytes
      }
    }
    return words.map { "=?UTF-8?B?\(base64($0))?=" }.joined(separator: "\r\n ")
  }

  static func base64(_ bytes: [UInt8]) -> String {
    let digits = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/")
    var text = ""
    for start in stride(from: 0, to: bytes.count, by: 3) {
      let group = bytes[start..<min(start + 3, bytes.count)]
      let number = group.reduce(0) { $0 << 8 | Int($1) } << (8 * (3 - group.count))
      for index in 0..<4 {
        text.append(index <= group.count ? digits[number >> (18 - 6 * index) & 63] : "=")
      }
    }
    return text
  }

  /// One line as lines of 76 characters at most (RFC 2045, 6.7).
  static func quotedPrintable(_ line: String) -> [String] {
    let digits = Array("0123456789ABCDEF")
    var lines: [String] = []
    var current = ""
    let bytes = Array(line.utf8)
    for (index, byte) in bytes.enumerated() {
      let isSpaceAtEnd = byte == 0x20 && index == bytes.count - 1
      let isLiteral = (0x20..<0x7f).contains(byte) && byte != UInt8(ascii: "=") && !isSpaceAtEnd
      let piece =
        isLiteral
        ? String(UnicodeScalar(byte)) : "=\(digits[Int(byte >> 4)])\(digits[Int(byte & 15)])"
      if current.utf8.count + piece.utf8.count > 75 {
        lines.append(current + "=")
        current = ""
      }
      current += piece
    }
    return lines + [current]
  }
}
