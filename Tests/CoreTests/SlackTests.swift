import Testing

@testable import LuaslackCore

private func marked(_ parts: String...) -> String {
  "\u{E000}" + parts.joined(separator: "\u{E001}") + "\u{E002}"
}

@Suite struct MarkupTests {
  @Test func `text is escaped, three characters and no more`() {
    #expect(Markup.mrkdwn("a & b <!channel> \"'*_~`") == "a &amp; b &lt;!channel&gt; \"'*_~`")
  }

  @Test(arguments: [
    (marked("mention", "here"), "<!here>"), (marked("mention", "U012AB"), "<@U012AB>"),
    (marked("user_group", "S012"), "<!subteam^S012>"), (marked("channel", "C012"), "<#C012>"),
    (
      marked("link", "https://a.example/?q=1&r=<2>|x", "a|b <c>"),
      "<https://a.example/?q=1&r=%3C2%3E%7Cx|a¦b &lt;c&gt;>"
    ),
    (marked("link", "https://a.example", ""), "<https://a.example>"),
    (
      marked("date", "1795231644", "{date} {time}", "a|b>"),
      "<!date^1795231644^{date} {time}|a¦b&gt;>"
    ),
    (marked("raw", "<!everyone>"), "<!everyone>"),
    ("a<" + marked("mention", "channel") + ">b", "a&lt;<!channel>&gt;b"),
  ])
  func `marked groups become markup`(text: String, expected: String) {
    #expect(Markup.mrkdwn(text) == expected)
  }

  @Test(arguments: [
    marked("mention", "U012>|<!channel"), marked("mention", "all"), marked("user_group", "x"),
    marked("link", "javascript:alert(1)", "x"), marked("link", "https://a.example"),
    marked("date", "now", "{date}", "x"), marked("nothing", "<!channel>"), marked(""),
    "\u{E000}mention\u{E001}here", "\u{E001}\u{E002}<!here>", marked("mention", "here", "x"),
    marked("link"), marked("date"), marked("mention"), marked("raw"),
  ])
  func `what the library does not make stays text`(text: String) {
    let result = Markup.mrkdwn(text)
    #expect(!result.contains("<") && !result.contains(">"))
    #expect(!Markup.plain(text).unicodeScalars.contains { (0xE000...0xE002).contains($0.value) })
    #expect(!result.unicodeScalars.contains { (0xE000...0xE002).contains($0.value) })
  }

  @Test func `a mark that combines with a separator does not hide it`() {
    let evil = "x|\u{301}here>\u{301}free"
    let link = Markup.mrkdwn(marked("link", "https://a.example/?q=" + evil, evil))
    #expect(link.unicodeScalars.count { $0 == "|" } == 1)
    #expect(link.unicodeScalars.count { $0 == ">" } == 1)
  }

  @Test func `where Slack reads no markup a group leaves its words`() {
    #expect(
      Markup.plain("<b> " + marked("link", "https://a.example", "here") + marked("mention", "U1"))
        == "<b> here@U1")
  }
}

@Suite struct SinkTests {
  private func message(_ payload: Value) throws -> Value {
    try Sink.message(payload, fallback: "fall & back")
  }

  @Test func `every text of a payload is escaped wherever it stands`() throws {
    let text: Value = "<!channel> & "
    let escaped = "&lt;!channel&gt; &amp; "
    let sent = try message([
      "text": text,
      "attachments": [
        [
          "text": text, "pretext": text, "fallback": text, "title": text, "footer": text,
          "author_name": text, "unknown_key": text, "fields": [["title": text, "value": text]],
          "blocks": [["type": "section", "text": ["type": "mrkdwn", "text": text]]],
        ]
      ],
      "blocks": [
        ["type": "section", "fields": [["type": "mrkdwn", "text": text]]],
        ["type": "context", "elements": [["type": "mrkdwn", "text": text]]],
      ],
    ])
    let json = JSONWriter.compact(sent)
    #expect(!json.contains("<!channel>"))
    #expect(json.split(separator: escaped, omittingEmptySubsequences: false).count - 1 == 13)
  }

