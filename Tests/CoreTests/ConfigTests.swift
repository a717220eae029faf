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
    #expect(configuration.post == [.ban, .notify, .warning])
    #expect(configuration.linger == 60)
    #expect(configuration.mentionMaxAge == 900)
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
      mention_max_age = "1h"
      [destination.default]
      webhook_file = "/run/secret"
      [destination.security]
      webhook_file = "security-webhook"
      """)
    #expect(configuration.formatters == ["minimal"])
    #expect(configuration.post == [.ban, .jailStart])
    #expect(configuration.linger == 120)
    #expect(configuration.mentionMaxAge == 3_600)
    #expect(configuration.destinations["default"]?.kind == .webhook(file: "/run/secret"))
    #expect(
      configuration.destinations["security"]?.kind
        == .webhook(file: "/etc/luaslack/security-webhook"))
  }

  @Test func `what is known of users and addresses can be set`() throws {
    let configuration = try read(
      """
      valid_users = ["alice", "root"]
      friendly_networks = ["198.51.100.0/24", "2001:db8::/32"]
      timezone = "Etc/UTC"
      [list]
      scanners = { file = "scanners.txt" }
      office = ["192.0.2.0/24"]
      [list.others]
      file = "/var/lib/others"
      [mute]
      lists = ["others", "scanners"]
      \(least)
      """)
    #expect(configuration.validUsers == ["alice", "root"])
    #expect(configuration.friendlyNetworks == ["198.51.100.0/24", "2001:db8::/32"])
    #expect(configuration.timezone == "Etc/UTC")
    #expect(configuration.zone == "UTC0")
    #expect(
      configuration.lists == [
        "scanners": .file("/etc/luaslack/scanners.txt"), "office": .inline(["192.0.2.0/24"]),
        "others": .file("/var/lib/others"),
      ])
    #expect(configuration.mutedLists == ["others", "scanners"])
  }

  @Test func `a destination is a webhook, a bot's channel or an address, with a pace`() throws {
    let configuration = try read(
      """
      https_proxy = "http://proxy.example:3128"
      no_proxy = ["10.0.0.0/8", ".example", "2001:db8::1"]
      connect_timeout = "5s"
      timeout = "1m"
      [destination.bot]
      token_file = "token"
      channel = "C0123456789"
      rate = "1/5s"
      burst = 1
      fallback = "mail"
      formatter = "minimal"
      ca_file = "ca.pem"
      [destination.gov]
      token_file = "/run/token"
      channel = "#bans"
      api_url = "https://slack-gov.com/api"
      [destination.mail]
      smtp_to = "root"
      [destination.relay]
      smtp_to = "a.b+c@example.org"
      smtp_server = "mail.example:587"
      \(least)
      """)
    func kind(_ name: String) -> Configuration.Destination.Kind? {
      configuration.destinations[name]?.kind
    }
    #expect(
      kind("bot")
        == .token(
          file: "/etc/luaslack/token", channel: "C0123456789", api: "https://slack.com/api"))
    #expect(
      kind("gov") == .token(file: "/run/token", channel: "#bans", api: "https://slack-gov.com/api"))
    #expect(kind("mail") == .mail(to: "root", server: "127.0.0.1:25"))
    #expect(kind("relay") == .mail(to: "a.b+c@example.org", server: "mail.example:587"))
    let bot = try #require(configuration.destinations["bot"])
    #expect(bot.rate.interval == 5_000_000 && bot.burst == 1)
    #expect(bot.fallback == "mail" && bot.formatter == "minimal")
    #expect(bot.certificates == "/etc/luaslack/ca.pem")
    #expect(bot.network == configuration.network)
    #expect(bot.network.httpsProxy == "http://proxy.example:3128")
    #expect(bot.network.noProxy == ["10.0.0.0/8", ".example", "2001:db8::1"])
    #expect(bot.network.connectTimeout == 5 && bot.network.timeout == 60)

    let usual = try #require(configuration.destinations["default"])
    #expect(usual.rate.interval == 1_000_000 && usual.burst == 3)
    #expect(usual.fallback == nil && usual.formatter == nil && usual.certificates == nil)
    let network = try read(least).network
    #expect(network == Configuration.Network() && network.httpsProxy == nil)
  }

  @Test func `routes are kept in their order`() throws {
    let configuration = try read(
      """
      \(least)
      [[route]]
      jail = "sshd*"
      kind = ["ban", "jail_*"]
      severity = "critical"
      to = ["default", "a", "default"]
      [destination.a]
      webhook_file = "a"
      [[route]]
      to = "a"
      """)
    #expect(
      configuration.routes == [
        .init(
          jails: ["sshd*"], kinds: ["ban", "jail_*"], severities: ["critical"],
          to: ["default", "a"]), .init(to: ["a"]),
      ])
  }

  @Test(arguments: [
    ("1/1s", 1_000_000), ("1/5s", 5_000_000), ("30/1m", 2_000_000), ("3/1s", 333_333),
    ("1/1d", 86_400_000_000), ("10/1s", 100_000), ("2/3", 1_500_000),
  ])
  func `a rate is messages in a time`(text: String, interval: Int64) {
    #expect(Rate(text)?.interval == interval)
    #expect(Rate(text).flatMap { Rate($0.description) } == Rate(text))
  }

  @Test(arguments: [
    "", "1", "/1s", "1/", "0/1s", "1/0s", "-1/1s", "+1/1s", "1/1s/1s", "11/1s", "1/2d", "a/1s",
    "1/s", "1 /1s", "9999999/1d", "٣/1s",
  ])
  func `what is no rate is refused`(text: String) {
    #expect(Rate(text) == nil)
  }

  @Test func `the limits of formatters can be set`() throws {
    let limits = try read(
      """
      [limits]
      memory = "32 MiB"
      file = "1s"
      chain = "1500ms"
      deadline = "2 s"
      source = "128KiB"
      result = "500000 B"
      nodes = 30000
      depth = 40
      \(least)
      """
    ).limits
    #expect(limits.heapBytes == 32 << 20)
    #expect(limits.fileMilliseconds == 1_000)
    #expect(limits.chainMilliseconds == 1_500)
    #expect(limits.wallMilliseconds == 2_000)
    #expect(limits.sourceBytes == 128 << 10)
    #expect(limits.resultBytes == 500_000)
    #expect(limits.resultNodes == 30_000)
    #expect(limits.resultDepth == 40)
    #expect(try read(least).limits == SandboxLimits())
  }

  @Test(arguments: LimitSetting.allCases)
  func `a limit goes from its floor to its ceiling, and an error names the one it passed`(
    setting: LimitSetting
  ) throws {
    func written(_ number: Int) -> String {
      var limits = SandboxLimits()
      limits[keyPath: setting.member] = number
      return JSONWriter.compact(setting.value(limits))
    }
    func read(_ number: Int) throws -> Int {
      // The times stand in each other's way.
      let room =
        switch setting {
        case .file: "chain = \"10s\"\ndeadline = \"15s\""
        case .chain: "file = \"10ms\"\ndeadline = \"15s\""
        case .deadline: "file = \"10ms\"\nchain = \"10ms\""
        default: ""
        }
      return try self.read("[limits]\n\(setting.rawValue) = \(written(number))\n\(room)\n" + least)
        .limits[keyPath: setting.member]
    }
    let (floor, ceiling) = (setting.range.lowerBound, setting.range.upperBound)
    #expect(try read(floor) == floor)
    #expect(try read(ceiling) == ceiling)
    let over = #expect(throws: ConfigurationError.self) { try read(ceiling + 1) }
    #expect(over?.problem == "\(setting.rawValue) may be \(setting.text(ceiling)) at most")
    let under = #expect(throws: ConfigurationError.self) { try read(floor - 1) }
    #expect(under?.problem == "\(setting.rawValue) must be \(setting.text(floor)) at least")
    #expect(over?.line == 2 && under?.line == 2)
    #expect(setting.range.contains(SandboxLimits()[keyPath: setting.member]))
  }

  @Test(arguments: [
    ("valid_users = \"alice\"\n", 1, "must be a list of strings"),
    ("friendly_networks = [\"10.0.0.0/33\"]\n", 1, "\"10.0.0.0/33\" is not an address"),
    ("friendly_networks = [\n  \"10.0.0.0/8\",\n  \"010.0.0.1\",\n]\n", 3, "\"010.0.0.1\" is not"),
    ("timezone = 5\n", 1, "a name like \"Europe/Berlin\""),
    ("timezone = \"Europe/Berln\"\n", 1, "did you mean \"Europe/Berlin\"?"),
    ("timezone = \"Europe\"\n", 1, "unknown time zone \"Europe\"; /usr/share/zoneinfo holds"),
    ("timezone = \"../../etc/localtime\"\n", 1, "unknown time zone \"../../etc/localtime\""),
    ("[list]\nx = { fil = \"x\" }\n", 2, "did you mean \"file\"?"),
    ("[list]\nx = { file = 5 }\n", 2, "list x must be { file ="),
    ("[list]\n\nx = \"x.txt\"\n", 3, "list x must be { file = \"x.txt\" } or"),
    ("[list.x]\n", 1, "list x must be"), ("[list]\nx = [5]\n", 2, "list x must hold strings"),
    ("[list]\n\"a b\" = []\n", 1, "letters, digits, _ and -"),
    ("[list]\nx = [\n\"1.2.3.4\",\n\"1.2.3\"]\n", 4, "\"1.2.3\" is not an address"),
    ("[lists]\nx = []\n", 1, "did you mean \"list\"?"), ("list = 5\n", 1, "list must be a table"),
    ("[list]\nscanners = []\n[mute]\nlists = [\"scaners\"]\n", 4, "did you mean \"scanners\"?"),
    ("[mute]\nlists = [\"x\"]\n", 2, "there is no list \"x\"; add [list]"),
    ("[mute]\nlist = []\n", 2, "did you mean \"lists\"?"),
    ("[mute]\nlists = \"x\"\n", 2, "must be a list of strings"),
    ("[limits]\nmemry = \"1 MiB\"\n", 2, "did you mean \"memory\"?"),
    ("[limits]\nmemory = 16777216\n", 2, "a size like \"512 KiB\" or \"16 MiB\""),
    ("[limits]\nmemory = \"16 MB\"\n", 2, "a size like"),
    ("[limits]\nmemory = \"-1 MiB\"\n", 2, "a size like"),
    ("[limits]\nmemory = \"9999999999 MiB\"\n", 2, "a size like"),
    ("[limits]\nmemory = \"129 MiB\"\n", 2, "128 MiB at most"),
    ("[limits]\nfile = 250\n", 2, "a time like \"250ms\""),
    ("[limits]\nfile = \"1m\"\n", 2, "a time like"), ("[limits]\nnodes = \"5\"\n", 2, "a number"),
    ("[limits]\nfile = \"1s\"\n", 2, "set chain = \"1s\" or more"),
    ("[limits]\nchain = \"2s\"\n", 2, "set deadline = \"2s\" or more"),
    ("[limits]\nchain = \"2s\"\ndeadline = \"1900ms\"\n", 3, "deadline (1900ms) is shorter"),
    (
      "[destination.other]\nwebhook_file = \"x\"\nvalid_users = []\n", 3,
      "valid_users stands in [destination.other]; put it above the first [table]"
    ),
    ("[limits]\nlinger = \"1s\"\n", 2, "linger stands in [limits]"),
    ("[limits]\ndepth = 61\n", 2, "60 at most"),
    ("\nlimits.depth = 61\n", 2, "60 at most"), ("\nlimits = { depth = 61 }\n", 2, "60 at most"),
    ("\nmute.lists = [\"x\"]\n", 2, "there is no list \"x\""),
    ("\nmute = { lists = [\"x\"] }\n", 2, "there is no list \"x\""),
    ("\nlist.x = [\n\"1.2.3\"]\n", 3, "\"1.2.3\" is not"),
    ("\nlist = { x = 5 }\n", 2, "list x must be"),
    ("[limits]\ndepth = -9223372036854775808\n", 2, "8 at least"),
    ("formaters = []\n", 1, "did you mean \"formatters\"?"),
    ("\npost = [\"bann\"]\n", 2, "did you mean \"ban\"?"),
    ("post = \"ban\"\n", 1, "must be a list of strings"),
    ("linger = \"soon\"\n", 1, "must be a time"),
    ("mention_max_age = \"-1\"\n", 1, "mention_max_age must be a time"),
    ("x = \n", 1, "value"),
    ("[destination.other]\nwebhook_fil = \"x\"\n", 2, "did you mean \"webhook_file\"?"),
    ("[destination.other]\n\nwebhook = \"https://x\"\n", 3, "write it to a file of its own"),
    ("[destination.other]\nwebhook_file = \"https://x/y\"\n", 2, "file of its own"),
    ("[destination.other]\n", 1, "needs webhook_file"),
    ("[destination.other]\nwebhook_file = 5\n", 2, "must be the name of a file"),
    ("[destination.o]\nwebhook_file = \"x\"\ntoken_file = \"y\"\n", 3, "only one of them can be"),
    ("[destination.o]\ntoken_file = \"y\"\n", 2, "token_file needs channel beside it"),
    ("[destination.o]\ntoken_file = \"y\"\nchannel = \"a b\"\n", 3, "like \"C0123456789\""),
    ("[destination.o]\nchannel = \"C1\"\nwebhook_file = \"x\"\n", 2, "is chosen in Slack"),
    (
      "[destination.o]\nsmtp_to = \"a\"\napi_url = \"x\"\n", 3,
      "goes with token_file, not with smtp_to"
    ),
    ("[destination.o]\nwebhook_file = \"x\"\nsmtp_server = \"y\"\n", 3, "goes with smtp_to"),
    ("[destination.o]\ntoken = \"xoxb-1\"\n", 2, "token_file = \"token\""),
    ("[destination.o]\ntoken_file = \"xoxb-1\"\n", 2, "a token is a secret"),
    (
      "[destination.o]\ntoken_file = \"t\"\nchannel = \"C1\"\napi_url = \"http://x/api\"\n", 4,
      "https://"
    ),
    ("[destination.o]\nsmtp_to = \"a@b, c@d\"\n", 2, "must be one address"),
    ("[destination.o]\nsmtp_to = \"\"\"a\nBcc:x@y\"\"\"\n", 2, "must be one address"),
    (
      "[destination.o]\nsmtp_to = \"a\"\nsmtp_server = \"smtp://x\"\n", 3,
      "like \"mail.example:25\""
    ),
    ("[destination.o]\nsmtp_to = \"a\"\nsmtp_server = \"x:0\"\n", 3, "like \"mail.example:25\""),
    ("[destination.o]\nwebhook_file = \"x\"\nrate = 5\n", 3, "rate must be like \"1/5s\""),
    ("[destination.o]\nwebhook_file = \"x\"\nrate = \"20/1s\"\n", 3, "to \"10/1s\""),
    ("[destination.o]\nwebhook_file = \"x\"\nburst = 0\n", 3, "from 1 to 100"),
    ("[destination.o]\nwebhook_file = \"x\"\nburst = 9223372036854775807\n", 3, "from 1 to 100"),
    (
      "[destination.o]\nwebhook_file = \"x\"\nfallbck = \"default\"\n", 3,
      "did you mean \"fallback\"?"
    ),
    (
      "[destination.o]\nwebhook_file = \"x\"\nfallback = \"defalt\"\n", 3,
      "did you mean \"default\"?"
    ),
    ("[destination.o]\nwebhook_file = \"x\"\nfallback = \"o\"\n", 3, "back to o: o > o"),
    (
      "[destination.a]\nwebhook_file=\"x\"\nfallback=\"b\"\n[destination.b]\nwebhook_file=\"x\"\n"
        + "fallback=\"c\"\n[destination.c]\nwebhook_file=\"x\"\nfallback=\"b\"\n",
      9, "leads back to b: a > b > c > b"
    ),
    ("[destination.o]\nwebhook_file = \"x\"\nformatter = []\n", 3, "formatter must be a name"),
    ("[destination.o]\nwebhook_file = \"x\"\nca_file = 5\n", 3, "must be the name of a file"),
    ("[destination.o]\nwebhook_file = \"x\"\nhttps_proxy = \"x\"\n", 3, "put it above the first"),
    ("https_proxy = \"proxy:3128\"\n", 1, "like \"http://proxy.example:3128\""),
    ("https_proxy = \"http://u:p@proxy\"\n", 1, "a name and a password"),
    ("https_proxy = \"socks5://proxy\"\n", 1, "like \"http://proxy.example:3128\""),
    ("https_proxy = \"http://proxy/x\"\n", 1, "like \"http://proxy.example:3128\""),
    ("no_proxy = \"x\"\n", 1, "must be a list of strings"),
    ("no_proxy = [\"*.example\"]\n", 1, "\"*.example\" is not a host"),
    ("no_proxy = [\"[2001:db8::1]\"]\n", 1, "is not a host"),
    ("no_proxy = [\"a\",\n\"b,c\"]\n", 2, "\"b,c\" is not a host"),
    ("timeout = \"301s\"\n", 1, "1s to 300s"), ("connect_timeout = \"0s\"\n", 1, "1s to 300s"),
    ("timeout = \"5s\"\n", 1, "shorter than connect_timeout (10s)"),
    ("timeout = \"5s\"\nconnect_timeout = \"6s\"\n", 2, "timeout (5s) is shorter"),
    (
      "[[route]]\nto = [\"default\"]\n[[route]]\n\nto = [\"defualt\"]\n", 5,
      "did you mean \"default\"?"
    ),
    ("[[route]]\nto = [\"x\"]\n", 2, "there is no [destination.x]"),
    ("[[route]]\njail = \"sshd\"\n", 1, "a route needs to ="),
    ("[[route]]\nto = \"default\"\n[[route]]\nto = []\n", 4, "a route needs to ="),
    ("[[route]]\njails = \"x\"\nto = \"default\"\n", 2, "did you mean \"jail\"?"),
    ("[[route]]\njail = [5]\nto = \"default\"\n", 2, "a string or a list of strings"),
    ("[[route]]\nkind = \"bann\"\nto = \"default\"\n", 2, "did you mean \"ban\"?"),
    ("[[route]]\nseverity = \"critica\"\nto = \"default\"\n", 2, "did you mean \"critical\"?"),
    ("[route]\nto = \"default\"\n", 1, "with two brackets"),
    ("\nroute = [{ to = \"defalt\" }]\n", 2, "did you mean \"default\"?"),
    ("route = [5]\n", 1, "with two brackets"),
  ])
  func `a mistake is named with its line and the way out`(
    text: String, line: Int, hint: String
  ) throws {
    let error = #expect(throws: ConfigurationError.self) { try read(text + least) }
    #expect(error?.line == line)
    #expect(error?.description.contains(hint) == true)
    #expect(error?.description.hasPrefix("/etc/luaslack/config.toml:\(line): ") == true)
  }

  @Test(arguments: [
    "webhook = \"https://hooks.slack.com/verysecret\"",
    "webhook_file = \"https://hooks.slack.com/verysecret\"", "token = \"xoxb-verysecret\"",
    "channel = \"C1\"\ntoken_file = \"xoxb-verysecret\"",
  ])
  func `an inline secret is not repeated in the error`(line: String) {
    let error = #expect(throws: ConfigurationError.self) {
      try read("[destination.default]\n\(line)\n")
    }
    #expect(error?.description.contains("is a secret and may not stand here") == true)
    #expect(error.map { "\($0)" }?.contains("verysecret") == false)
    let told = error.map { Finding.all($0).flatMap { $0.lines() }.joined(separator: "\n") } ?? ""
    #expect(told.contains("|"))
    #expect(!told.contains("verysecret"))
  }

  @Test func `all that is wrong is told at once, in the order of the lines`() {
    let text = """
      linger = "soon"
      formattrs = []
      [destination.default]
      webhook_file = "x"
      burst = 0
      [[route]]
      to = ["nowhere"]
      [[route]]
      to = ["default"]
      kind = "bam"
      """
    let windows = #expect(throws: ConfigurationError.self) {
      try read(text.replacing("\n", with: "\r\n"))
    }
    let error = #expect(throws: ConfigurationError.self) { try read(text) }
    #expect(windows == error)
    #expect(error?.all.map(\.line) == [1, 2, 5, 7, 10])
    #expect(error?.all.allSatisfy { $0.excerpt != nil && $0.others.isEmpty } == true)
    #expect(error.map { "\($0)" }?.contains("config.toml:1: linger must be a time") == true)
  }

  @Test func `without a default destination there is nowhere to send`() {
    #expect(throws: ConfigurationError.self) { try read("") }
  }

  @Test(arguments: [
    "", "post = [\"unban\"]\nlinger = 5\n",
    """
    valid_users = ["alice", "a \\"b\\" \\u007F\\t c"]
    friendly_networks = ["198.51.100.0/24", "fe80::1%eth0"]
    timezone = "America/New_York"
    [list]
    scanners = { file = "scan ners.txt" }
    office = ["192.0.2.0/24", "2001:db8::/32"]
    none = []
    [mute]
    lists = ["office", "scanners"]
    [limits]
    memory = "100000000 B"
    file = "50ms"
    depth = 60

    """,
    """
    https_proxy = "http://[::1]:3128/"
    no_proxy = ["10.0.0.0/8", "internal.example"]
    connect_timeout = "5s"
    timeout = "60s"
    [destination."odd name"]
    token_file = "token"
    channel = "#bans"
    rate = "30/1m"
    burst = 5
    fallback = "mail"
    formatter = "minimal"
    ca_file = "ca.pem"
    [destination.mail]
    smtp_to = "root@example.org"
    smtp_server = "127.0.0.1:2525"
    [[route]]
    jail = ["sshd", "ss?d-*"]
    kind = "*ban"
    severity = ["warning", "critical"]
    to = ["odd name", "mail"]
    [[route]]
    to = "default"

    """,
  ])
  func `what config show prints reads back as the same configuration`(text: String) throws {
    let configuration = try read(text + least)
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

@Suite struct TimeZoneRuleTests {
  /// A file of version 2 with nothing in it but a rule.
  private func file(_ rule: String, version: String = "2", end: String = "\n") -> [UInt8] {
    Array("TZif\(version)\u{0}\u{0}TZif\(version)\n\(rule)\(end)".utf8)
  }

  @Test(arguments: [
    "UTC0", "CET-1CEST,M3.5.0,M10.5.0/3", "<+0330>-3:30", "<-03>3", "EST5EDT,M3.2.0,M11.1.0",
    "<-02>2<-01>,M3.5.0/-1,M10.5.0/0", "IST-1GMT0,M10.5.0,M3.5.0/1",
  ])
  func `the rule stands in the last line`(rule: String) {
    #expect(TimeZoneRule.rule(file(rule)) == rule)
    #expect(TimeZoneRule.rule(file(rule, version: "3")) == rule)
  }

  @Test(arguments: [
    "", "Europe/Berlin", ":UTC0", "UTC", "U0", "UTC0\u{0}", "UTC0 ", "UTC-1$(id)", "../../etc/x0",
    "<+03", "<>3", "CÉT-1", "CET-1" + String(repeating: "0", count: 60),
  ])
  func `what is no rule is not handed on`(rule: String) {
    #expect(TimeZoneRule.rule(file(rule)) == nil)
  }

  @Test func `what is no zone file has no rule`() {
    #expect(TimeZoneRule.rule(file("UTC0", version: "\u{0}")) == nil)
    #expect(TimeZoneRule.rule(file("UTC0", end: "")) == nil)
    #expect(TimeZoneRule.rule(Array("UTC0\n".utf8)) == nil)
    #expect(TimeZoneRule.rule(Array("TZif".utf8)) == nil)
    #expect(TimeZoneRule.rule(Array("TZif2\n".utf8)) == nil)
    #expect(TimeZoneRule.rule([]) == nil)
  }

  @Test func `the host's zone is that of its file, or UTC`() throws {
    let place = try TemporaryDirectory()
    try place.write(String(decoding: file("CET-1CEST"), as: UTF8.self), to: "localtime")
    try place.write("odd", to: "odd")
    #expect(TimeZoneRule.ofHost(place.file("localtime")) == "CET-1CEST")
    #expect(TimeZoneRule.ofHost(place.file("odd")) == "UTC0")
    #expect(TimeZoneRule.ofHost(place.file("missing")) == "UTC0")
    #expect(TimeZoneRule.ofHost(place.path) == "UTC0")
  }

  @Test func `a zone is named by its place in the directory and by nothing outside`() throws {
    let place = try TemporaryDirectory()
    let zone = String(decoding: file("CET-1CEST"), as: UTF8.self)
    for name in ["zones/Europe/Berlin", "zones/A/B/C-1", "secret", "zones/a.b", "zones/CET"] {
      try place.write(zone, to: name)
    }
    try place.write("odd", to: "zones/Odd")
    let directory = place.file("zones")
    #expect(try TimeZoneRule.named("Europe/Berlin", in: directory) == "CET-1CEST")
    #expect(try TimeZoneRule.named("A/B/C-1", in: directory) == "CET-1CEST")
    let wrong = [
      "", "/", "../secret", "Europe/../../secret", "Europe", "Europe/", "/Europe/Berlin",
      "Europe//Berlin", "a.b", "./CET", "CET\u{0}", "Odd", String(repeating: "x", count: 100),
    ]
    for name in wrong {
      #expect(throws: TimeZoneRule.Unknown.self) { try TimeZoneRule.named(name, in: directory) }
    }
    func problem(_ name: String, _ directory: String) -> String? {
      do throws(TimeZoneRule.Unknown) {
        return try TimeZoneRule.named(name, in: directory)
      } catch {
        return error.description
      }
    }
    #expect(
      problem("Europe/Brelin", directory)
        == "unknown time zone \"Europe/Brelin\"; did you mean \"Europe/Berlin\"?")
    #expect(problem("Nowhere/At/All", directory)?.contains("holds the names") == true)
    #expect(problem("CET", place.file("none"))?.contains("install tzdata") == true)
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

@Suite struct NearestTests {
  @Test(
    arguments: [
      ("history_event", "history_events"), ("on_ban", "ban"), ("unbann", "unban"), ("x_y_z", nil),
    ] as [(String, String?)])
  func `a misspelt name is told from others by letters, else by its words`(
    name: String, nearest: String?
  ) {
    let known = ["history", "history_events", "ban", "unban"]
    #expect(Nearest.of(name, known) == nearest)
    if let nearest { #expect(Nearest.hint(name, known) == "; did you mean \"\(nearest)\"?") }
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
