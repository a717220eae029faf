/// The texts that `luaslack init` writes.
public enum SetupTexts {
  public enum Secret: Sendable, Equatable {
    case webhook
    case token(channel: String)

    /// The file beside the config that holds it.
    public var fileName: String { self == .webhook ? "webhook" : "token" }
  }

  public static func configuration(_ secret: Secret) -> [UInt8] {
    let destination =
      switch secret {
      case .webhook: "webhook_file = \"webhook\""
      case .token(let channel):
        "token_file = \"token\"\nchannel = \(JSONWriter.compact(.string(channel)))"
      }
    return Array(
      """
      # luaslack's settings; `luaslack config show` prints all of them with what they are now.
      # Tried before they count: luaslack check

      # Kinds of events that make a message; the others are only recorded.
      # post = ["ban", "unban"]

      # Users of this host and your own networks: a ban of one of these is critical.
      # valid_users = ["alice"]
      # friendly_networks = ["198.51.100.0/24"]

      [destination.default]
      \(destination)

      """.utf8)
  }

  /// A formatter that changes nothing until somebody wants it to.
  public static let starter = Array(
    """
    -- Your own wording: what these functions change is what Slack gets. See what comes of it:
    --   luaslack preview --watch
    --   luaslack check

    -- local colour = { sshd = "#d64545", recidive = "#7b1fa2" }

    ---@type luaslack.Formatter
    local formatter = {
      -- ban = function(event, payload)
      --   payload.text = slack.bold(event.jail) .. " banned " .. slack.code(event.ip)
      --   payload.attachments[1].color = colour[event.jail]
      -- end,
    }

    return formatter

    """.utf8)

  /// What tells an editor's lua-language-server which Lua formatters are written in; `types` is where
  /// that is declared. All of its own Lua is left out: not everything in it is there in the sandbox.
  public static func editor(types: String) -> [UInt8] {
    let libraries = [
      "basic", "bit", "bit32", "coroutine", "debug", "ffi", "io", "jit", "jit.profile", "jit.util",
      "math", "os", "package", "string", "string.buffer", "table", "table.clear", "table.new",
      "utf8",
    ]
    let value: Value = [
      "$schema": "https://raw.githubusercontent.com/LuaLS/vscode-lua/master/setting/schema.json",
      "runtime": [
        "version": "Lua 5.4", "path": ["lib/?.lua"], "pathStrict": true,
        "builtin": .object(Dictionary(uniqueKeysWithValues: libraries.map { ($0, "disable") })),
      ],
      "workspace": ["library": [.string(types)], "checkThirdParty": false],
    ]
    return Array(JSONWriter.pretty(value).utf8)
  }

  /// The shipped action file, calling the program by its path unless it says where that is itself.
  public static func action(_ shipped: [UInt8], program: String) -> [UInt8] {
    let lines = String(decoding: shipped, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false)
      .map { $0 == "luaslack = luaslack" ? "luaslack = \(program)" : String($0) }
    return Array(lines.joined(separator: "\n").utf8)
  }

  /// The program that our action calls, as `fail2ban-client -d` prints its guard; nil: there is none.
  public static func program(inDump dump: String) -> String? {
    for line in dump.split(separator: "\n") where line.contains("'action', 'luaslack") {
      guard let guardBegin = line.firstRange(of: "command -v \"") else { continue }
      return String(line[guardBegin.upperBound...].prefix { $0 != "\"" })
    }
    return nil
  }

  /// How an action file begins that the Debian package's purge left, doing nothing, for jails that name it.
  public static let leftByPurge = "# luaslack was removed from this host"

  public static func isLeftByPurge(_ content: [UInt8]) -> Bool {
    content.starts(with: leftByPurge.utf8)
  }

  /// With which dpkg-query prints the state of the Debian package, and then its files under /etc.
  public static let packageFormat = "${db:Status-Status}\n${Conffiles}\n"

  /// Those files; none if the package is not installed now.
  public static func packaged(_ answer: String) -> Set<String> {
    let lines = answer.split(separator: "\n")
    guard lines.first == "installed" else { return [] }
    return Set(lines.dropFirst().compactMap { $0.split(separator: " ").first.map(String.init) })
  }

  /// The number of a group by its line in `/etc/group`: a static program asks no other source.
  public static func group(named name: String, in file: [UInt8]) -> UInt32? {
    for line in String(decoding: file, as: UTF8.self).split(separator: "\n") {
      let parts = line.split(separator: ":", omittingEmptySubsequences: false)
      if parts.count >= 3, parts[0] == name { return UInt32(parts[2]) }
    }
    return nil
  }
}
