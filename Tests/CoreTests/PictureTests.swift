import Foundation
import Testing

@testable import LuaslackCore

@Suite struct PictureTests {
  private func lines(_ text: String) -> [Span.Line] {
    Mrkdwn.passages(text).flatMap { passage -> [Span.Line] in
      switch passage {
      case .lines(let lines), .quote(let lines): lines
      case .fence(let lines): lines.map { [Span($0, .code)] }
      }
    }
  }

  @Test(
    arguments: [
      (
        "*bold* and _italic_ and ~gone~",
        [
          Span("bold", .text, .bold), Span(" and "), Span("italic", .text, .italic), Span(" and "),
          Span("gone", .text, .struck),
        ]
      ),
      ("*_both_*", [Span("both", .text, [.bold, .italic])]),
      ("a*b*c 2 * 3 * 4", [Span("a*b*c 2 * 3 * 4")]),
      ("snake_case_name", [Span("snake_case_name")]),
      ("`a *b* &lt;c&gt;`", [Span("a *b* <c>", .code)]),
      ("*`code`*", [Span("code", .code, .bold)]),
      ("&amp;lt; &lt;b&gt;", [Span("&lt; <b>")]),
      ("<https://a.example|the *site*>", [Span("the *site*", .link(url: "https://a.example"))]),
      ("<https://a.example>", [Span("https://a.example", .link(url: "https://a.example"))]),
      ("<mailto:a@b.example>", [Span("a@b.example", .link(url: "mailto:a@b.example"))]),
      (
        "<!here> <@U012> <!subteam^S01> <#C01>",
        [
          Span("@here", .mention), Span(" "), Span("@U012", .mention), Span(" "),
          Span("@S01", .mention), Span(" "), Span("#C01", .mention),
        ]
      ),
      (
        "<!date^1795231644^{date} at {time_secs}, {odd}|then> <!date^soon^{date}|then>",
        [
          Span("then", .date(shown: "November 21st, 2026 at 3:27:24 AM, {odd}")), Span(" "),
          Span("then", .date(shown: "then")),
        ]
      ),
      (
        "<!date^1795266000^{date_num} {time}^https://a.example/|then>",
        [Span("2026-11-21 1:00 PM", .link(url: "https://a.example/"))]
      ),
      (
        "<!here|here> <!subteam^S01|@ops> <#C01|alerts> <!later|x>",
        [
          Span("@here", .mention), Span(" "), Span("@ops", .mention), Span(" "),
          Span("#alerts", .mention), Span(" <x>"),
        ]
      ),
      (
        "see https://a.example/?a=1&amp;b=2, (http://b.example/) xhttps://c.example https://",
        [
          Span("see "),
          Span("https://a.example/?a=1&b=2", .link(url: "https://a.example/?a=1&b=2")),
          Span(", ("), Span("http://b.example/", .link(url: "http://b.example/")),
          Span(") xhttps://c.example https://"),
        ]
      ),
      (
        ":+1::skin-tone-3: :wave::skin-tone-9:",
        [
          Span("+1::skin-tone-3", .emoji), Span(" "), Span("wave", .emoji),
          Span("skin-tone-9", .emoji),
        ]
      ),
      (
        ":shield: 12:30:45 :+1:",
        [
          Span("shield", .emoji), Span(" 12:30:45 "), Span("+1", .emoji),
        ]
      ),
      ("an open *mark and `tick and <angle", [Span("an open *mark and `tick and <angle")]),
    ] as [(String, Span.Line)])
  func `mrkdwn is read as Slack reads it`(text: String, line: Span.Line) {
    #expect(lines(text) == [line])
  }

  @Test func `fences and quotes stand apart, and nothing in a fence is markup`() {
    #expect(
      Mrkdwn.passages("before\n```\n*a* <b>\n  c &lt;\n```\n&gt; said\n&gt;  so\nafter") == [
        .lines([[Span("before")]]), .fence(["*a* <b>", "  c <"]),
        .quote([[Span("said")], [Span("so")]]), .lines([[Span("after")]]),
      ])
    #expect(Mrkdwn.passages("no ``` end") == [.lines([[Span("no ``` end")]])])
  }
}

/// Slack's rules for what of a message is read how, and what is shown of it.
@Suite struct PictureRulesTests {
  private func text(_ message: Value) -> String {
    let text = TerminalPicture(width: 100, hasColour: false).text(Picture(message))
    return String(text.drop { $0 != "\n" }.dropFirst())
  }

  private func attachment(_ members: [String: Value]) -> String {
    text(["attachments": [.object(members)]]).replacing("┃ ", with: "")
  }

