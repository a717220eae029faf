import Foundation
import Glibc
import TestSupport
import Testing

/// What an attacker writes into a log, and what the host's own users may see of a secret.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banHostileTests {
  /// `CANARY` is a directory in which each of them would leave something.
  private static let names: [[UInt8]] =
    [
      "$(touch CANARY/substitution)", "`touch CANARY/backticks`", "; touch CANARY/semicolon; #",
      "x | touch CANARY/pipe", "\"; touch CANARY/double; \"", "'; touch CANARY/single; '",
      "x && touch CANARY/and", "x & touch CANARY/background", "x || touch CANARY/or",
      "x > CANARY/redirection", ">CANARY/write", "<CANARY/read",
      "\\\"; touch CANARY/backslash; \\\"",
      "(touch CANARY/subshell)", "{ touch CANARY/group; }", "$((7*6)) ${PATH}", "$HOME ${IFS} *",
      "~root /etc/p?ss[w]d {a,b}", "!! !x", "<!channel> <@U123> <ip> <matches> <F-USER>",
      "<https://evil.example|click>", "https://evil.example/ www.evil.example",
      "*bold* _it_ ~no~ ```fence```", "a\rtouch CANARY/return", "a\u{B}b\u{C}c\u{85}d\u{2028}e",
      "a\u{202E}b\u{200B}c\u{E000}d\u{2066}e\u{1B}[31mf", "\u{7}\u{8}\ttab", "--to=elsewhere",
      "--help", "--", "-", "-x", "-- x", "a=b", "=", "--user=root", "a, to=security", "%",
      "x, team=x", "x, site=forged, uri=forged", ",site=forged", "<F-SITE>", "<F-USER>",
      "site=forged",
      "%s%n%(name)s %%",
      "\\x41\\n\\", "$f2bV_matches $0 $1", "EOF", "null", "'", "\"", "\\", "`",
    ].map { Array($0.utf8) } + [
      Array(repeating: UInt8(ascii: "A"), count: 9_000),
      Array("x, site=forged $(touch CANARY/long) ".utf8)
        + Array(repeating: UInt8(ascii: "B"), count: 100_000), [0xFF, 0xC3, 0x28, 0x80, 0x41],
      [0xED, 0xA0, 0x80],
    ]

  /// Whether each of its characters can be seen.
  private static func isShownAsItIs(_ name: [UInt8]) -> Bool {
    name.count < 100 && name.allSatisfy { (0x20..<0x7F).contains($0) }
  }

  /// Of a log of their own, whose filter names what it finds: `F-USER`, `F-URI`.
  private static let form = #"""
    [Definition]
    failregex = ^\s*\S+ form\[\d+\]: <F-URI>.*</F-URI> refused to <F-USER>.*</F-USER> from <HOST>$
    """#

  /// The one kind of filter that finds a line's end in a name.
  private static let dialogue = #"""
    [Definition]
    maxlines = 2
    failregex = ^\s*\S+ dialogue\[\d+\]: login of <F-USER>[^#]*</F-USER># from <HOST>$
    """#

  private static let jails = """
    [sshd]
    enabled = true
    maxretry = 1
    logpath = LOG
    action = firewall
             LUASLACK
             LUASLACK-LINES

    [form]
    enabled = true
    maxretry = 1
    logpath = PLACE/form.log
    action = firewall
             luaslack[luaslack="PROGRAM", fields="site=shop", options='WHERE',
                      field1="uri=<F-URI>", field2="who=<F-USER>, x=y", field3="none=<F-NONE>"]

    [dialogue]
    enabled = true
    maxretry = 1
    logpath = PLACE/dialogue.log
    action = firewall
             LUASLACK
             LUASLACK-LINES
    """

  private func hostileServer() async throws -> Fail2banServer {
    let installation = try await Installation(config: Installation.config(post: ["ban"]))
    let place = installation.directory
    try FileManager.default.createDirectory(
      atPath: place.file("canary"), withIntermediateDirectories: false)
    let server = try Fail2banServer(
      installation,
      jails: Self.jails.replacing("PROGRAM", with: Programs.luaslack)
        .replacing("WHERE", with: "--spool=\(installation.spool) --config=\(installation.config)"))
    for (name, filter) in [("form", Self.form), ("dialogue", Self.dialogue)] {
      try place.write(filter + "\n", to: "fail2ban/filter.d/\(name).conf")
      try place.write("", to: "\(name).log")
    }
    return server
  }

  /// The names, with this test's canary.
  private func names(_ server: Fail2banServer) -> [[UInt8]] {
    Self.names.map { name in
      guard let text = String(validating: name, as: UTF8.self) else { return name }
      return Array(
        text.replacing("CANARY", with: server.installation.directory.file("canary")).utf8)
    }
  }

  private func fields(_ message: RecordedMessage?) -> [String: String] {
    let fields = message?.bodyJSON["attachments"][0]["fields"].array ?? []
    return Dictionary(
      fields.map { field in
        let value = (field["value"].string ?? "").replacing("&lt;", with: "<")
          .replacing("&gt;", with: ">").replacing("&amp;", with: "&")
        return (field["title"].string ?? "", value)
      }
    ) { $1 }
  }

  @Test func `hostile names are delivered, inert, and run nothing`() async throws {
    let server = try await hostileServer()
    let names = names(server)
    try await server.start(jails: 3)
    let stamp = Array("\(Date().ISO8601Format()) web1 ".utf8)
    for (index, name) in names.enumerated() {
      try server.fail(user: name, from: "203.0.113.\(index + 1)", times: 1)
      let (before, between) = (Array("form[7]: ".utf8), Array(" refused to ".utf8))
      let after = Array(" from 198.51.100.\(index + 1)".utf8)
      try server.write([stamp + before + name + between + name + after], to: "form.log")
    }
    let canary = server.installation.directory.file("canary")
    let lines = ["x\ntouch \(canary)/line", "$(touch \(canary)/a) <!channel>\n--to=b"]
    for (index, name) in lines.enumerated() {
      let text = "dialogue[7]: login of \(name)# from 192.0.2.\(index + 1)"
      try server.write([stamp + Array(text.utf8)], to: "dialogue.log")
    }
    let count = 2 * names.count + lines.count
    await server.waitForFirewall(count)
    let messages = try await server.messages(count)
    try await server.stop()
    try await server.settle()
    #expect(messages.count == count)

    for (index, name) in names.enumerated() {
      let text = String(decoding: name, as: UTF8.self)
      // A backtick would end the code that it stands in.
      let expected = Self.isShownAsItIs(name) ? text.replacing("`", with: "'") : nil
      for (jail, ip) in [("sshd", "203.0.113.\(index + 1)"), ("form", "198.51.100.\(index + 1)")] {
        let told = messages.filter { $0.text.contains("\(jail) banned \(ip) after 1 failure") }
        let fields = fields(told.first)
        #expect(told.count == 1 && fields["User"]?.isEmpty == false, "\(index) \(fields)")
        if let expected { #expect(fields["User"] == expected, "\(index)") }
        guard jail == "form" else { continue }
        #expect(fields["site"] == "shop" && fields["uri"]?.isEmpty == false, "\(index) \(fields)")
        #expect(
          fields.keys.sorted() == ["Ban time", "User", "site", "uri", "who"], "\(index) \(fields)")
        if let expected {
          #expect(fields["uri"] == expected && fields["who"] == expected + ", x=y", "\(index)")
        }
      }
      let lines = messages.first { $0.text.contains("banned 203.0.113.\(index + 1) ") }
      #expect(lines?.body.contains("Failed password for invalid user ") == true, "\(index)")
    }
    for index in lines.indices {
      let told = messages.filter { $0.text.contains("dialogue banned 192.0.2.\(index + 1) ") }
      #expect(told.count == 1 && told.first?.body.contains("login of ") == true)
      #expect(fields(told.first)["User"]?.contains("touch \(canary)/") == true)
    }
    #expect(messages.allSatisfy { $0.bodyJSON.liveMarkup.isEmpty })
    #expect(messages.allSatisfy { $0.path.hasSuffix(Installation.secret) })
    #expect(try server.installation.directory.names(in: "canary").isEmpty)
    let log = try server.log()
    #expect(!log.contains("ERROR"), "\(log.suffix(2_000))")
  }

  /// Of a name with a NUL fail2ban runs no command at all: what is known of it is in docs/fail2ban.md.
  @Test func `after a name with a NUL the next one is told`() async throws {
    let server = try await hostileServer()
    try await server.start(jails: 3)
    try server.fail(user: [0x61, 0, 0x62], from: "203.0.113.1", times: 1)
    await eventually("fail2ban bans it", timeout: .seconds(60), poll: .milliseconds(50)) {
      ((try? server.log()) ?? "").contains("Ban 203.0.113.1")
    }
    try server.fail(from: "203.0.113.2", times: 1)
    let texts = try await server.messages(1).map(\.text)
    try await server.stop()
    #expect(texts.count == 1 && texts[0].contains("sshd banned 203.0.113.2"), "\(texts)")
    #expect(try server.log().contains("embedded null byte"))
  }

  @Test func `unknown user names are shortened unless the config says otherwise`() async throws {
    let installation = try await Installation(
      config: Installation.config(post: ["ban"]).replacing("unknown_users = \"full\"\n", with: ""))
    let server = try Fail2banServer(installation)
    try await server.start()
    try server.fail(user: Array("hunter2swordfish".utf8), from: "203.0.113.1")
    try server.fail(user: Array("root".utf8), from: "203.0.113.2")
    let bodies = try await server.messages(2).map(\.body).joined()
    try await server.stop()
    #expect(bodies.contains("hun…") && !bodies.contains("hunt"))
    #expect(bodies.contains("root"))
  }

  @Test func `a secret is in no process list, no log and no dump`() async throws {
    let installation = try await Installation(config: Installation.config(post: ["ban"]))
    // Every process with its arguments and environment, each time fail2ban calls luaslack.
    let seen = installation.directory.file("seen")
    let program = try installation.directory.write(
      """
      #!/bin/sh
      ps axeww >> "\(seen)"
      exec "\(Programs.luaslack)" "$@"

      """, to: "luaslack", mode: 0o755)
    let server = try Fail2banServer(installation)
    server.luaslack = program
    try server.configure(Fail2banServer.sshd)
    try await installation.slack.control(#"{"mode":"delay","seconds":1}"#)
    try await server.start(options: ["--loglevel", "DEBUG"])
    for number in 1...3 { try server.fail(from: "203.0.113.\(number)") }
    _ = try await server.messages(3)
    let dump = try await server.client("-d").output
    try await server.stop()
    let processes = try installation.directory.read("seen")
    #expect(processes.contains("luaslackd") && dump.contains("luaslack"))
    for text in [processes, dump, try server.log()] {
      #expect(!text.contains(Installation.secret))
    }
    #expect(try server.log().contains("DEBUG"))
  }

  /// A slice of `make bench`: who is banned does not depend on Slack, and all are told in the end.
  @Test(arguments: [#"{"mode":"hang","seconds":120}"#, #"{"mode":"close"}"#])
  func `many at once are firewalled while Slack is away, and told when it is back`(
    rule: String
  ) async throws {
    let installation = try await Installation(
      config: "connect_timeout = \"1s\"\ntimeout = \"2s\"\n" + Installation.config(post: ["ban"]))
    try await installation.slack.control(rule)
    let server = try Fail2banServer(installation)
    try await server.start()
    let addresses = (1...40).map { "198.51.100.\($0)" }
    for address in addresses { try server.fail(from: address) }
    await server.waitForFirewall(addresses.count)
    #expect(Set(server.firewalled()) == Set(addresses))
    try await server.stop()
    try await installation.slack.control(#"{"mode":"ok"}"#)
    try await eventually("all of them are told", timeout: .seconds(40), poll: .milliseconds(500)) {
      _ = try await installation.luaslack(["queue", "flush"])
      let told = try await installation.deliveries().filter {
        ["delivered", "folded"].contains($0["state"].string)
      }
      return Set(told.compactMap(\.["subject"].string)).isSuperset(of: addresses)
    }
  }

  /// systemd ends a service by TERM to every process of its control group, and, when the main process has gone, to
  /// what came since: a call of the stop may have started a luaslackd.
  @Test(.enabled(if: ControlGroup.isPossible, "no control group can be made here"))
  func `a stop of the whole service ends all of it while Slack hangs, and loses nothing`()
    async throws
  {
    let installation = try await Installation(config: Installation.config(post: ["ban"]))
    try await installation.slack.control(#"{"mode":"hang","seconds":120}"#)
    let server = try Fail2banServer(installation)
    let group = try #require(ControlGroup())
    try await server.start(in: group)
    for number in 1...40 { try server.fail(from: "198.51.100.\(number)") }
    // In their midst.
    await server.waitForFirewall(15)
    #expect(installation.daemons().allSatisfy { group.members.contains($0) })
    #expect(!installation.daemons().isEmpty)
    for process in group.members { kill(process, SIGTERM) }
    try await server.waitForEnd()
    for process in group.members { kill(process, SIGTERM) }
    await eventually("all of it ends", timeout: .seconds(30)) { group.members.isEmpty }
    let firewalled = Set(server.firewalled())
    try await installation.slack.control(#"{"mode":"ok"}"#)
    try await eventually("all are told", timeout: .seconds(40), poll: .milliseconds(500)) {
      _ = try await installation.luaslack(["queue", "flush"])
      let told = try await installation.deliveries().filter {
        ["delivered", "folded"].contains($0["state"].string)
      }
      return Set(told.compactMap(\.["subject"].string)).isSuperset(of: firewalled)
    }
  }

  @Test func `a missing program is silent success`() async throws {
    let installation = try await Installation()
    let server = try Fail2banServer(installation)
    server.luaslack = installation.directory.file("gone")
    try server.configure(Fail2banServer.sshd + "\n         LUASLACK-LINES")
    try await server.start()
    try server.fail(from: "203.0.113.9")
    await server.waitForFirewall(1)
    try await server.client("set", "sshd", "unbanip", "203.0.113.9")
    try await server.stop()
    let log = try server.log()
    #expect(log.contains("Unban 203.0.113.9") && !log.contains("ERROR"), "\(log)")
    #expect(installation.incoming.isEmpty)
  }
}
