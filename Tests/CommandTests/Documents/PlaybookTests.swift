import Foundation
import Glibc
import TestSupport
import Testing

/// docs/many-servers.md: what its playbook does to a host, once and once more.
@Suite struct PlaybookTests {
  private static let page = Page("docs/many-servers.md")

  @Test func `the playbook is YAML, and its tasks have names`() async throws {
    let playbook = try await Playbook()
    #expect(playbook.tasks.count >= 7)
    #expect(playbook.tasks.allSatisfy { $0["name"].string != nil })
    #expect(playbook.commands.count == 3)
  }

  @Test func `the secret is in no command line, and hidden`() async throws {
    let playbook = try await Playbook()
    for task in playbook.commands {
      let command = task["ansible.builtin.command"]
      #expect(command["argv"].array.allSatisfy { $0.string?.contains("secret }") == false })
      #expect(command["stdin"].isNull || task["no_log"].bool == true)
    }
  }

  /// As the package leaves a host.
  private func hostWithPrograms() async throws -> Machine {
    let machine = try await Machine(withLuaslack: false)
    #expect(try await machine.run("make -s install", inCheckout: true).status == 0)
    let accounts = "systemd-sysusers luaslack.conf; systemd-tmpfiles --create luaslack.conf"
    _ = try await machine.run(accounts)
    return machine
  }

  @Test(.enabled(if: geteuid() == 0 && Fail2banServer.isInstalled, "needs root and fail2ban"))
  func `its commands set a host up, and change nothing the second time`() async throws {
    let playbook = try await Playbook()
    let machine = try await hostWithPrograms()
    let template = try #require(Self.page.blocks("toml config.toml.j2").first).text
      .replacing("{{ luaslack_share }}", with: "40")
    try machine.write(template, to: "/etc/luaslack/config.toml")
    let formatter = try #require(Self.page.blocks("lua").first).text
    try machine.write(formatter, to: "/etc/luaslack/formatters/50-digest.lua")
    for validate in playbook.validations {
      let file = validate.contains("--config") ? "config.toml" : "formatters/50-digest.lua"
      let done = try await machine.run(validate.replacing("%s", with: "/etc/luaslack/" + file))
      #expect(done.status == 0, "\(validate): \(done.said)")
    }
    for changes in [true, false] {
      let before = try? machine.read("/etc/fail2ban/jail.d/zz-luaslack.local")
      for task in playbook.commands(whenChanged: changes) {
        let words = task["ansible.builtin.command"]["argv"].array.compactMap(\.string)
          .map { $0.contains("luaslack_jails") ? "sshd" : $0 }
        let isInit = words.contains("init")
        let input = isInit ? " < secret" : ""
        let done = try await machine.run(words.joined(separator: " ") + input)
        #expect(words.contains("doctor") ? done.status ?? 2 < 2 : done.status == 0, "\(done.said)")
        guard isInit else { continue }
        let steps = try JSON(parsing: done.output)["steps"].array.compactMap { $0["what"].string }
        let wasChanged = steps.contains { ["wrote", "replaced", "removed"].contains($0) }
        #expect(wasChanged == changes, "\(done.output)")
        #expect(task["changed_when"].string?.contains("['wrote', 'replaced', 'removed']") == true)
        #expect(!done.said.contains(Installation.secret))
      }
      let after = try machine.read("/etc/fail2ban/jail.d/zz-luaslack.local")
      #expect(changes ? before == nil : before == after)
    }
    #expect(try machine.read("/etc/luaslack/config.toml") == template)
    let doctor = try await machine.run("luaslack doctor --json || true")
    let findings = try JSON(parsing: doctor.output)["findings"].array
    let wrong = findings.filter { $0["state"].string == "problem" }
    #expect(wrong.isEmpty, "\(wrong)")
    #expect(findings.contains { $0["subject"].string == "destination default" })
  }

  // MARK: - Where ansible is installed

  private static let ansible: String? = {
    let path = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return path.split(separator: ":").map { "\($0)/ansible-playbook" }.first {
      FileManager.default.isExecutableFile(atPath: $0)
    }
  }()