  @Test func `marks count in the text unless it says no, links always`() {
    #expect(text(["text": "*a* <!here> &amp;"]) == "a @here &")
    #expect(text(["text": "*a* <!here> &amp;", "mrkdwn": false]) == "*a* @here &")
  }

  @Test func `marks count in an attachment where mrkdwn_in says so, links and emoji everywhere`() {
    let both = "*a* <https://a.example|b> :x:"
    let field: Value = ["title": "*t* &lt;", "value": .string(both)]
    let all: [String: Value] = [
      "pretext": .string(both), "text": .string(both), "fields": [field],
      "title": "*title*", "footer": "*f* &amp;",
    ]
    let dead = "*a* b (https://a.example) ❌"
    #expect(attachment(all) == "\(dead)\n*title*\n\(dead)\n*t* <\n\(dead)\n*f* &")
    let live = "a b (https://a.example) ❌"
    let keys: Value = ["pretext", "text", "fields"]
    #expect(
      attachment(all.merging(["mrkdwn_in": keys]) { $1 })
        == "\(live)\n*title*\n\(live)\n*t* <\n\(live)\n*f* &")
  }

  @Test func `a long text of an attachment is folded, and whole in a mail`() {
    #expect(attachment(["text": "1\n2\n3\n4\n5"]) == "1\n2\n3\n4\n5")
    #expect(attachment(["text": "1\n2\n3\n4\n5\n6"]) == "1\n2\n3\n4\n5\nShow more")
    let long = String(repeating: "word ", count: 150)
    let shown = attachment(["text": .string(long)]).replacing("\n", with: " ")
    #expect(shown.hasSuffix("…  Show more") || shown.hasSuffix("… Show more"))
    #expect(shown.count < 720)
    #expect(attachment(["text": .string(String(long.prefix(699)))]).hasSuffix("word"))
    let mail = MessageText.body(["attachments": [["text": "1\n2\n3\n4\n5\n6"]]])
    #expect(mail == "1\n2\n3\n4\n5\n6")
    let dated = MessageText.body(["text": "<!date^1795231644^{date}|2026-11-21 03:27:24 UTC>"])
    #expect(dated == "2026-11-21 03:27:24 UTC")
  }

  @Test func `blocks stand in place of the text, each read as its type says`() {
    let blocks: Value = [
      ["type": "header", "text": ["type": "plain_text", "text": "*h* :x: &amp;", "emoji": true]],
      ["type": "section", "text": ["type": "plain_text", "text": "*p* :x:", "emoji": false]],
      [
        "type": "section",
        "text": ["type": "mrkdwn", "text": "*m* https://a.example", "verbatim": true],
        "accessory": [
          "type": "image", "image_url": "https://a.example/i.png", "alt_text": "&lt;i",
        ],
      ],
      [
        "type": "image", "image_url": "https://a.example/j.png", "alt_text": "j",
        "title": ["type": "plain_text", "text": "Title"],
      ],
      [
        "type": "context",
        "elements": [
          ["type": "image", "image_url": "https://a.example/k.png", "alt_text": "k"],
          ["type": "mrkdwn", "text": "_c_"],
        ],
      ],
      ["type": "unknown", "text": "never"],
    ]
    #expect(
      text(["text": "only a phone shows it", "blocks": blocks]) == """
        *h* ❌ &amp;
        *p* :x:
        m https://a.example
        [<i] https://a.example/i.png
        Title
        [j] https://a.example/j.png
        [k]  c
        """)
  }

  @Test func `what an attachment may have stands in Slack's order`() {
    let button: Value = ["type": "button", "text": "Go &amp; see", "url": "https://a.example/b"]
    #expect(
      attachment([
        "pretext": "above", "author_name": "who", "author_link": "https://a.example/w",
        "title": "title", "title_link": "https://a.example/t", "text": "text",
        "fields": [["title": "F", "value": "v"]], "actions": [button],
        "thumb_url": "https://a.example/s.png", "footer": "foot", "ts": 1_795_231_644,
      ]) == """
        above
        who (https://a.example/w)
        title (https://a.example/t)
        text
        F
        v
        [ Go & see ] https://a.example/b
        [picture] https://a.example/s.png
        foot | 2026-11-21 03:27:24 UTC
        """)
  }

  @Test func `rich text has emoji with skins, dates and lists`() {
    let elements: Value = [
      ["type": "emoji", "name": "wave", "skin_tone": 3],
      [
        "type": "date", "timestamp": 1_795_231_644, "format": " on {date_long}", "fallback": "then",
      ],
    ]
    let section: Value = ["type": "rich_text_section", "elements": elements]
    let list: Value = [
      "type": "rich_text_list", "style": "ordered",
      "elements": [["type": "rich_text_section", "elements": [["type": "text", "text": "one"]]]],
    ]
    let blocks: Value = [["type": "rich_text", "elements": [section, list]]]
    #expect(text(["blocks": blocks]) == "👋🏼 on Saturday, November 21st, 2026\n1. one")
  }

  @Test(arguments: [("good", "#2eb886"), ("danger", "#a30200"), ("AABBCC", "#aabbcc")])
  func `colours are those that Slack shows`(name: String, colour: String) {
    let picture = Picture(["attachments": [["color": .string(name), "text": "t"]]])
    guard case .attachment(colour, _)? = picture.parts.first else {
      Issue.record("\(picture.parts)")
      return
    }
  }

  @Test func `days have their endings`() {
    let days = [(1, "1st"), (2, "2nd"), (3, "3rd"), (11, "11th"), (12, "12th"), (22, "22nd")]
    for (day, words) in days {
      let seconds = 1_793_491_200 + Int64(day - 1) * 86_400
      #expect(SlackDate.text(["\(seconds)", "{date}"]) == "November \(words), 2026")
    }
    #expect(SlackDate.time(1_793_491_200) == "12:00 AM")
  }
}