  @Test func `a plain_text object is not escaped, since nothing is read in it`() throws {
    let sent = try message([
      "blocks": [["type": "header", "text": ["type": "plain_text", "text": "a < b"]]]
    ])
    #expect(JSONWriter.compact(sent).contains(#""text":"a < b","type":"plain_text""#))
  }

  @Test func `the host decides about unfurling and verbatim`() throws {
    let sent = try message([
      "text": "x", "blocks": [["type": "section", "text": ["type": "mrkdwn", "text": "x"]]],
    ])
    #expect(sent["unfurl_links"] == false && sent["unfurl_media"] == false)
    #expect(JSONWriter.compact(sent).contains(#""verbatim":true"#))
  }

  @Test func `a markdown block is refused, and rich text is not escaped`() throws {
    #expect(throws: Sink.Refused.self) {
      try message(["blocks": [["type": "markdown", "text": "[bank](https://evil.example)"]]])
    }
    let rich: Value = [
      "type": "rich_text",
      "elements": [
        ["type": "rich_text_section", "elements": [["type": "text", "text": "a < b"]]]
      ],
    ]
    #expect(JSONWriter.compact(try message(["blocks": [rich]])).contains("a < b"))
  }

  @Test func `there is always a text`() throws {
    #expect(try message(["blocks": []])["text"] == "fall &amp; back")
    #expect(try message(["text": ""])["text"] == "fall &amp; back")
  }

  @Test(arguments: ["channel", "parse", "link_names", "response_type", "url", "as_user"])
  func `what is not part of a message is refused with the way out`(key: String) {
    let payload: Value = .object(["text": "x", key: "y"])
    #expect(throws: Sink.Refused.self) { try message(payload) }
  }

  @Test func `an address leads to the web or nowhere`() throws {
    func image(_ url: String) throws -> Value {
      try message(["blocks": [["type": "image", "image_url": .string(url), "alt_text": "x"]]])
    }
    #expect(throws: Sink.Refused.self) { try image("javascript:alert(1)") }
    #expect(JSONWriter.compact(try image("https://a.example/?a=1&b=2")).contains("a=1&b=2"))
  }
}

@Suite struct WebhookURLTests {
  @Test(arguments: [
    "https://hooks.slack.com/services/T/B/x", "http://127.0.0.1:8080/x", "http://[::1]:80/x",
    "https://hooks.slack-gov.com/x", "HTTPS://hooks.slack.com/x", "http://127.9.8.7/x",
  ])
  func `https, and http to this machine`(text: String) throws {
    #expect(try WebhookURL(text).secret == text)
  }

  @Test(arguments: [
    "", "hooks.slack.com/x", "http://hooks.slack.com/x", "ftp://127.0.0.1/x", "file:///etc/passwd",
    "http://127.0.0.1.evil.example/x", "http://127.evil.example/x", "http://localhost/x",
    "https://user@hooks.slack.com/x", "https:///x", "http://127.0.0.1@evil.example/x",
    "https://hooks.slack.com/a b", "https://hooks.slack.com/\u{7f}", "http://127.1/x",
    "http://[::1].evil.example/x", "http://0127.0.0.1/x",
    "http://127.0.0.1:x/", "http://[::1]:99999/",
  ])
  func `nothing that would show the secret on the way`(text: String) {
    #expect(throws: Target.Refused.self) { try WebhookURL(text) }
  }

  @Test func `is never described`() throws {
    let url = try WebhookURL("https://hooks.slack.com/services/T0/B0/verysecret")
    #expect("\(url)" == "webhook at hooks.slack.com")
    #expect(!"\(url)\(String(reflecting: url.description))".contains("verysecret"))
  }
}
