import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct TargetTests {
  private let place: TemporaryDirectory
  private static let url = "https://hooks.slack.com/services/T0/B0/verysecret"
  private static let token = "xoxb-1-verysecret"

  init() throws {
    place = try TemporaryDirectory()
  }

  private func file(_ text: String, _ name: String = "secret", mode: Int = 0o600) throws -> String {
    try place.write(text, to: name, mode: mode)
  }

  private func webhook(_ text: String = url) throws -> Target {
    try Target.read(.init(name: "x", kind: .webhook(file: try file(text, "webhook"))))
  }

  private func bot(
    _ text: String = token, channel: String = "C01", api: String = "https://slack.com/api"
  ) throws -> Target {
    let kind = Configuration.Destination.Kind.token(
      file: try file(text, "token"), channel: channel, api: api)
    return try Target.read(.init(name: "x", kind: kind))
  }

  private func mail(_ to: String = "root", server: String = "127.0.0.1:25") throws -> Target {
    try Target.read(.init(name: "x", kind: .mail(to: to, server: server)))
  }

  @Test func `a webhook gets the payload as it is`() throws {
    let post = try webhook().post(#"{"text":"x"}"#, threadTs: "1.2")
    #expect(post.url == Self.url && post.body == #"{"text":"x"}"#)
    #expect(post.headers.contains("Content-Type: application/json; charset=utf-8"))
    #expect(!post.headers.contains { $0.hasPrefix("Authorization") })
    #expect(post.envelope == nil)
    #expect(try webhook().hasThreads == false)
  }

  @Test func `a bot names itself in a header and its channel in the payload`() throws {
    let target = try bot("# ours\n\(Self.token)\n")
    let post = target.post(#"{"text":"x"}"#)
    #expect(post.url == "https://slack.com/api/chat.postMessage")
    #expect(post.headers.contains("Authorization: Bearer \(Self.token)"))
    #expect(post.body == #"{"channel":"C01","text":"x"}"#)
    #expect(
      target.post(#"{"text":"x"}"#, threadTs: "17.2").body
        == #"{"channel":"C01","text":"x","thread_ts":"17.2"}"#)
    #expect(target.hasThreads)
    #expect(
      try bot(api: "http://127.0.0.1:80/api/").post("{}").url
        == "http://127.0.0.1:80/api/chat.postMessage")
    #expect(target.post("spoilt").body == #"{"channel":"C01","text":"spoilt"}"#)
  }

  @Test(arguments: [
    ("127.0.0.1:25", false), ("[::1]:2525", false), ("localhost", false), ("LOCALHOST:25", false),
    ("mail.example:25", true), ("10.0.0.1", true), ("localhost.example:25", true),
  ])
  func `mail needs TLS unless it stays on this machine`(server: String, needsTLS: Bool) throws {
    let post = try mail(server: server).post(#"{"text":"x"}"#)
    #expect(post.url == "smtp://\(server)" && post.headers.isEmpty)
    #expect(post.envelope?.to == "root" && post.envelope?.needsTLS == needsTLS)
    #expect(post.envelope?.from.hasPrefix("luaslack@") == true)
    #expect(post.body.contains("To: root\r\n") && post.body.hasSuffix("\r\n\r\nx\r\n"))
  }

  @Test func `a post goes as the destination says`() throws {
    let certificates = "-----BEGIN CERTIFICATE-----\n"
    var destination = Configuration.Destination(
      name: "x", webhookFile: try file(Self.url, "webhook"))
    destination.certificates = try file(certificates, "ca.pem", mode: 0o644)
    destination.network.httpsProxy = "http://proxy:1"
    destination.network.timeout = 77
    let post = try Target.read(destination).post("{}")
    #expect(post.certificates == Array(certificates.utf8))
    #expect(post.network == destination.network)
  }

  @Test func `the same target has the same hash whatever its name, another has another`() throws {
    let targets = [
      try webhook(), try webhook(Self.url + "2"), try bot(), try bot(channel: "C02"),
      try bot(Self.token + "2"), try mail(), try mail("other"), try mail(server: "127.0.0.1:26"),
    ]
    #expect(Set(targets.map(\.hash)).count == targets.count)
    #expect(try webhook().hash == "c532d16190b65c11")
    #expect(try bot(api: "https://slack-gov.com/api").hash == (try bot().hash))
    for target in targets { #expect((1...16).contains(target.hash.utf8.count)) }
  }

  @Test func `nothing is described with its secret`() throws {
    for target in [try webhook(), try bot()] {
      let post = target.post("{}")
      var dumped = ""
      dump(post, to: &dumped)
      for text in ["\(target)", "\(post)", String(reflecting: post), dumped, target.hash] {
        #expect(!text.contains("verysecret"))
      }
    }
    #expect("\(try BotToken(Self.token))" == "a bot's token")
    #expect(try "\(bot())" == "channel C01")
    #expect(try "\(mail())" == "mail to root at 127.0.0.1:25")
  }

  @Test(arguments: [
    ("", 0o600, "must hold one line, the bot's token"),
    ("xoxb-1\nxoxb-2\n", 0o600, "must hold one line"), (token, 0o644, "chmod 0640"),
    (token, 0o660, "chmod go-w"), ("https://hooks.slack.com/verysecret", 0o600, "begin with xoxb-"),
    ("xapp-verysecret", 0o600, "begin with xoxb-"),
    ("xoxb-verysecret\u{1}", 0o600, "a character that a token cannot have"),
    ("xoxb-verysecreté", 0o600, "a character that a token cannot have"),
  ])
  func `a token file that is not right is refused without showing it`(
    text: String, mode: Int, hint: String
  ) throws {
    let path = try file(text, "token", mode: mode)
    let error = #expect(throws: Target.Refused.self) {
      try Target.read(.init(name: "x", kind: .token(file: path, channel: "C", api: "https://x")))
    }
    #expect(error?.description.hasPrefix("token file \(path): ") == true)
    #expect(error?.description.contains(hint) == true)
    #expect(error?.description.contains("verysecret") == false)
  }

  @Test(arguments: [("none", 0o644, "holds no certificate in PEM"), ("x", 0o666, "chmod go-w")])
  func `certificates that cannot be believed are refused`(
    text: String, mode: Int, hint: String
  ) throws {
    var destination = Configuration.Destination(name: "x", kind: .mail(to: "a", server: "x"))
    destination.certificates = try file(text, "ca.pem", mode: mode)
    let error = #expect(throws: Target.Refused.self) { try Target.read(destination) }
    #expect(error?.description.hasPrefix("ca_file ") == true)
    #expect(error?.description.contains(hint) == true)
    destination.certificates = place.file("missing")
    #expect(throws: Target.Refused.self) { try Target.read(destination) }
  }
}

@Suite struct MailTests {
  private func mail(_ message: Value) -> String {
    Mail.text(message, from: "luaslack@web1", to: "root", id: "abc", now: 1_795_251_900_000_000)
  }

  @Test func `a mail is the message in plain words`() {
    let text = mail([
      "text": ":shield: *sshd* banned `203.0.113.7` after 5 failures &amp; more",
      "attachments": [
        [
          "fields": [["title": "User", "value": "a *b* &lt;c&gt;", "short": true]],
          "footer": "web1", "color": "#fff", "fallback": "no",
        ]
      ],
    ])
    #expect(
      text
        == """
        From: luaslack <luaslack@web1>\r
        To: root\r
        Subject: sshd banned 203.0.113.7 after 5 failures & more\r
        Date: Sat, 21 Nov 2026 09:05:00 +0000\r
        Message-ID: <1795251900000000.abc@web1>\r
        MIME-Version: 1.0\r
        Content-Type: text/plain; charset=utf-8\r
        Content-Transfer-Encoding: 7bit\r
        Auto-Submitted: auto-generated\r
        \r
        sshd banned 203.0.113.7 after 5 failures & more\r
        \r
        User: a *b* <c>\r
        web1\r

        """)
  }

  @Test(arguments: [
    "x\r\nBcc: evil@example.org", "x\nBcc: evil@example.org\n\nbody", "x\u{85}Bcc: e",
    "x\u{2028}Bcc: e", "x\u{0}\u{1b}[31m", "é\r\nBcc: e", "=?UTF-8?B?DQpCY2M6IGU=?=", "\r\n.\r\n",
    "x\r\n ", String(repeating: "é", count: 500), "",
  ])
  func `no text gets a header of its own`(hostile: String) throws {
    let text = mail(["text": .string(hostile)])
    let end = try #require(text.firstRange(of: "\r\n\r\n"))
    let header = text[..<end.lowerBound]
    #expect(header.utf8.allSatisfy { (0x20..<0x7f).contains($0) || $0 == 0x0d || $0 == 0x0a })
    // CR and LF only together; a line that goes on begins with a space.
    let lines = String(header).unicodeScalars.split(separator: "\n").map {
      String(String.UnicodeScalarView($0)).filter { $0 != "\r" }
    }
    let names = lines.filter { !$0.hasPrefix(" ") }.compactMap { $0.split(separator: ":").first }
    #expect(
      names == [
        "From", "To", "Subject", "Date", "Message-ID", "MIME-Version", "Content-Type",
        "Content-Transfer-Encoding", "Auto-Submitted",
      ])
    for line in lines { #expect(line.utf8.count <= 200) }
  }

  @Test(arguments: [
    ("plain", "plain"), ("é", "=?UTF-8?B?w6k=?="), ("a=?b", "=?UTF-8?B?YT0/Yg==?="),
    (
      String(repeating: "é", count: 23),
      "=?UTF-8?B?" + String(repeating: "w6nDqcOp", count: 7) + "w6k=?=\r\n =?UTF-8?B?w6k=?="
    ),
  ])
  func `a header's text is printable ASCII or encoded words`(text: String, expected: String) {
    #expect(Mail.headerText(text) == expected)
  }

  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("foobar", "Zm9vYmFy"),
  ])
  func `base64 is that of RFC 4648`(text: String, expected: String) {
    #expect(Mail.base64(Array(text.utf8)) == expected)
  }

  @Test func `a body beyond ASCII is quoted-printable, in short lines`() {
    #expect(Mail.quotedPrintable("é = 1 ") == ["=C3=A9 =3D 1=20"])
    let lines = Mail.quotedPrintable(String(repeating: "é", count: 30))
    #expect(lines.count == 3 && lines.allSatisfy { $0.utf8.count <= 76 })
    #expect(lines.dropLast().allSatisfy { $0.hasSuffix("=") })
    #expect(
      mail(["text": "é\nb"]).hasSuffix(
        "quoted-printable\r\nAuto-Submitted: auto-generated\r\n\r\n=C3=A9\r\nb\r\n"))
  }

  @Test(arguments: [
    ("root", true), ("a.b+c@example.org", true), ("a@b", true), ("", false), ("@b", false),
    ("a@", false), ("a@b@c", false), ("a b", false), ("a,b", false), ("<a>", false), ("-a", false),
    ("a\r\nb", false), ("a@b..c", false), ("a@-b", false), ("é@b", false), ("\"a\"@b", false),
    ("a@b\u{0}", false),
  ])
  func `an address is one plain address`(text: String, expected: Bool) {
    #expect(MailAddress.isAddress(text) == expected)
  }

  @Test func `a host whose name cannot stand in an address is left out`() {
    #expect(Mail.sender(host: "web1.example.org") == "luaslack@web1.example.org")
    #expect(Mail.sender(host: "web 1>") == "luaslack@localhost")
    #expect(Mail.sender(host: "") == "luaslack@localhost")
  }
}

