/// One file of `incoming/`: a header line and a JSON body.
/// `luaslack-spool 1 <body length> <CRC-32 of the body, 8 hexadecimal digits>`
/// A reader takes every older version, so that an upgrade loses nothing.
public enum SpoolFile {
  /// What somebody left for luaslackd.
  public enum Content: Sendable, Equatable {
    case event(EventRecord)
    case request(QueueRequest)

    /// Try everything that waits at once.
    public static let flush = Content.request(QueueRequest(.flush))
  }

  public struct Damaged: Error, Equatable, CustomStringConvertible {
    public let reason: String
    /// Written by a later version, which will read it.
    public var isNewer = false
    public var description: String { "damaged spool file: \(reason)" }
  }

  static let version = 1
  /// Bytes; an event at all its limits is well below.
  public static let limit = 512 * 1024

  public static func bytes(_ content: Content) -> [UInt8] {
    let body: [UInt8] =
      switch content {
      case .event(let record): Array(JSONWriter.compact(["event": record.value]).utf8)
      case .request(let request): Array(JSONWriter.compact(request.value).utf8)
      }
    return Array("luaslack-spool \(version) \(body.count) \(hexadecimal(checksum(body)))\n".utf8)
      + body
  }

  public static func read(_ bytes: [UInt8]) throws(Damaged) -> Content {
    guard let end = bytes.firstIndex(of: UInt8(ascii: "\n")) else {
      throw Damaged(reason: "no header")
    }
    let header = String(decoding: bytes[..<end], as: UTF8.self).split(separator: " ")
    guard header.count == 4, header[0] == "luaslack-spool", let found = Int(header[1]) else {
      throw Damaged(reason: "no header")
    }
    guard found == version else {
      throw Damaged(reason: "version \(found) is not known here", isNewer: found > version)
    }
    let body = Array(bytes[(end + 1)...])
    guard Int(header[2]) == body.count else { throw Damaged(reason: "cut short") }
    guard String(header[3]) == hexadecimal(checksum(body)) else {
      throw Damaged(reason: "wrong checksum")
    }
    guard let value = try? JSONReader.read(body) else { throw Damaged(reason: "not JSON") }
    if let name = value["request"]?.string {
      guard let request = QueueRequest(value) else {
        throw Damaged(reason: "the request \(name) is not known here", isNewer: true)
      }
      return .request(request)
    }
    guard let event = value["event"], var record = EventRecord(event),
      !record.kind.isOwn
    else {
      throw Damaged(reason: "neither an event nor a request")
    }
    // Whose a file is tells who left it.
    record.submitter = nil
    record.known = [:]
    return .event(record)
  }

  private static func hexadecimal(_ number: UInt32) -> String {
    let digits = String(number, radix: 16)
    return String(repeating: "0", count: 8 - digits.count) + digits
  }

  /// CRC-32 (IEEE 802.3), bit by bit: a table would cost more at start-up than these few bytes.
  static func checksum(_ bytes: [UInt8]) -> UInt32 {
    var register: UInt32 = 0xffff_ffff
    for byte in bytes {
      register ^= UInt32(byte)
      for _ in 0..<8 {
        register = register & 1 == 1 ? register >> 1 ^ 0xedb8_8320 : register >> 1
      }
    }
    return ~register
  }
}
