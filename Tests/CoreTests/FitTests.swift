import Testing

@testable import LuaslackCore

private func long(_ count: Int, _ piece: String = "x") -> String {
  String(repeating: piece, count: count)
}

private func section(_ text: String) -> Value {
  ["type": "section", "text": ["type": "mrkdwn", "text": .string(text)]]
}

private func plain(_ text: String) -> Value { ["type": "plain_text", "text": .string(text)] }

private func message(_ blocks: Value...) -> Value { ["text": "t", "blocks": .array(blocks)] }

private func attachment(_ content: Value) -> Value { ["text": "t", "attachments": [content]] }

extension Value {
  /// What a JSON pointer leads to.
  fileprivate func at(_ pointer: String) -> Value? {
    pointer.split(separator: "/").reduce(self as Value?) { value, step in
      if let items = value?.array {
        return Int(step).flatMap { items.indices.contains($0) ? items[$0] : nil }
      }
      return value?[String(step)]
    }
  }
}

/// Every limit, met and passed by one.
@Suite struct FitLimitTests {
  struct Limit: Sendable, CustomStringConvertible {
    let pointer: String
    let most: Int
    let make: @Sendable (String) -> Value
    var description: String { "\(pointer) \(most)" }

    init(_ pointer: String, _ most: Int, _ make: @escaping @Sendable (String) -> Value) {
      (self.pointer, self.most, self.make) = (pointer, most, make)
    }
  }

  private static func image(_ url: String, _ alt: String) -> Value {
    ["type": "image", "image_url": .string(url), "alt_text": .string(alt)]
  }

  private static func button(_ content: [String: Value]) -> Value {
    let button: [String: Value] = ["type": "button", "text": plain("b")]
    return message([
      "type": "actions", "elements": [.object(button.merging(content) { _, new in new })],
    ])
  }

  static let texts = [
    Limit("/text", 4_000) { ["text": .string($0)] },
    Limit("/blocks/0/text/text", 3_000) { message(section($0)) },
    Limit("/blocks/0/fields/0/text", 2_000) {
      message(["type": "section", "fields": [plain($0)]])
    },
    Limit("/blocks/0/text/text", 150) { message(["type": "header", "text": plain($0)]) },
    Limit("/blocks/0/elements/0/text", 3_000) {
      message(["type": "context", "elements": [plain($0)]])
    },
    Limit("/blocks/0/alt_text", 2_000) { message(image("https://a.example", $0)) },
    Limit("/blocks/0/title/text", 2_000) { text in
      var image = image("https://a.example", "a")
      image["title"] = plain(text)
      return message(image)
    },
    Limit("/blocks/0/elements/0/alt_text", 2_000) {
      message(["type": "context", "elements": [image("https://a.example", $0)]])
    },
    Limit("/blocks/0/accessory/alt_text", 2_000) { text in
      var block = section("x")
      block["accessory"] = image("https://a.example", text)
      return message(block)
    },
    Limit("/blocks/0/elements/0/text/text", 75) { button(["text": plain($0)]) },
    Limit("/blocks/0/elements/0/value", 2_000) { button(["value": .string($0)]) },
    Limit("/blocks/0/elements/0/accessibility_label", 75) {
      button(["accessibility_label": .string($0)])
    },
    Limit("/attachments/0/text", 8_000) { attachment(["text": .string($0)]) },
    Limit("/attachments/0/title", 1_024) { attachment(["title": .string($0)]) },
    Limit("/attachments/0/footer", 300) { attachment(["footer": .string($0)]) },
    Limit("/attachments/0/blocks/0/text/text", 3_000) { attachment(["blocks": [section($0)]]) },
  ]

