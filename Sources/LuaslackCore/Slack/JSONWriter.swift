/// Writes a `Value` as JSON, byte for byte the same every time: keys sorted, no spaces unless
/// `pretty`, integers exact, floats in the shortest form that reads back the same.
/// Our own because golden tests and repeats depend on those bytes.
public struct JSONWriter: Sendable {
  public static func compact(_ value: Value) -> String {
    var writer = JSONWriter(pretty: false)
    writer.write(value, depth: 0)
    return writer.text
  }

  /// Two spaces a level and a newline at the end; for people and for golden files.
  public static func pretty(_ value: Value) -> String {
    var writer = JSONWriter(pretty: true)
    writer.write(value, depth: 0)
    return writer.text + "\n"
  }

  private let pretty: Bool
  private var text = ""

  private init(pretty: Bool) {
    self.pretty = pretty
  }

  private mutating func write(_ value: Value, depth: Int) {
    switch value {
    case .null: text += "null"
    case .bool(let flag): text += flag ? "true" : "false"
    case .int(let number): text += String(number)
    // JSON has no word for these; the sandbox refuses them, so only a hand-made value has one.
    case .float(let number): text += number.isFinite ? String(number) : "null"
    case .string(let string): write(string)
    case .array(let items):
      write(items.isEmpty, "[", "]", items, depth) { writer, item in
        writer.write(item, depth: depth + 1)
      }
    case .object(let members):
      let sorted = members.sorted { $0.key.utf8.lexicographicallyPrecedes($1.key.utf8) }
      write(members.isEmpty, "{", "}", sorted, depth) { writer, member in
        writer.write(member.key)
        writer.text += writer.pretty ? ": " : ":"
        writer.write(member.value, depth: depth + 1)
      }
    }
  }

  private mutating func write<Items: Sequence>(
    _ isEmpty: Bool, _ open: String, _ close: String, _ items: Items, _ depth: Int,
    _ writeItem: (inout JSONWriter, Items.Element) -> Void
  ) {
    text += open
    var isFirst = true
    for item in items {
      if !isFirst { text += "," }
      isFirst = false
      breakLine(depth + 1)
      writeItem(&self, item)
    }
    if !isEmpty { breakLine(depth) }
    text += close
  }

  private mutating func breakLine(_ depth: Int) {
    guard pretty else { return }
    text += "\n" + String(repeating: "  ", count: depth)
  }

  private mutating func write(_ string: String) {
    text += "\""
    for scalar in string.unicodeScalars {
      switch scalar {
      case "\"": text += "\\\""
      case "\\": text += "\\\\"
      case "\n": text += "\\n"
      case "\r": text += "\\r"
      case "\t": text += "\\t"
      // Those above ASCII as well: what is printed for people must not steer their terminal.
      case "\u{0}"..<"\u{20}", "\u{7f}"..."\u{9f}":
        let hex = String(scalar.value, radix: 16)
        text += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: text.unicodeScalars.append(scalar)
      }
    }
    text += "\""
  }
}
