import Foundation
import Glibc
import TestSupport
import Testing

/// A host of one test's own for the commands of the documentation, as they stand there: `/etc`, `/var`, `/run`
/// and `/usr/local` are mounts that nobody else sees, with Debian's own configuration in them and a real
/// fail2ban-server whose firewall is a file. Ends every process that was started in it. Only for root.
final class Machine: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let directory: TemporaryDirectory
  let slack: FakeSlack
  private let mounts: PrivateMounts
  private let fail2ban: RunningProgram
  private let slot: Slot

  /// As Debian has it after `apt install fail2ban`, with files for the commands to read from; with `luaslack`
  /// besides set up and installed.
  init(withLuaslack: Bool) async throws {
    slot = await Slot.take()
    directory = try TemporaryDirectory("machine")
    slack = try await FakeSlack()
    mounts = try await PrivateMounts()
    let place = directory.path
    let pages = try await TestSupport.run(
      InstalledTree.checkout + "/tools/make-pages", [Programs.directory, directory.file("pages")],
      environment: ["PATH": "/usr/bin:/bin"])
    guard pages.status == 0 else { throw Failure(description: pages.errors) }
    try directory.write("#!/bin/sh\nexec \"$@\"\n", to: "bin/sudo", mode: 0o755)
    try await mounts.shell(
      """
      umask 022
      cd \(place)
      mkdir -p admin local var/log/nginx var/lib/fail2ban var/spool var/cache var/tmp
      cp -a /etc etc
      # Whoever tests may have luaslack; this host has not.
      sed -i '/^luaslack/d; /^alice:/d' etc/passwd etc/shadow etc/group etc/gshadow
      echo 'alice:x:4242:4242::/nonexistent:/bin/sh' >> etc/passwd
      # The user luaslack reads files that a page's commands name.
      chmod 0711 .
      rm -rf etc/luaslack etc/fail2ban/jail.local etc/fail2ban/jail.d/*.local etc/fail2ban/action.d/luaslack*
      printf '[sshd]\\nenabled = true\\n' > etc/fail2ban/jail.d/defaults-debian.conf
      touch var/log/auth.log var/log/nginx/error.log var/log/fail2ban.log
      ln -s /run var/run
      chmod 1777 var/tmp
      for name in etc var; do mount --bind $name /$name; done
      mount --bind local /usr/local
      mount -t tmpfs tmpfs /run
      mkdir /run/fail2ban
      """)
    let webhook = slack.webhookURL("/services/T000/B000/\(Installation.secret)")
    for (name, text) in [
      "etc/fail2ban/action.d/suite-firewall.conf":
        "[Definition]\nactionban = echo \"<fid>\" >> /var/log/firewall\n",
      // The last that fail2ban reads, so that no command of a page reaches the host's firewall.
      "etc/fail2ban/jail.d/zzz-suite.local":
        "[DEFAULT]\nbackend = polling\nbanaction = suite-firewall\n"
        + "banaction_allports = suite-firewall\n[sshd]\nbackend = polling\n",
      "admin/webhook-url": webhook, "admin/secret": webhook, "admin/new-webhook": webhook + "2",
      "admin/web-webhook": slack.webhookURL("/services/T000/B111/\(Installation.secret)"),
      "admin/backup.log": "exit 12",
      "admin/new.toml": "[destination.default]\nwebhook_file = \"/etc/luaslack/webhook\"",
      "admin/token": "xoxb-\(Installation.secret)",
    ] {
      try directory.write(text + "\n", to: name)
    }
    fail2ban = try mounts.start("/usr/bin/fail2ban-server", ["-xf", "start"])
    try await eventually("fail2ban answers", timeout: .seconds(30), poll: .milliseconds(200)) {
      try await run("fail2ban-client ping").status == 0
    }
    _ = try await run("cp /var/lib/fail2ban/fail2ban.sqlite3 copy.sqlite3")
    if withLuaslack { try await setUp() }
  }

  deinit {
    // Whatever a command left running is in the mounts of this host, and nothing else is.
    for process in processes() { kill(process, SIGTERM) }
    let end = ContinuousClock.now + .seconds(10)
    while ContinuousClock.now < end, !processes().isEmpty { usleep(10_000) }
    for process in processes() { kill(process, SIGKILL) }
  }

  private func processes() -> [pid_t] {
    func mounted(_ process: pid_t) -> String? {
      try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/\(process)/ns/mnt")
    }
    guard let own = mounted(mounts.processID) else { return [] }
    let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
    return names.compactMap { pid_t($0) }.filter { $0 != mounts.processID && mounted($0) == own }
  }

  /// What `install.md` tells, with destinations and an event for the other pages to speak of.
  private func setUp() async throws {
    try directory.write(
      """
      [destination.default]
      webhook_file = "webhook"
      [destination.ops]
      webhook_file = "webhook"

      """, to: "etc/luaslack/config.toml")
    try directory.write(
      "[sshd]\nenabled = true\naction = %(action_)s\n         luaslack\n",
      to: "etc/fail2ban/jail.local")
    for command in [
      "make -s install", "systemd-sysusers luaslack.conf",
      "systemd-tmpfiles --create luaslack.conf",
      "install -m 0640 -g luaslack admin/secret /etc/luaslack/webhook",
      "cp /usr/local/share/luaslack/action.d/*.conf /etc/fail2ban/action.d/",
      "fail2ban-client reload --restart", "luaslack ban --wait -- sshd 203.0.113.7 5",
    ] {
      let isMake = command.hasPrefix("make")
      let done = try await run(
        isMake ? command : "cd \(directory.path); \(command)", inCheckout: isMake)
      guard done.status == 0 else { throw Failure(description: "\(command): \(done.said)") }
    }
  }

  /// Shell commands in the directory with the files, or in that of the sources, until one fails.
  func run(_ commands: String, inCheckout: Bool = false) async throws -> Finished {
    try directory.write("set -eu\n" + commands + "\n", to: "commands")
    let place = inCheckout ? InstalledTree.checkout : directory.file("admin")
    let program = try mounts.start(
      "/usr/bin/env",
      [
        "-i", "-C", place, "HOME=/root", "LC_ALL=C.UTF-8",
        "PATH=\(directory.file("bin")):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        // The programs under test, wherever they were built: nothing is built or installed by apt here.
        "MAKEFLAGS=RELEASE=\(Programs.directory) PAGES=\(directory.file("pages"))", "/bin/sh", "-c",
        ". \(directory.file("commands")) < \(directory.file("admin/webhook-url"))",
      ])
    return try await program.wait(timeout: .seconds(120))
  }

  /// Puts a block of a page where the page says that it belongs.
  func write(_ text: String, to path: String) throws {
    // The bots of the pages post to the test's own Slack.
    let text = text.replacing(/channel = "[#C].*"\n/) {
      "\($0.output)api_url = \"\(slack.apiURL)\"\n"
    }
    let local = "/usr/local/"
    let place = path.hasPrefix(local) ? "/local/" + path.dropFirst(local.count) : path
    try directory.write(text, to: String(place.dropFirst()))
  }

  func read(_ path: String) throws -> String { try directory.read(String(path.dropFirst())) }
}

extension Finished {
  var said: String { output + errors }
}