  @Test(arguments: texts)
  func `a text may be as long as that, and is cut beyond`(limit: Limit) {
    let full = limit.make(long(limit.most))
    let same = Fit.fitted(full)
    #expect(same.message == full && same.violations == [])

    let over = Fit.fitted(limit.make(long(limit.most + 1)))
    #expect(
      over.violations == [
        Violation(limit.pointer, .characters(limit.most + 1, most: limit.most))
      ])
    #expect(over.message == limit.make(long(limit.most - 1) + "…"))
  }

  @Test(arguments: texts)
  func `an entity counts as the five characters that are sent`(limit: Limit) throws {
    let fits = limit.make(long(limit.most / 5, "&amp;"))
    #expect(Fit.fitted(fits).violations == [])
    let over = Fit.fitted(limit.make(long(limit.most / 5 + 1, "&amp;")))
    #expect(over.violations.map(\.pointer) == [limit.pointer])
    let text = try #require(over.message.at(limit.pointer)?.string)
    // In plain text it is no entity but five characters like others.
    #expect(FitText.count(text) <= limit.most && text.hasSuffix("…"))
  }

  static let lists: [(pointer: String, most: Int, make: @Sendable (Int) -> Value)] = [
    ("/blocks", 50, { ["text": "t", "blocks": .array((1...$0).map { section("\($0)") })] }),
    (
      "/attachments", 100,
      { ["text": "t", "attachments": .array((1...$0).map { ["text": "\($0)"] })] }
    ),
    (
      "/attachments/0/blocks", 50,
      { attachment(["blocks": .array((1...$0).map { section("\($0)") })]) }
    ),
    (
      "/blocks/0/fields", 10,
      { message(["type": "section", "fields": .array((1...$0).map { plain("\($0)") })]) }
    ),
    (
      "/blocks/0/elements", 10,
      { message(["type": "context", "elements": .array((1...$0).map { plain("\($0)") })]) }
    ),
  ]

  @Test(arguments: lists.indices)
  func `a list may have as many parts as that, and the last says how many more there were`(
    index: Int
  ) throws {
    let (pointer, most, make) = Self.lists[index]
    let same = Fit.fitted(make(most))
    #expect(same.message == make(most) && same.violations == [])
    for more in [1, 7] {
      let over = Fit.fitted(make(most + more))
      #expect(over.violations == [Violation(pointer, .parts(most + more, most: most))])
      let parts = try #require(over.message.at(pointer)?.array)
      #expect(parts.count == most)
      #expect(Array(parts.dropLast()) == make(most - 1).at(pointer)?.array)
      let last = JSONWriter.compact(parts.last ?? .null)
      #expect(last.contains("\"… and \(more + 1) more left out\""))
    }
  }

  @Test func `buttons that are too many are told of below their row`() {
    func row(_ count: Int) -> Value {
      let buttons = (1...count).map { number -> Value in
        ["type": "button", "text": plain("\(number)")]
      }
      return ["type": "actions", "elements": .array(buttons)]
    }
    #expect(Fit.fitted(message(row(25))).violations == [])
    let over = Fit.fitted(message(row(27), ["type": "divider"]))
    #expect(over.violations == [Violation("/blocks/0/elements", .parts(27, most: 25))])
    let note: Value = ["type": "context", "elements": [plain("… and 2 more left out")]]
    #expect(over.message == message(row(25), note, ["type": "divider"]))
  }

  @Test func `a violation is shown with its place, number and limit`() {
    let blocks = [section("a"), section("b"), section(long(3_412))]
    let violations = Fit.fitted(["text": "t", "blocks": .array(blocks)]).violations
    #expect(
      violations.map { "\($0)" } == [
        "/blocks/2/text/text: 3,412 characters, Slack takes 3,000"
      ])
    #expect(
      "\(Violation("/a", .parts(1_234_567, most: 50)))" == "/a: 1,234,567 parts, Slack takes 50")
    #expect("\(Violation("/a", .parts(100, most: 50)))" == "/a: 100 parts, Slack takes 50")
  }

  @Test func `an attachment's text that Slack only folds is left alone`() {
    #expect(Fit.fitted(attachment(["text": .string(long(701))])).violations == [])
  }

  @Test func `an address is not cut; a picture or button without it goes`() {
    func image(_ count: Int) -> Value {
      ["type": "image", "image_url": .string(long(count)), "alt_text": "a"]
    }
    func buttons(_ count: Int) -> Value {
      [
        "type": "actions",
        "elements": [["type": "button", "text": plain("b"), "url": .string(long(count))]],
      ]
    }
    for make in [image, buttons] {
      #expect(Fit.fitted(message(make(3_000))).violations == [])
      let over = Fit.fitted(message(section("s"), make(3_001)))
      #expect(over.violations.map(\.problem) == [.characters(3_001, most: 3_000)])
      #expect(over.message == message(section("s")))
    }
    #expect(Fit.fitted(message(image(3_001))).message == ["text": "t"])
  }

  @Test func `a block's name that is too long or stands twice goes`() {
    func named(_ name: String) -> Value { ["type": "divider", "block_id": .string(name)] }
    let divider: Value = ["type": "divider"]
    #expect(Fit.fitted(message(named(long(255)), named("b"))).violations == [])
    let over = Fit.fitted(message(named(long(256)), named("b"), named("b")))
    #expect(over.message == message(divider, named("b"), divider))
    #expect(
      over.violations == [
        Violation("/blocks/0/block_id", .characters(256, most: 255)),
        Violation("/blocks/2/block_id", .repeated),
      ])
  }
}

