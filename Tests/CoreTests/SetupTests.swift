import Glibc
import TestSupport
import Testing

@testable import LuaslackCore

/// The parts of `luaslack init` that need no fail2ban.
@Suite struct SetupTests {
  private let place: TemporaryDirectory

  init() throws { place = try TemporaryDirectory("setup") }

  private var files: SetupFiles { SetupFiles(manifest: place.file("init.json")) }
  private let one = Array("one\n".utf8)
  private let two = Array("two\n".utf8)

  @Test func `what was written is known in the next run and removed by undo`() throws {
    var first = files
    first.makeDirectory(place.file("a/b"))
    let wasPlaced = first.place(one, at: place.file("a/b/file"), permissions: 0o640)
    #expect(wasPlaced)
    first.save()
    #expect(first.steps.map(\.what) == [.wrote, .wrote, .wrote])
    var second = files
    let wasPlacedAgain = second.place(one, at: place.file("a/b/file"))
    #expect(wasPlacedAgain)
    let wasPlacedMore = second.place(two, at: place.file("a/b/file"))
    #expect(wasPlacedMore)
    #expect(second.steps.map(\.what) == [.unchanged, .replaced])
    second.save()
    var third = files
    _ = third.undo { _ in nil }
    third.finishUndo()
    #expect(third.steps.map(\.what) == [.removed, .removed, .removed])
    #expect(try place.names() == [])
  }

  @Test func `a file of somebody else's is neither overwritten nor removed`() throws {
    try place.write("mine\n", to: "file")
    var setup = files
    let wasPlaced = setup.place(one, at: place.file("file"))
    #expect(!wasPlaced)
    #expect(setup.steps.map(\.what) == [.left])
    setup.save()
    #expect(try place.names() == ["file"])
    #expect(try place.read("file") == "mine\n")
  }

  @Test func `a file that was changed since is left, and that is said`() throws {
    var setup = files
    setup.place(one, at: place.file("file"))
    setup.save()
    try place.write("one\nmore\n", to: "file")
    var again = files
    let wasPlaced = again.place(two, at: place.file("file"))
    #expect(!wasPlaced)
    #expect(again.steps.last?.why == "it was changed since luaslack init wrote it")
    var undoing = files
    let nothing = undoing.undo { _ in nil }.isEmpty
    #expect(nothing)
    undoing.finishUndo()
    #expect(undoing.steps.map(\.what) == [.left])
    #expect(try place.names() == ["file"])
  }

  @Test func `what must stay is still known afterwards`() throws {
    var setup = files
    setup.place(one, at: place.file("action"))
    setup.place(one, at: place.file("other"))
    setup.save()
    var undoing = files
    let removed = undoing.undo { $0.hasSuffix("action") ? "a jail names it" : nil }
    undoing.finishUndo()
    #expect(removed.map(\.path) == [place.file("other")])
    #expect(try place.names() == ["action", "init.json"])
    var last = files
    _ = last.undo { _ in nil }
    last.finishUndo()
    #expect(try place.names() == [])
  }

  @Test func `what cannot be remembered is not written`() throws {
    // A directory stands where the memory would be: its name cannot be taken.
    try place.write("", to: "init.json/x")
    var setup = files
    let wasPlaced = setup.place(one, at: place.file("file"))
    #expect(!wasPlaced)
    #expect(setup.steps.map(\.what) == [.failed])
    #expect(try place.names() == ["init.json"])
  }

  @Test func `a file that was remembered and never written is nobody's trouble`() throws {
    var setup = files
    setup.place(one, at: place.file("file"))
    unlink(place.file("file"))
    var undoing = files
    _ = undoing.undo { _ in nil }
    undoing.finishUndo()
    #expect(undoing.steps == [])
    #expect(try place.names() == [])
  }

  @Test func `what another run wrote meanwhile is known once it is read again`() throws {
    var first = files
    var second = files
    second.place(two, at: place.file("theirs"))
    first.reread()
    first.place(one, at: place.file("ours"))
    var undoing = files
    let removed = undoing.undo { _ in nil }.map(\.path)
    #expect(removed == [place.file("ours"), place.file("theirs")])
  }

