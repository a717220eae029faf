import Testing

@testable import LuaslackCore

@Suite struct OutgoingTests {
  /// 2026-11-21 12:00 UTC.
  private static let noon: Int64 = 1_795_262_400_000_000
  private static let second: Int64 = 1_000_000

  /// `age` and `happened` in seconds, the one before now and the other before it was accepted.
  private func sent(
    _ payload: Value, age: Int64 = 0, happened: Int64? = nil, maybeSent: Bool = false,
    mentionMaxAge: Int64 = 900
  ) throws -> Value {
    let outgoing = Outgoing(
      payload: JSONWriter.compact(payload), acceptedAt: Self.noon,
      happenedAt: happened.map { Self.noon - $0 * Self.second }, maybeSent: maybeSent,
      mentionMaxAge: mentionMaxAge * Self.second)
    return try JSONReader.read(outgoing.body(now: Self.noon + age * Self.second))
  }

  // MARK: - Marks

  @Test(
    arguments: [
      (0, nil, false, "a"), (300, 0, false, "a"), (-3_600, 0, false, "a"),
      (0, nil, true, "a (possible repeat)"),
      (301, nil, false, "a (delayed 5 min, accepted 2026-11-21 12:00 UTC)"),
      (3 * 3_600, 0, false, "a (delayed 3 h, happened 2026-11-21 12:00 UTC)"),
      (3 * 3_600, 59, false, "a (delayed 3 h, happened 2026-11-21 11:59 UTC)"),
      (
        3 * 3_600, 86_400, false,
        "a (delayed 3 h, happened 2026-11-20 12:00 UTC, accepted 2026-11-21 12:00 UTC)"
      ),
      // The time of an event is what somebody said.
      (400, 1 << 42, false, "a (delayed 6 min, accepted 2026-11-21 12:00 UTC)"),
      (
        3 * 86_400, 0, true, "a (possible repeat) (delayed 3 d, happened 2026-11-21 12:00 UTC)"
      ),
    ] as [(Int64, Int64?, Bool, String)])
  func `a message says that it is late, or may be a repeat`(
    age: Int64, happened: Int64?, maybeSent: Bool, text: String
  ) throws {
    let message = try sent(["text": "a"], age: age, happened: happened, maybeSent: maybeSent)
    #expect(message == ["text": .string(text)])
  }

  @Test func `what is in time goes out byte for byte`() {
    let payload = #"{ "b":1.50, "text":"<!here> \u00e9" }"#
    let outgoing = Outgoing(
      payload: payload, acceptedAt: Self.noon, mentionMaxAge: 900 * Self.second)
    #expect(outgoing.body(now: Self.noon + 300 * Self.second) == payload)
    // Late for mentions, and without any.
    let plain = Outgoing(payload: #"{ "text":"&lt;!here&gt;" }"#, acceptedAt: 0, mentionMaxAge: 1)
    #expect(plain.body(now: 200 * Self.second) == plain.payload)
    let broken = Outgoing(payload: "no JSON", acceptedAt: 0, maybeSent: true)
    #expect(broken.body(now: Self.noon) == "no JSON")
  }

  @Test func `where there are blocks, the marks stand below them`() throws {
    let message = try sent(
      ["text": "a", "blocks": [["type": "divider"]], "attachments": [["text": "b"]]], age: 400)
    let mark = "(delayed 6 min, accepted 2026-11-21 12:00 UTC)"
    #expect(message["text"] == .string("a \(mark)"))
    #expect(
      message["blocks"] == [
        ["type": "divider"],
        ["type": "context", "elements": [["type": "plain_text", "text": .string(mark)]]],
      ])
    #expect(message["attachments"] == [["text": "b"]])
  }

  // MARK: - Full messages

  private static func section(_ text: String) -> Value {
    ["type": "section", "text": ["type": "mrkdwn", "text": .string(text)]]
  }

  private static let fullMessages: [Value] = [
    ["text": .string(String(repeating: "x", count: 4_000))],
    ["text": .string(String(repeating: "&amp;", count: 800))],
    ["text": .string("```" + String(repeating: "x", count: 3_994) + "```")],
    ["text": "a", "blocks": .array(Array(repeating: ["type": "divider"], count: 50))],
    ["text": "a", "blocks": .array(Array(repeating: section("y"), count: 50))],
    [
      "text": "a",
      "blocks": .array(Array(repeating: section(String(repeating: "z", count: 3_000)), count: 3)),
    ],
    [
      "text": "a",
      "blocks": .array(Array(repeating: section(String(repeating: "z", count: 180)), count: 50)),
    ],
    [
      "text": "a", "blocks": [section(String(repeating: "z", count: 100))],
      "attachments": .array(
        Array(
          repeating: [
            "blocks": .array(
              Array(repeating: section(String(repeating: "q", count: 100)), count: 44))
          ], count: 2)),
    ],
    [
      "text": "a",
      "blocks": .array(
        Array(repeating: ["type": "divider"], count: 49) + [Folded.part("block", 7)]),
      "attachments": .array(Array(repeating: ["text": "b"], count: 100)),
    ],
  ]

