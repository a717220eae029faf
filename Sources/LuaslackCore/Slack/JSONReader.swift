/// What is wrong with a JSON text, and where (a byte offset from 0).
public struct JSONError: Error, Equatable, CustomStringConvertible {
  public let reason: String
  public let offset: Int
  public var description: String { "\(reason) at byte \(offset)" }
}

/// Reads JSON (RFC 8259) strictly: valid UTF-8, no duplicate keys, no trailing text, bounded depth.
/// A number without fraction or exponent that fits is an integer.
public struct JSONReader {
  /// Levels of nesting; deeper text is an error, so that a hostile one cannot exhaust the stack.
  static let depthLimit = 64

  public static func read(_ text: String) throws(JSONError) -> Value {
    try read(Array(text.utf8))
  }

  public static func read(_ bytes: [UInt8]) throws(JSONError) -> Value {
    var reader = JSONReader(bytes: bytes)
    let value = try reader.value(depth: 0)
    reader.skipSpace()
    guard reader.next == bytes.count else { throw reader.error("text after the value") }
    return value
  }

  private let bytes: [UInt8]
  private var next = 0

  private init(bytes: [UInt8]) {
    self.bytes = bytes
  }

  private func error(_ reason: String) -> JSONError {
    JSONError(reason: reason, offset: next)
  }

  private var byte: UInt8? { next < bytes.count ? bytes[next] : nil }

  private mutating func skipSpace() {
    while let byte, byte == 0x20 || byte == 0x0a || byte == 0x0d || byte == 0x09 { next += 1 }
  }

  private mutating func skip(_ expected: Character) -> Bool {
    skipSpace()
    guard let byte, byte == expected.asciiValue else { return false }
    next += 1
    return true
  }

  private mutating func value(depth: Int) throws(JSONError) -> Value {
    guard depth <= Self.depthLimit else { throw error("nested too deeply") }
    skipSpace()
    switch byte {
    case nil: throw error("the text ends early")
    case UInt8(ascii: "{"): return try object(depth)
    case UInt8(ascii: "["): return try array(depth)
    case UInt8(ascii: "\""): return .string(try string())
    case UInt8(ascii: "t"): return try word("true", .bool(true))
    case UInt8(ascii: "f"): return try word("false", .bool(false))
    case UInt8(ascii: "n"): return try word("null", .null)
    default: return try number()
    }
  }

  private mutating func word(_ word: String, _ value: Value) throws(JSONError) -> Value {
    guard bytes[next...].starts(with: word.utf8) else { throw error("not a JSON value") }
    next += word.utf8.count
    return value
  }

  private mutating func object(_ depth: Int) throws(JSONError) -> Value {
    next += 1
    var members: [String: Value] = [:]
    if skip("}") { return .object(members) }
    while true {
      skipSpace()
      guard byte == UInt8(ascii: "\"") else { throw error("expected a key") }
      let key = try string()
      guard members[key] == nil else { throw error("the key \"\(key)\" stands twice") }
      guard skip(":") else { throw error("expected ':'") }
      members[key] = try value(depth: depth + 1)
      if skip("}") { return .object(members) }
      guard skip(",") else { throw error("expected ',' or '}'") }
    }
  }

  private mutating func array(_ depth: Int) throws(JSONError) -> Value {
    next += 1
    var items: [Value] = []
    if skip("]") { return .array(items) }
    while true {
      items.append(try value(depth: depth + 1))
      if skip("]") { return .array(items) }
      guard skip(",") else { throw error("expected ',' or ']'") }
    }
  }

  private mutating func number() throws(JSONError) -> Value {
    let start = next
    while let byte, "+-.eE0123456789".utf8.contains(byte) { next += 1 }
    let text = String(decoding: bytes[start..<next], as: UTF8.self)
    let digits = text.drop { $0 == "-" }
    let isWellFormed =
      digits.first?.isNumber == true && text.last?.isNumber == true
      && !(digits.first == "0" && digits.dropFirst().first?.isNumber == true)
    if isWellFormed, !text.contains("."), !text.contains("e"), !text.contains("E"),
      let integer = Int64(text)
    {
      return .int(integer)
    }
    guard isWellFormed, let number = Double(text), number.isFinite else {
      next = start
      throw error("not a JSON value")
    }
    return .float(number)
  }

  private mutating func string() throws(JSONError) -> String {
    next += 1
    var result: [UInt8] = []
    while let byte {
      next += 1
      switch byte {
      case UInt8(ascii: "\""):
        guard let text = String(validating: result, as: UTF8.self) else {
          throw error("a string that is not UTF-8")
        }
        return PlainText.tamed(text)
      case UInt8(ascii: "\\"): result += try escape()
      case 0..<0x20: throw error("a control character in a string")
      default: result.append(byte)
      }
    }
    throw error("a string without an end")
  }

  private mutating func escape() throws(JSONError) -> [UInt8] {
    guard let byte else { throw error("the text ends early") }
    next += 1
    switch byte {
    case UInt8(ascii: "n"): return [0x0a]
    case UInt8(ascii: "t"): return [0x09]
    case UInt8(ascii: "r"): return [0x0d]
    case UInt8(ascii: "b"): return [0x08]
    case UInt8(ascii: "f"): return [0x0c]
    case UInt8(ascii: "\""), UInt8(ascii: "\\"), UInt8(ascii: "/"): return [byte]
    case UInt8(ascii: "u"): return try unicode()
    default: throw error("an unknown escape")
    }
  }

  private mutating func unicode() throws(JSONError) -> [UInt8] {
    var code = try hexadecimal()
    if (0xd800..<0xdc00).contains(code), bytes[next...].starts(with: "\\u".utf8) {
      next += 2
      let low = try hexadecimal()
      guard (0xdc00..<0xe000).contains(low) else { throw error("half a surrogate pair") }
      code = 0x10000 + (code - 0xd800) << 10 + (low - 0xdc00)
    }
    guard let scalar = Unicode.Scalar(code) else { throw error("half a surrogate pair") }
    return Array(String(Character(scalar)).utf8)
  }

  private mutating func hexadecimal() throws(JSONError) -> UInt32 {
    guard next + 4 <= bytes.count else { throw error("the text ends early") }
    let digits = String(decoding: bytes[next..<next + 4], as: UTF8.self)
    guard digits.allSatisfy(\.isHexDigit), let code = UInt32(digits, radix: 16) else {
      throw error("expected four hexadecimal digits")
    }
    next += 4
    return code
  }
}
