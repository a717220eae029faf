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
      ("<!date^1^{time}|then>", [Span("then")]),
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
    #expect(text.contains("\u{1b}[38;2;46;182;125m┃\u{1b}[0m \u{1b}[1mA *header*\u{1b}[0m"))
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

  @Test func `nothing in a message moves the cursor`() {
    let message: Value = ["text": "a\u{1b}[2Jb\u{7}\u{9b}c", "username": "x\u{1b}]0;t\u{7}"]
    let text = TerminalPicture(width: 80, hasColour: false).text(Picture(message))
    #expect(text == "x�]0;t� APP\na�[2Jb��c")
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
    #expect(page.contains("border-color:#ddd") && page.contains("r&amp;r"))
    #expect(page.contains("no message") && page.contains("default-src 'none'"))
  }
}