@Suite struct MessageTextTests {
  @Test(arguments: [
    ("a &amp;lt; b", "a &lt; b"), ("*bold* _it_ ~no~", "bold it no"), ("*a _b_ c*", "a b c"),
    ("a_b_c 2*3*4", "a_b_c 2*3*4"), ("* a * b", "* a * b"), ("*a\nb*", "*a\nb*"),
    ("`*a*` *b*", "*a* b"), ("<!here> <@U01> <#C01|ops>", "@here @U01 #ops"),
    ("<!subteam^S01>", "@S01"), ("<!date^1^{date}|then>", "then"),
    ("<https://x.example/?a=1&amp;b|*x*> y", "*x* (https://x.example/?a=1&b) y"),
    ("<https://x.example/a_b_c>", "https://x.example/a_b_c"), ("<unclosed", "<unclosed"),
    (":shield: banned :warning:", "banned"), ("at 12:30:45 fe80::1 ::1", "at 12:30:45 fe80::1 ::1"),
    ("log:\n```\n*x* &lt;b&gt;\n:shield:\n```\nend", "log:\n    *x* <b>\n    :shield:\nend"),
    ("x ```y``` z", "x \n    y\n z"), ("", ""),
  ])
  func `mrkdwn becomes words`(text: String, expected: String) {
    #expect(MessageText.plain(text) == expected)
  }

