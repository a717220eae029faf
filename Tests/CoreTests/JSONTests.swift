import Testing

@testable import LuaslackCore

@Suite struct JSONTests {
  @Test(
    arguments: [
      (#"null"#, Value.null), (#" true "#, true), (#"-0"#, 0), (#"12"#, 12), (#"1.5"#, .float(1.5)),
      (#"1e3"#, .float(1000)), (#"9007199254740993"#, 9_007_199_254_740_993),
      (#"9223372036854775807"#, .int(.max)),
      (#"9223372036854775808"#, .float(9.223372036854775807e18)),
      (#""a\"\\\/\b\f\n\r\tb""#, "a\"\\/\u{8}\u{c}\n\r\tb"), (#""\u00e9\ud83d\ude00""#, "é😀"),
      (#"[]"#, []), (#"[1,[2]]"#, [1, [2]]), (#"{}"#, [:]),
      (#"{"a":{"b":null}}"#, ["a": ["b": .null]]),
    ] as [(String, Value)])
  func `reads what RFC 8259 allows`(text: String, value: Value) throws {
    #expect(try JSONReader.read(text) == value)
  }

  @Test(arguments: [
    "", "nul", "01", "1.", ".5", "+1", "-", "1e", "[1,]", "[1 2]", "{\"a\"}", "{\"a\":1,}", "{a:1}",
    "\"", "\"\\x\"", "\"\\ud800\"", "\"\\udc00\"", "\"\\u12\"", "\"\\u-123\"", "\"\u{1}\"", "1 1",
    "{\"a\":1,\"a\":2}", "NaN", "Infinity", "'a'", "1e999",
  ])
  func `refuses everything else`(text: String) {
    #expect(throws: JSONError.self) { try JSONReader.read(text) }
  }

  @Test func `refuses bytes that are not UTF-8`() {
    #expect(throws: JSONError.self) { try JSONReader.read([0x22, 0xff, 0x22]) }
    #expect(throws: JSONError.self) { try JSONReader.read([0x22, 0xed, 0xa0, 0x80, 0x22]) }
  }

  @Test func `refuses what is nested so deeply that it could exhaust the stack`() {
    let text = String(repeating: "[", count: 100_000)
    #expect(throws: JSONError.self) { try JSONReader.read(text) }
  }

  @Test func `writes keys sorted by their bytes and the same every time`() {
    let value: Value = ["b": 1, "a": [], "B": [:], "ä": .null, "aa": .float(0.1)]
    #expect(JSONWriter.compact(value) == #"{"B":{},"a":[],"aa":0.1,"b":1,"ä":null}"#)
  }

  @Test func `escapes what would not survive and nothing else`() {
    let text = "\"\\/\u{0}\u{1f}\u{7f}\u{9b}\n<&>é\u{2028}"
    #expect(
      JSONWriter.compact(.string(text)) == #""\"\\/\u0000\u001f\u007f\u009b\n<&>é"# + "\u{2028}\"")
  }

  @Test(arguments: [Int64.min, -1, 0, 9_007_199_254_740_993, .max])
  func `integers survive a round trip`(number: Int64) throws {
    #expect(try JSONReader.read(JSONWriter.compact(.int(number))) == .int(number))
  }

  @Test(arguments: [0.1, 1e-300, 1e300, -2.5, 5e-300])
  func `floats survive a round trip`(number: Double) throws {
    #expect(try JSONReader.read(JSONWriter.compact(.float(number))) == .float(number))
  }

  @Test func `the pretty form reads back as the same value`() throws {
    let value: Value = ["a": [1, ["b": .null]], "c": [:], "d": []]
    let text = JSONWriter.pretty(value)
    #expect(text.hasPrefix("{\n  \"a\": [\n    1,\n"))
    #expect(text.hasSuffix("}\n"))
    #expect(try JSONReader.read(text) == value)
  }
}
