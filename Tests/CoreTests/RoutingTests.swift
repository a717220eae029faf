import Testing

@testable import LuaslackCore

@Suite struct RoutingTests {
  private let configuration: Configuration = {
    var configuration = Configuration(path: "/config.toml")
    configuration.routes = [
      .init(jails: ["sshd*"], kinds: ["ban", "prolong"], severities: ["critical"], to: ["pager"]),
      .init(jails: ["sshd", "dropbear"], to: ["security", "default"]),
      .init(kinds: ["jail_*"], to: ["ops"]),
      .init(jails: ["*"], severities: ["warning"], to: ["w"]),
    ]
    return configuration
  }()

  @Test(
    arguments: [
      (.ban, "sshd", .critical, ["pager"]), (.prolong, "sshd-ddos", .critical, ["pager"]),
      (.unban, "sshd", .critical, ["security", "default"]),
      (.ban, "sshd", .info, ["security", "default"]), (.ban, "sshd-ddos", .info, ["default"]),
      (.jailStart, "dropbear", .info, ["security", "default"]), (.jailStop, "x", .info, ["ops"]),
      (.jailFlush, "x", .warning, ["ops"]), (.ban, "x", .warning, ["w"]),
      (.ban, "x", .critical, ["default"]), (.ban, "", .info, ["default"]),
    ] as [(EventKind, String, Severity, [String])])
  func `the first route that fits says where an event goes, else the default`(
    kind: EventKind, jail: String, severity: Severity, expected: [String]
  ) {
    #expect(
      Routing.destinations(kind: kind, jail: jail, severity: severity, configuration) == expected)
  }

  @Test func `without routes everything goes to the default`() {
    let configuration = Configuration(path: "/config.toml")
    #expect(
      Routing.destinations(kind: .ban, jail: "sshd", severity: .critical, configuration)
        == ["default"])
  }

  @Test(arguments: [
    ("sshd", "sshd", true), ("sshd", "sshd2", false), ("", "", true), ("", "a", false),
    ("*", "", true), ("*", "anything", true), ("ssh*", "sshd", true), ("*d", "sshd", true),
    ("s*d", "sd", true), ("s*d", "sshd-ddos", false), ("s*d*", "sshd-ddos", true),
    ("?shd", "sshd", true), ("?", "", false), ("??", "é", false), ("?", "é", true),
    ("a*b*c", "aXbXbc", true), ("a*b*c", "acb", false), ("[a]", "a", false), ("[a]", "[a]", true),
    ("SSHD", "sshd", false), ("**", "x", true), ("*?", "", false), ("x*", "", false),
  ])
  func `a pattern has stars and question marks`(pattern: String, text: String, expected: Bool) {
    #expect(Glob.matches(pattern, text) == expected)
  }

  @Test func `a hostile name does not keep a pattern of many stars busy`() {
    let pattern = String(repeating: "a*", count: 50) + "b"
    #expect(!Glob.matches(pattern, String(repeating: "a", count: 5_000)))
  }
}
