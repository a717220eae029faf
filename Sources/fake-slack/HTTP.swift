/// The first part of a request: all that is known before its body is read.
struct RequestHead {
  let method: String
  let path: String
  let query: [String: String]
  /// Names in lower case; of a repeated header the last one counts.
  let headers: [String: String]
  let keepsAlive: Bool

  /// Nil if the bytes are no HTTP/1 request head (without the empty line that ends it).
  init?(_ bytes: some Collection<UInt8>) {
    var lines = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n")
    guard !lines.isEmpty else { return nil }
    let words = lines.removeFirst().split(separator: " ")
    guard words.count == 3, words[2].hasPrefix("HTTP/1.") else { return nil }

    var headers: [String: String] = [:]
    for line in lines {
      guard let colon = line.firstIndex(of: ":") else { return nil }
      let value = line[line.index(after: colon)...]
      headers[line[..<colon].lowercased()] = String(value.trimmingPrefix { $0 == " " })
    }
    let target = words[1].split(separator: "?", maxSplits: 1)
    self.method = String(words[0])
    self.path = target.first.map(String.init) ?? "/"
    self.query = Form.decode(target.count > 1 ? target[1] : "")
    self.headers = headers
    self.keepsAlive = words[2] == "HTTP/1.1" && headers["connection"]?.lowercased() != "close"
  }
}

/// What goes back to the client, and the one word of Slack's that sums it up.
struct Answer: Sendable {
  var status: Int
  var word: String
  var body: String
  var headers: [(name: String, value: String)] = [("Content-Type", "text/html")]

  static func text(_ status: Int, _ word: String) -> Answer {
    Answer(status: status, word: word, body: word)
  }

  static func json(_ status: Int, _ word: String, _ body: JSON) throws -> Answer {
    Answer(
      status: status, word: word, body: try body.jsonLine(),
      headers: [("Content-Type", "application/json; charset=utf-8")])
  }

  /// The bytes on the wire; `claiming` lies about the length of the body.
  func bytes(keepAlive: Bool, claiming extra: Int = 0) -> [UInt8] {
    var head = "HTTP/1.1 \(status) \(Self.reason(status))\r\n"
    for header in headers { head += "\(header.name): \(header.value)\r\n" }
    head += "Content-Length: \(body.utf8.count + extra)\r\n"
    head += "Connection: \(keepAlive ? "keep-alive" : "close")\r\n\r\n"
    return Array(head.utf8) + Array(body.utf8)
  }

  private static func reason(_ status: Int) -> String {
    switch status {
    case 200: "OK"
    case 302: "Found"
    case 400: "Bad Request"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 410: "Gone"
    case 429: "Too Many Requests"
    case 500: "Internal Server Error"
    case 503: "Service Unavailable"
    default: "Status"
    }
  }
}

/// `application/x-www-form-urlencoded`, read only.
enum Form {
  static func decode(_ text: some StringProtocol) -> [String: String] {
    var values: [String: String] = [:]
    for pair in text.split(separator: "&") {
      let halves = pair.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      values[unescape(halves[0])] = halves.count > 1 ? unescape(halves[1]) : ""
    }
    return values
  }

  private static func unescape(_ text: some StringProtocol) -> String {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      let digits = String(decoding: rest.prefix(2), as: UTF8.self)
      switch byte {
      case UInt8(ascii: "+"):
        bytes.append(UInt8(ascii: " "))
      case UInt8(ascii: "%"):
        guard digits.utf8.count == 2, let value = UInt8(digits, radix: 16) else { fallthrough }
        bytes.append(value)
        rest = rest.dropFirst(2)
      default:
        bytes.append(byte)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}
