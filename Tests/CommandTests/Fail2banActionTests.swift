import Foundation
import TestSupport
import Testing

/// The shipped action files, as the real fail2ban reads them.
@Suite(.enabled(if: Fail2banServer.isInstalled, "fail2ban is not installed"))
struct Fail2banActionTests {
  /// All that fail2ban 0.11 has and we use.
  private static let tags: Set<String> = [
    "ip", "fid", "family", "failures", "time", "bantime", "bancount", "restored", "matches",
    "F-USER",
  ]
  /// Those that an attacker can shape.
  private static let shaped: Set<String> = ["ip", "fid", "matches", "F-USER"]

  /// What `fail2ban-client -d` says, by action and option.
  private func dump(_ action: String) async throws -> [String: [String: String]] {
    let installation = try await Installation()
    let server = try Fail2banServer(installation)
    try server.configure(
      Fail2banServer.sshd.replacing("firewall", with: "").replacing("LUASLACK", with: action))
    let output = try await server.client("-d").output
    var actions: [String: [String: String]] = [:]
    for line in output.split(separator: "\n") where line.hasPrefix("['multi-set', 'sshd', 'action'")
    {
      let name = String(line.split(separator: "'")[7])
      for match in line.matches(of: #/\['(\w+)', (?:'((?:[^'\\]|\\.)*)'|(\w+))\]/#) {
        let text = String(match.output.2 ?? match.output.3 ?? "")
        actions[name, default: [:]][String(match.output.1)] = text.replacing("\\'", with: "'")
      }
    }
    return actions
  }

  private static let both = """
    luaslack[to="security", fields="team=web, site=shop", options='--host=web1']
             luaslack-lines
    """

  @Test func `fail2ban reads both files, with small timeouts and no word of restored bans`()
    async throws
  {
    let actions = try await dump(Self.both)
    #expect(actions.keys.sorted() == ["luaslack", "luaslack-lines"])
    for (name, action) in actions {
      #expect(action["timeout"] == "5" && action["norestored"] == "True", "\(name)")
      #expect(action["actioncheck"] == "" && action["actionrepair"] == "", "\(name)")
      for command in [
        "actionstart", "actionstop", "actionflush", "actionreload", "actionban", "actionprolong",
        "actionreban", "actionunban",
      ] { #expect(action[command] != nil, "\(name) \(command)") }
    }
    let ban = actions["luaslack"]?["actionban"] ?? ""
    #expect(ban.contains(#"--to="security" --fields="team=web, site=shop" --field="" "#), "\(ban)")
    #expect(ban.contains(#" --field="" --host=web1 --id="#), "\(ban)")
  }

  @Test func `every tag stands in quotes where it can only be a value, and there are few`()
    async throws
  {
    for (name, action) in try await dump(Self.both) {
      for (option, command) in action
      where option.hasPrefix("action") && command.contains("luaslack") {
        #expect(command.hasPrefix("command -v \"luaslack\" >/dev/null 2>&1 || exit 0; "))
        let parts = command.split(separator: " -- ", maxSplits: 1)
        var found: [String] = []
        for match in command.matches(of: #/(\S*)<([^<>]+)>(.)/#) where match.output.2 != "/dev/null"
        {
          let (before, tag) = (match.output.1, String(match.output.2))
          let isOption = before.contains(#/^--[a-z]+="$/#)
          let isPositional = before == "\"" && parts.last?.contains("\"<\(tag)>\"") == true
          let isPrinted = before == "\"" && command.contains("printf '%s' \"<matches>\" |")
          #expect(isOption || isPositional || isPrinted, "\(name) \(option) \(tag)")
          #expect(match.output.3 == "\"" && Self.tags.contains(tag), "\(name) \(option) \(tag)")
          found.append(tag)
        }
        #expect(found.count <= 10 && found.filter(Self.shaped.contains).count <= 4, "\(option)")
      }
    }
  }

  @Test func `parameters and fields of a log reach the message`() async throws {
    let installation = try await Installation(
      config: Installation.config(
        post: ["ban"],
        more: "[destination.security]\nwebhook_file = \"security\"\n"))
    try installation.directory.write(
      installation.slack.webhookURL("/services/security") + "\n", to: "security", mode: 0o600)
    let server = try Fail2banServer(installation)
    let places = "--spool=\(installation.spool) --config=\(installation.config)"
    try server.configure(
      Fail2banServer.sshd.replacing(
        "LUASLACK",
        with: """
          luaslack[luaslack="\(Programs.luaslack)", to="security", fields="team=web, site=a,b",
                            options='\(places) --field="tried=<F-USER>, x=y"']
          """))
    try await server.start()
    try server.fail(user: Array("$(id),forged=1".utf8), from: "203.0.113.9")
    let message = try await server.messages(1).first
    try await server.stop()
    #expect(message?.path == "/services/security")
    let fields = message?.bodyJSON["attachments"][0]["fields"].array ?? []
    let named = Dictionary(
      fields.map { ($0["title"].string ?? "", $0["value"].string ?? "") }
    ) { first, _ in first }
    #expect(named["team"] == "web" && named["site"] == "a,b", "\(named)")
    #expect(named["tried"] == "$(id),forged=1, x=y" && named["forged"] == nil, "\(named)")
  }
}
