/// Writes a `Value` as JSON, byte for byte the same every time: keys sorted, no spaces unless
/// `pretty`, integers exact, floats in the shortest form that reads back the same.
/// Our own because golden tests and repeats depend on those bytes.
public struct JSONWriter: Sendable {
  public static func compact(_ value: Value) -> String {
    var writer = JSONWriter(pretty: false)
    writer.write(value, depth: 0)
    return writer.result
  }

  /// Two spaces a level and a newline at the end; for people and for golden files.
  public static func pretty(_ value: Value) -> String {
    var writer = JSONWriter(pretty: true)
    writer.write(value, depth: 0)
    return writer.result + "\n"
  }

  private let pretty: Bool
  private var text: [UInt8] = []

  private var result: String { String(decoding: text, as: UTF8.self) }

  private init(pretty: Bool) {
    self.pretty = pretty
  }

  private mutating func write(_ value: Value, depth: Int) {
    switch value {
    case .null: add("null")
    case .bool(let flag): add(flag ? "true" : "false")
    case .int(let number): add(String(number))
    // JSON has no word for these; the sandbox refuses them, so only a hand-made value has one.
    case .float(let number): add(number.isFinite ? String(number) : "null")
    case .string(let string): write(string)
    case .array(let items):
      write(items.isEmpty, "[", "]", items, depth) { writer, item in
        writer.write(item, depth: depth + 1)
      }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      write(members.isEmpty, "{", "}", sorted, depth) { writer, member in
        writer.write(member.key)
        writer.add(writer.pretty ? ": " : ":")
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func write<Items: Sequence>(
    _ isEmpty: Bool, _ open: String, _ close: String, _ items: Items, _ depth: Int,
    _ writeItem: (inout JSONWriter, Items.Element) -> Void
  ) {
    add(open)
    var isFirst = true
    for item in items {
      if !isFirst { add(",") }
      isFirst = false
      breakLine(depth + 1)
      writeItem(&self, item)
    }
    if !isEmpty { breakLine(depth) }
    add(close)
  }

  private mutating func breakLine(_ depth: Int) {
    guard pretty else { return }
    add("\n" + String(repeating: "  ", count: depth))
  }

  private mutating func add(_ string: String) { text += string.utf8 }

  /// Byte by byte: this is most of what an event costs to store.
  private mutating func write(_ string: String) {
    text.append(UInt8(ascii: "\""))
    // Of the two bytes that C1 controls are, the first; what else begins with it passes.
    var isAfterC2 = false
    for byte in string.utf8 {
      if isAfterC2 {
        isAfterC2 = false
        if byte < 0xa0 {
          escape(byte)
          continue
        }
        text.append(0xc2)
      }
      switch byte {
      case UInt8(ascii: "\""), UInt8(ascii: "\\"): text += [UInt8(ascii: "\\"), byte]
      case UInt8(ascii: "\n"): add("\\n")
      case UInt8(ascii: "\r"): add("\\r")
      case UInt8(ascii: "\t"): add("\\t")
      case ..<0x20, 0x7f: escape(byte)
      case 0xc2: isAfterC2 = true
      default: text.append(byte)
      }
    }
    text.append(UInt8(ascii: "\""))
  }

  /// Those above ASCII as well: what is printed for people must not steer their terminal.
  private mutating func escape(_ number: UInt8) {
    let digits = String(number, radix: 16)
    add("\\u" + String(repeating: "0", count: 4 - digits.count) + digits)
  }
}
