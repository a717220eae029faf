import Foundation
import TestSupport
import Testing

/// The main job on real input: a real fail2ban-server, with the shipped action files, reads logs.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banTests {
  private func server(
    post: [String] = ["ban"], more: String = "", jails: String? = nil, defaults: String = ""
  ) async throws -> Fail2banServer {
    let installation = try await Installation(config: Installation.config(post: post, more: more))
    return try Fail2banServer(installation, jails: jails, defaults: defaults)
  }

  @Test func `a jail's life becomes messages`() async throws {
    let server = try await server(
      post: ["ban", "unban", "jail_start", "jail_stop", "jail_flush"])
    try await server.start()
    _ = try await server.messages(1)
    try server.fail(from: "203.0.113.9")
    let ban = try await server.messages(2).last
    #expect(ban?.text.contains("sshd banned 203.0.113.9 after 2 failures") == true)
    try await server.client("set", "sshd", "banip", "2001:DB8:0:0::9")
    await server.waitForFirewall(2)
    try await server.client("set", "sshd", "unbanip", "2001:db8::9")
    _ = try await server.messages(4)
    try await server.stop()
    let texts = try await server.messages(5).map(\.text)
    #expect(texts.count == 5, "\(texts)")
    #expect(texts.contains { $0.contains("jail sshd started") })
    #expect(texts.contains { $0.contains("sshd banned 2001:db8::9") })
    #expect(texts.contains { $0.contains("sshd unbanned 2001:db8::9") })
    // Flush and stop in one line.
    #expect(texts.last?.contains("jail sshd stopped") == true)
    #expect(try !server.log().contains("ERROR"))
  }

  @Test func `only bans are told unless the config says more`() async throws {
    let server = try await server()
    try await server.start()
    try await server.client("set", "sshd", "banip", "203.0.113.9", "203.0.113.10")
    try await server.client("set", "sshd", "unbanip", "203.0.113.9")
    try await server.stop()
    try await server.settle()
    let texts = try await server.installation.slack.messages().map(\.text)
    #expect(texts.count == 2 && texts.allSatisfy { $0.contains("sshd banned") }, "\(texts)")
  }

  /// What is banned by hand, and how the message names it. No slash but in networks: fail2ban 1.0 cannot ban
  /// such an id. So the directory with the canary is a variable, with a slash at its end.
  private static let ids = [
    ("2001:DB8:0:0::9", "2001:db8::9"), ("::ffff:192.0.2.8", "192.0.2.8"),
    ("10.20.0.0/16", "10.20.0.0/16"), ("2001:DB8:7::/48", "2001:db8:7::/48"), ("::1", "::1"),
    ("evil host;$(touch ${CANARY}a)", "`evil host;$(touch ${CANARY}a)`"),
    ("'\"\\`touch ${CANARY}b`", "`'\"\\'touch ${CANARY}b'`"), ("a*b ?[c]", "`a*b ?[c]`"),
    ("<!channel> <@U1>", "`&lt;!channel&gt; &lt;@U1&gt;`"),
    ("two\n$(touch ${CANARY}c)\nlines", "`two $(touch ${CANARY}c) lines`"),
    ("--help", "`--help`"), ("-n", "`-n`"), ("%s=$HOME", "`%s=$HOME`"),
    (" in spaces ", "` in spaces `"), ("\u{202E}sdrawkcab", "`sdrawkcab`"),
    ("münchen", "`münchen`"), (String(repeating: "x", count: 3_000), "`xxxx"),
  ]

  @Test func `what is banned by hand need be no address`() async throws {
    let server = try await server()
    let canary = server.installation.directory.file("canary")
    try FileManager.default.createDirectory(atPath: canary, withIntermediateDirectories: false)
    try await server.start(environment: ["CANARY": canary + "/"])
    for (id, _) in Self.ids { try await server.client("set", "sshd", "banip", id) }
    await server.waitForFirewall(Self.ids.count)
    let messages = try await server.messages(Self.ids.count)
    try await server.stop()
    #expect(messages.count == Self.ids.count, "\(messages.map { $0.text.prefix(90) })")
    for (id, shown) in Self.ids {
      #expect(messages.filter { $0.text.contains("sshd banned \(shown)") }.count == 1, "\(id)")
    }
    #expect(messages.allSatisfy { $0.bodyJSON.liveMarkup.isEmpty })
    #expect(try server.installation.directory.names(in: "canary").isEmpty)
    #expect(try !server.log().contains("ERROR"))
  }

  /// fail2ban makes a ban longer from another thread, in no order: a program in luaslack's place hands in
  /// what the real one is told in the order that the test wants.
  @Test(arguments: ["ban", "prolong"])
  func `a longer ban is one message with its time and number, in either order`(
    first: String
  ) async throws {
    // A formatter that mutes no prolong.
    let config = "formatters = [\"minimal\", \"local\"]\n"
    let installation = try await Installation(
      config: config + Installation.config(post: ["ban", "prolong"]))
    let place = installation.directory
    try place.write(
      "return function(e, p) p.text = ('%s %s %d'):format(p.text, slack.duration(e.bantime), e.bancount) end",
      to: "formatters/50-time.lua")
    let server = try Fail2banServer(installation)
    server.luaslack = try place.write(
      """
      #!/bin/sh
      cd "\(place.path)" || exit
      case "$1" in ban|prolong) [ -e second ];; *) false;; esac || exec "\(Programs.luaslack)" "$@"
      (
        [ "$1" = \(first) ] || while ! [ -e first ]; do sleep 0.02; done
        "\(Programs.luaslack)" "$@" && echo "$1" >> order && touch first
      ) </dev/null >/dev/null 2>&1 &

      """, to: "luaslack", mode: 0o755)
    // One that is lifted by hand is forgotten: only one that ran out counts. It runs from the second in the log's
    // line, and a second ban that ran out before fail2ban got to it would not be made longer.
    try server.configure(
      Fail2banServer.sshd.replacing("maxretry", with: "bantime = 4\nmaxretry"),
      defaults: "bantime.increment = true\nbantime.formula = ban.Time * 900")
    try await server.start()
    try server.fail(from: "203.0.113.9")
    _ = try await server.messages(1)
    await eventually("the ban runs out", timeout: .seconds(60), poll: .milliseconds(100)) {
      ((try? server.log()) ?? "").contains("Unban 203.0.113.9")
    }
    await installation.settle(timeout: .seconds(60))
    // Nobody delivers before both are there.
    try place.write("", to: "spool/managed")
    try place.write("", to: "second")
    try server.fail(from: "203.0.113.9")
    await eventually("both were handed in", timeout: .seconds(60), poll: .milliseconds(50)) {
      ((try? place.read("order")) ?? "").split(separator: "\n").count == 2
    }
    #expect(try place.read("order") == (first == "ban" ? "ban\nprolong\n" : "prolong\nban\n"))
    try FileManager.default.removeItem(atPath: place.file("spool/managed"))
    _ = try await installation.luaslack(["queue", "flush"])
    let texts = try await server.messages(2).map(\.text)
    await installation.settle(timeout: .seconds(30))
    #expect(try await installation.slack.messages().count == 2)
    let prolongs = try await installation.deliveries().filter { $0["kind"].string == "prolong" }
    try await server.stop()
    #expect(texts.first?.hasSuffix(" 4 seconds 1") == true, "\(texts)")
    #expect(texts.last?.contains("203.0.113.9") == true, "\(texts)")
    #expect(texts.last?.hasSuffix(" 1 hour 2") == true, "\(texts)")
    #expect(prolongs.map { $0["state"].string } == ["folded"])
    #expect(try !server.log().contains("ERROR"))
  }

  @Test func `an address in two jails is two messages`() async throws {
    let server = try await server(
      jails: Fail2banServer.sshd + "\n\n"
        + Fail2banServer.sshd.replacing("[sshd]", with: "[other]\nfilter = sshd"))
    try await server.start(jails: 2)
    try server.fail(from: "203.0.113.9")
    let texts = try await server.messages(2).map(\.text)
    try await server.stop()
    try await server.settle()
    for jail in ["sshd", "other"] {
      #expect(
        texts.filter { $0.contains("\(jail) banned 203.0.113.9 after 2 failures") }.count == 1)
    }
    #expect(try await server.installation.slack.messages().count == 2)
  }

  /// fail2ban runs a command that fails once more at once, also if it failed after it had done its work.
  @Test(arguments: ["before", "after"])
  func `a call that fails is made again, and is one message`(moment: String) async throws {
    let server = try await server()
    let calls = server.installation.directory.file("calls")
    let work = "\"\(Programs.luaslack)\" \"$@\" || exit"
    server.luaslack = try server.installation.directory.write(
      """
      #!/bin/sh
      [ "$1" = ban ] || exec "\(Programs.luaslack)" "$@"
      echo "$@" >> "\(calls)"
      [ $(wc -l < "\(calls)") -gt 1 ] || { \(moment == "after" ? work : ":"); exit 1; }
      \(work)

      """, to: "luaslack", mode: 0o755)
    try server.configure(Fail2banServer.sshd)
    try await server.start()
    try server.fail(from: "203.0.113.9")
    let texts = try await server.messages(1).map(\.text)
    try await server.stop()
    try await server.settle()
    let lines = try server.installation.directory.read("calls").split(separator: "\n")
    #expect(lines.count == 2 && lines[0] == lines[1], "\(lines)")
    #expect(texts.first?.contains("sshd banned 203.0.113.9 after 2 failures") == true, "\(texts)")
    #expect(try await server.installation.slack.messages().count == 1)
  }

  @Test func `log lines come with the ban if asked for`() async throws {
    let server = try await server(jails: Fail2banServer.sshd + "\n         LUASLACK-LINES")
    try await server.start()
    try server.fail(user: Array("secret`word".utf8), from: "203.0.113.9")
    let messages = try await server.messages(1)
    try await server.stop()
    try await server.settle()
    #expect(try await server.installation.slack.messages().count == 1)
    #expect(messages.first?.body.contains("invalid user secret'word from 203.0.113.9") == true)
    #expect(try !server.log().contains("ERROR"))
  }
}
