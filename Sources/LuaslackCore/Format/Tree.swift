/// The bytes that cross the sandbox's pipe: a small self-describing tree, the same in
/// `luaslack-sandbox/tree.c`. Tag byte, then little-endian contents; strings and containers carry
/// a 32-bit count. Writing is trusted; reading is strict, since a broken interpreter may have
/// written the bytes.
enum Tree {
  enum Tag: UInt8 { case null, no, yes, int, float, string, array, object }

  /// Why bytes from the sandbox were refused.
  struct Malformed: Error, Equatable {
    let reason: String
  }

  static func bytes(_ value: Value) -> [UInt8] {
    var bytes: [UInt8] = []
    append(value, to: &bytes)
    return bytes
  }

  private static func append(_ value: Value, to bytes: inout [UInt8]) {
    func tag(_ tag: Tag) { bytes.append(tag.rawValue) }
    switch value {
    case .null: tag(.null)
    case .bool(let flag): tag(flag ? .yes : .no)
    case .int(let number):
      tag(.int)
      append(UInt64(bitPattern: number), to: &bytes)
    case .float(let number):
      tag(.float)
      append(number.bitPattern, to: &bytes)
    case .string(let text):
      tag(.string)
      append(text, to: &bytes)
    case .array(let items):
      tag(.array)
      append(UInt32(items.count), to: &bytes)
      for item in items { append(item, to: &bytes) }
    case .object(let members):
      tag(.object)
      append(UInt32(members.count), to: &bytes)
      for (key, value) in members.sorted(by: { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) })
      {
        append(key, to: &bytes)
        append(value, to: &bytes)
      }
    }
  }

  private static func append(_ text: String, to bytes: inout [UInt8]) {
    append(UInt32(text.utf8.count), to: &bytes)
    bytes += text.utf8
  }

  static func append<Number: FixedWidthInteger>(_ number: Number, to bytes: inout [UInt8]) {
    for shift in stride(from: 0, to: Number.bitWidth, by: 8) {
      bytes.append(UInt8(truncatingIfNeeded: number >> Number(shift)))
    }
  }

  /// Reads exactly one tree; `nodes` and `depth` bound what it may unfold to.
  static func read(
    _ bytes: ArraySlice<UInt8>, nodes: Int, depth: Int
  ) throws(Malformed) -> Value {
    var reader = TreeReader(rest: bytes, nodesLeft: nodes)
    let value = try reader.value(depthLeft: depth)
    guard reader.rest.isEmpty else { throw Malformed(reason: "bytes after the tree") }
    return value
  }
}

private struct TreeReader {
  var rest: ArraySlice<UInt8>
  var nodesLeft: Int

  mutating func value(depthLeft: Int) throws(Tree.Malformed) -> Value {
    nodesLeft -= 1
    guard nodesLeft >= 0 else { throw Tree.Malformed(reason: "too many nodes") }
    guard let byte = rest.popFirst(), let tag = Tree.Tag(rawValue: byte) else {
      throw Tree.Malformed(reason: "no known tag")
    }
    switch tag {
    case .null: return .null
    case .no: return .bool(false)
    case .yes: return .bool(true)
    case .int: return .int(Int64(bitPattern: try number()))
    case .float:
      let value = Double(bitPattern: try number())
      guard value.isFinite else { throw Tree.Malformed(reason: "a number that is not finite") }
      return .float(value)
    case .string: return .string(try string())
    case .array: return .array(try items(depthLeft))
    case .object: return .object(try members(depthLeft))
    }
  }

  private mutating func items(_ depthLeft: Int) throws(Tree.Malformed) -> [Value] {
    var items: [Value] = []
    for _ in 0..<(try count(depthLeft)) { items.append(try value(depthLeft: depthLeft - 1)) }
    return items
  }

  private mutating func members(_ depthLeft: Int) throws(Tree.Malformed) -> [String: Value] {
    var members: [String: Value] = [:]
    for _ in 0..<(try count(depthLeft)) {
      let key = try string()
      guard key.utf8.allSatisfy({ $0 < 0x80 }) else {
        throw Tree.Malformed(reason: "a key that is not ASCII")
      }
      let value = try value(depthLeft: depthLeft - 1)
      guard members.updateValue(value, forKey: key) == nil else {
        throw Tree.Malformed(reason: "a key stands twice")
      }
    }
    return members
  }

  /// The count of a container; each of its parts needs at least a byte.
  private mutating func count(_ depthLeft: Int) throws(Tree.Malformed) -> UInt32 {
    guard depthLeft > 0 else { throw Tree.Malformed(reason: "nested too deeply") }
    let count: UInt32 = try number()
    guard count <= rest.count else { throw Tree.Malformed(reason: "a count beyond the end") }
    return count
  }

  private mutating func string() throws(Tree.Malformed) -> String {
    let count: UInt32 = try number()
    guard count <= rest.count else { throw Tree.Malformed(reason: "a string beyond the end") }
    defer { rest = rest.dropFirst(Int(count)) }
    guard let text = String(validating: rest.prefix(Int(count)), as: UTF8.self) else {
      throw Tree.Malformed(reason: "a string that is not UTF-8")
    }
    return PlainText.tamed(text)
  }

  private mutating func number<Number: FixedWidthInteger>() throws(Tree.Malformed) -> Number {
    let width = Number.bitWidth / 8
    guard rest.count >= width else { throw Tree.Malformed(reason: "a number beyond the end") }
    var number: Number = 0
    for (index, byte) in rest.prefix(width).enumerated() {
      number |= Number(truncatingIfNeeded: byte) << Number(index * 8)
    }
    rest = rest.dropFirst(width)
    return number
  }
}
