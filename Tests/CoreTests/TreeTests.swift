import Testing

@testable import LuaslackCore

@Suite struct TreeTests {
  private let sample: Value = [
    "null": .null, "yes": true, "no": false, "int": .int(.min), "float": .float(-0.5),
    "text": "äöü 😀", "list": [1, [], [:]], "nested": ["a": ["b": ["c": "d"]]],
  ]

  private func read(_ bytes: [UInt8], nodes: Int = 1_000, depth: Int = 32) throws -> Value {
    try Tree.read(bytes[...], nodes: nodes, depth: depth)
  }

  @Test func `a value survives a round trip`() throws {
    #expect(try read(Tree.bytes(sample)) == sample)
  }

  @Test func `every truncation is refused`() {
    let bytes = Tree.bytes(sample)
    for count in 0..<bytes.count {
      #expect(throws: Tree.Malformed.self) { try read(Array(bytes.prefix(count))) }
    }
  }

  @Test func `every changed byte is refused or read as some value, never worse`() {
    let bytes = Tree.bytes(sample)
    var refused = 0
    for index in bytes.indices {
      for change in [UInt8(0x01), 0x80, 0xff] {
        var broken = bytes
        broken[index] ^= change
        if (try? read(broken)) == nil { refused += 1 }
      }
    }
    #expect(refused > bytes.count / 2)
  }

  @Test(
    arguments: [
      ([0x08], "unknown tag"), ([0x00, 0x00], "trailing bytes"),
      ([0x05, 0xff, 0xff, 0xff, 0xff], "string beyond the end"),
      ([0x06, 0xff, 0xff, 0xff, 0x7f], "count beyond the end"),
      ([0x05, 0x01, 0, 0, 0, 0xff], "not UTF-8"),
      ([0x04, 0, 0, 0, 0, 0, 0, 0xf0, 0x7f], "infinity"),
      ([0x07, 2, 0, 0, 0, 1, 0, 0, 0, 0x61, 0, 1, 0, 0, 0, 0x61, 0], "the same key twice"),
    ] as [([UInt8], String)])
  func `refuses hostile bytes`(bytes: [UInt8], what: String) {
    #expect(throws: Tree.Malformed.self, "\(what)") { try read(bytes) }
  }

  @Test func `bounds nodes and depth`() throws {
    let wide = Tree.bytes(.array(Array(repeating: .null, count: 100)))
    #expect(throws: Tree.Malformed.self) { try read(wide, nodes: 100) }
    #expect(try read(wide, nodes: 101).array?.count == 100)
    var deep: Value = []
    for _ in 0..<40 { deep = [deep] }
    #expect(throws: Tree.Malformed.self) { try read(Tree.bytes(deep)) }
  }
}
