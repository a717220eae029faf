/// What a database says of an address, as far as it was asked: texts, whole numbers, and tables of both.
public indirect enum Entry: Sendable, Equatable {
  case text(String)
  case number(UInt64)
  case table([String: Entry])

  public subscript(key: String) -> Entry? {
    if case .table(let members) = self { members[key] } else { nil }
  }
}

/// Reads entries out of a data section, which may hold anything. Debian 12's libmaxminddb (1.7.1) follows nested values as
/// deeply as they go and pointers as often as they branch, so that a few hundred bytes end a process; here
/// each entry has a budget. The format: https://maxmind.github.io/MaxMind-DB/
struct Decoder {
  /// What is wrong with an entry.
  struct Damaged: Error {}

  /// Bytes kept of a text.
  static let textLimit = 512
  private static let depthLimit = 16

  /// Members of tables that are read; the others are passed over. Nil: all are, which shows that all of
  /// them can be.
  private let keys: Set<String>?
  /// Values that may still be looked at.
  private var budget: Int

  init(keeping keys: Set<String>?, budget: Int = 4_000) {
    self.keys = keys
    self.budget = budget
  }

  private enum Kind: Int {
    case pointer = 1
    case text, double, bytes, uint16, uint32, map, int32, uint64, uint128, array
    case bool = 14
    case float
  }

  private struct Control {
    let kind: Kind
    /// Bytes, or members; of a pointer, where it leads.
    let size: Int
    /// Where the value itself begins, or what follows a pointer.
    let start: Int
  }

  /// The entry that begins there; nil for a kind that is not kept. Moves to its end.
  mutating func entry(
    _ bytes: Span<UInt8>, at position: inout Int, isWanted: Bool = true, depth: Int = 0
  ) throws(Damaged) -> Entry? {
    budget -= 1
    guard budget > 0, depth < Self.depthLimit else { throw Damaged() }
    let control = try control(bytes, at: position)
    position = control.start
    switch control.kind {
    case .pointer:
      guard isWanted else { return nil }
      var target = control.size
      // One that leads to another is against the format, and could go round for ever.
      guard try self.control(bytes, at: target).kind != .pointer else { throw Damaged() }
      return try entry(bytes, at: &target, depth: depth + 1)
    case .map:
      return try table(bytes, at: &position, control.size, isWanted: isWanted, depth: depth)
    case .array:
      for _ in 0..<control.size {
        _ = try entry(
          bytes, at: &position, isWanted: isWanted && keys == nil, depth: depth + 1)
      }
      return nil
    case .bool: return nil
    default:
      guard control.size <= bytes.count - position else { throw Damaged() }
      defer { position += control.size }
      guard isWanted else { return nil }
      switch control.kind {
      case .text: return .text(Self.text(bytes, position, control.size))
      case .uint16, .uint32, .uint64:
        return .number(try Self.number(bytes, position, control.size))
      default: return nil
      }
    }
  }

  private mutating func table(
    _ bytes: Span<UInt8>, at position: inout Int, _ count: Int, isWanted: Bool, depth: Int
  ) throws(Damaged) -> Entry? {
    var members: [String: Entry] = [:]
    for _ in 0..<count {
      let key = try key(bytes, at: &position)
      let isMemberWanted = isWanted && (keys?.contains(key) ?? true)
      let member = try entry(
        bytes, at: &position, isWanted: isMemberWanted, depth: depth + 1)
      // Of two with one name libmaxminddb takes the first as well: what was judged is what it uses.
      if isMemberWanted, members[key] == nil { members[key] = member }
    }
    return isWanted ? .table(members) : nil
  }

  private mutating func key(
    _ bytes: Span<UInt8>, at position: inout Int
  ) throws(Damaged) -> String {
    budget -= 1
    guard budget > 0 else { throw Damaged() }
    var control = try control(bytes, at: position)
    position = control.start
    let isElsewhere = control.kind == .pointer
    if isElsewhere { control = try self.control(bytes, at: control.size) }
    guard control.kind == .text, control.size <= bytes.count - control.start else {
      throw Damaged()
    }
    if !isElsewhere { position = control.start + control.size }
    return Self.text(bytes, control.start, control.size)
  }

  private func control(
    _ bytes: Span<UInt8>, at position: Int
  ) throws(Damaged) -> Control {
    var position = position
    func next() throws(Damaged) -> Int {
      guard position >= 0, position < bytes.count else { throw Damaged() }
      defer { position += 1 }
      return Int(bytes[position])
    }
    func number(_ count: Int) throws(Damaged) -> Int {
      var number = 0
      for _ in 0..<count { number = number << 8 | (try next()) }
      return number
    }
    let first = try next()
    let type = first >> 5 == 0 ? 7 + (try next()) : first >> 5
    guard let kind = Kind(rawValue: type) else { throw Damaged() }
    guard kind != .pointer else {
      let high = first & 7
      let target =
        switch first >> 3 & 3 {
        case 0: high << 8 | (try number(1))
        case 1: (high << 16 | (try number(2))) + 2_048
        case 2: (high << 24 | (try number(3))) + 526_336
        default: try number(4)
        }
      return Control(kind: kind, size: target, start: position)
    }
    let size =
      switch first & 31 {
      case 29: 29 + (try number(1))
      case 30: 285 + (try number(2))
      case 31: 65_821 + (try number(3))
      default: first & 31
      }
    return Control(kind: kind, size: size, start: position)
  }

  private static func number(
    _ bytes: Span<UInt8>, _ start: Int, _ count: Int
  ) throws(Damaged) -> UInt64 {
    guard count <= 8 else { throw Damaged() }
    return (start..<(start + count)).reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
  }

  /// What is not UTF-8 becomes U+FFFD.
  private static func text(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> String {
    let count = min(count, textLimit)
    return unsafe String(unsafeUninitializedCapacity: count) { buffer in
      for index in 0..<count { unsafe buffer[index] = bytes[start + index] }
      return count
    }
  }
}
