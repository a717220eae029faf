import Foundation
import Glibc
import TestSupport
import Testing

/// The tree that `make install` makes, and that it goes again.
@Suite struct InstallTests {
  @Test func `each file lies where Debian and the FHS have its like`() async throws {
    let tree = try await InstalledTree()
    let expected = [
      "bin/luaslack", "libexec/luaslack/luaslackd", "libexec/luaslack/luaslack-sandbox",
      "libexec/luaslack/luaslack-failure", "lib/systemd/system/luaslack-failure@.service",
      "share/luaslack/action.d/luaslack.conf", "share/luaslack/scripts/default/formatter.lua",
      "lib/sysusers.d/luaslack.conf", "lib/tmpfiles.d/luaslack.conf",
      "lib/systemd/system/luaslackd.service", "lib/systemd/system/luaslack-resume.service",
      "lib/systemd/system/luaslack-resume.timer",
      "lib/systemd/system/luaslack-report.service", "lib/systemd/system/luaslack-report.timer",
      "share/man/man1/luaslack.1",
      "share/man/man5/luaslack-config.5", "share/man/man7/luaslack-formatters.7",
      "share/man/man8/luaslackd.8", "share/bash-completion/completions/luaslack",
      "share/zsh/vendor-completions/_luaslack",
      "share/fish/vendor_completions.d/luaslack.fish",
    ]
    let files = try tree.files()
    for name in expected { #expect(files.contains("usr/" + name), "\(name)") }
    // Nothing of development, and nothing but what has its place.
    let places = [
      "usr/bin/luaslack", "usr/libexec/luaslack/", "usr/share/luaslack/scripts/",
      "usr/share/luaslack/action.d/",
    ]
    for file in files where !places.contains(where: file.hasPrefix) {
      #expect(expected.contains { "usr/" + $0 == file }, "\(file)")
    }
    #expect(!files.contains { $0.contains("fake-slack") })
  }

  @Test func `everybody may read it, and only its owner change it`() async throws {
    let tree = try await InstalledTree()
    for name in try tree.files() {
      var status = stat()
      #expect(lstat(tree.directory.file(name), &status) == 0)
      let mode = status.st_mode & 0o7777
      let isProgram = ["bin/luaslack", "/luaslackd", "/luaslack-sandbox", "/luaslack-failure"]
        .contains { name.hasSuffix($0) }
      let isListed = name.hasPrefix("usr/share/luaslack/")
      #expect(isListed ? mode & 0o7133 == 0 : mode == (isProgram ? 0o755 : 0o644), "\(name)")
    }
  }

  @Test func `the installed programs find each other and their formatters`() async throws {
    let tree = try await InstalledTree(prefix: "/opt/luaslack")
    let trial = try await run(
      tree.file("bin/luaslack"),
      ["ban", "--dry-run", "--spool", tree.directory.file("spool"), "--", "sshd", "203.0.113.7"])
    #expect(trial.status == 0)
    #expect(trial.output.contains("203.0.113.7"))
    #expect(!trial.errors.contains("find"))
    let unit = try tree.directory.read("opt/luaslack/lib/systemd/system/luaslackd.service")
    #expect(unit.contains("\nExecStart=/opt/luaslack/libexec/luaslack/luaslackd\n"))
    // The types beside them are for editors: no formatter is called so.
    try tree.directory.write(
      "formatters = [\"types\"]\n[destination.default]\nwebhook_file = \"webhook\"\n",
      to: "config.toml")
    let check = try await run(
      tree.file("bin/luaslack"), ["check", "--config", tree.directory.file("config.toml")])
    let known = "known: blocks, default, geo, local, minimal, oncall, quiet, report, wordpress"
    #expect(check.output.contains(known), "\(check.output)")
    #expect(
      FileManager.default.fileExists(atPath: tree.file("share/luaslack/scripts/types/lua.lua")))
    let action = try tree.directory.read("opt/luaslack/share/luaslack/action.d/luaslack.conf")
    #expect(action.contains("\nluaslack = /opt/luaslack/bin/luaslack\n"))
  }

  @Test func `uninstall leaves nothing of it`() async throws {
    let tree = try await InstalledTree(prefix: "/usr/local")
    #expect(
      try tree.files().contains("usr/local/share/zsh/site-functions/_luaslack"))
    try await tree.make("uninstall")
    #expect(try tree.files() == [])
  }

  @Test(.enabled(if: Tool.sysusers.works, "needs systemd-sysusers"))
  func `systemd takes its users and directories as they are meant`() async throws {
    let tree = try await InstalledTree()
    let root = "--root=" + tree.directory.path
    mkdir(tree.directory.file("etc"), 0o755)
    let users = try await run("/usr/bin/systemd-sysusers", [root, "luaslack.conf"])
    #expect(users.status == 0, "\(users.errors)")
    let passwd = try tree.directory.read("etc/passwd")
    #expect(passwd.contains("luaslack:x:"))
    #expect(passwd.contains(":/var/spool/luaslack:/usr/sbin/nologin"))
    #expect(try tree.directory.read("etc/group").contains("luaslack-submit:x:"))
    guard geteuid() == 0 else { return }
    let made = try await run(
      "/usr/bin/systemd-tmpfiles", [root, "--create", "luaslack.conf"])
    #expect(made.errors == "")
    for (name, mode) in [
      ("var/spool/luaslack", 0o711), ("var/spool/luaslack/incoming", 0o1730),
      ("var/lib/luaslack", 0o700), ("run/luaslack", 0o700), ("etc/luaslack", 0o755),
    ] {
      var status = stat()
      #expect(lstat(tree.directory.file(name), &status) == 0, "\(name)")
      #expect(Int(status.st_mode & 0o7777) == mode, "\(name)")
    }
    // At another start it changes nobody's files: their owner tells who left them.
    let left = try tree.directory.write("", to: "var/spool/luaslack/incoming/1.1.x")
    chown(left, 12_345, 12_345)
    _ = try await run("/usr/bin/systemd-tmpfiles", [root, "--create", "luaslack.conf"])
    var status = stat()
    #expect(lstat(left, &status) == 0 && status.st_uid == 12_345)
  }
}

extension Tool {
  static let sysusers = Tool(path: "/usr/bin/systemd-sysusers", trial: ["--version"])
}
