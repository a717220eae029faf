public import Posix

/// What `luaslack doctor` found, each with its mend. Judges evidence that it is given, and gathers none.
public struct Diagnosis: Sendable {
  public enum State: String, Sendable { case ok, warning, problem }

  public struct Finding: Sendable, Equatable {
    public let subject: String
    public let state: State
    public let found: String
    /// What to do; nil where nothing is wrong.
    public let mend: String?
  }

  public private(set) var findings: [Finding] = []

  public init() {}

  public mutating func add(
    _ subject: String, _ found: String, _ state: State = .ok, mend: String? = nil
  ) {
    findings.append(Finding(subject: subject, state: state, found: found, mend: mend))
  }

  /// As `status` has it.
  public var exit: ExitStatus {
    if findings.contains(where: { $0.state == .problem }) { return .destinationDead }
    return findings.contains { $0.state == .warning } ? .degraded : .success
  }

  // MARK: - Judging

  /// The last line of `fail2ban-client --version`, like `Fail2Ban v1.0.2`.
  public mutating func judge(fail2banVersion output: String) {
    let word = output.split(whereSeparator: \.isWhitespace).last.map(String.init) ?? ""
    let text = word.hasPrefix("v") ? String(word.dropFirst()) : word
    let parts = text.split(separator: ".").map { Int($0.prefix { $0.isNumber }) ?? 0 }
    let isOld = parts.count < 2 || (parts[0], parts[1]) < (0, 11)
    add(
      "fail2ban", PlainText.line(text), isOld ? .problem : .ok,
      mend: isOld ? "the action file needs fail2ban 0.11 or later" : nil)
  }

  /// Which jails call luaslack, after what, and how often.
  public mutating func judge(_ setup: Fail2banSetup) {
    guard !setup.calling.isEmpty else {
      let jails = setup.jails.sorted().joined(separator: ",")
      return add(
        "jails", "none of them calls luaslack", .problem,
        mend: jails.isEmpty
          ? "enable a jail in /etc/fail2ban/jail.local" : "luaslack init --jails \(jails)")
    }
    for jail in setup.calling.sorted() {
      let actions = setup.actions[jail] ?? []
      let order = PlainText.line(actions.joined(separator: ", "))
      let name = "jail \(PlainText.line(jail))"
      let first = actions.firstIndex { $0.hasPrefix("luaslack") } ?? 0
      let isLast = actions[first...].allSatisfy { $0.hasPrefix("luaslack") }
      if let twice = actions.first(where: { name in actions.count { $0 == name } > 1 }) {
        add(
          name, order, .problem,
          mend:
            "it has \(PlainText.line(twice)) twice; take one out, or give the second an actname=")
      } else if !isLast {
        add(
          name, order, .warning,
          mend: "name luaslack after the firewall's action, which then waits for nothing")
      } else {
        add(name, order)
      }
    }
    let silent = setup.jails.subtracting(setup.calling).sorted().joined(separator: ", ")
    if !silent.isEmpty { add("jails", "without luaslack: " + PlainText.line(silent)) }
  }

  /// Whether a jail that runs was heard of since fail2ban started. `lastAt`: its newest event.
  public mutating func judge(running jail: String, lastAt: Int64?, startedAt: Int64) {
    let subject = "events of \(PlainText.line(jail))"
    if let lastAt, lastAt >= startedAt {
      return add(subject, "the last at \(Timestamp.text(lastAt))")
    }
    add(
      subject, "none since fail2ban started at \(Timestamp.text(startedAt))", .problem,
      mend: "fail2ban-client restart \(jail), then look for errors of luaslack in fail2ban's log")
  }

  /// A file with a secret; `user` and `group` deliver.
  public mutating func judge(
    secret path: String, _ status: FileStatus?, user: UInt32, group: UInt32
  ) {
    let subject = "secret"
    guard let status else {
      return add(
        subject, "\(path): cannot be found", .problem,
        mend: "luaslack init, or put the secret there")
    }
    let bits = status.permissions
    let mode =
      "\(path): user \(status.owner), group \(status.group), "
      + "0" + String(bits, radix: 8)
    let isReadable =
      user == 0 || status.owner == user && bits & 0o400 != 0
      || status.group == group && bits & 0o040 != 0
    if status.owner != 0, status.owner != user {
      add(subject, mode, .problem, mend: "chown root \(path)")
    } else if bits & 0o022 != 0 {
      add(subject, mode, .problem, mend: "chmod go-w \(path)")
    } else if bits & 0o007 != 0 {
      add(subject, mode, .problem, mend: "chmod o= \(path); who else has read it? renew the secret")
    } else if !isReadable {
      add(subject, mode, .problem, mend: "chgrp \(group) \(path) && chmod 0640 \(path)")
    } else {
      add(subject, mode)
    }
  }

