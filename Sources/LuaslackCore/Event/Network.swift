/// An address, or a network in CIDR notation. Read by the rules of `prelude.lua`'s `ip`, so that
/// the config, the lists and a formatter never disagree about what an address is.
public struct Network: Hashable, Sendable, CustomStringConvertible {
  public let isIPv4: Bool
  /// 128 bits, those after the prefix zero. IPv4 sits at ::ffff:0:0/96, so that an IPv4 address
  /// written as IPv6 is the same address.
  let base: UInt128
  /// How many of the 128 bits count.
  let prefix: Int

  /// Nil for what is no address. The name of an interface (`fe80::1%eth0`) is passed over, and so
  /// are bits after the prefix.
  public init?(_ text: String) {
    self.init(utf8: Array(text.utf8)[...])
  }

  init?(utf8 text: ArraySlice<UInt8>) {
    guard text.count <= Self.lengthLimit else { return nil }
    let slash = text.firstIndex(of: UInt8(ascii: "/")) ?? text.endIndex
    let percent = text[..<slash].firstIndex(of: UInt8(ascii: "%"))
    let address = text[..<(percent ?? slash)]
    if let percent, !Self.isZone(text[percent..<slash].dropFirst()) { return nil }
    let value: UInt128
    let first: Int
    if percent == nil, let number = Self.ipv4(address) {
      (value, first) = (Self.ipv4Base | UInt128(number), 96)
    } else if let number = Self.ipv6(address) {
      (value, first) = (number, 0)
    } else {
      return nil
    }
    guard let bits = slash == text.endIndex ? 128 - first : Self.prefix(text[slash...].dropFirst()),
      first + bits <= 128
    else { return nil }
    self.init(value, prefix: first + bits, isIPv4: value >> 32 == 0xffff && first + bits >= 96)
  }

  private init(_ value: UInt128, prefix: Int, isIPv4: Bool) {
    // A shift by all 128 bits yields zero.
    base = value & ~(UInt128.max >> UInt128(prefix))
    self.prefix = prefix
    self.isIPv4 = isIPv4
  }

  /// The network of the first `prefix` bits around this one, of which there are at least as many.
  func wider(_ prefix: Int) -> Network {
    Network(base, prefix: prefix, isIPv4: isIPv4)
  }

  /// What one owner mostly has: the /24 of an IPv4 address, the /48 of an IPv6 one. Of a wider network, itself.
  var owner: Network {
    let most = isIPv4 ? 96 + 24 : 48
    return prefix > most ? wider(most) : self
  }

  /// Of one, not a network of several.
  var isAddress: Bool { prefix == 128 }

  /// One number for each `owner`, in the order of addresses, IPv4 before IPv6.
  var ownerKey: Int64 { Self.ownerKey(base) }

  /// Those of the first and the last address in it.
  var ownerKeys: ClosedRange<Int64> { ownerKey...max(ownerKey, Self.ownerKey(last)) }

  /// The key of `::/48`.
  static let firstIPv6Owner: Int64 = 1 << 48

  private static func ownerKey(_ address: UInt128) -> Int64 {
    address >> 32 == 0xffff
      ? Int64(truncatingIfNeeded: address >> 8 & 0xff_ffff)
      : firstIPv6Owner | Int64(truncatingIfNeeded: address >> 80)
  }

  private var last: UInt128 { base | (prefix == 128 ? 0 : UInt128.max >> UInt128(prefix)) }

  /// All that begins with its prefix lies between these, as 16 bytes in the order of addresses.
  var range: (first: [UInt8], last: [UInt8]) {
    (Self.bytes(base), Self.bytes(last))
  }

  private static func bytes(_ value: UInt128) -> [UInt8] {
    stride(from: 120, through: 0, by: -8).map { UInt8(truncatingIfNeeded: value >> UInt128($0)) }
  }

  /// A network by its first address and its number of bits; nil for what is none.
  init?(base: UInt128?, prefix: Int64) {
    guard let base, (0...128).contains(prefix) else { return nil }
    self.init(base, prefix: Int(prefix), isIPv4: base >> 32 == 0xffff && prefix >= 96)
  }

  /// In CIDR notation, without the prefix if it is one address: `203.0.113.0/24`, `2001:db8::/48`.
  public var description: String {
    guard !isIPv4 else {
      let bytes = stride(from: 24, through: 0, by: -8).map { (base >> UInt128($0)) & 0xff }
      let dotted = bytes.map { "\($0)" }.joined(separator: ".")
      return prefix == 128 ? dotted : "\(dotted)/\(prefix - 96)"
    }
    let groups = stride(from: 112, through: 0, by: -16).map { UInt16(base >> UInt128($0) & 0xffff) }
    let text = Self.text(groups)
    return prefix == 128 ? text : "\(text)/\(prefix)"
  }

  /// As RFC 5952 has it: the first of the longest runs of zeros is `::`, if it is longer than one.
  private static func text(_ groups: [UInt16]) -> String {
    var longest = 0..<0
    var start = 0
    for (index, group) in groups.enumerated() {
      if group != 0 { start = index + 1 }
      if index + 1 - start > max(longest.count, 1) { longest = start..<(index + 1) }
    }
    func joined(_ part: ArraySlice<UInt16>) -> String {
      part.map { String($0, radix: 16) }.joined(separator: ":")
    }
    guard !longest.isEmpty else { return joined(groups[...]) }
    return joined(groups[..<longest.lowerBound]) + "::" + joined(groups[longest.upperBound...])
  }

  /// All of the other is inside.
  public func contains(_ other: Network) -> Bool {
    isIPv4 == other.isIPv4 && prefix <= other.prefix && other.wider(prefix) == self
  }
}