  @Test func `blocks stand for the text`() {
    let body = MessageText.body([
      "text": "short",
      "blocks": [
        ["type": "header", "text": ["type": "plain_text", "text": ":shield: A &amp; *b*"]],
        ["type": "section", "text": ["type": "mrkdwn", "text": "*b* &amp; c"]],
        [
          "type": "section",
          "fields": [["type": "mrkdwn", "text": "_d_"], ["type": "plain_text", "text": "e"]],
        ], ["type": "divider"],
        [
          "type": "context",
          "elements": [["type": "mrkdwn", "text": "f"], ["type": "image", "alt_text": "g"]],
        ],
        [
          "type": "actions",
          "elements": [
            [
              "type": "button", "text": ["type": "plain_text", "text": "h"],
              "url": "https://h.example",
            ]
          ],
        ], ["type": "image", "image_url": "https://i.example", "alt_text": "i"],
        [
          "type": "rich_text",
          "elements": [
            [
              "type": "rich_text_section",
              "elements": [["type": "text", "text": "j"], ["type": "text", "text": "k"]],
            ]
          ],
        ],
      ],
    ])
    #expect(
      body
        == "A &amp; *b*\nb & c\n_d_\ne\n--\nf  [g]\nh (https://h.example)\ni https://i.example\njk"
        .replacing("_d_", with: "d"))
  }

  @Test func `what an attachment leaves out of its markup is taken as it is`() {
    let attachment: Value = [
      "pretext": "*p*", "text": "*t*", "mrkdwn_in": ["text"],
      "fields": [["title": "F", "value": "*v*\nw"]], "title": "T",
      "title_link": "https://t.example",
      "author_name": "N", "footer": "&lt;f&gt;",
    ]
    #expect(
      MessageText.body(["text": "x", "attachments": [attachment]])
        == "x\n*p*\n\nN\nT (https://t.example)\nt\nF:\n    *v*\n    w\n<f>")
  }

  @Test func `the subject is one short line`() {
    #expect(MessageText.subject(["text": "*a*\nb"]) == "a")
    #expect(MessageText.subject(["text": .string(String(repeating: "x", count: 300))]).count == 150)
    #expect(MessageText.subject(["attachments": [["text": "c\nd"]]]) == "c")
    #expect(MessageText.subject([:]) == "luaslack")
  }
}
