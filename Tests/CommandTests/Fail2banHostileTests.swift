import Foundation
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
      "x && touch CANARY/and", "x > CANARY/redirection", "\\\"; touch CANARY/backslash; \\\"",
      "a\rtouch CANARY/return", "$HOME ${IFS} *", "<!channel> <@U123> <ip> <matches>",
      "<https://evil.example|click>", "*bold* _it_ ```fence```",
      "a\u{202E}b\u{200B}c\u{E000}d\u{1B}[31me",
      "\u{7}\u{8}\u{2028}x", "--to=elsewhere", "--help", "-- x", "%s%n%(name)s", "\\x41\\n",
    ].map { Array($0.utf8) } + [
      Array(repeating: UInt8(ascii: "A"), count: 9_000), [0xFF, 0xC3, 0x28, 0x80, 0x41],
      [0xED, 0xA0, 0x80],
    ]

  private static func address(_ index: Int) -> String { "203.0.113.\(index + 1)" }

  @Test func `hostile user names are delivered, inert, and run nothing`() async throws {
    let installation = try await Installation(
      config: Installation.config(post: ["ban"]))
    let canary = installation.directory.file("canary")
    try FileManager.default.createDirectory(
      atPath: canary, withIntermediateDirectories: false)
    let server = try Fail2banServer(
      installation,
      jails: Fail2banServer.sshd.replacing("maxretry = 2", with: "maxretry = 1")
        + "\n         LUASLACK-LINES")
    try await server.start()
    for (index, name) in Self.names.enumerated() {
      let name = Array(
        String(decoding: name, as: UTF8.self).contains("CANARY")
          ? Array(String(decoding: name, as: UTF8.self).replacing("CANARY", with: canary).utf8)
          : name)
      try server.fail(user: name, from: Self.address(index), times: 1)
    }
    await server.waitForFirewall(Self.names.count)
    let messages = try await server.messages(Self.names.count)
    try await server.stop()
    await installation.settle(timeout: .seconds(30))

    for index in Self.names.indices {
      let text = "sshd banned \(Self.address(index)) after 1 failure"
      #expect(messages.filter { $0.text.contains(text) }.count == 1, "\(index)")
    }
    #expect(messages.allSatisfy { $0.bodyJSON.liveMarkup.isEmpty })
    #expect(try installation.directory.names(in: "canary").isEmpty)
    let log = try server.log()
    #expect(!log.contains("ERROR"), "\(log.suffix(2_000))")
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
