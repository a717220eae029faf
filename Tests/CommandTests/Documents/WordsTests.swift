import Foundation
import TestSupport
import Testing

/// docs/troubleshooting.md quotes what the programs say; docs/channels.md says what goes where.
@Suite struct WordsTests {
  /// The programs' sources with their texts in one piece, and fail2ban's.
  private static let sources: String = {
    let fail2ban = URL(filePath: "/usr/lib/python3/dist-packages/fail2ban")
    let files = [Page.root.appending(path: "Sources"), fail2ban].flatMap { folder in
      (FileManager.default.enumerator(at: folder, includingPropertiesForKeys: nil)?.allObjects ?? [])
        .compactMap { $0 as? URL }.filter {
          ["swift", "lua", "c", "py"].contains($0.pathExtension)
        }
    }
    // What libcurl says is in no source; there a real libcurl says it.
    let curl = Page.root.appending(path: "Tests/DriverTests/CurlTests.swift")
    return (files + [curl]).map { (try? String(contentsOf: $0, encoding: .utf8)) ?? "" }.joined()
      .replacing(/"\s*\+ "/, with: "").replacing(/\\\n\s*/, with: "")
  }()

  /// Of the first column, what stands as code; of that, what stands between `…`.
  private static let quoted: [String] = {
    let rows = Page("docs/troubleshooting.md").text.split(separator: "\n").filter {
      $0.hasPrefix("| ")
    }
    return rows.flatMap { row in
      (row.split(separator: "|").first ?? "").matches(of: /(`+)(.+?)\1(?!`)/).map {
        String($0.output.2)
      }
    }
  }()

  /// Not words of a program but what somebody sees in Slack, or wrote.
  private static let others: Set<String> = ["&lt;!here&gt;", "<!here>", "hun…", ";"]

  @Test(.enabled(if: Fail2banServer.isInstalled, "fail2ban, which it quotes too, is not installed"))
  func `the programs say what the page quotes`() throws {
    #expect(Self.quoted.count > 40)
    for words in Self.quoted where !Self.others.contains(words) {
      for part in words.split(separator: "…").map({ $0.trimmingCharacters(in: .whitespaces) }) {
        let isSaid = Self.sources.contains(part)
        #expect(isSaid, "\(words)")
      }
    }
  }

  @Test func `what a program does not say would be seen`() {
    #expect(!Self.sources.contains("but luaslack was not " + "named"))
  }

  /// cron's own PATH has no /usr/local/bin.
  @Test func `cron finds luaslack where make install puts it`() {
    let blocks = Page.all.flatMap(\.blocks).filter { $0.text.contains("* root luaslack ") }
    #expect(blocks.count == 2)
    for block in blocks {
      let path = block.lines.first ?? ""
      #expect(path.hasPrefix("PATH=") && path.contains(":/usr/local/bin:"), "\(block)")
    }
  }

  // MARK: - Channels

  private static let channels = Page("docs/channels.md")

  @Test func `messages come into the channels that the page says`() async throws {
    let toml = try #require(Self.channels.blocks("toml /etc/luaslack/config.toml").first).text
      .replacing(/channel = ".*"\n/) { "\($0.output)api_url = \"API_URL\"\n" }
    let installation = try await Installation(config: "linger = \"0s\"\n" + toml)
    let url = installation.slack.webhookURL("/services/T000/B111/\(Installation.secret)")
    try installation.directory.write(url + "\n", to: "web-webhook", mode: 0o600)
    let rows = Self.channels.text.split(separator: "\n").filter { $0.hasPrefix("| a ban in") }
    #expect(rows.count == 6)
    for (number, row) in rows.enumerated() {
      let spans = row.matches(of: /`([^`]+)`/).map { String($0.output.1) }
      let cells = row.split(separator: "|")
      let wanted = cells[1].matches(of: /`([^`]+)`/).map { String($0.output.1) }
      let to = spans.first { $0.hasPrefix("--to=") }.map { [$0] } ?? []
      let count = row.contains("the fifth") ? "5" : "1"
      let address = "203.0.113.\(number)"
      _ = try await installation.luaslack(
        ["ban", "--bancount=\(count)"] + to + ["--", spans[0], address, "5"])
      await eventually("the ban is known") {
        let known = (try? await installation.deliveries()) ?? []
        return known.filter { $0["subject"].string == address || $0["ip"].string == address }.count
          == wanted.count
      }
      let deliveries = try await installation.deliveries().filter {
        $0["subject"].string == address || $0["ip"].string == address
      }
      #expect(
        Set(deliveries.compactMap { $0["destination"].string }) == Set(wanted), "\(row)")
    }
  }
}
