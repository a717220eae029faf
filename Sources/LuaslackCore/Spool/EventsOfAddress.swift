public import SQLite

// Events of one address, however it is spelt.
extension Queue {
  /// Their rows; ?1 is the `spellings`. The second half is for events whose id is something else than the address. A
  /// notification is about no address, whatever its title.
  static let ofAddress = """
    (SELECT id FROM event WHERE subject IN (SELECT value FROM json_each(?1)) AND kind <> 'notify'
     UNION SELECT id FROM event
     WHERE json_extract(record, '$.ip') IN (SELECT value FROM json_each(?1))
       AND json_extract(record, '$.ip') <> subject)
    """

  /// How an address stands in events: as whoever handed them in wrote it. fail2ban writes one form only, an
  /// admin may write another, now and then.
  func spellings(of address: String) throws(DatabaseError) -> [String] {
    guard let network = Network(address) else { return [address] }
    let banned = try database.all(
      """
      SELECT subject FROM event WHERE id IN \(Self.bansOfAddress)
      UNION SELECT json_extract(record, '$.ip') FROM event WHERE id IN \(Self.bansOfAddress)
      """, Self.values(of: address)
    ) { $0.text(0) }
    let known = [address, address.lowercased(), network.description] + banned
    return Set(known.filter { Network($0) == network }).sorted()
  }

  /// As a value for `ofAddress`.
  static func list(_ spellings: [String]) -> SQLValue {
    .text(JSONWriter.compact(.array(spellings.map(Value.string))))
  }

  /// How many events there are of an address or id.
  public func eventCount(address: String) throws(DatabaseError) -> Int {
    try eventCount(Self.list(try spellings(of: address)))
  }

  func eventCount(_ spellings: SQLValue) throws(DatabaseError) -> Int {
    try database.first("SELECT count(*) FROM \(Self.ofAddress)", spellings) {
      Int($0.integer(0))
    } ?? 0
  }
}

/// Whether a text names somebody, and what is left of a record when it shall not.
struct Naming {
  /// Somebody's spellings. None is empty.
  let names: [String]

  /// As a word of its own: 203.0.113.1 is not in 203.0.113.10, nor in 203.0.113.1/24.
  func isIn(_ text: String) -> Bool {
    let text = Array(text.utf8)
    return names.contains { name in
      let name = Array(name.utf8)
      guard name.count <= text.count else { return false }
      return (0...text.count - name.count).contains { start in
        let end = start + name.count
        return text[start] == name[0] && text[start..<end] == name[...]
          && !Self.goesOn(text[..<start].reversed(), [])
          && !Self.goesOn(text[end...], [UInt8(ascii: "/")])
      }
    }
  }

  /// A letter or a digit follows, or what joins one to an address.
  private static func goesOn(_ text: some Sequence<UInt8>, _ more: [UInt8]) -> Bool {
    let next = Array(text.prefix(2))
    guard let first = next.first else { return false }
    if isOfWord(first) { return true }
    let joins = [UInt8(ascii: "."), UInt8(ascii: ":"), UInt8(ascii: "-")] + more
    return joins.contains(first) && next.count > 1
      && (isOfWord(next[1]) || first == UInt8(ascii: ":") && next[1] == first)
  }

  private static func isOfWord(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "_"), 0x80...: true
    default: false
    }
  }

  /// The record without what names them: rows of lists go, other texts say that something was here.
  func strike(_ value: Value) -> Value {
    switch value {
    case .string(let text): isIn(text) ? "(forgotten)" : value
    case .array(let items): .array(items.filter { !isInAny(of: $0) })
    case .object(let members): .object(members.mapValues(strike))
    default: value
    }
  }

  private func isInAny(of value: Value) -> Bool {
    switch value {
    case .string(let text): isIn(text)
    case .array(let items): items.contains(where: isInAny)
    case .object(let members): members.values.contains(where: isInAny)
    default: false
    }
  }
}