/// What Slack refuses for what it lacks.
@Suite struct FitMissingTests {
  @Test(
    arguments: [
      (
        message(section("")), message(section("-")),
        "/blocks/0/text/text: empty, which Slack refuses"
      ),
      (
        message(["type": "section", "text": ["type": "mrkdwn"]]), message(section("-")),
        "/blocks/0/text/text: empty, which Slack refuses"
      ),
      (
        message(["type": "image", "image_url": "https://a.example"]),
        message(["type": "image", "image_url": "https://a.example", "alt_text": "-"]),
        "/blocks/0/alt_text: empty, which Slack refuses"
      ),
      (
        message(["type": "section", "text": plain("a"), "fields": []]),
        message(["type": "section", "text": plain("a")]),
        "/blocks/0/fields: empty, which Slack refuses"
      ),
      (
        message(["type": "section"], section("a")), message(section("a")),
        "/blocks/0: a section needs text or fields"
      ),
      (
        message(["type": "context", "elements": []], section("a")), message(section("a")),
        "/blocks/0/elements: empty, which Slack refuses"
      ),
      (
        message(["type": "context", "elements": [:]], section("a")), message(section("a")),
        "/blocks/0/elements: empty, which Slack refuses"
      ),
      (
        message(["type": "actions", "elements": [["type": "button"]]]), ["text": "t"],
        "/blocks/0/elements/0: a button needs text"
      ),
      (
        message(["type": "header", "text": .null]), ["text": "t"],
        "/blocks/0: a header needs text"
      ),
      (
        ["blocks": [section("a")]], ["text": "-", "blocks": [section("a")]],
        "/text: empty, which Slack refuses"
      ),
    ] as [(Value, Value, String)])
  func `gets a dash or goes`(payload: Value, fitted: Value, problem: String) {
    let result = Fit.fitted(payload)
    #expect(result.message == fitted)
    #expect(result.violations.map(\.description) == [problem])
    #expect(Fit.fitted(fitted).violations == [])
  }

  @Test(
    arguments: [
      ["text": "a"], message(["type": "divider"]), message(["type": "later", "text": "x"]),
      message("x", section("a")), attachment(["color": "good", "fields": []]), "no object",
      ["text": "t", "blocks": [], "attachments": .null],
    ] as [Value])
  func `what is no matter of limits is left to Slack`(payload: Value) {
    let result = Fit.fitted(payload)
    #expect(result.message == payload && result.violations == [])
  }

  @Test func `an empty table of Lua in place of a list is no list`() {
    let result = Fit.fitted(["text": "t", "blocks": [:], "attachments": [:]])
    #expect(result.message == ["text": "t"] && result.violations == [])
  }
}

