import Posix
import TestSupport
import Testing

@testable import LuaslackCore

/// What doctor makes of the evidence.
@Suite struct DiagnosisTests {
  private func judged(_ judge: (inout Diagnosis) -> Void) -> Diagnosis {
    var diagnosis = Diagnosis()
    judge(&diagnosis)
    return diagnosis
  }

  @Test(arguments: [
    ("Fail2Ban v1.0.2\n", "1.0.2", 0), ("1.1.0\n", "1.1.0", 0), ("Fail2Ban v0.11.2", "0.11.2", 0),
    ("Fail2Ban v0.10.6\n", "0.10.6", 2), ("Fail2Ban v1.1.2.dev1", "1.1.2.dev1", 0), ("", "", 2),
  ])
  func `a version is old or new enough`(_ output: String, _ found: String, _ exit: Int32) {
    let diagnosis = judged { $0.judge(fail2banVersion: output) }
    #expect(diagnosis.findings.map(\.found) == [found])
    #expect(diagnosis.exit.rawValue == exit)
  }

  private static func dump(_ actions: String...) -> Fail2banSetup {
    let lines = actions.map {
      "['set', 'sshd', 'addaction', '\($0)']\n['multi-set', 'sshd', 'action', '\($0)', []]"
    }
    return Fail2banSetup(dump: (["['add', 'sshd', 'polling']"] + lines).joined(separator: "\n"))
  }

  static let orders: [(Fail2banSetup, Int32)] = [
    (dump("iptables", "luaslack"), 0), (dump("iptables", "luaslack", "luaslack-lines"), 0),
    (dump("luaslack", "iptables"), 1), (dump("iptables", "luaslack", "luaslack"), 2),
    (dump("iptables"), 2), (dump("luaslack"), 0), (Fail2banSetup(dump: ""), 2),
  ]

  @Test(arguments: orders)
  func `luaslack stands last in a jail, and once`(_ setup: Fail2banSetup, _ exit: Int32) {
    let diagnosis = judged { $0.judge(setup) }
    #expect(diagnosis.exit.rawValue == exit)
    #expect(diagnosis.findings.allSatisfy { ($0.mend == nil) == ($0.state == .ok) })
  }

  @Test func `a warning by country wants to know countries`() {
    let rules: [Value] = [["name": "a", "by": "jail"], ["name": "b", "by": "country"]]
    let found = judged { $0.judge(warnings: rules, hasDatabases: false) }
    #expect(found.exit == .degraded && found.text.contains("warning b"))
    #expect(!found.text.contains("warning a"))
    #expect(judged { $0.judge(warnings: rules, hasDatabases: true) }.exit == .success)
  }

  @Test func `of a damaged database it is said once what to do`() {
    let found = judged {
      $0.judge(
        database: "/x.mmdb", problem: "it is damaged; \(Diagnosis.wholeDatabase)", type: "",
        builtAt: 0, now: 0)
    }
    #expect(found.findings.map(\.found) == ["/x.mmdb: it is damaged"])
    #expect(found.findings.first?.mend?.hasPrefix("put a whole database there") == true)
  }

  @Test func `a jail is heard of since fail2ban started, or not`() {
    #expect(judged { $0.judge(running: "sshd", lastAt: 5, startedAt: 5) }.exit == .success)
    #expect(judged { $0.judge(running: "sshd", lastAt: 4, startedAt: 5) }.exit.rawValue == 2)
    #expect(judged { $0.judge(running: "sshd", lastAt: nil, startedAt: 5) }.exit.rawValue == 2)
  }

  @Test func `a disk of another machine, or a full one, is no place for a spool`() {
    func exit(_ kind: Int64, _ free: Int64) -> Int32 {
      judged { $0.judge(spool: "/s", FileSystem(kind: kind, free: free)) }.exit.rawValue
    }
    #expect(exit(0xef53, 1 << 40) == 0)
    #expect(exit(0xef53, 1 << 20) == 1)
    #expect(exit(0x6969, 1 << 40) == 2)
  }

  @Test func `a clock that was set back or that nothing keeps is said`() {
    let now: Int64 = 1_800_000_000_000_000
    func exit(_ isSynchronised: Bool?, _ newest: Int64?) -> Int32 {
      judged { $0.judge(clock: now, isSynchronised: isSynchronised, newest: newest) }.exit.rawValue
    }
    #expect(exit(true, now) == 0)
    #expect(exit(nil, nil) == 0)
    #expect(exit(false, now) == 1)
    #expect(exit(true, now + 61_000_000) == 1)
  }

  @Test func `a secret is for root and whoever delivers`() throws {
    let place = try TemporaryDirectory()
    let owner = Process.user
    func exit(_ mode: Int, user: UInt32) throws -> Int32 {
      let path = try place.write("x", to: "webhook", mode: mode)
      let status = try FileStatus.of(path)
      return judged { $0.judge(secret: path, status, user: user, group: status.group) }.exit
        .rawValue
    }
    #expect(try exit(0o600, user: owner) == 0)
    #expect(try exit(0o644, user: owner) == 2)
    #expect(try exit(0o620, user: owner) == 2)
    #expect(judged { $0.judge(secret: "/x", nil, user: owner, group: 0) }.exit.rawValue == 2)
    guard owner == 0 else { return }
    #expect(try exit(0o640, user: 12_345) == 0)
    #expect(try exit(0o600, user: 12_345) == 2)
  }

  @Test func `one line first, then each finding with its mend`() {
    let diagnosis = judged {
      $0.add("a", "well")
      $0.add("b", "ill", .warning, mend: "heal it")
    }
    #expect(
      diagnosis.text
        == "degraded: 1 to mend\n  ok       a: well\n  warning  b: ill\n           mend: heal it\n")
    #expect(diagnosis.value["state"]?.string == "degraded")
  }
}
