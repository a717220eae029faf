import Foundation
import Glibc
import SQLite
import TestSupport
import Testing

/// A real fail2ban that stops, is killed, starts again and restores its bans.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banRestartTests {
  private static func jail(_ name: String) -> String {
    Fail2banServer.sshd.replacing("[sshd]", with: "[\(name)]\nfilter = sshd")
  }

  private static let three = ["sshd", "other", "third"].map(jail).joined(separator: "\n\n")

  private func server(post: [String], jails: String? = nil) async throws -> Fail2banServer {
    let installation = try await Installation(config: Installation.config(post: post))
    return try Fail2banServer(installation, jails: jails)
  }

  /// What the spool's database says of such events, in the order of their coming.
  private func events(_ server: Fail2banServer, _ condition: String) throws -> [String] {
    try Database(server.installation.database, .reading).all(
      "SELECT kind, subject FROM event WHERE \(condition) ORDER BY id"
    ) { "\($0.text(0)) \($0.text(1))" }
  }

  /// A bot, so that an end can be seen to answer its own ban: it goes into its thread.
  @Test func `restored bans are not told again, and their ends answer the first ban`() async throws
  {
    let installation = try await Installation(
      config: "post = [\"ban\", \"unban\"]\n" + SecrecyTests.botConfig)
    try installation.directory.write(
      "return { unban = function(_, payload) return payload, { thread = 'reply' } end }",
      to: "formatters/50-thread.lua")
    let server = try Fail2banServer(installation)
    try await server.start()
    let banned = ["203.0.113.1", "203.0.113.2", "2001:db8::3"]
    for (index, ip) in banned.enumerated() {
      try await server.client("set", "sshd", "banip", ip)
      _ = try await server.messages(index + 1)
    }
    try await server.stop()
    try await server.start()
    await server.waitForFirewall(6)  // each once more
    // Of what it restored fail2ban says nothing before a new ban of the same family.
    try await server.client("set", "sshd", "unbanip", banned[0])
    try await server.client("set", "sshd", "banip", "203.0.113.4")
    _ = try await server.messages(4)
    try await server.client("set", "sshd", "unbanip", banned[1])
    _ = try await server.messages(5)
    try await server.client("set", "sshd", "banip", "2001:db8::5")
    _ = try await server.messages(6)
    try await server.client("set", "sshd", "unbanip", banned[2])
    let messages = try await server.messages(7)
    try await server.stop()
    try await server.settle()
    #expect(try await installation.slack.messages().count == 7)
    #expect(try events(server, "kind = 'unban'") == banned.dropFirst().map { "unban \($0)" })

    let stamps = try messages.map { try JSON(parsing: $0.answer)["ts"].string }
    #expect(
      messages.map { $0.bodyJSON["thread_ts"].string } == [
        nil, nil, nil, nil, stamps[1], nil, stamps[2],
      ], "\(messages.map(\.text))")
    for (index, ip) in (banned + ["203.0.113.4"]).enumerated() {
      #expect(messages[index].text.contains("sshd banned \(ip)"))
      #expect(messages.filter { $0.text.contains("sshd banned \(ip)") }.count == 1)
    }
    #expect(try !server.log().contains("ERROR"))
  }

  /// A killed fail2ban has said nothing, and restores as much.
  @Test func `a fail2ban that was killed restores its bans without a word`() async throws {
    let server = try await server(post: ["ban", "unban", "jail_start", "jail_stop"])
    try await server.start()
    try await server.client("set", "sshd", "banip", "203.0.113.1")
    _ = try await server.messages(2)
    try await server.kill()
    try await server.start()
    await server.waitForFirewall(2)
    try await server.client("set", "sshd", "banip", "203.0.113.2")
    try await server.client("set", "sshd", "unbanip", "203.0.113.1")
    try await eventually("all is told", timeout: .seconds(30), poll: .milliseconds(100)) {
      let texts = try await server.installation.slack.messages(acceptedOnly: true).map(\.text)
      return texts.contains { $0.contains("unbanned 203.0.113.1") }
        && texts.filter { $0.contains("jail sshd started") }.count == 2
    }
    let texts = try await server.installation.slack.messages(acceptedOnly: true).map(\.text)
    try await server.stop()
    #expect(texts.filter { $0.contains("sshd banned 203.0.113.1") }.count == 1, "\(texts)")
    #expect(texts.count == 5 && !texts.contains { $0.contains("stopped") }, "\(texts)")
  }

  /// Nobody delivers meanwhile: how long a fail2ban takes on this machine decides nothing.
  @Test func `a restart of several jails is one message`() async throws {
    let server = try await server(
      post: ["ban", "unban", "jail_start", "jail_stop", "jail_flush"], jails: Self.three)
    try await server.start(jails: 3)
    _ = try await server.messages(1)
    try await server.client("set", "sshd", "banip", "203.0.113.1")
    try await server.client("set", "other", "banip", "203.0.113.1")
    await server.installation.settle(timeout: .seconds(30))
    let before = try await server.installation.slack.messages().count

    try server.installation.directory.write("", to: "spool/managed")
    try await server.stop()
    try await server.start(jails: 3)
    await server.waitForFirewall(4)
    // Three ends, three starts, two lifted all their bans.
    await eventually("all is handed in", timeout: .seconds(60)) {
      server.installation.incoming.count == 8
    }
    let daemon = try await server.installation.daemon()
    let texts = try await server.messages(before + 1).map(\.text)
    #expect(texts.count == before + 1, "\(texts)")
    let restart = try #require(texts.last)
    #expect(restart.contains("3 jails restarted: "), "\(texts)")
    for name in ["sshd", "other", "third"] { #expect(restart.contains(name), "\(restart)") }
    #expect(try events(server, "kind LIKE 'jail_%' AND subject = ''").count == 3 + 8)
    try FileManager.default.removeItem(atPath: server.installation.directory.file("spool/managed"))
    try await server.stop()
    daemon.signal(SIGTERM)
    _ = try await daemon.wait()
  }

  /// A clock that is two minutes ahead as soon as there is the file named in `CLOCK_AHEAD`.
  private static let clock = """
    #define _GNU_SOURCE
    #include <stdlib.h>
    #include <sys/syscall.h>
    #include <time.h>
    #include <unistd.h>
    int clock_gettime(clockid_t clock, struct timespec *time) {
      int result = syscall(SYS_clock_gettime, clock, time);
      if (!result && clock == CLOCK_REALTIME && !access(getenv("CLOCK_AHEAD"), F_OK)) time->tv_sec += 121;
      return result;
    }
    """

  @Test func `a fail2ban that stopped and is not back is a warning, once`() async throws {
    let server = try await server(post: ["ban"], jails: Self.three)
    let (installation, place) = (server.installation, server.installation.directory)
    try place.write(Self.clock, to: "clock.c")
    let compiled = try await run(
      "/usr/bin/env",
      ["cc", "-shared", "-fPIC", "-o", place.file("clock.so"), place.file("clock.c")],
      environment: Fail2banServer.environment)
    #expect(compiled.status == 0, "\(compiled.errors)")
    let daemon = try RunningProgram(
      Programs.luaslackd,
      [
        "--spool", installation.spool, "--config", installation.config, "--overflow",
        installation.overflow,
      ],
      environment: ["LD_PRELOAD": place.file("clock.so"), "CLOCK_AHEAD": place.file("ahead")])
    try await server.start(jails: 3)
    try await server.client("set", "sshd", "banip", "203.0.113.1")
    _ = try await server.messages(1)
    try await server.client("stop", "other")
    try await server.client("stop", "third")
    try await server.stop()
    try await server.settle()
    #expect(try await installation.slack.messages().count == 1)
    try place.write("", to: "ahead")
    _ = try await installation.luaslack(["queue", "flush"])
    let texts = try await server.messages(2).map(\.text)
    #expect(texts.count == 2 && texts[1].contains("the last jail stopped at "), "\(texts)")
    #expect(texts.last?.contains("if fail2ban is down, nobody is banned") == true)
    _ = try await installation.luaslack(["queue", "flush"])
    try await server.settle()
    #expect(try await installation.slack.messages().count == 2)
    daemon.signal(SIGTERM)
    _ = try await daemon.wait()
  }

  @Test func `a stop with sixty bans is one line`() async throws {
    let server = try await server(
      post: ["ban", "unban", "jail_stop", "jail_flush"],
      jails: ["sshd", "other"].map(Self.jail).joined(separator: "\n\n"))
    try await server.start(jails: 2)
    for jail in ["sshd", "other"] {
      let addresses = (1...30).map { "198.51.100.\($0)" }
      try await server.client(["set", jail, "banip"] + addresses)
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
    #expect(try events(server, "kind = 'unban'").isEmpty)
  }
}