@Suite struct FitTextTests {
  @Test(
    arguments: [
      ("0123456789ab", 10, "012345678…"),
      ("012345&amp;9ab", 10, "012345…"), ("0123&amp;9abc", 10, "0123&amp;…"),
      ("01234567&9abc", 10, "01234567&…"), ("0123&#38;89ab", 10, "0123&#38;…"),
      ("01<https://a.example|b>", 10, "01…"), ("01<@U12>9abcde", 10, "01<@U12>9…"),
      ("<<<<<<<<<<<<", 10, "<<<<<<<<<…"), ("0<a<bcdefgh<@U12>", 10, "0<a<bcdef…"),
      ("01234567e\u{301}9a", 10, "01234567…"), ("0123456e\u{301}9ab", 10, "0123456e\u{301}…"),
      ("012345&amp;\u{301}9ab", 12, "012345…"), ("<@U12>\u{301}89abcdef", 7, "…"),
      ("012345👨‍👩‍👧‍👦9ab", 12, "012345…"), ("漢漢漢漢漢漢漢漢漢漢漢漢", 10, "漢漢漢漢漢漢漢漢漢…"),
      ("01234567🇩🇪🇫🇷", 10, "01234567…"), ("0123456\r\n9abcd", 9, "0123456…"),
      ("0123 `abcdefghij`", 12, "0123 `a…`"), ("`a` 456789abcdef", 12, "`a` 456…"),
      ("```\nabcdefghij\n```", 14, "```\nabcde…\n```"), ("0123456```abcdefghijk", 12, "0123456…"),
      ("012345```ab```cdefghijk", 20, "012345```ab```c…"),
      ("```a`b`c`defghijk```", 15, "```a`b`c`d…\n```"),
      ("e" + String(repeating: "\u{301}", count: 30), 10, "…"),
    ])
  func `cut as markup`(text: String, most: Int, expected: String) {
    let cut = FitText.cut(text, to: most, .markup)
    #expect(Array(cut.unicodeScalars) == Array(expected.unicodeScalars), "\(cut)")
  }

  @Test(
    arguments: [
      ("012345&amp;9ab", "012345&am…"), ("01<@U12>9abcde", "01<@U12>9…"),
      ("0123 `abcdefghij`", "0123 `abc…"), ("01234567e\u{301}9a", "01234567…"),
    ])
  func `cut as plain text, in which nothing is read`(text: String, expected: String) {
    #expect(FitText.cut(text, to: 10, .plain) == expected)
  }

  @Test func `a text is cut by what its object's type says`() {
    let text = long(600, "&amp;") + "&amp;"
    let plainCut = Fit.fitted(message(["type": "section", "text": plain(text)])).message
    #expect(plainCut.at("/blocks/0/text/text")?.string?.hasSuffix("&amp…") == true)
    let markupCut = Fit.fitted(message(section(text))).message
    #expect(markupCut.at("/blocks/0/text/text")?.string?.hasSuffix("&amp;…") == true)
  }

  @Test(
    arguments: [
      ("abc", 3, "abc"), ("abcd", 3, "abc"), ("a&b", 5, "a"), ("a&b", 6, "a&"), ("a&b", 7, "a&b"),
      ("<>", 8, "<>"),
      ("<>x", 8, "<>"), ("ae\u{301}", 2, "a"), ("漢字", 2, "漢字"), ("", 0, ""),
    ])
  func `the beginning of a text that is not escaped yet`(text: String, most: Int, kept: String) {
    #expect(FitText.beginning(of: text, sent: most) == kept)
  }

