import Foundation
import TestSupport
import Testing

/// The Debian package, as far as it can be looked at without installing it; `make test-deb` does that.
@Suite struct PackageTests {
  private static let debian = InstalledTree.checkout + "/packaging/debian/"

  @Test(arguments: ["preinst", "postinst", "prerm", "postrm"])
  func `a maintainer script is a shell's, and calls nothing of fail2ban`(_ name: String)
    async throws
  {
    let path = Self.debian + "luaslack." + name
    #expect(try await run("/bin/sh", ["-n", path]).status == 0)
    let commands = try String(contentsOfFile: path, encoding: .utf8).split(separator: "\n")
      .filter { !$0.drop { $0 == " " }.hasPrefix("#") }
    #expect(!commands.contains { $0.contains("fail2ban-") || $0.contains("fail2ban.service") })
  }

  private static let noFail2ban: Comment = "fail2ban is not installed"
  private static var hasFail2ban: Bool {
    FileManager.default.isExecutableFile(atPath: "/usr/bin/fail2ban-client")
  }

  /// A root with fail2ban's configuration, after dpkg has removed our files, and then the script.
  private func purge(_ jails: String, own: String? = nil) async throws -> (
    TemporaryDirectory, Finished
  ) {
    let root = try TemporaryDirectory("root")
    try FileManager.default.createDirectory(
      atPath: root.file("etc"), withIntermediateDirectories: true)
    try FileManager.default.copyItem(atPath: "/etc/fail2ban", toPath: root.file("etc/fail2ban"))
    for name in try root.names(in: "etc/fail2ban/jail.d") {
      try FileManager.default.removeItem(atPath: root.file("etc/fail2ban/jail.d/" + name))
    }
    for name in try root.names(in: "etc/fail2ban/action.d") where name.hasPrefix("luaslack") {
      try FileManager.default.removeItem(atPath: root.file("etc/fail2ban/action.d/" + name))
    }
    try root.write("", to: "auth.log")
    try root.write(
      """
      [sshd]
      enabled = true
      backend = polling
      logpath = \(root.file("auth.log"))
      \(jails)

      """, to: "etc/fail2ban/jail.local")
    if let own { try root.write(own, to: "etc/fail2ban/jail.d/zz-luaslack.local") }
    for name in ["etc/luaslack/webhook", "var/spool/luaslack/lock", "var/lib/luaslack/luaslack.db"]
    {
      try root.write("x", to: name)
    }
    let script = try await run(
      "/bin/sh", [Self.debian + "luaslack.postrm", "purge"],
      environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "DPKG_ROOT": root.path])
    return (root, script)
  }

  @Test(
    .enabled(if: hasFail2ban, noFail2ban),
    arguments: [
      ("action = %(known/action)s\n         luaslack", ["luaslack"]),
      (
        "action = luaslack[to=\"ops\", timeout=5]\n         luaslack-lines[x=1]",
        ["luaslack", "luaslack-lines"]
      ),
      ("action_slack = luaslack\naction = %(action_)s\n         %(action_slack)s", ["luaslack"]),
      ("#action = luaslack\n; luaslack-lines", []),
    ])
  func `after a purge fail2ban takes its jails, whatever they name`(
    _ jails: String, _ actions: [String]
  ) async throws {
    let (root, script) = try await purge(jails)
    #expect(script.status == 0)
    #expect(script.output == "")
    let left = try root.names(in: "etc/fail2ban/action.d").filter { $0.hasPrefix("luaslack") }
    #expect(Set(left) == Set(actions.map { $0 + ".conf" }))
    for action in actions { #expect(script.errors.contains("names the action \(action);")) }
    #expect(actions.isEmpty == script.errors.isEmpty)
    for place in ["etc", "var/spool", "var/lib"] {
      #expect(try !root.names(in: place).contains("luaslack"))
    }
    let test = try await run(
      "/usr/bin/fail2ban-client", ["-c", root.file("etc/fail2ban"), "-t"],
      environment: ["PATH": "/usr/bin:/bin"])
    #expect(test.status == 0, "\(test.output) \(test.errors)")

    // Installed again, the real files find their places free.
    let again = try await run(
      "/bin/sh", [Self.debian + "luaslack.preinst", "install"],
      environment: ["PATH": "/usr/bin:/bin", "DPKG_ROOT": root.path])
    #expect(again.status == 0)
    let names = try root.names(in: "etc/fail2ban/action.d")
    #expect(!names.contains { $0.hasPrefix("luaslack") })
  }

  /// What `luaslack init` wrote, and the same with a line of an administrator's.
  @Test(
    .enabled(if: hasFail2ban, noFail2ban),
    arguments: [
      ("", false), ("bantime = 1h\n", true), ("         luaslack-lines\n", true),
    ])
  func `a purge takes init's jails along, and what was made of them stays`(
    _ more: String, _ stays: Bool
  ) async throws {
    let place = try SetUpPlace()
    let set = try await place.initialize("--jails", "sshd,recidive", secret: InitTests.url)
    #expect(set.status == 0, "\(set.output)")
    let own = try place.directory.read("fail2ban/jail.d/zz-luaslack.local")
    let (root, script) = try await purge("", own: own + more)
    #expect(script.status == 0)
    #expect(try root.names(in: "etc/fail2ban/jail.d") == (stays ? ["zz-luaslack.local"] : []))
    #expect(script.errors.contains("names the action luaslack;") == stays)
    let test = try await run(
      "/usr/bin/fail2ban-client", ["-c", root.file("etc/fail2ban"), "-t"],
      environment: ["PATH": "/usr/bin:/bin"])
    #expect(test.status == 0, "\(test.output) \(test.errors)")
  }

  @Test(.enabled(if: hasFail2ban, noFail2ban))
  func `what an upgrade or a removal calls of the script changes nothing`() async throws {
    for word in ["remove", "upgrade", "abort-install", "disappear"] {
      let root = try TemporaryDirectory("root")
      try root.write("action = luaslack", to: "etc/fail2ban/jail.local")
      try root.write("x", to: "var/spool/luaslack/lock")
      let script = try await run(
        "/bin/sh", [Self.debian + "luaslack.postrm", word],
        environment: ["PATH": "/usr/bin:/bin", "DPKG_ROOT": root.path])
      #expect(script.status == 0)
      #expect(try root.names(in: "var/spool/luaslack") == ["lock"])
      #expect(try root.names(in: "etc/fail2ban") == ["jail.local"])
    }
  }
}