  @Test func `the package's files are those that dpkg names, while it is installed`() {
    let list = "\n /etc/fail2ban/action.d/luaslack.conf 0123\n /etc/x 4567 obsolete\n\n"
    #expect(
      SetupTexts.packaged("installed" + list) == ["/etc/fail2ban/action.d/luaslack.conf", "/etc/x"])
    #expect(SetupTexts.packaged("config-files" + list) == [])
    #expect(SetupTexts.packaged("") == [])
  }

  @Test func `a damaged memory makes nothing ours`() throws {
    try place.write("{", to: "init.json")
    try place.write("one\n", to: "file")
    var undoing = files
    #expect(undoing.isEmpty)
    let nothing = undoing.undo { _ in nil }.isEmpty
    #expect(nothing)
  }

  @Test func `a directory with something else in it stays`() throws {
    var setup = files
    setup.makeDirectory(place.file("formatters"))
    setup.save()
    try place.write("return {}", to: "formatters/10-mine.lua")
    var undoing = files
    _ = undoing.undo { _ in nil }
    undoing.finishUndo()
    #expect(undoing.steps.map(\.what) == [.left])
    #expect(try place.names() == ["formatters"])
  }

  @Test func `jail files are read as text`() {
    let files = JailFiles([
      ("jail.conf", "[DEFAULT]\nx = 1\n# luaslack\n[sshd]\nport = ssh\n"),
      (
        "jail.local", "[recidive]\n  # action = luaslack\naction = %(action_)s\n   luaslack[to=a]\n"
      ),
    ])
    #expect(files.jails == ["sshd", "recidive"])
    #expect(files.mention == .init(file: "jail.local", line: 4))
    let others = "; luaslack\nlogpath = /var/log/luaslack.log\n# action = luaslack\n"
    #expect(JailFiles([("jail.conf", others)]).mention == nil)
    #expect(JailFiles([("jail.conf", "action=luaslack-lines\n")]).mention?.line == 1)
  }

  @Test func `our file names each jail, never the default`() {
    let text = JailFiles.own(["sshd", "recidive"], options: "--spool=/x")
    #expect(JailFiles.jails(ofOwn: text) == ["sshd", "recidive"])
    let lines = String(decoding: text, as: UTF8.self).split(separator: "\n")
    #expect(lines.count { $0 == "action = %(known/action)s" } == 2)
    #expect(lines.last == #"         luaslack[options="--spool=/x"]"#)
  }

  @Test(arguments: [
    ("sshd", true), ("nginx-http-auth", true), ("a.b_c", true), ("", false), ("a b", false),
    ("a]", false), ("-x", false), ("a/b", false), ("a\nb", false), ("%(x)s", false),
  ])
  func `only what fail2ban reads as one word is a jail's name`(_ name: String, _ isName: Bool) {
    #expect(JailFiles.isName(name) == isName)
  }

  @Test func `a path that fail2ban would misread goes into no jail file`() {
    #expect(JailFiles.options(["--spool=/var/x", "--config=/y"]) == "--spool=/var/x --config=/y")
    for path in ["/a b", "/a%b", "/a]b", "/a\"b", "/a$b", "/a;b", "/a,b"] {
      #expect(JailFiles.options(["--spool=" + path]) == nil)
    }
  }

  @Test func `fail2ban's own word is found among its lines`() {
    let output = """
      2026-11-21 16:52:50,519 fail2ban.configreader   [1]: WARNING 'allowipv6' not defined
      2026-11-21 16:52:50,533 fail2ban                [1]: ERROR   Failed during configuration: Have \
      not found any log file for sshd jail
      2026-11-21 16:52:50,533 fail2ban                [1]: ERROR   ERROR: test configuration failed
      """
    #expect(
      JailFiles.problem(in: output)
        == "Failed during configuration: Have not found any log file for sshd jail")
    #expect(JailFiles.problem(in: "") == "it does not say why")
  }

  @Test func `the action file calls the program by its path, unless it says one`() {
    func action(_ text: String) -> String {
      String(
        decoding: SetupTexts.action(Array(text.utf8), program: "/opt/luaslack"), as: UTF8.self)
    }
    #expect(action("[Init]\nluaslack = luaslack\nx\n") == "[Init]\nluaslack = /opt/luaslack\nx\n")
    #expect(action("luaslack = /usr/bin/luaslack\n") == "luaslack = /usr/bin/luaslack\n")
  }

  @Test func `a group is found by its line`() {
    let file = Array("root:x:0:\nluaslack-submit:x:7:\nluaslack:x:995:a,b\n".utf8)
    #expect(SetupTexts.group(named: "luaslack", in: file) == 995)
    #expect(SetupTexts.group(named: "slack", in: file) == nil)
  }

  @Test func `the order of a jail's actions is fail2ban's`() {
    let setup = Fail2banSetup(
      dump: """
        ['add', 'sshd', 'polling']
        ['set', 'sshd', 'addaction', 'iptables']
        ['multi-set', 'sshd', 'action', 'iptables', [['actionstart', 'x']]]
        ['set', 'sshd', 'addaction', 'luaslack']
        """)
    #expect(setup.actions == ["sshd": ["iptables", "luaslack"]])
    #expect(setup.calling == ["sshd"])
  }
}