// The grammar.
extension Network {
  private static let ipv4Base: UInt128 = 0xffff << 32
  /// Bytes; the longest address has 45, an interface's name 15.
  private static let lengthLimit = 80

  /// Short and plain: what is an address may be shown as it stands.
  private static func isZone(_ name: ArraySlice<UInt8>) -> Bool {
    !name.isEmpty
      && name.allSatisfy { byte in
        switch byte {
        case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x2e: true
        default: false
        }
      }
  }

  /// One to three digits after the slash.
  private static func prefix(_ digits: ArraySlice<UInt8>) -> Int? {
    guard (1...3).contains(digits.count) else { return nil }
    return number(digits)
  }

  private static func number(_ digits: ArraySlice<UInt8>) -> Int? {
    var number = 0
    for byte in digits {
      guard (0x30...0x39).contains(byte) else { return nil }
      number = number * 10 + Int(byte - 0x30)
    }
    return number
  }

  /// Without a copy of any part: a list has many.
  private static func ipv4(_ text: ArraySlice<UInt8>) -> UInt32? {
    guard (7...15).contains(text.count) else { return nil }
    var rest = text
    var value: UInt32 = 0
    for index in 0..<4 {
      if index > 0, rest.popFirst() != UInt8(ascii: ".") { return nil }
      let part = rest.prefix { $0 != UInt8(ascii: ".") }
      // 010 is eight to some programs and ten to others: to us it is no address.
      guard (1...3).contains(part.count), part.count == 1 || part.first != 0x30,
        let number = number(part), number <= 255
      else { return nil }
      value = value << 8 | UInt32(number)
      rest = rest[part.endIndex...]
    }
    return rest.isEmpty ? value : nil
  }

  private static func ipv6(_ text: ArraySlice<UInt8>) -> UInt128? {
    guard text.count <= 45, let (head, tail) = withoutDottedTail(text) else { return nil }
    let gap = head.indices.dropLast().first { head[$0] == colon && head[$0 + 1] == colon }
    let left = groups(gap.map { head[..<$0] } ?? head)
    let right = groups(gap.map { head[($0 + 2)...] } ?? [])
    guard var left, var right else { return nil }
    if let tail {
      let last = [UInt16(tail >> 16), UInt16(truncatingIfNeeded: tail)]
      if gap == nil { left += last } else { right += last }
    }
    if gap != nil {
      guard left.count + right.count <= 7 else { return nil }
      left += Array(repeating: 0, count: 8 - left.count - right.count) + right
    }
    guard left.count == 8 else { return nil }
    return left.reduce(0) { $0 << 16 | UInt128($1) }
  }

  private static var colon: UInt8 { UInt8(ascii: ":") }

  /// The text without an IPv4 address at its end, and that address. What is left ends as the text
  /// before a group does.
  private static func withoutDottedTail(
    _ text: ArraySlice<UInt8>
  ) -> (head: ArraySlice<UInt8>, tail: UInt32?)? {
    guard text.contains(UInt8(ascii: ".")) else { return (text, nil) }
    guard let last = text.lastIndex(of: colon), let tail = ipv4(text[(last + 1)...]) else {
      return nil
    }
    // The colon before it belongs to a "::", or parts it from the group before.
    let head = text[...last]
    let isGap = head.dropLast().last == colon
    return (isGap ? head : head.dropLast(), tail)
  }

  /// The 16-bit groups on one side of the "::"; nil if one is malformed.
  private static func groups(_ text: ArraySlice<UInt8>) -> [UInt16]? {
    guard !text.isEmpty else { return [] }
    var groups: [UInt16] = []
    for part in text.split(separator: colon, omittingEmptySubsequences: false) {
      guard (1...4).contains(part.count) else { return nil }
      var group: UInt16 = 0
      for byte in part {
        guard let digit = hexadecimal(byte) else { return nil }
        group = group << 4 | UInt16(digit)
      }
      groups.append(group)
    }
    return groups
  }

  private static func hexadecimal(_ byte: UInt8) -> UInt8? {
    switch byte {
    case 0x30...0x39: byte - 0x30
    case 0x41...0x46: byte - 0x41 + 10
    case 0x61...0x66: byte - 0x61 + 10
    default: nil
    }
  }
}

/// Networks in which an address is found at once, however many there are: a set for each length of
/// prefix.
public struct NetworkList: Sendable, Equatable {
  /// As written; of two spellings of one network the first.
  private var entries: [Network: String] = [:]
  /// The lengths of prefix that occur, the longest first.
  private var prefixes: [Int] = []

  public init() {}

  /// What is no network is left out.
  public init(_ texts: [String]) {
    for text in texts { insert(Array(text.utf8)[...]) }
  }

  public var count: Int { entries.count }

  /// False for what is no network.
  @discardableResult
  mutating func insert(_ text: ArraySlice<UInt8>) -> Bool {
    guard let network = Network(utf8: text) else { return false }
    guard entries[network] == nil else { return true }
    entries[network] = String(decoding: text, as: UTF8.self)
    if !prefixes.contains(network.prefix) {
      prefixes.append(network.prefix)
      prefixes.sort(by: >)
    }
    return true
  }

  /// Whether one of them and the network have an address in common. Looks at each: for short lists.
  public func meets(_ network: Network) -> Bool {
    entries.keys.contains { $0.contains(network) || network.contains($0) }
  }

  /// Those that hold all of the network, the smallest first.
  public func entries(containing network: Network) -> [String] {
    prefixes.filter { $0 <= network.prefix }.compactMap { entries[network.wider($0)] }
  }
}
