import LuaslackConfig
import TestSupport
import Testing

@testable import LuaslackCore

@Suite struct ConfigurationReaderTests {
  private let least = "[destination.default]\nwebhook_file = \"webhook\"\n"

  private func read(_ text: String) throws -> Configuration {
    try ConfigurationReader.read(text, path: "/etc/luaslack/config.toml")
  }

  @Test func `the least that works has defaults for the rest`() throws {
    let configuration = try read(least)
    #expect(configuration.formatters == ["default", "local"])
    #expect(configuration.post == [.ban])
    #expect(configuration.linger == 60)
    #expect(
      configuration.destinations == [
        "default": .init(name: "default", webhookFile: "/etc/luaslack/webhook")
      ])
    #expect(configuration.formattersDirectory == "/etc/luaslack/formatters")
  }

  @Test func `everything can be set`() throws {
    let configuration = try read(
      """
      formatters = ["minimal"]
      post = ["ban", "jail_start"]
      linger = "2m"
      [destination.default]
      webhook_file = "/run/secret"
      [destination.security]
      webhook_file = "security-webhook"
      """)
    #expect(configuration.formatters == ["minimal"])
    #expect(configuration.post == [.ban, .jailStart])
    #expect(configuration.linger == 120)
    #expect(configuration.destinations["default"]?.webhookFile == "/run/secret")
    #expect(
      configuration.destinations["security"]?.webhookFile == "/etc/luaslack/security-webhook")
  }

  @Test(arguments: [
    ("formaters = []\n", 1, "did you mean \"formatters\"?"),
    ("\npost = [\"bann\"]\n", 2, "did you mean \"ban\"?"),
    ("post = \"ban\"\n", 1, "must be a list of strings"),
    ("linger = \"soon\"\n", 1, "must be a time"),
    ("x = \n", 1, "value"),
    ("[destination.other]\nwebhook_fil = \"x\"\n", 2, "did you mean \"webhook_file\"?"),
    ("[destination.other]\n\nwebhook = \"https://x\"\n", 3, "write it to a file of its own"),
    ("[destination.other]\nwebhook_file = \"https://x/y\"\n", 2, "file of its own"),
    ("[destination.other]\n", 1, "needs webhook_file"),
    ("[destination.other]\nwebhook_file = 5\n", 2, "must be the name of a file"),
  ])
  func `a mistake is named with its line and the way out`(
    text: String, line: Int, hint: String
  ) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(text + least) }
    #expect(error?.line == line)
    #expect(error?.description.contains(hint) == true)
    #expect(error?.description.hasPrefix("/etc/luaslack/config.toml:\(line): ") == true)
  }

  @Test func `an inline secret is not repeated in the error`() {
    let error = #expect(throws: ConfigurationError.self) {
      try read("[destination.default]\nwebhook = \"https://hooks.slack.com/verysecret\"\n")
    }
    #expect(error?.description.contains("verysecret") == false)
  }

  @Test func `without a default destination there is nowhere to send`() {
    #expect(throws: ConfigurationError.self) { try read("") }
  }

  @Test func `what config show prints reads back as the same configuration`() throws {
    let configuration = try read("post = [\"unban\"]\nlinger = 5\n" + least)
    let locations = try Locations(spool: "/s", config: nil, environment: { _ in nil }, isRoot: true)
    { _ in
      false
    }
    #expect(try read(configuration.text(locations)) == configuration)
  }

  @Test func `a config that others can write is not believed`() throws {
    let place = try TemporaryDirectory()
    let path = try place.write(least, to: "config.toml", mode: 0o666)
    let error = #expect(throws: ConfigurationError.self) { try ConfigurationReader.read(path) }
    #expect(error?.problem == "can be written by others; chmod go-w")
  }
}

@Suite struct LocationsTests {
  private func locations(
    spool: String? = nil, config: String? = nil, _ environment: [String: String] = [:],
    isRoot: Bool = false, exists: Bool = false
  ) throws -> Locations {
    try Locations(spool: spool, config: config, environment: { environment[$0] }, isRoot: isRoot) {
      _ in
      exists
    }
  }

  @Test func `root's places are the system's`() throws {
    let found = try locations(["HOME": "/root"], isRoot: true, exists: true)
    #expect(found.spool == "/var/spool/luaslack")
    #expect(found.database == "/var/lib/luaslack/luaslack.db")
    #expect(found.overflow == "/run/luaslack/overflow")
    #expect(found.config == "/etc/luaslack/config.toml")
  }

  @Test func `a user's places are in the home directory`() throws {
    let found = try locations(["HOME": "/home/a"], exists: true)
    #expect(found.spool == "/home/a/.local/state/luaslack")
    #expect(found.database == "/home/a/.local/state/luaslack/luaslack.db")
    #expect(found.config == "/home/a/.config/luaslack/config.toml")
    #expect(try locations(["HOME": "/home/a"]).config == "/etc/luaslack/config.toml")
    #expect(try locations(["XDG_STATE_HOME": "/s"]).spool == "/s/luaslack")
  }

  @Test func `the command line is stronger than the environment`() throws {
    let environment = ["LUASLACK_SPOOL": "/e", "LUASLACK_CONFIG": "/e.toml"]
    #expect(try locations(environment).spool == "/e")
    #expect(try locations(environment).config == "/e.toml")
    let given = try locations(spool: "/c", config: "/c.toml", environment)
    #expect(given.spool == "/c" && given.config == "/c.toml")
    #expect(given.database == "/c/luaslack.db")
  }

  @Test func `a named spool is that one, for whoever asks, with or without a slash`() throws {
    for isRoot in [true, false] {
      for name in ["/var/spool/luaslack", "/var/spool/luaslack/"] {
        let found = try locations(spool: name, ["HOME": "/home/a"], isRoot: isRoot)
        #expect(found.spool == "/var/spool/luaslack")
        #expect(found.database == "/var/lib/luaslack/luaslack.db")
      }
    }
  }

  @Test func `two spools of root's have two overflows`() throws {
    let one = try locations(spool: "/a", isRoot: true).overflow
    let two = try locations(spool: "/b", isRoot: true).overflow
    #expect(one != two && one.hasPrefix("/run/luaslack/overflow-"))
    #expect(try locations(["LUASLACK_OVERFLOW": "/x", "HOME": "/h"]).overflow == "/x")
  }

  @Test func `a user without a home is told what to do`() {
    #expect(throws: Locations.Unknown.self) { try locations() }
    #expect(throws: Locations.Unknown.self) { try locations(["HOME": "relative"]) }
  }
}

@Suite struct SecondsTests {
  @Test(arguments: [("0", 0), ("90", 90), ("90s", 90), ("10m", 600), ("2h", 7200), ("7d", 604_800)])
  func `reads spans of time`(text: String, seconds: Int) {
    #expect(Seconds.parse(text) == seconds)
  }

  @Test(arguments: ["", "s", "-1", "1.5h", "1w", "m5", "٣s", "99999999999999999999d", "9999999d"])
  func `refuses everything else`(text: String) {
    #expect(Seconds.parse(text) == nil)
  }

  @Test(arguments: [(5, "5 s"), (600, "10 min"), (7_200, "2 h"), (604_800, "7 d")])
  func `describes them in one unit`(seconds: Int, text: String) {
    #expect(Seconds.describe(seconds) == text)
  }
}