  @Test func `whatever is cut is a beginning that breaks nothing`() {
    var random = Seeded(seed: 4)
    for _ in 0..<1_000 {
      let text = Markup.mrkdwn(random.text(Int.random(in: 8...300, using: &random)))
      let most = Int.random(in: 6...200, using: &random)
      guard FitText.isLonger(text, than: most) else { continue }
      let cut = FitText.cut(text, to: most, .markup)
      #expect(FitText.count(cut) <= most)
      #expect(isWhole(cut), "\(cut)")
      #expect(endsItsCode(cut), "\(cut)")
      let end = cut.unicodeScalars.lastIndex(of: "…").map { cut.unicodeScalars[..<$0] }
      let kept = end ?? cut.unicodeScalars[...]
      #expect(text.unicodeScalars.starts(with: kept))
      let boundary = text.unicodeScalars.index(text.startIndex, offsetBy: kept.count)
      #expect(String.Index(boundary, within: text) != nil, "inside a character: \(cut)")
    }
  }
}

/// 9,000 characters in all blocks.
@Suite struct FitTotalTests {
  private func lengths(_ message: Value) -> [Int] {
    (message["blocks"]?.array ?? []).map { FitText.count($0["text"]?["text"]?.string ?? "") }
  }

  @Test func `met is not passed`() {
    let full = message(section(long(3_000)), section(long(3_000)), section(long(3_000)))
    let result = Fit.fitted(full)
    #expect(result.message == full && result.violations == [])
  }

  @Test func `passed, the longest are cut first`() {
    let texts = [100, 3_000, 2_999, 2_901, 1]
    let result = Fit.fitted(["text": "t", "blocks": .array(texts.map { section(long($0)) })])
    #expect(
      result.violations.map(\.description) == [
        "/blocks: 9,001 characters in all blocks together, Slack takes 9,000"
      ])
    #expect(lengths(result.message) == [100, 2_999, 2_999, 2_901, 1])
    let more = Fit.fitted(
      ["text": "t", "blocks": .array([10, 3_000, 3_000, 3_000, 3_000].map { section(long($0)) })])
    #expect(lengths(more.message) == [10, 2_247, 2_247, 2_247, 2_247])
  }

  @Test func `attachments' blocks count as well`() {
    let blocks: Value = .array([section(long(3_000)), section(long(3_000))])
    let over: Value = ["text": "t", "attachments": [["blocks": blocks], ["blocks": blocks]]]
    let result = Fit.fitted(over)
    #expect(result.violations == [Violation("/attachments", .total(12_000, most: 9_000))])
    for attachment in 0...1 {
      for block in 0...1 {
        let text = result.message.at("/attachments/\(attachment)/blocks/\(block)/text/text")
        #expect(text?.string == long(2_249) + "…")
      }
    }
  }

  @Test func `where little would be left of each, blocks go, but not the first and the last`() {
    func columns(_ name: String) -> Value {
      ["type": "section", "fields": .array((1...10).map { _ in plain(name + long(100)) })]
    }
    let blocks = (1...50).map { columns("\($0) ") }
    let result = Fit.fitted(["text": "t", "blocks": .array(blocks)])
    let kept = result.message["blocks"]?.array ?? []
    #expect(kept.first?.at("/fields/0/text")?.string?.hasPrefix("1 xxx") == true)
    #expect(kept.last?.at("/fields/0/text")?.string?.hasPrefix("50 xxx") == true)
    let notes = kept.compactMap { Folded.number(in: $0) }
    #expect(notes == [50 - (kept.count - 1)])
    #expect(kept.count > 15)
    #expect(Fit.fitted(result.message).violations == [])
  }

  @Test func `what folding left out is counted in`() {
    func columns(_ name: String) -> Value {
      ["type": "section", "fields": .array((1...10).map { _ in plain(name + long(100)) })]
    }
    let result = Fit.fitted(["text": "t", "blocks": .array((1...80).map { columns("\($0) ") })])
    let kept = result.message["blocks"]?.array ?? []
    #expect(kept.last.flatMap { Folded.number(in: $0) } == 80 - (kept.count - 1))
    #expect(kept.count { Folded.number(in: $0) != nil } == 1)
  }

  @Test func `rich text and tables are as long as their words`() {
    let words: [Value] = (1...2_000).map { ["type": "text", "text": .string("word\($0) ")] }
    let rich: Value = [
      "type": "rich_text", "elements": [["type": "rich_text_section", "elements": .array(words)]],
    ]
    let result = Fit.fitted(message(section("first"), rich, section("last")))
    #expect(result.violations.count == 1)
    let block = result.message.at("/blocks/1")
    #expect(block?["type"] == "section" && block?["text"]?["type"] == "plain_text")
    #expect(block?.at("/text/text")?.string?.hasPrefix("word1 word2 ") == true)
    #expect(result.message.at("/blocks/2") == section("last"))
    let short = Fit.fitted(message(["type": "rich_text", "elements": .array(words)], section("x")))
    #expect(Fit.fitted(short.message).violations == [])
  }
}

