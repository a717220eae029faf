import Foundation
import TestSupport
import Testing

/// docs/fail2ban.md, as its readers copy from it.
enum Fail2banDocument {
  private static let text: String = {
    let file = URL(filePath: Fail2banServer.actions).deletingLastPathComponent()
      .appending(path: "docs/fail2ban.md")
    return (try? String(contentsOf: file, encoding: .utf8)) ?? ""
  }()

  /// The blocks in this language.
  static func blocks(_ language: String) -> [String] {
    text.components(separatedBy: "\n```\(language)\n").dropFirst().compactMap {
      $0.components(separatedBy: "\n```\n").first
    }
  }

  /// The one for WordPress.
  static let filter = blocks("ini filter").first ?? ""
}

/// Each configuration in it is read by a real fail2ban.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banDocumentTests {
  private func server() async throws -> Fail2banServer {
    let server = try Fail2banServer(try await Installation())
    try server.installation.directory.write(
      Fail2banDocument.filter + "\n", to: "fail2ban/filter.d/wordpress-luaslack.conf")
    return server
  }

  /// The logs are this test's own; all else is as it stands there.
  private func jails(_ block: String, of server: Fail2banServer) -> String {
    let log = server.installation.directory.file("auth.log")
    return block.replacing("logpath = /var/log/auth.log\n", with: "")
      .replacing("enabled = true", with: "enabled = true\nlogpath = \(log)")
  }

  @Test func `there are configurations to read`() {
    #expect(Fail2banDocument.blocks("ini").count >= 7)
    #expect(Fail2banDocument.blocks("toml").count >= 1)
  }

  @Test(arguments: Fail2banDocument.blocks("ini").indices)
  func `a configuration is right, and calls luaslack`(number: Int) async throws {
    let server = try await server()
    try server.configure(jails(Fail2banDocument.blocks("ini")[number], of: server))
    let test = try await server.client("-t")
    #expect(test.status == 0, "\(test.output) \(test.errors)")
    let dump = try await server.client("-d").output
    #expect(dump.contains("'addaction', 'luaslack']"), "\(dump.prefix(2_000))")
    // What the jail does anyway comes first.
    #expect(dump.contains("'addaction', 'nftables") || dump.contains("'addaction', 'iptables"))
  }

  @Test func `the filter for WordPress finds its failures`() async throws {
    let server = try await server()
    let place = server.installation.directory
    let lines = [
      "wordpress(shop.example)[7]: Authentication attempt for unknown user admin from 203.0.113.9",
      "wp(shop.example)[7]: Authentication failure for alice <!channel> from 2001:db8::9",
      "wordpress(shop.example)[7]: Accepted password for alice from 203.0.113.10",
    ].map { "Nov 21 12:00:00 web1 \($0)" }
    try place.write(lines.joined(separator: "\n") + "\n", to: "wordpress.log")
    let result = try await run(
      Fail2banServer.program("regex"),
      [
        "-c", place.file("fail2ban"), place.file("wordpress.log"),
        place.file("fail2ban/filter.d/wordpress-luaslack.conf"),
      ], environment: Fail2banServer.environment)
    #expect(result.output.contains("3 lines, 0 ignored, 2 matched, 1 missed"), "\(result.output)")
  }

  @Test func `the settings of luaslack's config are right`() async throws {
    for block in Fail2banDocument.blocks("toml") {
      let installation = try await Installation(
        config: block + "\n[destination.default]\nwebhook_file = \"webhook\"\n")
      let result = try await installation.luaslack(["config", "show"])
      #expect(result.status == 0, "\(result.errors)")
    }
  }
}
