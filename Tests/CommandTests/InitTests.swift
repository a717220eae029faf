import Foundation
import TestSupport
import Testing

/// `luaslack init` on a copy of the real /etc/fail2ban, with the real fail2ban-client.
@Suite(
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: "/usr/bin/fail2ban-client"),
    "fail2ban is not installed"))
struct InitTests {
  static let url = "https://hooks.slack.com/services/T000/B000/\(Installation.secret)"

  @Test func `one call sets up what is needed, twice changes nothing, undo leaves nothing`()
    async throws
  {
    let place = try SetUpPlace()
    let before = try place.snapshot()
    let first = try await place.initialize("--jails", "sshd,recidive", secret: Self.url)
    #expect(first.status == 0, "\(first.output)\(first.errors)")
    #expect(!first.output.contains(Installation.secret))
    #expect(try place.directory.read("etc/webhook") == Self.url + "\n")
    let isRoot = geteuid() == 0 && getgrnam("luaslack") != nil
    #expect(try place.mode("etc/webhook") == (isRoot ? 0o640 : 0o600))
    #expect(try place.mode("etc/config.toml") == 0o644)
    #expect(try place.mode("etc/init.json") == 0o600)
    #expect(try place.mode("fail2ban/jail.d/zz-luaslack.local") == 0o644)
    let lines = first.output.split(separator: "\n").map(String.init)
    #expect(lines.dropLast().last == "  fail2ban-client -c \(place.fail2ban) reload --restart")
    #expect(lines.last?.hasPrefix("  luaslack send-test ") == true)

    // fail2ban's own view: after the firewall, in both jails, and called where the program is.
    #expect(try await place.test().status == 0)
    let dump = try await place.dump()
    for jail in ["sshd", "recidive"] {
      let actions = dump.split(separator: "\n").filter {
        $0.hasPrefix("['set', '\(jail)', 'addaction'")
      }
      #expect(actions.count == 2)
      #expect(actions.last == "['set', '\(jail)', 'addaction', 'luaslack']")
    }
    #expect(dump.contains("; \"\(SetUpPlace.program)\" ban "))
    #expect(dump.contains(" --spool=\(place.spool) --config=\(place.config) --id="))
    #expect(!dump.contains(Installation.secret))

    let written = try place.snapshot()
    let second = try await place.initialize("--jails", "sshd,recidive", secret: Self.url)
    #expect(second.status == 0)
    #expect(!second.output.contains("wrote") && !second.output.contains("reload"))
    let third = try await place.initialize()
    #expect(third.status == 0, "\(third.output)")
    #expect(try place.snapshot() == written)

    let undo = try await place.initialize("--undo")
    #expect(undo.status == 0, "\(undo.output)")
    #expect(try place.snapshot() == before)
    #expect(try await place.test().status == 0)
  }

