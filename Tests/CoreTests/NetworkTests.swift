import Testing

@testable import LuaslackCore

@Suite struct NetworkTests {
  /// What is written, and what it is: the version, and the same thing in another spelling.
  static let readable: [(String, Int, String)] = [
    ("203.0.113.7", 4, "203.0.113.7/32"), ("0.0.0.0", 4, "0.0.0.0/32"),
    ("255.255.255.255", 4, "::ffff:ffff:ffff"), ("198.51.100.0/24", 4, "198.51.100.255/24"),
    ("198.51.100.77/24", 4, "198.51.100.0/24"), ("1.2.3.4/0", 4, "0.0.0.0/0"),
    ("1.2.3.4/024", 4, "1.2.3.0/24"), ("::ffff:1.2.3.4%eth0", 4, "1.2.3.4"),
    ("::ffff:1.2.3.4", 4, "1.2.3.4"), ("::FFFF:0102:0304", 4, "1.2.3.4"),
    ("0:0:0:0:0:ffff:1.2.3.4", 4, "1.2.3.4"), ("::ffff:1.2.3.4/120", 4, "1.2.3.0/24"),
    ("::ffff:0:0/96", 4, "0.0.0.0/0"), ("::ffff:0:0/95", 6, "::fffe:0:0/95"),
    ("::", 6, "0:0:0:0:0:0:0:0"), ("::1", 6, "0::0:1"), ("1::", 6, "1:0:0:0:0:0:0:0"),
    ("::/0", 6, "ffff::/0"), ("2001:db8::/32", 6, "2001:0DB8:1::1/32"),
    ("2001:db8::1", 6, "2001:db8:0:0:0:0:0:1/128"), ("1:2:3:4:5:6:7::", 6, "1:2:3:4:5:6:7:0"),
    ("::2:3:4:5:6:7:8", 6, "0:2:3:4:5:6:7:8"), ("::1.2.3.4", 6, "::102:304"),
    ("1:2:3:4:5:6:1.2.3.4", 6, "1:2:3:4:5:6:102:304"), ("1::1.2.3.4", 6, "1::102:304"),
    ("64:ff9b::1.2.3.4/96", 6, "64:ff9b::/96"), ("fe80::1%eth0", 6, "fe80::1"),
    ("fe80::1%br-lan.5/10", 6, "fe80::/10"), ("2001:db8::1/1", 6, "::/1"),
  ]

  @Test(arguments: readable)
  func `reads addresses and networks however they are written`(
    text: String, version: Int, other: String
  ) throws {
    let network = try #require(Network(text))
    #expect(network.isIPv4 == (version == 4))
    #expect(network == Network(other))
  }

  static let unreadable = [
    "", " ", "x", "1", "1.2.3", "1.2.3.4.5", "1.2.3.", ".1.2.3", "1..2.3", "256.1.1.1", "01.2.3.4",
    "1.2.3.010", "00.0.0.0", "1.2.3.4444", "1.2.3.4 ", " 1.2.3.4", "1.2.3.4\n", "+1.2.3.4",
    "-1.2.3.4", "0x1.2.3.4", "1,2,3,4", "١.٢.٣.٤", "1.2.3.4/", "1.2.3.4/33", "1.2.3.4/-1",
    "1.2.3.4/+8", "1.2.3.4/ 8", "1.2.3.4/8 ", "1.2.3.4/0008", "1.2.3.4/8/8", "1.2.3.4/255.0.0.0",
    "1.2.3.4/8%x", "1.2.3.4%eth0", "1.2.3.4%", "fe80::1%", "fe80::1%/10", "fe80::1%a%b",
    "fe80::1%*x*", "fe80::1%a b", "fe80::1eth0", "fe80::1%" + String(repeating: "x", count: 73),
    "/8", "%eth0", "%/8", ":", ":::", "1:2:3:4:5:6:7", "1:2:3:4:5:6:7:8:9",
    "1:2:3:4:5:6:7:8::", "::1:2:3:4:5:6:7:8", "1::2::3", "1:::2", ":1", "1:", ":1::", "::1:",
    "12345::", "::g", "::-1", "::+1", ":: 1", "::1/129", "::1/999", "::1/", "::1.2.3",
    "::1.2.3.256",
    "::01.2.3.4", ":1.2.3.4", "1.2.3.4::", "::1.2.3.4:5", "1:2:3:4:5:6:7:1.2.3.4",
    "1:2:3:4:5:1.2.3.4", "::1:2:3:4:5:6:1.2.3.4:", "[::1]", "::1]", "host.example",
    "evil host;$(id)",
  ]

  @Test(arguments: unreadable)
  func `takes nothing for an address that some program would read otherwise`(text: String) {
    #expect(Network(text) == nil)
  }