  @Test(.enabled(if: ansible != nil, "ansible is not installed"))
  func `ansible reads the playbook`() async throws {
    let place = try TemporaryDirectory("ansible")
    try place.write(Playbook.text, to: "luaslack.yml")
    let done = try await run(
      try #require(Self.ansible),
      ["--syntax-check", "-i", "web1,", place.file("luaslack.yml")],
      environment: [
        "PATH": "/usr/bin:/bin", "HOME": place.path, "ANSIBLE_HOME": place.path,
        "LC_ALL": "C.UTF-8",
      ])
    #expect(done.status == 0, "\(done.said)")
  }

  @Test(
    .enabled(
      if: geteuid() == 0 && Fail2banServer.isInstalled && ansible != nil,
      "needs root, fail2ban and ansible"))
  func `ansible sets a host up, and changes nothing the second time`() async throws {
    let machine = try await hostWithPrograms()
    try machine.write(Playbook.text, to: "/admin/luaslack.yml")
    let template = try #require(Self.page.blocks("toml config.toml.j2").first)
    try machine.write(template.text, to: "/admin/config.toml.j2")
    let formatter = try #require(Self.page.blocks("lua").first)
    try machine.write(formatter.text, to: "/admin/formatters/50-digest.lua")
    let secret = try machine.read("/admin/secret").dropLast()
    try machine.write(
      "luaslack_secret: \(secret)\nansible_become: false\n", to: "/admin/vars.yml")
    for isFirst in [true, false] {
      // The package is not there to be installed; all that follows it is done.
      let done = try await machine.run(
        """
        export HOME=$PWD ANSIBLE_HOME=$PWD/.ansible ANSIBLE_REMOTE_TEMP=$PWD/.ansible/remote
        \(try #require(Self.ansible)) -i localhost, -c local --start-at-task 'Write the config' \
          -e @vars.yml luaslack.yml
        """)
      #expect(done.status == 0, "\(done.said)")
      #expect(done.output.contains(" changed=0 ") != isFirst, "\(done.said)")
      #expect(!done.said.contains(Installation.secret))
    }
    #expect(try machine.read("/etc/luaslack/config.toml").contains("rate = \"1/1s\""))
    #expect(try await machine.run("fail2ban-client get sshd actions").output.contains("luaslack"))
  }
}

/// The page's playbook, as Debian's python3-yaml reads it.
struct Playbook {
  static let text = Page("docs/many-servers.md").blocks("yaml playbook").first?.text ?? ""

  let tasks: [JSON]
  let handlers: [JSON]

  init() async throws {
    let plays = try await Self.parsed(Self.text).array
    tasks = plays.flatMap { $0["tasks"].array }
    handlers = plays.flatMap { $0["handlers"].array }
  }

  var commands: [JSON] { Self.commands(tasks + handlers) }

  /// In the order in which they run: the handlers, if something changed, where they are flushed.
  func commands(whenChanged: Bool) -> [JSON] {
    let flush = tasks.firstIndex { $0["ansible.builtin.meta"].string == "flush_handlers" }
    let place = flush ?? tasks.endIndex
    return Self.commands(tasks[..<place] + (whenChanged ? handlers : []) + tasks[place...])
  }

  private static func commands(_ tasks: some Sequence<JSON>) -> [JSON] {
    tasks.filter { !$0["ansible.builtin.command"].isNull }
  }

  /// Every `validate:` of its modules.
  var validations: [String] {
    tasks.flatMap { $0.object.values.compactMap { $0["validate"].string } }
  }

  static func parsed(_ yaml: String) async throws -> JSON {
    let program = "import json, sys, yaml; json.dump(yaml.safe_load(sys.stdin), sys.stdout)"
    let done = try await run(
      "/usr/bin/python3", ["-c", program], stdin: Array(yaml.utf8),
      environment: ["LC_ALL": "C.UTF-8"])
    return try JSON(parsing: done.output)
  }
}