// MARK: - Anything at all

/// Splitmix64: the same numbers every time.
private struct Seeded: RandomNumberGenerator {
  private var state: UInt64

  init(seed: UInt64) { state = seed }

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }

  private static let pieces = [
    "a", "word ", "&", "<", ">", "&amp;", "`", "```", "\n", "\r\n", "e\u{301}", "\u{301}", "漢",
    "👨‍👩‍👧‍👦", "🇩🇪", "\u{200d}", "x" + String(repeating: "\u{302}", count: 40), "<!channel>", "*", "|",
    "\u{e000}link\u{e001}https://a.example/?a=1&b=2\u{e001}la`bel\u{e002}",
    "\u{e000}mention\u{e001}here\u{e002}", "\u{e000}link\u{e001}https://a.example\u{e001}\u{e002}",
    "\u{e000}date\u{e001}5\u{e001}{time}\u{e001}noon\u{e002}",
  ]

  /// About so many characters of what is hard to cut.
  mutating func text(_ count: Int) -> String {
    var text = ""
    var used = 0
    let few = (0..<Int.random(in: 1...5, using: &self)).map { _ in piece() }
    while used < count {
      let piece = Bool.random(using: &self) ? piece() : few[used % few.count]
      text += piece
      used += piece.unicodeScalars.count
    }
    return text
  }

  private mutating func piece() -> String { Self.pieces.randomElement(using: &self) ?? "" }

  /// Mostly short, and else about as long as some limit.
  mutating func string() -> Value {
    let limits = [75, 150, 300, 1_024, 2_000, 3_000, 4_000, 8_000, 9_000, 20_000]
    let isLong = Int.random(in: 0..<4, using: &self) == 0
    let limit = isLong ? limits.randomElement(using: &self) ?? 0 : 20
    let count = max(0, limit + Int.random(in: -20...20, using: &self))
    return .string(isLong && Bool.random(using: &self) ? long(count) : text(count))
  }

  mutating func list(_ usual: ClosedRange<Int>, _ part: (inout Seeded) -> Value) -> Value {
    let many = [10, 11, 25, 26, 50, 51, 101].randomElement(using: &self) ?? 0
    let count =
      Int.random(in: 0..<8, using: &self) == 0 ? many : Int.random(in: usual, using: &self)
    return .array((0..<count).map { _ in part(&self) })
  }

  mutating func textObject() -> Value {
    ["type": Bool.random(using: &self) ? "mrkdwn" : "plain_text", "text": string()]
  }

  mutating func plainObject() -> Value { ["type": "plain_text", "text": string()] }

  mutating func image() -> Value {
    let url = "https://a.example/" + long(Int.random(in: 0..<20, using: &self) == 0 ? 3_000 : 3)
    return ["type": "image", "image_url": .string(url), "alt_text": string()]
  }

  mutating func block() -> Value {
    var block: Value
    switch Int.random(in: 0..<9, using: &self) {
    case 0: block = ["type": "section", "text": textObject()]
    case 1: block = ["type": "section", "fields": list(0...3) { $0.textObject() }]
    case 2: block = ["type": "header", "text": plainObject()]
    case 3: block = ["type": "context", "elements": list(0...3) { $0.textObject() }]
    case 4:
      block = [
        "type": "actions",
        "elements": list(0...3) { ["type": "button", "text": $0.plainObject()] },
      ]
    case 5: block = image()
    case 6: block = ["type": "divider"]
    case 7:
      block = [
        "type": "rich_text", "elements": list(1...2) { ["type": "text", "text": $0.string()] },
      ]
    default: block = ["type": "section", "text": textObject(), "accessory": image()]
    }
    if Int.random(in: 0..<6, using: &self) == 0 {
      block["block_id"] = .string(long(Int.random(in: 1...258, using: &self)))
    }
    return block
  }

  mutating func attachment() -> Value {
    var attachment: Value = ["color": "good"]
    for key in ["text", "title", "footer", "pretext", "fallback"]
    where Bool.random(using: &self) { attachment[key] = string() }
    if Int.random(in: 0..<3, using: &self) == 0 {
      attachment["blocks"] = list(0...3) { $0.block() }
    }
    if Bool.random(using: &self) {
      attachment["fields"] = list(0...3) { ["title": $0.string(), "value": $0.string()] }
    }
    return attachment
  }

  mutating func payload() -> Value {
    var payload: Value = ["text": string()]
    if Bool.random(using: &self) { payload["blocks"] = list(0...6) { $0.block() } }
    if Bool.random(using: &self) { payload["attachments"] = list(0...2) { $0.attachment() } }
    return payload
  }
}

