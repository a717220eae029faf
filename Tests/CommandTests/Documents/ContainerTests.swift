import Foundation
import Glibc
import TestSupport
import Testing

/// docs/containers.md: `luaslack` in a root directory with nothing else in it, as in a container of any other
/// system, with the host's spool mounted; what it accepts is delivered from outside.
@Suite(.enabled(if: geteuid() == 0 && Tool.unshare.works, "needs root and mount namespaces"))
struct ContainerTests {
  private static let busybox = ["/bin/busybox", "/usr/bin/busybox"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  /// A root directory in mounts of its own; the spool in it is the installation's.
  private final class Container: Sendable {
    let installation: Installation
    private let mounts: PrivateMounts
    private var root: String { installation.directory.file("root") }

    init(owner: Int = 0) async throws {
      installation = try await Installation()
      mounts = try await PrivateMounts()
      let root = installation.directory.file("root")
      try await mounts.shell(
        """
        umask 022
        mkdir -p \(root)/usr/local/bin \(root)/var/spool/luaslack \(root)/proc \(root)/dev
        mkdir -p \(installation.spool)
        # The two that every container has; Swift's runtime looks for its own path in /proc.
        mount -t proc proc \(root)/proc
        touch \(root)/dev/null
        mount --bind /dev/null \(root)/dev/null
        chown \(owner):\(owner) \(installation.spool)
        chmod 0711 \(installation.spool)
        cp -L \(Programs.luaslack) \(root)/usr/local/bin/luaslack
        mount --bind \(installation.spool) \(root)/var/spool/luaslack
        """)
    }

    func add(_ program: String, as name: String) async throws {
      try await mounts.shell("mkdir -p \(root)/bin; cp -L \(program) \(root)/bin/\(name)")
    }

    func run(
      _ arguments: [String], environment: [String: String] = ["LUASLACK_SPAWN": "0"],
      mapped: Bool = true
    ) async throws -> Finished {
      let inside = ["/usr/sbin/chroot", root] + arguments
      // Else in ids of its own, among which is no user but root.
      let words = mapped ? inside : ["/usr/bin/unshare", "-U", "--map-root-user"] + inside
      return try await mounts.run(
        words[0], Array(words.dropFirst()), environment: environment)
    }
  }

  private let luaslack = "/usr/local/bin/luaslack"

  @Test func `a ban is accepted where there is nothing but luaslack, and delivered from outside`()
    async throws
  {
    let container = try await Container()
    let arguments = [luaslack, "ban", "--host=web1", "--", "sshd", "203.0.113.7", "5"]
    let done = try await container.run(arguments)
    #expect(done.status == 0 && done.output.isEmpty && done.errors.isEmpty, "\(done)")
    let installation = container.installation
    #expect(installation.incoming.count == 1)
    let daemon = try await installation.daemon()
    let message = try await installation.slack.waitForMessages(1).first
    #expect(message?.text.contains("sshd banned 203.0.113.7 after 5 failures on web1") == true)
    daemon.signal(SIGTERM)
    _ = try await daemon.wait(timeout: .seconds(10))
  }

  @Test func `what it accepts belongs to the spool's owner, who need have no name there`()
    async throws
  {
    let container = try await Container(owner: 4711)
    let done = try await container.run([luaslack, "ban", "--", "sshd", "203.0.113.7", "5"])
    #expect(done.status == 0, "\(done)")
    let name = try #require(container.installation.incoming.first)
    let file = container.installation.spool + "/incoming/" + name
    let attributes = try FileManager.default.attributesOfItem(atPath: file)
    #expect(attributes[.ownerAccountID] as? Int == 4711)
    #expect(attributes[.groupOwnerAccountID] as? Int == 4711)
  }

  @Test func `where luaslackd may be started and is not there, the event is safe and that is said`()
    async throws
  {
    let container = try await Container()
    let done = try await container.run(
      [luaslack, "ban", "--", "sshd", "203.0.113.7", "5"], environment: [:])
    #expect(done.status == 0, "\(done)")
    #expect(done.errors.contains("the event is safe, but luaslackd did not start"), "\(done)")
    #expect(container.installation.incoming.count == 1)
  }

  @Test func `where the spool's owner is not mapped, a call by hand shows it`() async throws {
    let container = try await Container(owner: 4711)
    let arguments = [luaslack, "ban", "--", "sshd", "203.0.113.7", "5"]
    let done = try await container.run(arguments, mapped: false)
    #expect(done.status == 0, "\(done)")
    #expect(done.errors.contains("the event is kept in memory"), "\(done)")
    #expect(container.installation.incoming.isEmpty)
  }

  @Test func `the file managed says as much as the variable`() async throws {
    let container = try await Container()
    try container.installation.directory.write("", to: "spool/managed")
    let done = try await container.run(
      [luaslack, "ban", "--", "sshd", "203.0.113.7", "5"], environment: [:])
    #expect(done.status == 0 && done.errors.isEmpty, "\(done)")
    #expect(container.installation.incoming.count == 1)
  }

  @Test(.enabled(if: busybox != nil, "busybox-static is not installed"))
  func `the action's own command runs in BusyBox's shell`() async throws {
    let container = try await Container()
    try await container.add(try #require(Self.busybox), as: "sh")
    let action = try String(
      contentsOfFile: Fail2banServer.actions + "/luaslack.conf", encoding: .utf8)
    let line = try #require(action.split(separator: "\n").first { $0.hasPrefix("actionban = ") })
    var command = String(line.dropFirst("actionban = ".count))
    for (tag, text) in [
      "luaslack": luaslack, "to": "", "fields": "", "options": "", "fid": "203.0.113.7",
      "ip": "203.0.113.7", "time": "1795231644.0", "bantime": "600", "bancount": "1",
      "family": "inet4", "restored": "0", "F-USER": "root", "name": "sshd", "failures": "5",
    ] {
      command.replace("<\(tag)>", with: text)
    }
    let done = try await container.run(["/bin/sh", "-c", command])
    #expect(done.status == 0 && done.errors.isEmpty, "\(done)")
    #expect(container.installation.incoming.count == 1)
    // And without the program it is silent success.
    let absent = command.replacing(luaslack, with: "/opt/luaslack")
    let nothing = try await container.run(["/bin/sh", "-c", absent])
    #expect(nothing.status == 0 && nothing.errors.isEmpty, "\(nothing)")
  }

  @Test func `the page's Compose file is what its words say`() async throws {
    let block = try #require(Page("docs/containers.md").blocks("yaml").first)
    let file = try await Playbook.parsed(block.text)["services"]["fail2ban"]
    #expect(file["environment"]["LUASLACK_SPAWN"].string == "0")
    let volumes = file["volumes"].array.compactMap(\.string)
    #expect(volumes.contains("/var/spool/luaslack:/var/spool/luaslack"))
    #expect(volumes.contains("\(luaslack):\(luaslack):ro"))
  }
}