@Suite struct TerminalPictureTests {
  private static let message: Value = [
    "text": ":shield: *sshd* banned `203.0.113.7` after 5 failures on web1",
    "attachments": [
      [
        "color": "#d64545", "footer": "web1", "ts": 1_795_231_644,
        "fields": [
          ["title": "User", "value": "root", "short": true],
          ["title": "Ban time", "value": "10 minutes", "short": true],
          ["title": "Why", "value": "third ban of this address", "short": false],
        ],
      ],
      [
        "color": "good",
        "blocks": [
          ["type": "header", "text": ["type": "plain_text", "text": "A *header*"]],
          ["type": "divider"],
          [
            "type": "actions",
            "elements": [
              [
                "type": "button", "text": ["type": "plain_text", "text": "Look"],
                "url": "https://a.example/?x=1",
              ]
            ],
          ],
        ],
      ],
    ],
  ]

  @Test func `without colours it is text`() {
    let text = TerminalPicture(width: 40, hasColour: false).text(Picture(Self.message))
    #expect(
      text == """
        luaslack APP
        🛡️ sshd banned 203.0.113.7 after 5
        failures on web1
        ┃ User                Ban time
        ┃ root                10 minutes
        ┃ Why
        ┃ third ban of this address
        ┃ web1 | 2026-11-21 03:27:24 UTC
        ┃ A *header*
        ┃ ──────────────────────────────────────
        ┃ [ Look ] https://a.example/?x=1
        """)
  }

  @Test func `with colours each part has its own`() {
    let text = TerminalPicture(width: 80, hasColour: true).text(Picture(Self.message))
    #expect(text.contains("\u{1b}[1msshd\u{1b}[0m banned \u{1b}[36m203.0.113.7\u{1b}[0m after"))
    #expect(text.contains("\u{1b}[38;2;214;69;69m┃\u{1b}[0m \u{1b}[1mUser\u{1b}[0m"))
    #expect(text.contains("\u{1b}[38;2;46;184;134m┃\u{1b}[0m \u{1b}[1mA *header*\u{1b}[0m"))
  }

  @Test(arguments: [
    (nil, nil, "38;2;214;69;69"), ("xterm-256color", nil, "38;2;214;69;69"),
    ("screen", "truecolor", "38;2;214;69;69"), ("screen.xterm-256color", nil, "38;5;167"),
    ("linux", nil, "31"), ("vt100", nil, "31"),
  ])
  func `a terminal gets the colours that it has`(term: String?, more: String?, codes: String) {
    let palette = TerminalPicture.Palette(term: term, colorterm: more)
    let screen = TerminalPicture(width: 80, hasColour: true, palette: palette)
    let message: Value = ["attachments": [["color": "#d64545", "text": "x"]]]
    #expect(screen.text(Picture(message)).contains("\u{1b}[\(codes)m┃\u{1b}[0m x"))
    let black: Value = ["attachments": [["color": "#000000", "text": "x"]]]
    #expect(!screen.text(Picture(black)).contains("[30m"))
  }

  @Test func `numbers that are no date and no tone are left alone`() {
    for number in ["9223372036854775807", "-9223372036854775808", "253402300800", "-1"] {
      let message: Value = [
        "text": .string("<!date^\(number)^{date}|then>"),
        "attachments": [["ts": Int64(number).map(Value.int) ?? 0, "text": "x"]],
      ]
      #expect(Picture(message).time == nil)
      let text = TerminalPicture(width: 80, hasColour: false).text(Picture(message))
      #expect(text.contains("then"))
      #expect(MessageText.body(message).contains("then"))
    }
    for tone in ["4294967295", "1", "7", "-2", "x"] {
      #expect(Emoji.glyph("wave::skin-tone-\(tone)") == nil)
    }
    #expect(Emoji.glyph("wave::skin-tone-2") == "\u{1f44b}\u{1f3fb}")
    #expect(Picture(["icon_emoji": ":wave::skin-tone-3:"]).icon == "wave::skin-tone-3")
    let wide: Value = ["attachments": [["color": "#ａａａａａａ", "text": "x"]]]
    #expect(Picture(wide).parts.first == .attachment(colour: nil, [.text([.lines([[Span("x")]])])]))
  }

  @Test func `wide characters keep the columns aligned, whatever the width`() {
    let message: Value = [
      "attachments": [
        [
          "fields": [
            ["title": "名前", "value": "漢字かな交じり文の長い値は折り返される", "short": true],
            ["title": "b", "value": "e\u{301}\u{1f1f3}\u{1f1f1}", "short": true],
          ]
        ]
      ]
    ]
    for width in [40, 60, 120] {
      let lines = TerminalPicture(width: width, hasColour: false).text(Picture(message)).components
      #expect(lines.allSatisfy { CellWidth.of($0) <= width }, "\(lines)")
      let titles = lines[1]
      let start = CellWidth.of(String(titles.prefix { $0 != "b" }))
      #expect(CellWidth.of(String(lines[2].prefix { $0 != "e\u{301}" })) == start)
    }
  }

  @Test func `nothing in a message moves the cursor or turns a line around`() {
    let message: Value = [
      "text": "a\u{1b}[2Jb\u{7}\u{9b}c\u{202e}d", "username": "x\u{1b}]0;t\u{7}",
    ]
    let text = TerminalPicture(width: 80, hasColour: false).text(Picture(message))
    #expect(text == "x�]0;t� APP\na�[2Jb��c�d")
  }

  @Test func `lines break between words, whatever their style, and no word is glued to another`() {
    func text(_ text: String) -> [String] {
      TerminalPicture(width: 20, hasColour: false).text(Picture(["text": .string(text)]))
        .components.dropFirst().map { $0 }
    }
    #expect(text("a word and (`code`), more") == ["a word and (code),", "more"])
    #expect(text("nineteen-characters  x") == ["nineteen-characters", "x"])
    #expect(text("ab*12345678901234567890123*") == ["ab*12345678901234567", "890123*"])
    #expect(text("(*12345678901234567890123*") == ["(1234567890123456789", "0123"])
  }

  @Test(arguments: [
    ("हिन्दी", 5), ("한국", 4), ("\u{1112}\u{1161}\u{11ab}", 2), ("👍🏽", 2), ("🌡", 1), ("🌡️", 2),
    ("⌛", 2), ("1️⃣", 2), ("e\u{301}", 1), ("𠀀", 2), ("㉈", 1),
  ])
  func `cells are counted as terminals count them`(text: String, cells: Int) {
    #expect(CellWidth.of(text) == cells)
  }
}

@Suite struct PagePictureTests {
  @Test func `a page shows each message by day and by night, and nothing of it is live`() {
    let message: Value = [
      "text": "*b* &lt;script&gt; <https://a.example/?a=1&amp;b=2|x\"y> <javascript:alert(1)|no>",
      "username": "<img src=x>",
      "attachments": [["color": "\"><script>", "text": "t"]],
    ]
    let page = PagePicture.page(
      [
        .init(title: "<t>", picture: Picture(message), remarks: ["r&r"]),
        .init(title: "none", picture: nil, remarks: ["muted: why"]),
      ], title: "p")
    #expect(page.components(separatedBy: "class=\"message\"").count == 3)
    #expect(page.contains("<b>b</b> &lt;script&gt; <a href=\"https://a.example/?a=1&amp;b=2\""))
    #expect(page.contains("rel=\"noreferrer\">x&quot;y</a>"))
    #expect(!page.contains("javascript:") && !page.contains("<script") && !page.contains("<img"))
    #expect(page.contains("<div class=\"attachment\"><p>t</p>") && page.contains("r&amp;r"))
    #expect(page.contains("no message") && page.contains("default-src 'none'"))
  }
}