  /// The same texts, asked of `ip` in the real sandbox.
  @Test func `a formatter reads them in the same way`() throws {
    let texts = Self.readable.flatMap { [$0.0, $0.2] } + Self.unreadable
    let literals = texts.map { JSONWriter.compact(.string($0)) }.joined(separator: ",")
    let source = """
      return function(event)
        local versions = {}
        for _, text in ipairs { \(literals) } do
          versions[#versions + 1] = tostring(ip.version(text))
        end
        return { text = table.concat(versions, " ") }
      end
      """
    let record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: 0)
    let chain = FormatterChain(files: [FormatterFile(name: "x.lua", source: source)])
    let result = Formatting(chain, Sandbox.Settings())
      .format(Event(record, host: "web1", now: 0))
    #expect(result.problems.isEmpty)
    let versions = texts.map { Network($0).map { $0.isIPv4 ? "4" : "6" } ?? "nil" }
    guard case .message(let message) = result.outcome else {
      Issue.record("there is no message")
      return
    }
    #expect(message["text"]?.string == versions.joined(separator: " "))
  }

  @Test(arguments: [
    ("198.51.100.0/24", "198.51.100.7", true), ("198.51.100.0/24", "198.51.101.7", false),
    ("198.51.100.0/24", "198.51.100.0/25", true), ("198.51.100.0/24", "198.51.100.0/23", false),
    ("198.51.100.7", "198.51.100.7", true), ("0.0.0.0/0", "203.0.113.7", true),
    ("::/0", "203.0.113.7", false), ("::/0", "2001:db8::1", true),
    ("::/0", "::ffff:1.2.3.4", false),
    ("0.0.0.0/0", "2001:db8::1", false), ("10.0.0.0/8", "::ffff:10.9.8.7", true),
    ("2001:db8::/33", "2001:db8:8000::1", false), ("2001:db8::/33", "2001:db8:7fff::1", true),
  ])
  func `a network holds what lies in it as a whole`(
    outer: String, inner: String, expected: Bool
  ) throws {
    #expect(try #require(Network(outer)).contains(try #require(Network(inner))) == expected)
    #expect(
      NetworkList([outer]).entries(containing: try #require(Network(inner)))
        == (expected ? [outer] : []))
  }
}

@Suite struct NetworkListTests {
  @Test func `names the entries as they are written, the smallest network first`() throws {
    let list = NetworkList([
      "10.0.0.0/8", "x", "10.1.2.3/16", "::ffff:10.1.2.3", "10.1.0.0/16", "2001:db8::/32",
      "0.0.0.0/0",
    ])
    #expect(list.count == 5)
    let address = try #require(Network("10.1.2.3"))
    #expect(
      list.entries(containing: address) == [
        "::ffff:10.1.2.3", "10.1.2.3/16", "10.0.0.0/8", "0.0.0.0/0",
      ])
    #expect(NetworkList().entries(containing: address) == [])
  }

  /// What `Network` and `NetworkList` do with shifts and sets, bit by bit.
  private struct Naive {
    let isIPv4: Bool
    let bits: [Bool]
    let prefix: Int

    init(_ random: inout SplitMix) {
      isIPv4 = Bool.random(using: &random)
      // Few different bits, so that networks do meet.
      bits = (0..<(isIPv4 ? 32 : 128)).map { _ in Int.random(in: 0..<8, using: &random) == 0 }
      prefix = Int.random(in: 0...bits.count, using: &random)
    }

    var text: String {
      let width = isIPv4 ? 8 : 16
      let groups = stride(from: 0, to: bits.count, by: width).map { start in
        bits[start..<start + width].reduce(0) { $0 * 2 + ($1 ? 1 : 0) }
      }
      let words = groups.map { String($0, radix: isIPv4 ? 10 : 16) }
      return words.joined(separator: isIPv4 ? "." : ":") + "/\(prefix)"
    }

    func contains(_ other: Naive) -> Bool {
      isIPv4 == other.isIPv4 && prefix <= other.prefix
        && bits.prefix(prefix) == other.bits.prefix(prefix)
    }
  }

  @Test func `finds what a look at every bit of every entry finds`() throws {
    var random = SplitMix(state: 3)
    let entries = (0..<400).map { _ in Naive(&random) }
    let list = NetworkList(entries.map(\.text))
    var found = 0
    for _ in 0..<400 {
      let wanted = Naive(&random)
      let network = try #require(Network(wanted.text))
      let matching = entries.filter { $0.contains(wanted) }
      for entry in entries {
        let isInside = try #require(Network(entry.text)).contains(network)
        #expect(isInside == entry.contains(wanted), "\(entry.text) \(wanted.text)")
      }
      let expected = Set(matching.compactMap { Network($0.text) })
      let actual = list.entries(containing: network)
      #expect(Set(actual.compactMap { Network($0) }) == expected, "\(wanted.text)")
      #expect(actual.count == expected.count)
      found += actual.count
    }
    // The numbers are such that both answers occur.
    #expect(found > 400)
  }

  @Test func `a hundred thousand entries are found each in its place`() throws {
    let texts = (0..<100_000).map { "10.\($0 >> 16).\($0 >> 8 & 255).\($0 & 255)" }
    let list = NetworkList(texts)
    #expect(list.count == 100_000)
    for text in texts {
      guard list.entries(containing: try #require(Network(text))) == [text] else {
        Issue.record("\(text) was not found")
        return
      }
    }
    #expect(list.entries(containing: try #require(Network("10.2.0.0"))) == [])
  }
}

/// Numbers that are the same in every run.
struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
