import Foundation
import TestSupport
import Testing

/// Debian's own filters, and the one of docs/fail2ban.md for WordPress, on lines as the services write them.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banFilterTests {
  private static let jails = """
    [sshd]
    enabled = true
    maxretry = 2
    logpath = LOG
    action = firewall
             LUASLACK

    [nginx-http-auth]
    enabled = true
    maxretry = 3
    logpath = PLACE/nginx-error.log
    action = firewall
             LUASLACK[fields="team=web, site=intranet"]

    [wordpress]
    enabled = true
    filter = wordpress-luaslack
    maxretry = 2
    logpath = PLACE/wordpress.log
    action = firewall
             LUASLACK[field1="site=<F-SITE>"]

    [recidive]
    enabled = true
    maxretry = 2
    logpath = PLACE/fail2ban.log
    action = firewall
             LUASLACK
    """

  private func server() async throws -> Fail2banServer {
    // Unknown users are shortened, as on a host where nobody set anything.
    let config = Installation.config(post: ["ban"])
      .replacing("unknown_users = \"full\"", with: "valid_users = [\"alice\"]")
    let server = try Fail2banServer(try await Installation(config: config), jails: Self.jails)
    let place = server.installation.directory
    for log in ["nginx-error.log", "wordpress.log", "fail2ban.log"] {
      try place.write("", to: log)
    }
    try place.write(Fail2banDocument.filter + "\n", to: "fail2ban/filter.d/wordpress-luaslack.conf")
    return server
  }

  /// One connection each, as sshd tells of it.
  private static func sshd(_ number: Int, _ user: String, _ ip: String, isKnown: Bool) -> [String] {
    let name = "web1 sshd[\(number)]:"
    let of = isKnown ? "" : "invalid user "
    return (isKnown ? [] : ["\(name) Invalid user \(user) from \(ip) port 40310"]) + [
      "\(name) Failed password for \(of)\(user) from \(ip) port 40310 ssh2",
      "\(name) Failed password for \(of)\(user) from \(ip) port 40310 ssh2",
      "\(name) Connection closed by \(isKnown ? "authenticating" : "invalid") user \(user) \(ip) port 40310 "
        + "[preauth]",
    ]
  }

  private static func nginx(_ ip: String) -> [String] {
    [
      #"was not found in "/etc/nginx/.htpasswd""#, "password mismatch",
      #"was not found in "/etc/nginx/.htpasswd""#,
    ].enumerated().map { number, word in
      #"[error] 1201#1201: *\#(number + 7) user "admin"\#(word.hasPrefix("p") ? ":" : "") \#(word), client: \#(ip), "#
        + #"server: intranet.example, request: "GET /admin/ HTTP/1.1", host: "intranet.example""#
    }
  }

  /// What is in the fields of a message's attachment, by title.
  private func fields(_ message: RecordedMessage?) -> [String: String] {
    let fields = message?.bodyJSON["attachments"][0]["fields"].array ?? []
    return Dictionary(fields.map { ($0["title"].string ?? "", $0["value"].string ?? "") }) { $1 }
  }

  @Test func `what services write of failures becomes messages`() async throws {
    let server = try await server()
    try await server.start(jails: 4)
    try server.write(
      Self.sshd(2_101, "hunter2swordfish", "203.0.113.11", isKnown: false)
        + Self.sshd(2_102, "root", "2001:db8:0:0::12", isKnown: true)
        + Self.sshd(2_103, "alice", "::ffff:203.0.113.13", isKnown: true)
        + ["web1 sshd[2104]: Accepted publickey for alice from 203.0.113.14 port 4022 ssh2"],
      to: "auth.log")
    try server.write(
      Self.nginx("203.0.113.21") + Self.nginx("2001:db8::22"), to: "nginx-error.log",
      format: "yyyy/MM/dd HH:mm:ss")
    try server.write(
      [
        "web1 wordpress(shop.example)[7]: Authentication attempt for unknown user swordfish99 from "
          + "203.0.113.31",
        "web1 wordpress(shop.example)[7]: Authentication failure for swordfish99 from 203.0.113.31",
        "web1 wordpress(shop.example)[8]: Authentication failure for alice from 2001:db8::32",
        "web1 wordpress(shop.example)[9]: Authentication failure for alice from 2001:db8::32",
        "web1 wordpress(shop.example)[9]: Accepted password for alice from 203.0.113.33",
      ], to: "wordpress.log")

    // jail, address, failures, shown user, site
    let expected: [(String, String, Int, String?, String?)] = [
      ("sshd", "203.0.113.11", 2, "hun…", nil), ("sshd", "2001:db8::12", 2, "root", nil),
      ("sshd", "203.0.113.13", 2, "alice", nil),
      ("nginx-http-auth", "203.0.113.21", 3, nil, "intranet"),
      ("nginx-http-auth", "2001:db8::22", 3, nil, "intranet"),
      ("wordpress", "203.0.113.31", 2, "swo…", "shop.example"),
      ("wordpress", "2001:db8::32", 2, "alice", "shop.example"),
    ]
    let messages = try await server.messages(expected.count)
    for (jail, ip, failures, user, site) in expected {
      let told = messages.filter { $0.text.contains("\(jail) banned \(ip) after ") }
      #expect(told.count == 1, "\(jail) \(ip): \(messages.map(\.text))")
      #expect(told.first?.text.contains(" \(failures) failures") == true, "\(told.map(\.text))")
      let fields = fields(told.first)
      #expect(fields["User"] == user && fields["site"] == site, "\(jail) \(ip): \(fields)")
      #expect(fields["team"] == (jail == "nginx-http-auth" ? "web" : nil))
    }
    #expect(messages.allSatisfy { !$0.body.contains("hunt") && !$0.body.contains("sword") })

    // Banned by a second jail: recidive reads of both in fail2ban's own log.
    try server.write(
      Self.nginx("203.0.113.11"), to: "nginx-error.log", format: "yyyy/MM/dd HH:mm:ss")
    let all = try await server.messages(expected.count + 2)
    try await server.stop()
    let recidive = all.filter { $0.text.contains("recidive banned") }
    #expect(recidive.count == 1 && all.count == expected.count + 2, "\(all.map(\.text))")
    #expect(recidive.first?.text.contains("203.0.113.11 after 2 failures") == true)
    #expect(recidive.first?.text.contains(":rotating_light:") == true)
    #expect(recidive.first?.body.contains("banned by the jail recidive") == true)
    #expect(try !server.log().contains("ERROR"))
  }

  @Test func `the formatter for WordPress shows site and user`() async throws {
    let server = try await server()
    let config = try server.installation.directory.read("config.toml")
    try server.installation.directory.write(
      "formatters = [\"default\", \"wordpress\"]\n" + config, to: "config.toml")
    try await server.start(jails: 4)
    try server.write(
      (1...2).map {
        "web1 wordpress(shop.example)[\($0)]: Authentication failure for alice from 203.0.113.31"
      }, to: "wordpress.log")
    let message = try await server.messages(1).first
    try await server.stop()
    let fields = fields(message)
    #expect(message?.text.contains("`203.0.113.31` has just been banned") == true)
    #expect(message?.text.contains("against `shop.example` on ") == true)
    // What a log says is never a link.
    #expect(message?.bodyJSON["attachments"][0]["title_link"] == .null)
    #expect(fields["Site"] == "shop.example" && fields["User tried"] == "alice", "\(fields)")
  }
}
