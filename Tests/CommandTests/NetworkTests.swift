import TestSupport
import Testing

/// From the config to the wire: certificates and proxies of the admin's own.
@Suite struct NetworkTests {
  private let authority: Authority

  init() async throws {
    authority = try await Authority()
  }

  private func config(_ top: String = "", _ more: String = "") -> String {
    top + "\nlinger = \"0s\"\n[destination.default]\nwebhook_file = \"webhook\"\n" + more
  }

  private func write(_ installation: Installation, webhook: String) throws {
    try installation.directory.write(webhook + "\n", to: "webhook", mode: 0o600)
  }

  @Test func `a certificate of one's own is believed once the config names its authority`()
    async throws
  {
    let installation = try await Installation(config: config())
    let front = try await TLSFront(
      to: installation.slack.port,
      certificate: try await authority.certificate(for: "127.0.0.1"))
    try write(installation, webhook: "https://127.0.0.1:\(front.port)/services/T/B/x")
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("status says why") {
      (try? await installation.luaslack(["status"]).output.contains(
        "TLS: nobody known here has signed the certificate")) == true
    }
    #expect(try await installation.slack.messages().isEmpty)

    try installation.directory.write(
      config("", "ca_file = \"\(authority.file)\"\n"), to: "config.toml")
    _ = try await installation.luaslack(["queue", "flush"])
    // Nothing had been said before: there is no doubt to mark.
    #expect(try await installation.slack.waitForMessages(1).map(\.text) == [DeliveryTests.text])
    await installation.settle()
  }

  @Test func `an expired certificate is called so`() async throws {
    let installation = try await Installation(
      config: config("", "ca_file = \"\(authority.file)\"\n"))
    let front = try await TLSFront(
      to: installation.slack.port,
      certificate: try await authority.certificate(for: "127.0.0.1", expired: true))
    try write(installation, webhook: "https://127.0.0.1:\(front.port)/services/T/B/x")
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("status says why") {
      (try? await installation.luaslack(["status"]).output.contains(
        "TLS: the certificate has expired")) == true
    }
    #expect(try await installation.slack.messages().isEmpty)
  }

  @Test func `the proxy of the config leads to Slack, one of the environment does not`()
    async throws
  {
    let installation = try await Installation(config: config())
    let front = try await TLSFront(
      to: installation.slack.port,
      certificate: try await authority.certificate(for: "hooks.slack.test"))
    let (wanted, other) = (try Proxy(to: front.port), try Proxy(to: front.port))
    try write(
      installation, webhook: "https://hooks.slack.test/services/T/B/\(Installation.secret)")
    try installation.directory.write(
      config("https_proxy = \"\(wanted.url)\"", "ca_file = \"\(authority.file)\"\n"),
      to: "config.toml")
    let daemon = try RunningProgram(
      Programs.luaslackd,
      [
        "--spool", installation.spool, "--config", installation.config, "--overflow",
        installation.overflow,
      ],
      environment: [
        "https_proxy": other.url, "HTTPS_PROXY": other.url, "all_proxy": other.url,
        "no_proxy": "hooks.slack.test",
      ])
    _ = try await installation.luaslack(
      DeliveryTests.ban, environment: ["LUASLACK_SPAWN": "0"])
    #expect(try await installation.slack.waitForMessages(1).map(\.text) == [DeliveryTests.text])
    daemon.signal(15)
    _ = try await daemon.wait()
    #expect(wanted.heads.map(\.first) == ["CONNECT hooks.slack.test:443 HTTP/1.1"])
    #expect(other.heads.isEmpty)
    let seen = wanted.heads.joined().joined() + String(decoding: wanted.passed, as: UTF8.self)
    #expect(!seen.contains(Installation.secret))
  }
}