  @Test func `what it writes passes luaslack check`() async throws {
    let place = try SetUpPlace()
    _ = try await place.initialize(secret: Self.url)
    let check = try await run(Programs.luaslack, ["check", "--config", place.config])
    #expect(check.status == 0, "\(check.output)\(check.errors)")
    let bot = try SetUpPlace()
    let set = try await bot.initialize(
      "--channel", "C0123456789", secret: "xoxb-\(Installation.secret)")
    #expect(set.status == 65)
    #expect(set.output.contains("--jails recidive,sshd"))
    #expect(try bot.directory.read("etc/config.toml").contains(#"channel = "C0123456789""#))
    #expect(
      try await run(Programs.luaslack, ["check", "--config", bot.config]).status == 0)
  }

  @Test func `an editor is told where the types of formatters are`() async throws {
    let place = try SetUpPlace()
    let first = try await place.initialize(secret: Self.url)
    #expect(
      first.output.contains("wrote     \(place.directory.file("etc/formatters/.luarc.json"))"))
    let settings = try JSON(parsing: place.directory.read("etc/formatters/.luarc.json"))
    #expect(settings["runtime"]["version"].string == "Lua 5.4")
    let types = try #require(settings["workspace"]["library"][0].string)
    for name in ["luaslack.lua", "lua.lua"] {
      #expect(FileManager.default.fileExists(atPath: types + "/" + name), "\(types)/\(name)")
    }
    // It is no formatter, and whoever has their own keeps it.
    let check = try await run(Programs.luaslack, ["check", "--config", place.config])
    #expect(check.status == 0 && !check.errors.contains("luarc"), "\(check.errors)")
    try place.directory.write("{}\n", to: "etc/formatters/.luarc.json")
    let second = try await place.initialize()
    #expect(second.output.contains(".luarc.json  (it was changed since luaslack init wrote it)"))
    let undo = try await place.initialize("--undo")
    #expect(undo.output.contains(".luarc.json  (it was changed since"), "\(undo.output)")
    #expect(try place.directory.read("etc/formatters/.luarc.json") == "{}\n")
  }

  @Test func `a ban goes the whole way through what it set up`() async throws {
    let slack = try await FakeSlack()
    let place = try SetUpPlace()
    let set = try await place.initialize("--jails", "sshd", secret: slack.webhookURL())
    #expect(set.status == 0, "\(set.output)")
    let places = ["--spool", place.directory.file("spool"), "--config", place.config]
    let test = try await run(Programs.luaslack, ["send-test"] + places)
    #expect(test.output == "default: delivered (200 ok)\n")
    let server = try await SetUpServer(place)
    try await server.client("set", "sshd", "banip", "203.0.113.7")
    let messages = try await slack.waitForMessages(2)
    #expect(messages.last?.text.contains("sshd banned 203.0.113.7") == true)
    try await server.stop()
  }

  @Test func `a jail file that a killed run left unjudged is judged by the next`() async throws {
    let place = try SetUpPlace()
    // Right alone, and wrong as soon as a jail calls it.
    try place.directory.write(
      "[INCLUDES]\nbefore = nowhere.conf\n[Definition]\nactionban = %(nothing)s\n",
      to: "fail2ban/action.d/luaslack.conf")
    let name = "fail2ban/jail.d/zz-luaslack.local"
    let client = try place.directory.write(
      """
      #!/bin/sh
      if [ -e "\(place.directory.file(name))" ] && [ "$3" = -t ]; then kill -KILL $PPID; exit 1; fi
      exec /usr/bin/fail2ban-client "$@"

      """, to: "client", mode: 0o755)
    let first = try await run(
      Programs.luaslack,
      ["init", "--fail2ban-dir", place.fail2ban, "--fail2ban-client", client, "--jails", "sshd"]
        + place.places, environment: SetUpPlace.path)
    #expect(first.signal == SIGKILL)
    #expect(try await place.test().status != 0)

    let second = try await place.initialize("--jails", "sshd", secret: Self.url)
    #expect(second.output.contains("fail2ban refuses the change, so it was taken back: "))
    #expect(try place.directory.names(in: "fail2ban/jail.d") == [])
    #expect(try await place.test().status == 0)
  }

  @Test func `the action stays as long as an edited jail file names it`() async throws {
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: Self.url)
    let name = "fail2ban/jail.d/zz-luaslack.local"
    try place.directory.write(try place.directory.read(name) + "# mine\n", to: name)
    // fail2ban cannot be asked what it thinks of it.
    try FileManager.default.removeItem(atPath: place.fail2ban + "/filter.d/sshd.conf")
    let undo = try await place.initialize("--undo")
    #expect(undo.status == 65, "\(undo.output)")
    #expect(undo.output.contains("take luaslack out of jail.d/zz-luaslack.local, line "))
    #expect(try place.directory.names(in: "fail2ban/action.d").contains("luaslack.conf"))
  }

  @Test(.enabled(if: geteuid() == 0, "needs root, to give a file away"))
  func `what somebody else may have written is not believed`() async throws {
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: Self.url)
    chown(place.directory.file("etc/init.json"), 54_322, 54_322)
    let before = try place.snapshot()
    let undo = try await place.initialize("--undo")
    #expect(undo.status == 65, "\(undo.output)")
    #expect(undo.output.contains("nothing is known"))
    #expect(try place.snapshot() == before)
  }

  @Test func `a change that fail2ban refuses is taken back`() async throws {
    let place = try SetUpPlace()
    // Right alone, and wrong as soon as a jail calls it.
    try place.directory.write(
      "[INCLUDES]\nbefore = nowhere.conf\n[Definition]\nactionban = %(nothing)s\n",
      to: "fail2ban/action.d/luaslack.conf")
    let set = try await place.initialize("--jails", "sshd", secret: Self.url)
    #expect(set.status == 65, "\(set.output)")
    #expect(set.output.contains("fail2ban refuses the change, so it was taken back: "))
    #expect(try place.directory.names(in: "fail2ban/jail.d") == [])
    #expect(try await place.test().status == 0)
  }

  @Test func `a jail that builds on what is known already is told of, and left as it is`()
    async throws
  {
    let place = try SetUpPlace()
    try place.directory.write(
      "[sshd]\naction = %(known/action)s\n         %(action_mw)s\n",
      to: "fail2ban/jail.d/mail.local")
    let set = try await place.initialize("--jails", "sshd", secret: Self.url)
    #expect(set.status == 65, "\(set.output)")
    #expect(
      set.output.contains("it was taken back: ")
        && set.output.contains("add luaslack as one more line"))
    #expect(try place.directory.names(in: "fail2ban/jail.d") == ["mail.local"])
    #expect(try await place.test().status == 0)
  }

  @Test func `a configuration that is wrong already is not made longer`() async throws {
    let place = try SetUpPlace()
    try place.directory.write(
      "[sshd]\nenabled = true\nbackend = polling\nlogpath = /nonexistent/log\n",
      to: "fail2ban/jail.local")
    let set = try await place.initialize("--jails", "sshd", secret: Self.url)
    #expect(set.status == 65)
    #expect(
      set.output.contains(
        "fail2ban's configuration is wrong as it is, so no jail was changed: "
          + "Failed during configuration: Have not found any log file for sshd jail"))
    #expect(try place.directory.names(in: "fail2ban/jail.d") == [])
  }

  @Test func `jails that do not exist, are not enabled or call luaslack already are named`()
    async throws
  {
    let place = try SetUpPlace()
    let unknown = try await place.initialize("--jails", "shhd", secret: Self.url)
    #expect(unknown.status == 65)
    #expect(unknown.output.contains(#"there is no jail shhd; did you mean "sshd"?"#))
    let off = try await place.initialize("--jails", "sshd,nginx-http-auth")
    #expect(off.status == 65)
    #expect(off.output.contains("jail nginx-http-auth is not enabled"))
    _ = try await place.initialize("--undo")
    try place.directory.write(
      try place.directory.read("fail2ban/jail.local")
        + "action = %(known/action)s\n         luaslack\n", to: "fail2ban/jail.local")
    let twice = try await place.initialize("--jails", "sshd,recidive", secret: Self.url)
    #expect(twice.status == 0, "\(twice.output)")
    #expect(twice.output.contains("jail recidive  (it calls luaslack already)"))
    #expect(
      try await place.dump().split(separator: "\n")
        .count { $0 == "['set', 'recidive', 'addaction', 'luaslack']" } == 1)

    // The firewall first: what a jail still names stays, whoever wrote it.
    let undo = try await place.initialize("--undo")
    #expect(undo.status == 65)
    #expect(undo.output.contains("fail2ban would not start without it"))
    #expect(try await place.test().status == 0)
    #expect(try place.directory.names(in: "fail2ban/jail.d") == [])
  }

  @Test func `what somebody changed since stays, and undo says so`() async throws {
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: Self.url)
    try place.directory.write(
      "[destination.default]\nwebhook_file = \"w\"\n", to: "etc/config.toml")
    try place.directory.write("return {}\n", to: "etc/formatters/10-mine.lua")
    let again = try await place.initialize("--jails", "sshd")
    #expect(again.status == 0, "\(again.output)")
    let undo = try await place.initialize("--undo", "--json")
    let steps = try JSON(parsing: undo.output)["steps"].array
    let left = steps.filter { $0["what"].string == "left" }.compactMap { $0["path"].string }
    #expect(
      Set(left) == [
        place.config, place.directory.file("etc/formatters/"), place.directory.file("etc/"),
      ])
    #expect(try place.directory.names(in: "etc") == ["config.toml", "formatters"])
    #expect(try place.directory.names(in: "etc/formatters") == ["10-mine.lua"])
  }

  @Test func `a secret that is none is refused without being shown`() async throws {
    let place = try SetUpPlace()
    for wrong in ["ftp://x/\(Installation.secret)", "xoxb-\(Installation.secret)\u{1}", "hello"] {
      let set = try await place.initialize(secret: wrong)
      #expect(set.status == 65)
      #expect(!(set.output + set.errors).contains(Installation.secret))
      #expect(try !place.directory.names(in: "etc").contains("webhook"))
    }
    let other = try SetUpPlace()
    try other.directory.write("https://example.org/mine\n", to: "etc/webhook", mode: 0o600)
    let set = try await other.initialize(secret: Self.url)
    #expect(set.status == 65)
    #expect(try other.directory.read("etc/webhook") == "https://example.org/mine\n")
  }

  @Test func `on a terminal it asks, and shows nothing of the secret`() async throws {
    let place = try SetUpPlace()
    let command =
      "\(Programs.luaslack) init --config \(place.config) --spool \(place.directory.file("spool")) "
      + "--fail2ban-dir \(place.fail2ban)"
    // script(1) gives it a terminal; each answer comes after its question, as a person's does.
    let shown = place.directory.file("shown")
    func after(_ question: String, _ answer: String) -> String {
      "n=0; until grep -q '\(question)' \(shown) || [ $n = 600 ]; do n=$((n+1)); sleep 0.05; done; "
        + "echo '\(answer)'; "
    }
    let answers = after("not shown", Self.url) + after("Jails", "sshd") + after("send-test", "")
    let asked = try await run(
      "/bin/sh", ["-c", "touch \(shown); { \(answers) } | script -qefc '\(command)' \(shown)"],
      environment: SetUpPlace.path)
    #expect(asked.status == 0, "\(asked.output)")
    #expect(asked.output.contains("it is not shown"))
    #expect(!asked.output.contains(Installation.secret))
    #expect(try place.directory.read("etc/webhook") == Self.url + "\n")
    #expect(
      try place.directory.read("fail2ban/jail.d/zz-luaslack.local").contains("\n[sshd]\n"))
  }

  @Test func `Ctrl-C at the secret ends it, and the terminal shows again what is typed`()
    async throws
  {
    let place = try SetUpPlace()
    // A person's terminal: the program in the foreground of it, and Ctrl-C typed into its other end.
    let script = """
      import os, pty, select, signal, sys, termios, time
      child, terminal = pty.fork()
      if child == 0:
          os.execv(sys.argv[1], sys.argv[1:])
      def shows():
          return bool(termios.tcgetattr(terminal)[3] & termios.ECHO)
      seen, deadline = b"", time.monotonic() + 60
      while b"not shown" not in seen and time.monotonic() < deadline:
          seen += os.read(terminal, 4096)
      hidden = not shows()
      os.write(terminal, b"xoxb-half-typed\\x03")
      ended = os.waitpid(child, 0)[1]
      print(hidden, os.WIFSIGNALED(ended) and os.WTERMSIG(ended) == signal.SIGINT, shows())
      """
    let asked = try await run(
      "/usr/bin/python3",
      ["-c", script, Programs.luaslack, "init", "--fail2ban-dir", place.fail2ban] + place.places,
      timeout: .seconds(120))
    #expect(asked.output == "True True True\n", "\(asked.output)\(asked.errors)")
    #expect(try place.directory.names(in: "etc") == [])
  }

  @Test func `only one works at a time`() async throws {
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: Self.url)
    let before = try place.snapshot()
    let second = try await run(
      "/usr/bin/flock",
      [place.directory.file("etc"), Programs.luaslack, "init", "--undo", "--fail2ban-dir"]
        + [place.fail2ban] + place.places)
    #expect(second.status == 75)
    #expect(second.errors.contains("another luaslack init is at work"))
    #expect(try place.snapshot() == before)
  }

  @Test func `another secret changes the config that init wrote, and no other`() async throws {
    let place = try SetUpPlace()
    let token = "xoxb-\(Installation.secret)"
    _ = try await place.initialize("--channel", "C0123456789", "--jails", "", secret: token)
    #expect(try place.directory.read("etc/config.toml").contains("token_file"))
    let changed = try await place.initialize("--jails", "", secret: Self.url)
    #expect(changed.status == 0, "\(changed.output)")
    #expect(try place.directory.read("etc/config.toml").contains("webhook_file"))
    try place.directory.write("# mine\n", to: "etc/config.toml")
    let own = try await place.initialize("--jails", "", "--channel", "C0123456789", secret: token)
    #expect(own.output.contains("it was changed since luaslack init wrote it"))
    #expect(try place.directory.read("etc/config.toml") == "# mine\n")
  }

  @Test func `what a purge of the package left makes room for the real action`() async throws {
    let place = try SetUpPlace()
    try place.directory.write(
      "# luaslack was removed from this host, but …\n[Definition]\nactionban =\n",
      to: "fail2ban/action.d/luaslack.conf")
    let set = try await place.initialize("--jails", "sshd", secret: Self.url)
    #expect(set.status == 0, "\(set.output)")
    #expect(try await place.dump().contains("; \"\(SetUpPlace.program)\" ban "))
    // The purge still begins it so.
    let postrm = try String(
      contentsOfFile: InstalledTree.checkout + "/packaging/debian/luaslack.postrm", encoding: .utf8)
    #expect(postrm.contains("\n# luaslack was removed from this host"))
  }

  /// Whatever an administrator has made of the jails, each keeps what it does and then tells luaslack.
  @Test(arguments: [
    ("jail.local", "[DEFAULT]\naction = %(action_)s\n         other\n", "sshd"),
    ("jail.d/customisation.local", "[sshd]\naction = other\n", "sshd"),
    ("jail.d/defaults-debian.conf", "[sshd]\nenabled = true\nport = 2222\n", "sshd"),
    (
      "jail.d/Shop.v2.conf", "[Shop.v2]\nenabled = true\nfilter = sshd\naction = other\n", "Shop.v2"
    ),
    ("jail.d/aa.local", "[DEFAULT]\naction = other\n[recidive]\naction = other[x=1]\n", "recidive"),
  ])
  func `every jail keeps the actions it has`(
    _ file: String, _ text: String, _ jail: String
  ) async throws {
    let place = try SetUpPlace()
    try place.directory.write(
      "[Definition]\nactionban = true\n[Init]\nx =\n", to: "fail2ban/action.d/other.conf")
    let earlier = file == "jail.local" ? try place.directory.read("fail2ban/jail.local") : ""
    let log = "[DEFAULT]\nbackend = polling\nlogpath = \(place.directory.file("auth.log"))\n"
    try place.directory.write(text + (file == "jail.local" ? earlier : log), to: "fail2ban/" + file)
    let before = try await actions(of: jail, in: place)
    let set = try await place.initialize("--jails", jail, secret: Self.url)
    #expect(set.status == 0, "\(set.output)")
    #expect(!before.isEmpty)
    #expect(try await actions(of: jail, in: place) == before + ["luaslack"])
    // Named by hand as well since: not twice.
    try place.directory.write(
      "[\(jail)]\naction = %(action_)s\n         luaslack\n",
      to: "fail2ban/jail.d/zy-mine.local")
    let again = try await place.initialize("--jails", jail)
    #expect(again.status == 0, "\(again.output)")
    let now = try await actions(of: jail, in: place)
    #expect(now.count == 2 && now.last == "luaslack", "\(now)")
    #expect(try !place.directory.names(in: "fail2ban/jail.d").contains("zz-luaslack.local"))
  }

  private func actions(of jail: String, in place: SetUpPlace) async throws -> [String] {
    let start = "['set', '\(jail)', 'addaction', '"
    return try await place.dump().split(separator: "\n").filter { $0.hasPrefix(start) }
      .map { String($0.dropFirst(start.count).prefix { $0 != "'" }) }
  }
}