  /// Seconds after which a database of addresses is worth a word: most are made anew each week or month.
  private static let oldDatabase: Int64 = 90 * 86_400

  /// What `status` says of one that is damaged.
  public static let wholeDatabase = "put a whole one in its place"

  /// A file that tells where addresses are. Times in seconds since 1970.
  public mutating func judge(
    database path: String, problem: String?, type: String, builtAt: Int64, now: Int64
  ) {
    let subject = "geo database"
    let path = PlainText.line(path)
    if let problem {
      // Below stands what to do, and more of it.
      let words = problem.replacing("; " + Self.wholeDatabase, with: "")
      return add(
        subject, "\(path): \(PlainText.line(words))", .warning,
        mend: "put a whole database there that luaslackd's user can read, or take it out of [geo]")
    }
    let what = PlainText.line(String(type.prefix(64)))
    let found = "\(path): \(what) of \(Timestamp.words(builtAt))"
    guard builtAt < now - Self.oldDatabase else { return add(subject, found) }
    add(
      subject, found, .warning,
      mend: "bring a newer one: addresses move; geoipupdate does it by itself")
  }

  /// `[[warning]]` rules that count by country, which only [geo] tells.
  public mutating func judge(warnings: [Value], hasDatabases: Bool) {
    guard !hasDatabases else { return }
    for rule in warnings where rule["by"]?.string == "country" {
      add(
        "warning \(PlainText.line(rule["name"]?.string ?? ""))",
        "counts by country, and nothing tells the country of an address", .warning,
        mend: "name a database in [geo], or count by another thing")
    }
  }

  /// Whom names of addresses are asked of.
  public mutating func judge(resolver server: String?, answers: Bool, milliseconds: Int64) {
    let name = server.map { PlainText.line($0) } ?? "of /etc/resolv.conf"
    let subject = "rdns"
    guard !answers else { return add(subject, "the resolver \(name) answers") }
    add(
      subject, "the resolver \(name) does not answer within \(milliseconds) ms", .warning,
      mend: "name one that does as `server` in [rdns], or leave [rdns] out; no message waits longer"
    )
  }

  /// Bytes below which a disk counts as full.
  private static let least: Int64 = 64 << 20

  public mutating func judge(spool path: String, _ system: FileSystem) {
    if let remote = system.remoteName {
      add(
        "spool", "\(path) lies on \(remote)", .problem,
        mend: "keep it on a disk of this machine: a ban waits for its flush")
    } else if system.free < Self.least {
      add(
        "spool", "\(path): \(system.free >> 20) MiB are free", .warning, mend: "make room there")
    } else {
      add("spool", "\(path): local, writable, \(system.free >> 20) MiB free")
    }
  }

  /// `newest`: when the newest event was accepted.
  public mutating func judge(clock now: Int64, isSynchronised: Bool?, newest: Int64?) {
    let time = Timestamp.text(now)
    if let newest, newest > now + 60_000_000 {
      add(
        "clock", "\(time), but an event was accepted at \(Timestamp.text(newest))", .warning,
        mend: "it was set back; see that it is right now")
    } else if isSynchronised == false {
      add(
        "clock", "\(time), which nothing keeps right", .warning,
        mend: "apt-get install systemd-timesyncd, or chrony")
    } else {
      add("clock", time + (isSynchronised == true ? ", synchronised" : ""))
    }
  }
}

// As text: one line first, then each finding with its mend.
extension Diagnosis {
  public var text: String {
    let wrong = findings.count { $0.state != .ok }
    let word = exit == .success ? "ok" : exit == .degraded ? "degraded" : "NOT WORKING"
    var lines = ["\(word): " + (wrong == 0 ? "nothing to mend" : "\(wrong) to mend")]
    for finding in findings {
      let state = finding.state.rawValue
      let gap = String(repeating: " ", count: 9 - state.utf8.count)
      lines.append("  \(state)\(gap)\(finding.subject): \(finding.found)")
      if let mend = finding.mend { lines.append("           mend: \(mend)") }
    }
    return lines.joined(separator: "\n") + "\n"
  }

  public var value: Value {
    [
      "schema": 1, "version": .string(Version.text),
      "state": .string(
        exit == .success ? "ok" : exit == .degraded ? "degraded" : "not_working"),
      "findings": .array(
        findings.map {
          [
            "subject": .string($0.subject), "state": .string($0.state.rawValue),
            "found": .string($0.found), "mend": $0.mend.map { .string($0) } ?? .null,
          ]
        }),
    ]
  }
}
