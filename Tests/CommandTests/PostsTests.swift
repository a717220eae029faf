import Foundation
import TestSupport
import Testing

/// docs/posts.md: what its blocks make of a real fail2ban's doings is what the posts' own `curl` and PHP would
/// have sent, written down here part by part.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct PostsTests {
  private static let page = Page("docs/posts.md")

  /// A section of the page, and the jail that it is about.
  enum Post: String, CaseIterable {
    case php = "PHP, fed by printf"
    case curl = "curl with a token and a channel"
    case wordpress = "WordPress, with an attachment"
    case warning = "An early warning: who has to block it"
    case script = "A script of one's own, with jail and address, and mail"

    func block(_ language: String) throws -> String {
      let blocks = PostsTests.page.blocks(language, under: rawValue)
      #expect(blocks.count == 1)
      return try #require(blocks.first).text
    }
  }

  /// The page's config; `mail` listens in the place of the host's own server.
  private func installation(_ post: Post, mail: MailServer? = nil) async throws -> Installation {
    var config =
      "linger = \"0s\"\n"
      + (try post.block("toml"))
      .replacing("channel = \"#general\"", with: "channel = \"#general\"\napi_url = \"API_URL\"")
    if let mail {
      config = config.replacing(
        "smtp_to = \"root\"",
        with: "smtp_to = \"root@localhost\"\nsmtp_server = \"127.0.0.1:\(mail.port)\"")
    }
    let installation = try await Installation(config: config)
    try installation.directory.write(try post.block("lua"), to: "formatters/50-post.lua")
    return installation
  }

  /// A fail2ban with the page's jail, in which what jails do anyway is to write a file.
  private func server(_ post: Post, mail: MailServer? = nil) async throws -> Fail2banServer {
    let server = try Fail2banServer(try await installation(post, mail: mail))
    let place = server.installation.directory
    try place.write(
      "[Init]\nluaslack = \(Programs.luaslack)\n", to: "fail2ban/action.d/luaslack.local")
    let filter = try #require(Page("docs/fail2ban.md").blocks("ini filter").first)
    try place.write(filter.text, to: "fail2ban/filter.d/wordpress-luaslack.conf")
    let jail = try post.block("ini").replacing("logpath = /var/log/auth.log\n", with: "")
      .replacing("enabled = true", with: "enabled = true\nlogpath = \(place.file("auth.log"))")
    try server.configure(jail, defaults: "banaction = firewall\nbanaction_allports = firewall")
    try await server.start()
    return server
  }

  /// As WP fail2ban writes them.
  private func failToLogIn(_ server: Fail2banServer, from ip: String, times: Int) throws {
    let line =
      "\(Date().ISO8601Format()) web1 wordpress(shop.example)[7]: Authentication failure for admin"
      + " from \(ip)"
    try server.write(Array(repeating: Array(line.utf8), count: times))
  }

  /// What of a message is its author's: all but what luaslack says of previews.
  private func parts(_ message: RecordedMessage?) -> JSON {
    var members = message?.bodyJSON.object ?? [:]
    #expect(members["unfurl_links"] == .bool(false) && members["unfurl_media"] == .bool(false))
    members["unfurl_links"] = nil
    members["unfurl_media"] = nil
    return .object(members)
  }

  private func json(_ text: String) throws -> JSON { try JSON(parsing: text) }

  // MARK: - The posts

  @Test func `PHP's sentences arrive`() async throws {
    let server = try await server(.php)
    _ = try await server.messages(1)
    try server.fail(from: "203.0.113.9", times: 5)
    _ = try await server.messages(2)
    // His actionunban is empty.
    try await server.client("set", "sshd", "unbanip", "203.0.113.9")
    try await server.stop()
    let messages = try await server.messages(3)
    #expect(messages.count == 3)
    #expect(messages.allSatisfy { $0.path.hasPrefix("/services/T000/B000/") })
    // SlackConnect sends the text that it reads; printf's has no line end.
    let expected = try [
      #"{"text": "The jail sshd has been started successfully."}"#,
      #"{"text": "The IP 203.0.113.9 has just been banned by Fail2Ban after\n5 attempts against sshd"}"#,
      #"{"text": "The jail sshd has been stopped."}"#,
    ].map(json)
    #expect(messages.map(parts) == expected)
    #expect(server.firewalled() == ["203.0.113.9"])
  }

  @Test func `what another program prints arrives in its own channel`() async throws {
    let installation = try await installation(.php)
    let url = installation.slack.webhookURL("/services/T000/B222/\(Installation.secret)")
    try installation.directory.write(url + "\n", to: "backup-webhook", mode: 0o600)
    let done = try await installation.luaslack(
      ["notify", "--to=backup", "--field=Job=nightly"], stdin: Array("Backup done.\n2 files".utf8))
    #expect(done.status == 0, "\(done)")
    let message = try await installation.slack.waitForMessages(1).first
    #expect(message?.path.hasPrefix("/services/T000/B222/") == true)
    // SlackConnect's setMessage, and addField('Job', 'nightly', true).
    let expected = """
      {"text": "Backup done.\\n2 files", "attachments": [
        {"fields": [{"title": "Job", "value": "nightly", "short": true}]}]}
      """
    #expect(parts(message) == (try json(expected)))
  }

  @Test func `curl's texts arrive with token and channel`() async throws {
    let server = try await server(.curl)
    _ = try await server.messages(1)
    try server.fail(from: "2001:db8::9", times: 6)
    _ = try await server.messages(2)
    try await server.client("set", "sshd", "unbanip", "2001:db8::9")
    _ = try await server.messages(3)
    try await server.stop()
    let messages = try await server.messages(4)
    // What -d 'token=…' -d 'channel=…' -d 'text=…' say.
    let expected: [(token: String, channel: String, text: String)] = [
      "Fail2Ban (sshd) jail has started",
      "Fail2Ban (sshd) banned IP *2001:db8::9* for 6 failure(s)",
      "Fail2Ban (sshd) unbanned IP *2001:db8::9*", "Fail2Ban (sshd) jail has stopped",
    ].map { ("xoxb-\(Installation.secret)", "#general", $0) }
    #expect(messages.count == expected.count)
    for (message, wanted) in zip(messages, expected) {
      #expect(message.path == "/api/chat.postMessage")
      #expect(message.headers["authorization"] == "Bearer \(wanted.token)")
      #expect(
        parts(message)
          == .object(["channel": .string(wanted.channel), "text": .string(wanted.text)]))
    }
  }

  @Test func `the attachments of the WordPress post arrive`() async throws {
    let server = try await server(.wordpress)
    _ = try await server.messages(1)
    try failToLogIn(server, from: "203.0.113.9", times: 3)
    let messages = try await server.messages(2)
    try await server.stop()
    let words =
      "The IP 203.0.113.9 has just been banned by Fail2Ban after 3 attempts against wordpress"
    let expected = try [
      """
      {"text": "Fail2Ban status changed", "icon_emoji": ":cop:", "attachments": [
        {"fallback": "Fail2Ban wordpress started", "color": "good", "fields": [
          {"title": "Status", "value": "Fail2Ban wordpress started.", "short": false}]}]}
      """,
      """
      {"text": "Fail2Ban Report", "icon_emoji": ":cop:", "attachments": [
        {"fallback": "\(words)", "color": "warning", "fields": [
          {"title": "wordpress", "value": "\(words).", "short": false}]}]}
      """,
    ].map(json)
    #expect(messages.map(parts) == expected)
    #expect(server.firewalled() == ["203.0.113.9"])
  }

  @Test func `the early warning names the address and who has to block it`() async throws {
    let server = try await server(.warning)
    try failToLogIn(server, from: "203.0.113.9", times: 3)
    let message = try await server.messages(1).first
    try await server.stop()
    let text = message?.text ?? ""
    let who = try #require(text.firstMatch(of: /^<@U012(MON|TUE|WED|THU|FRI|SAT|SUN)>/)).output.0
    #expect(
      parts(message)
        == .object([
          "icon_emoji": .string(":rotating_light:"),
          "text": .string(
            "\(who), please block `203.0.113.9`: 3 failed logins on shop.example\n"
              + "`fail2ban-client set wordpress banip 203.0.113.9`"),
        ]))
    // It warns, and a person bans.
    #expect(server.firewalled() == [])
  }

  @Test func `the script's two lines arrive by mail, and in Slack`() async throws {
    let mail = try MailServer()
    let server = try await server(.script, mail: mail)
    try server.fail(from: "203.0.113.9", times: 5)
    let message = try await server.messages(1).first
    await eventually("mail comes", timeout: .seconds(20)) { !mail.mails.isEmpty }
    try await server.stop()
    let words = [
      "Fail2Ban has detected a suspicious activity in the jail: sshd", "IP Address: 203.0.113.9",
    ]
    #expect(message?.text == "Fail2Ban Alert")
    #expect(
      message?.bodyJSON["blocks"][0]["text"]["text"].string == words.joined(separator: "\n"))
    let text = try #require(mail.mails.first).text
    #expect(mail.mails.first?.to == ["root@localhost"])
    #expect(text.contains("\r\nSubject: Fail2Ban Alert\r\n"))
    #expect(text.hasSuffix("\r\n\r\n" + words.joined(separator: "\r\n") + "\r\n"), "\(text)")
    #expect(server.firewalled() == ["203.0.113.9"])
  }

  @Test func `fail2ban does not start with the script as the post names it`() async throws {
    let server = try Fail2banServer(try await Installation())
    try server.configure(
      """
      [sshd]
      enabled = true
      logpath = LOG
      """, defaults: "action = %(action_)s\naction_ = my_custom_script.sh")
    let result = try await server.client("-t")
    #expect(result.status != 0)
    #expect((result.output + result.errors).contains("Unable to read action 'my_custom_script.sh'"))
    #expect(Self.page.text.contains("Unable to read action 'my_custom_script.sh'"))
  }

  // MARK: - Many jails

  @Test(arguments: [
    (Post.php, "The jail sshd has been started successfully.", "The jail sshd has been stopped."),
    (.curl, "Fail2Ban (sshd) jail has started", "Fail2Ban (sshd) jail has stopped"),
  ])
  func `jails that start at once are one message with a line for each`(
    post: Post, started: String, stopped: String
  ) async throws {
    let installation = try await installation(post)
    let slack = installation.slack
    for jail in ["sshd", "web"] { _ = try await installation.luaslack(["jail-start", "--", jail]) }
    let first = try await slack.waitForMessages(1, timeout: .seconds(20)).last
    #expect(
      first?.text == [started, started.replacing("sshd", with: "web")].joined(separator: "\n"))
    for verb in ["jail-stop", "jail-start"] {
      for jail in ["sshd", "web"] { _ = try await installation.luaslack([verb, "--", jail]) }
    }
    let second = try await slack.waitForMessages(2, timeout: .seconds(20)).last
    let lines = [stopped, started].joined(separator: "\n")
    #expect(second?.text == [lines, lines.replacing("sshd", with: "web")].joined(separator: "\n"))
    for (verb, jail) in [("jail-start", "sshd"), ("jail-stop", "web")] {
      _ = try await installation.luaslack([verb, "--", jail])
    }
    let third = try await slack.waitForMessages(3, timeout: .seconds(20)).last
    #expect(third?.text == "jail sshd started; jail web stopped")
  }

  @Test func `each jail that starts has its attachment`() async throws {
    let installation = try await installation(.wordpress)
    for jail in ["sshd", "web"] { _ = try await installation.luaslack(["jail-start", "--", jail]) }
    let message = try await installation.slack.waitForMessages(1, timeout: .seconds(20)).last
    let attachments = message?.bodyJSON["attachments"].array ?? []
    #expect(
      attachments.map { $0["fallback"].string }
        == ["Fail2Ban sshd started", "Fail2Ban web started"])
  }

  @Test(arguments: Post.allCases)
  func `luaslack check finds nothing in a post's files`(post: Post) async throws {
    let installation = try await installation(post)
    let result = try await installation.luaslack(["check"])
    #expect(result.status == 0, "\(result.output) \(result.errors)")
  }
}
