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
    await server.installation.settle(timeout: .seconds(20))
    let texts = try await server.installation.slack.messages().map(\.text)
    #expect(texts.count == 2 && texts.allSatisfy { $0.contains("sshd banned") }, "\(texts)")
  }

  @Test func `what is banned by hand need be no address`() async throws {
    let server = try await server()
    let ids = [
      "evil host;$(id)", "10.20.0.0/16", "2001:db8::7", "a*b", "<!channel>", "two\nlines", "--help",
      "::ffff:192.0.2.8", "'\"`",
    ]
    try await server.start()
    for id in ids { try await server.client("set", "sshd", "banip", "--", id) }
    await server.waitForFirewall(1)
    let banned = try server.log().components(separatedBy: "[sshd] Ban ").count - 1
    let messages = try await server.messages(banned)
    try await server.stop()
    #expect(banned >= ids.count - 2 && messages.count == banned, "\(messages.map(\.text))")
    for word in ["`evil host;$(id)`", "10.20.0.0/16", "2001:db8::7", "`a*b`", "`&lt;!channel&gt;`"]
    {
      #expect(messages.contains { $0.text.contains(word) }, "\(word)")
    }
    #expect(messages.allSatisfy { $0.bodyJSON.liveMarkup.isEmpty })
    #expect(try !server.log().contains("ERROR"))
  }

  @Test func `a longer ban is told with its time and number`() async throws {
    // One that is lifted by hand is forgotten: only one that ran out counts.
    let server = try await server(
      jails: Fail2banServer.sshd.replacing("maxretry", with: "bantime = 2\nmaxretry"),
      defaults: "bantime.increment = true\nbantime.formula = ban.Time * 1800")
    try await server.start()
    try server.fail(from: "203.0.113.9")
    await server.waitForFirewall(1)
    await eventually("the ban runs out", timeout: .seconds(20), poll: .milliseconds(100)) {
      ((try? server.log()) ?? "").contains("Unban 203.0.113.9")
    }
    try server.fail(from: "203.0.113.9")
    await server.waitForFirewall(2)
    await eventually("the ban grows", timeout: .seconds(20), poll: .milliseconds(100)) {
      ((try? server.log()) ?? "").contains("Increase Ban")
    }
    let messages = try await server.messages(2)
    await server.installation.settle(timeout: .seconds(30))
    let prolongs = try await server.installation.deliveries(all: true)
    try await server.stop()
    #expect(messages.count >= 2)
    #expect(messages.last?.body.contains("second ban of this address") == true)
    #expect(try !server.log().contains("ERROR"), "\(prolongs)")
  }

  @Test func `recidive is told as critical`() async throws {
    let server = try await server(
      jails: Fail2banServer.sshd + """

        [recidive]
        enabled = true
        maxretry = 2
        banaction = firewall
        logpath = FAIL2BAN
        action = LUASLACK
        """)
    let own = server.installation.directory.file("fail2ban.log")
    try server.installation.directory.write("", to: "fail2ban.log")
    let conf = try server.installation.directory.read("fail2ban/jail.local")
    try server.installation.directory.write(
      conf.replacing("FAIL2BAN", with: own), to: "fail2ban/jail.local")
    try await server.start(jails: 2)
    for number in 1...2 {
      try server.fail(from: "203.0.113.9")
      await server.waitForFirewall(number)
      try await server.client("set", "sshd", "unbanip", "203.0.113.9")
      try await Task.sleep(for: .milliseconds(1_200))
    }
    let messages = try await server.messages(3)
    try await server.stop()
    let message = messages.first { $0.text.contains("recidive banned 203.0.113.9") }
    #expect(message?.text.contains(":rotating_light:") == true, "\(messages.map(\.text))")
    #expect(message?.body.contains("banned by the jail recidive") == true)
  }

  @Test func `restored bans are not told again, and their ends are`() async throws {
    let server = try await server(post: ["ban", "unban"])
    try await server.start()
    try await server.client("set", "sshd", "banip", "203.0.113.1", "203.0.113.2")
    _ = try await server.messages(2)
    try await server.stop()
    try await server.start()
    await server.waitForFirewall(4)  // each once more
    // fail2ban itself says nothing of restored ones before the first new ban.
    try await server.client("set", "sshd", "banip", "203.0.113.3")
    try await server.client("set", "sshd", "unbanip", "203.0.113.1")
    let texts = try await server.messages(4).map(\.text)
    try await server.stop()
    await server.installation.settle(timeout: .seconds(20))
    #expect(
      texts.filter { $0.contains("banned 203.0.113.1") && !$0.contains("unbanned") }.count == 1)
    #expect(texts.filter { $0.contains("banned 203.0.113.2") }.count == 1)
    #expect(texts.last?.contains("sshd unbanned 203.0.113.1") == true, "\(texts)")
    #expect(try await server.installation.slack.messages().count == 4)
  }

  @Test func `a stop with sixty bans is one line`() async throws {
    let server = try await server(
      post: ["ban", "unban", "jail_stop", "jail_flush"],
      jails: Fail2banServer.sshd + "\n\n"
        + Fail2banServer.sshd.replacing("[sshd]", with: "[other]\nfilter = sshd"))
    try await server.start(jails: 2)
    for jail in ["sshd", "other"] {
      let addresses = (1...30).map { "198.51.100.\($0)" }
      for address in addresses { try await server.client("set", jail, "banip", address) }
    }
    await server.waitForFirewall(60)
    try await server.stop()
    try await eventually("all is told", timeout: .seconds(40), poll: .milliseconds(200)) {
      let deliveries = try await server.installation.deliveries()
      return deliveries.contains { $0["kind"].string == "jail_stop" }
        && deliveries.allSatisfy { ["delivered", "folded"].contains($0["state"].string) }
    }
    let texts = try await server.installation.slack.messages(acceptedOnly: true).map(\.text)
    #expect(texts.filter { $0.contains("unbanned") }.isEmpty)
    let stops = texts.filter { $0.contains("stopped") || $0.contains("lifted") }
    #expect(stops.count == 1 && stops.first?.contains("2 jails stopped: ") == true, "\(stops)")
    let bans = try await server.installation.deliveries().filter { $0["kind"].string == "ban" }
    #expect(bans.count == 60)
  }

  @Test func `log lines come with the ban if asked for`() async throws {
    let server = try await server(jails: Fail2banServer.sshd + "\n         LUASLACK-LINES")
    try await server.start()
    try server.fail(user: Array("secret`word".utf8), from: "203.0.113.9")
    let messages = try await server.messages(1)
    try await server.stop()
    await server.installation.settle(timeout: .seconds(20))
    #expect(try await server.installation.slack.messages().count == 1)
    #expect(messages.first?.body.contains("invalid user secret'word from 203.0.113.9") == true)
    #expect(try !server.log().contains("ERROR"))
  }
}