/// No entity and no `<…>` group is cut in two. The pieces are escaped, so that each of these characters
/// is one that luaslack wrote.
private func isWhole(_ text: String) -> Bool {
  let scalars = Array(text.unicodeScalars)
  var isOpen = false
  for (index, scalar) in scalars.enumerated() {
    switch scalar {
    case "<":
      if isOpen { return false }
      isOpen = true
    case ">":
      if !isOpen { return false }
      isOpen = false
    case "&" where !isOpen:
      let entities = ["amp;", "lt;", "gt;"].map { Array($0.unicodeScalars) }
      if !entities.contains(where: { scalars[(index + 1)...].starts(with: $0) }) { return false }
    default: break
    }
  }
  return !isOpen
}

/// Outside of markup, fences come in pairs, and ticks do after the last of them.
private func endsItsCode(_ text: String) -> Bool {
  var ticks = 0
  var isFenced = false
  var isInside = false
  var rest = text.unicodeScalars[...]
  while let scalar = rest.popFirst() {
    if scalar == "<" { isInside = true }
    if scalar == ">" { isInside = false }
    guard scalar == "`", !isInside else { continue }
    if rest.starts(with: "``".unicodeScalars) {
      rest.removeFirst(2)
      isFenced.toggle()
      ticks = 0
    } else if !isFenced {
      ticks += 1
    }
  }
  return !isFenced && ticks % 2 == 0
}

/// Slack's rules, told a second time in the plainest way.
private struct Rules {
  var broken: [String] = []
  private var total = 0

  static func broken(by message: Value) -> [String] {
    var rules = Rules()
    rules.most(message["text"], 4_000, "text")
    rules.blocks(message["blocks"])
    let attachments = message["attachments"]?.array ?? []
    rules.count(attachments.count, 0...100, "attachments")
    for attachment in attachments {
      rules.most(attachment["text"], 8_000, "attachment text")
      rules.most(attachment["title"], 1_024, "title")
      rules.most(attachment["footer"], 300, "footer")
      rules.blocks(attachment["blocks"])
    }
    rules.count(rules.total, 0...9_000, "total")
    return rules.broken
  }

  private mutating func count(_ count: Int, _ allowed: ClosedRange<Int>, _ what: String) {
    if !allowed.contains(count) { broken.append("\(what): \(count)") }
  }

  private mutating func most(_ value: Value?, _ most: Int, _ what: String, least: Int = 0) {
    guard let text = value?.string else { return }
    count(text.unicodeScalars.count, least...most, what)
  }