  @Test(arguments: fullMessages.indices)
  func `a full message is marked too, and still fits`(index: Int) throws {
    let full = Self.fullMessages[index]
    #expect(Fit.fitted(full).violations.isEmpty)
    let message = try sent(full, age: 400, maybeSent: true)
    #expect(Fit.fitted(message).violations == [])
    let mark = "(possible repeat) (delayed 6 min, accepted 2026-11-21 12:00 UTC)"
    #expect(message["text"]?.string?.hasSuffix(mark) == true)
    guard full["blocks"] != nil else { return }
    #expect(message["blocks"]?.array?.last?["elements"]?.array?.first?["text"] == .string(mark))
  }

  @Test func `blocks that go for the mark are counted`() throws {
    let message = try sent(Self.fullMessages[8], age: 400)
    let blocks = try #require(message["blocks"]?.array)
    #expect(blocks.count == 50)
    #expect(Folded.number(in: blocks[48]) == 8)
    #expect(message["attachments"]?.array?.count == 100)
  }

  // MARK: - Mentions

  @Test(arguments: [
    ("<!here> a", "here a"), ("<!channel>", "channel"), ("<!everyone>!", "everyone!"),
    ("<!subteam^S012>", "group S012"), ("<!subteam^S012|@oncall>", "oncall"),
    ("<@U012AB> <@W1|ann>", "user U012AB ann"), ("<!here|here>", "here"), ("<!HERE>", "HERE"),
    ("<!group>", "group"), ("<!here|@channel now>", "channel now"),
    // Not even by what is left of it.
    ("<<!here|!channel>>", "<channel>"), ("<<!here|@>!channel>", "<here!channel>"),
    ("<!>", "-"), ("<@>", "user "), ("<!here|<b>", "&lt;!here|<b>"), ("<@U1", "&lt;@U1"),
    ("<https://x.example|<!here>", "<https://x.example|here"),
    // What notifies nobody stays.
    ("&lt;!here&gt;", "&lt;!here&gt;"), ("<https://x.example|y>", "<https://x.example|y>"),
    ("<#C012>", "<#C012>"), ("<!date^1^{date}|then>", "<!date^1^{date}|then>"), ("a < b", "a < b"),
    ("@here", "@here"), ("", ""), ("<", "<"), ("é<!here>\u{301}", "éhere\u{301}"),
  ])
  func `a mention becomes words that notify nobody`(text: String, expected: String) {
    #expect(Mentions.silenced(text) == expected)
    #expect(Mentions.silenced(expected) == expected)
  }

  @Test func `mentions go wherever Slack reads them, and text that it does not read stays`() throws
  {
    let message: Value = [
      "text": "<!here>",
      "blocks": [
        ["type": "section", "text": ["type": "mrkdwn", "text": "<@U1>"], "block_id": "<@U1>"],
        ["type": "header", "text": ["type": "plain_text", "text": "<!here>"]],
        [
          "type": "rich_text",
          "elements": [
            [
              "type": "rich_text_section",
              "elements": [
                ["type": "broadcast", "range": "channel"], ["type": "user", "user_id": "U1"],
                ["type": "usergroup", "usergroup_id": "S1", "style": ["bold": true]],
                ["type": "text", "text": "<!here>"],
              ],
            ]
          ],
        ],
      ],
      "attachments": [
        [
          "pretext": "<!channel>", "title_link": "https://x.example/<@U1>",
          "fields": [["title": "<!here>", "value": "<!subteam^S1>"]],
          "blocks": [["type": "context", "elements": [["type": "mrkdwn", "text": "<@U2>"]]]],
        ]
      ],
    ]
    #expect(try sent(message, age: 200) == message)
    #expect(
      try sent(message, age: 200, mentionMaxAge: 199) == [
        "text": "here",
        "blocks": [
          ["type": "section", "text": ["type": "mrkdwn", "text": "user U1"], "block_id": "<@U1>"],
          ["type": "header", "text": ["type": "plain_text", "text": "<!here>"]],
          [
            "type": "rich_text",
            "elements": [
              [
                "type": "rich_text_section",
                "elements": [
                  ["type": "text", "text": "channel"], ["type": "text", "text": "user U1"],
                  ["type": "text", "text": "group S1"], ["type": "text", "text": "<!here>"],
                ],
              ]
            ],
          ],
        ],
        "attachments": [
          [
            "pretext": "channel", "title_link": "https://x.example/<@U1>",
            "fields": [["title": "here", "value": "group S1"]],
            "blocks": [["type": "context", "elements": [["type": "mrkdwn", "text": "user U2"]]]],
          ]
        ],
      ])
  }

  @Test func `words that are longer than the mention do not make a message too long`() throws {
    let mentions = String(repeating: "<@U1>", count: 800)
    let message = try sent(["text": .string(mentions)], age: 1_000)
    #expect(Fit.fitted(message).violations.isEmpty)
    #expect(message["text"]?.string?.contains("<") == false)
    #expect(message["text"]?.string?.hasSuffix("12:00 UTC)") == true)
  }
}
