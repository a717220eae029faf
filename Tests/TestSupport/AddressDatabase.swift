import Foundation

/// Writes small databases in MaxMind's format (https://maxmind.github.io/MaxMind-DB/), right ones and wrong ones.
public struct AddressDatabase {
  public indirect enum Value {
    case text(String)
    case bytes([UInt8])
    case number(UInt64)
    case map([(String, Value)])
    case array([Value])
    /// Bytes of the data section as they are.
    case raw([UInt8])
  }

  public var type = "Test-City"
  public var builtAt = UInt64(Date().timeIntervalSince1970)
  private var entries: [(network: [UInt8], bits: Int, value: Value)] = []

  /// Before its own in what describes it, of the same names perhaps.
  public var moreMetadata: [(String, Value)] = []

  public init() {}

  /// `203.0.113.0/24`; an IPv6 network needs all its groups up to `::`.
  public mutating func add(_ network: String, _ value: Value) {
    let parts = network.split(separator: "/")
    var bytes = [UInt8](repeating: 0, count: 16)
    var bits = Int(parts[1]) ?? 0
    if network.contains(":") {
      var address = in6_addr()
      inet_pton(AF_INET6, String(parts[0]), &address)
      bytes = withUnsafeBytes(of: address) { Array($0) }
    } else {
      var address = in_addr()
      inet_pton(AF_INET, String(parts[0]), &address)
      bytes = [UInt8](repeating: 0, count: 12) + withUnsafeBytes(of: address) { Array($0) }
      bits += 96
    }
    entries.append((bytes, bits, value))
  }

  /// As GeoLite2-City has it.
  public static func city(_ code: String, _ country: String, _ city: String) -> Value {
    .map([
      ("city", .map([("names", .map([("de", .text(city + "-de")), ("en", .text(city))]))])),
      (
        "country",
        .map([
          ("geoname_id", .number(1)), ("iso_code", .text(code)),
          ("names", .map([("en", .text(country))])),
        ])
      ),
      ("subdivisions", .array([.map([("names", .map([("en", .text("x"))]))])])),
    ])
  }

  public static func network(_ number: UInt64, _ organisation: String) -> Value {
    .map([
      ("autonomous_system_number", .number(number)),
      ("autonomous_system_organization", .text(organisation)),
    ])
  }

  private final class Node {
    var children: [Node?] = [nil, nil]
    var offset: Int?
  }

  public func bytes() -> [UInt8] {
    var data: [UInt8] = []
    let root = Node()
    for entry in entries {
      var node = root
      for bit in 0..<entry.bits {
        let side = Int(entry.network[bit / 8] >> UInt8(7 - bit % 8) & 1)
        let child = node.children[side] ?? Node()
        node.children[side] = child
        node = child
      }
      node.offset = data.count
      data += Self.encoded(entry.value)
    }
    var nodes: [Node] = []
    var numbers: [ObjectIdentifier: Int] = [:]
    func number(_ node: Node) {
      guard node.offset == nil else { return }
      numbers[ObjectIdentifier(node)] = nodes.count
      nodes.append(node)
      for child in node.children { if let child { number(child) } }
    }
    number(root)
    var tree: [UInt8] = []
    for node in nodes {
      for child in node.children {
        let record =
          child.map {
            $0.offset.map { nodes.count + 16 + $0 } ?? numbers[ObjectIdentifier($0)] ?? 0
          }
          ?? nodes.count
        tree += (0..<4).reversed().map { UInt8(truncatingIfNeeded: record >> ($0 * 8)) }
      }
    }
    return tree + [UInt8](repeating: 0, count: 16) + data + Self.marker
      + Self.encoded(metadata(nodes: nodes.count))
  }

  public static let marker: [UInt8] = [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)

  public func metadata(nodes: Int) -> Value {
    .map(
      moreMetadata + [
        ("binary_format_major_version", .raw([0xa1, 2])),
        ("binary_format_minor_version", .raw([0xa0])),
        ("build_epoch", .raw([0x08, 0x02] + Self.big(builtAt, 8))),
        ("database_type", .text(type)), ("description", .map([("en", .text("made by a test"))])),
        ("ip_version", .raw([0xa1, 6])), ("languages", .array([.text("en")])),
        ("node_count", .raw([0xc4] + Self.big(UInt64(nodes), 4))),
        ("record_size", .raw([0xa1, 32])),
      ])
  }

  private static func big(_ number: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).reversed().map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
  }

  private static func control(_ type: Int, _ size: Int) -> [UInt8] {
    let more: [UInt8]
    let low: Int
    switch size {
    case ..<29: (low, more) = (size, [])
    case ..<285: (low, more) = (29, big(UInt64(size - 29), 1))
    case ..<65_821: (low, more) = (30, big(UInt64(size - 285), 2))
    default: (low, more) = (31, big(UInt64(size - 65_821), 3))
    }
    let first = UInt8((type > 7 ? 0 : type) << 5 | low)
    return [first] + (type > 7 ? [UInt8(type - 7)] : []) + more
  }

  public static func encoded(_ value: Value) -> [UInt8] {
    switch value {
    case .text(let text): return control(2, text.utf8.count) + Array(text.utf8)
    case .bytes(let bytes): return control(2, bytes.count) + bytes
    case .number(let number): return control(6, 4) + big(number, 4)
    case .map(let members):
      return control(7, members.count)
        + members.flatMap { encoded(.text($0.0)) + encoded($0.1) }
    case .array(let items): return control(11, items.count) + items.flatMap(encoded)
    case .raw(let bytes): return bytes
    }
  }
}