  private mutating func text(_ object: Value?, _ most: Int, _ what: String) {
    guard object?["text"]?.string != nil else { return broken.append("\(what): no text") }
    self.most(object?["text"], most, what, least: 1)
  }

  private mutating func blocks(_ value: Value?) {
    let blocks = value?.array ?? []
    count(blocks.count, 0...50, "blocks")
    for block in blocks {
      add(block)
      most(block["block_id"], 255, "block_id")
      let parts = block["elements"]?.array ?? []
      switch block["type"] {
      case "section":
        if let object = block["text"] { text(object, 3_000, "section") }
        for field in block["fields"]?.array ?? [] { text(field, 2_000, "column") }
        let columns = block["fields"]?.array?.count ?? (block["text"] == nil ? 0 : 1)
        count(columns, 1...10, "columns")
      case "header": text(block["text"], 150, "header")
      case "context":
        count(parts.count, 1...10, "elements")
        for part in parts { text(part, 3_000, "element") }
      case "actions":
        count(parts.count, 1...25, "buttons")
        for part in parts { text(part["text"], 75, "button") }
      case "image":
        most(block["image_url"], 3_000, "image_url", least: 1)
        most(block["alt_text"], 2_000, "alt_text", least: 1)
      default: break
      }
    }
  }

  private mutating func add(_ value: Value) {
    for item in value.array ?? [] { add(item) }
    for (key, item) in value.object ?? [:] {
      if key == "text", let text = item.string { total += text.unicodeScalars.count }
      add(item)
    }
  }
}

/// Every string in which markup is read.
private func markups(_ value: Value) -> [String] {
  switch value {
  case .string(let text): [text]
  case .array(let items): items.flatMap(markups)
  case .object(let members):
    members["type"] == "plain_text" || members["type"] == "rich_text"
      ? []
      : members.filter { !["image_url", "block_id"].contains($0.key) }.values.flatMap(markups)
  default: []
  }
}

@Suite struct FitAnythingTests {
  @Test(arguments: 0..<4)
  func `whatever a formatter makes is made to fit`(seed: Int) throws {
    var random = Seeded(seed: UInt64(seed))
    var untouched = 0
    for _ in 0..<30 {
      let sent = try Sink.message(random.payload(), fallback: "fallback")
      let fitted = Fit.fitted(sent)
      #expect(Rules.broken(by: fitted.message) == [])
      if fitted.violations.isEmpty {
        untouched += 1
        #expect(fitted.message == sent)
        #expect(Rules.broken(by: sent) == [])
      }
      let again = Fit.fitted(fitted.message)
      #expect(again.violations == [])
      #expect(JSONWriter.compact(again.message) == JSONWriter.compact(fitted.message))
      #expect(markups(fitted.message).allSatisfy(isWhole))
      #expect(fitted.message["text"]?.string?.isEmpty == false)
    }
    // Both kinds were tried.
    #expect((1..<30).contains(untouched), "\(untouched)")
  }

  @Test func `the same message is fitted in the same way`() throws {
    var random = Seeded(seed: 99)
    // Read twice, since reading shortens long rows of marks.
    let text = JSONWriter.compact(try Sink.message(random.payload(), fallback: "x"))
    let sent = try JSONReader.read(text)
    let copy = try JSONReader.read(text)
    #expect(Fit.fitted(sent).violations == Fit.fitted(copy).violations)
    #expect(
      JSONWriter.compact(Fit.fitted(sent).message) == JSONWriter.compact(Fit.fitted(copy).message))
  }

  @Test func `room for what is added is made where there is none`() {
    func attachments(_ count: Int) -> Value {
      ["text": "t", "attachments": .array((1...count).map { ["text": "\($0)"] })]
    }
    #expect(Fit.fitted(attachments(97), room: 3).message == attachments(97))
    let full = Fit.fitted(attachments(100), room: 3)
    #expect(full.violations == [])
    #expect(full.message["attachments"]?.array?.count == 97)
    #expect(full.message.at("/attachments/96/text") == "… and 4 more left out")
  }
}
