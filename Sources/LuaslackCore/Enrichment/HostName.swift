/// Names of addresses in DNS. Whoever has the address chooses the name, so it is shown and never believed.
public enum HostName {
  public enum Answer: Sendable, Equatable {
    /// One that leads back to the address; `seconds` for which that holds.
    case named(String, seconds: Int)
    case unnamed
    /// Somebody answered that it cannot be told.
    case failed
    /// Nobody answered in time.
    case unanswered
  }

  /// RFC 1035, 2.3.4, without the last dot.
  private static let limit = 253

  /// As it is shown; nil for what is no name of a host: other characters than letters, digits, hyphens, underscores
  /// and dots, or one that ends like an address.
  public static func clean(_ text: String) -> String? {
    let name = text.hasSuffix(".") ? text.dropLast() : text[...]
    let labels = name.utf8.split(separator: UInt8(ascii: "."), omittingEmptySubsequences: false)
    guard name.utf8.count <= limit, labels.count > 1,
      labels.allSatisfy({ (1...63).contains($0.count) && $0.allSatisfy(isNameByte) }),
      let last = labels.last, last.contains(where: isLetter)
    else { return nil }
    return name.lowercased()
  }

  private static func isLetter(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
  }

  private static func isNameByte(_ byte: UInt8) -> Bool {
    isLetter(byte) || (0x30...0x39).contains(byte) || byte == 0x2d || byte == 0x5f
  }

  /// Under which DNS has the name of an address: `7.113.0.203.in-addr.arpa`. Nil for a network of several.
  public static func question(for address: Network) -> String? {
    guard let bytes = address.addressBytes else { return nil }
    let labels =
      address.isIPv4
      ? bytes.suffix(4).map { "\($0)" }
      : bytes.flatMap { [String($0 >> 4, radix: 16), String($0 & 15, radix: 16)] }
    return (labels.reversed() + [address.isIPv4 ? "in-addr.arpa" : "ip6.arpa"])
      .joined(separator: ".")
  }
}

extension Network {
  /// All 16 bytes of one address, IPv4 at ::ffff:0:0/96; nil of a network of several.
  public var addressBytes: [UInt8]? { prefix == 128 ? range.first : nil }
}
