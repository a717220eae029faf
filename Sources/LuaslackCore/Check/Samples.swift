/// Events to try formatters on, as fail2ban gives them on a good day and on a bad one.
struct Sample: Sendable {
  let name: String
  /// What it is there for.
  let about: String
  /// Text in it was chosen to break messages, so that a formatter's own text cannot be told from it.
  var isHostile = false
  private let kinds: [EventKind]
  private let ip: String
  private let jail: String
  /// Made when they are wanted: the names alone are asked for wherever a command line is read, and some texts are
  /// long.
  private let options: @Sendable () -> [EventRecord.Option: String]
  private let failures: String?
  private let matches: @Sendable () -> String?
  private let title: String?
  private let fields: @Sendable () -> [String: String]
  /// Laid over the event: what the config knows on the host where it happens.
  private let known: [String: Value]
  /// What a database knows.
  private var kept: [String: Value] = [:]
  private var parts: [Sample] = []
  private var run: ProgramRun?
  private var isPlain = false
  private var report: Report?

  /// 2026-11-21 03:27:24 UTC, in microseconds.
  static let moment: Int64 = 1_795_231_644_000_000

  private init(
    _ name: String, _ about: String, isHostile: Bool = false, kinds: [EventKind] = Sample.ofAddress,
    jail: String = "sshd", ip: String = "203.0.113.7", failures: String? = "5",
    _ options: @autoclosure @escaping @Sendable () -> [EventRecord.Option: String] = [:],
    title: String? = nil, matches: @autoclosure @escaping @Sendable () -> String? = nil,
    fields: @autoclosure @escaping @Sendable () -> [String: String] = [:],
    known: [String: Value] = [:]
  ) {
    (self.name, self.about, self.isHostile, self.kinds) = (name, about, isHostile, kinds)
    (self.jail, self.ip, self.failures, self.options) = (jail, ip, failures, options)
    (self.title, self.matches, self.fields, self.known) = (title, matches, fields, known)
  }

  private static let ofAddress = EventKind.recorded.filter(\.hasAddress)
  private static let ofJail = EventKind.recorded.filter(\.isOfJail)

  /// A digest of what these make.
  private static func digest(_ name: String, _ about: String, of samples: [Sample]) -> Sample {
    var sample = Sample(name, about, kinds: [])
    sample.isHostile = samples.contains(where: \.isHostile)
    sample.parts = samples
    return sample
  }

  private static func report(
    _ name: String, _ about: String, isHostile: Bool = false, _ report: Report
  ) -> Sample {
    var sample = Sample(name, about, isHostile: isHostile, kinds: [])
    sample.report = report
    return sample
  }

  /// The events of this sample, one for each kind that it fits.
  func events(_ context: EventContext) -> [Event] {
    if let report {
      let record = EventRecord(report, to: [], at: Self.moment)
      return [Event(record, host: "web1", now: Self.moment, context: context)]
    }
    guard parts.isEmpty else {
      let digest = Digest(of: parts.flatMap { $0.events(context) })
      return [Event(digest, host: "web1", now: Self.moment)]
    }
    return kinds.map { kind in
      var record = EventRecord(kind: kind, jail: jail, ip: ip, acceptedAt: Self.moment)
      for (option, text) in options() { record.set(option, text) }
      if kind.hasAddress { record.setFailures(failures) }
      if kind == .notify { record.setTitle(title ?? run?.title) }
      (record.run, record.isPlain) = (run, isPlain)
      if let run, run.hasFailed { record.severity = .warning }
      if let matches = matches() { record.setMatches(matches) }
      for (name, text) in fields() { record.setField(name, text) }
      if kind.hasAddress || kind.isOwn { record.known = kept }
      if kind.isOwn { record.severity = .warning }
      var event = Event(record, host: "web1", now: Self.moment, context: context)
      for (name, value) in known where kind.hasAddress { event.value[name] = value }
      return event
    }
  }
}

extension Sample {
  fileprivate func knowing(_ history: History) -> Sample { knowing(["history": history.value]) }

  fileprivate func knowing(_ members: [String: Value]) -> Sample {
    var sample = self
    sample.kept.merge(members) { $1 }
    return sample
  }

  fileprivate func running(_ run: ProgramRun) -> Sample {
    var sample = self
    sample.run = run
    return sample
  }

  fileprivate var plain: Sample {
    var sample = self
    sample.isPlain = true
    return sample
  }

  /// Of a site that is picked on; `evil`: what outsiders chose.
  /// Of all bans of a host, of what is no address: nothing is known but how many.
  private static var bareWarning: [String: Value] {
    let rule = WarningRule(name: "busy-host", bans: 20, within: 600)
    let incident = WarningWatch.Incident(
      rule: rule, group: "", since: moment - 60_000_000, firstEvent: 0, last: moment, bans: 20,
      peak: 60_000_000)
    var evidence = Evidence()
    for number in 1...20 {
      evidence.add(
        CountedBan(
          event: 0, at: moment, jail: "sshd", network: nil, name: "guest\(number)", user: nil,
          country: nil, failures: 0, fields: [:]), EventContext())
    }
    let change = WarningWatch.Change(incident: incident, phase: .started, event: 0)
    return EventRecord(change, evidence, EventContext(), now: moment).known
  }

  private static func warning(evil: String?, isOver: Bool) -> [String: Value] {
    var rule = WarningRule(name: "busy-site", bans: 20, within: 600, by: .field("site"))
    rule.mention = ["here"]
    var evidence = Evidence()
    let at = moment - 480_000_000
    for number in 0..<(isOver ? 212 : 20) {
      evidence.add(
        CountedBan(
          event: 0, at: at, jail: evil ?? "wordpress",
          network: Network("198.51.\(100 + number % 9).\(number % 50 + 1)"), name: nil,
          user: evil ?? "admin", country: number % 3 == 0 ? "NL" : "BR", failures: 3, fields: [:]),
        EventContext())
    }
    let incident = WarningWatch.Incident(
      rule: rule, group: evil ?? "shop.example", since: at, firstEvent: 0,
      last: at + (isOver ? 840_000_000 : 470_000_000), bans: isOver ? 212 : 20,
      failures: isOver ? 636 : 60, peak: 95_000_000)
    let change = WarningWatch.Change(
      incident: incident, phase: isOver ? .over(at: moment, isDropped: false) : .started, event: 0)
    return EventRecord(change, evidence, EventContext(), now: moment).known
  }

  static let all =
    ordinary + hostile + [
      digest("storm", "many of these at once", of: ordinary),
      digest("hostile-storm", "many of the hostile ones at once", of: hostile),
      report("report", "a busy day in figures", Report.busy),
      report("report-quiet", "a day without bans", Report.quiet),
      report("hostile-report", "names that try to be markup", isHostile: true, .hostile(evil)),
    ]

  private static let usual: [EventRecord.Option: String] = [
    .time: "1795231644", .bantime: "600", .bancount: "1", .family: "inet4", .restored: "0",
  ]

  private static func usual(_ more: [EventRecord.Option: String]) -> [EventRecord.Option: String] {
    usual.merging(more) { _, new in new }
  }

  private static let lines = """
    Nov 21 03:27:20 web1 sshd[4711]: Failed password for root from 203.0.113.7 port 52144 ssh2
    Nov 21 03:27:23 web1 sshd[4711]: Failed password for root from 203.0.113.7 port 52150 ssh2
    """

  private static let ordinary: [Sample] = [
    Sample("ipv4", "an ordinary ban", usual),
    Sample("ipv6", "an IPv6 address", ip: "2001:db8::7", usual([.family: "inet6"])),
    Sample(
      "details", "user, log lines and fields", usual([.user: "root"]), matches: lines,
      fields: ["site": "example.org", "country": "NL"]),
    Sample("bare", "nothing but what must be there", failures: nil),
    Sample("restored", "a ban that fail2ban repeats", usual([.restored: "1"])),
    Sample("for-good", "a ban without end", usual([.bantime: "-1"])),
    Sample("first", "the first ban that was ever seen", usual).knowing(
      History.empty("203.0.113.0/24")),
    Sample("third", "the third ban of an address", usual([.bancount: "3"])),
    Sample("recidive", "a critical one", jail: "recidive", usual([.bancount: "7"]))
      .knowing(History.sample),
    Sample(
      "valid-user", "somebody who belongs here", kinds: [.ban, .prolong],
      usual([.user: "alice"]),
      known: [
        "valid_user": true, "user": "alice", "severity": "critical",
        "reasons": ["alice is a valid user"],
        "unban_command": "fail2ban-client set sshd unbanip 203.0.113.7",
      ]),
    Sample("geo", "where the address is, and its name", kinds: [.ban, .prolong], usual)
      .knowing([
        "geo": [
          "country": "DE", "flag": "🇩🇪", "name": "Germany", "city": "Berlin", "asn": 64_500,
          "org": "Example Network",
        ], "rdns": "host7.example.net",
      ]),
    Sample("geo-little", "only whose network it is", kinds: [.ban, .prolong], usual)
      .knowing(["geo": ["asn": 64_500]]),
    Sample("id", "what was banned is no address", ip: "", usual([.id: "alice@example.org"]))
      .knowing(History.empty(nil)),
    Sample(
      "odd-numbers", "numbers that are none", failures: "many",
      [.time: "soon", .bantime: "long", .bancount: "often"]),
    Sample(
      "long", "as much text as an event may hold",
      usual([.user: String(repeating: "u", count: 900)]),
      matches: String(repeating: lines + "\n", count: 90)),
    Sample("jail", "a jail that starts, stops or lifts its bans", kinds: ofJail),
    Sample(
      "notify", "another program's text", kinds: [.notify], jail: "", title: "Backup failed",
      matches: "rsync: connection unexpectedly closed\nexit 12", fields: ["job": "nightly"]),
    Sample("notify-bare", "a title alone", kinds: [.notify], jail: "", title: "Backup done"),
    Sample("notify-text", "words without a title", kinds: [.notify], jail: "", matches: "one\n")
      .plain,
    Sample(
      "notify-run", "a program that failed", kinds: [.notify], jail: "",
      matches: "rsync: connection unexpectedly closed\n"
    ).running(ProgramRun(Array("backup.sh".utf8), exit: 12, seconds: 840)),
    Sample("notify-killed", "a program that a signal ended", kinds: [.notify], jail: "")
      .running(ProgramRun(Array("backup.sh".utf8), signal: 9, seconds: 3)),
    Sample("warning-start", "an early warning", kinds: [.warning], jail: "", ip: "")
      .knowing(warning(evil: nil, isOver: false)),
    Sample("warning-all", "one of all bans of the host", kinds: [.warning], jail: "", ip: "")
      .knowing(bareWarning),
    Sample("warning-over", "the end of what it warned of", kinds: [.warning], jail: "", ip: "")
      .knowing(warning(evil: nil, isOver: true)),
  ]

  private static let evil =
    "<!channel> <@U012AB3CD> <https://evil.example|bank> *b* _i_ ~s~ `c` | > & \u{202e}x\u{200b}"

  /// As what luaslackd adds has it.
  private static let plainEvil = Value.string(PlainText.line(evil))

  private static let hostile: [Sample] = [
    Sample(
      "markup", "text that tries to be markup", isHostile: true,
      usual([.user: evil, .id: evil, .host: evil]), matches: evil + "\n```\n" + evil,
      fields: ["site": evil, evil: evil]),
    Sample(
      "empty", "empty texts", isHostile: true, failures: "", usual([.user: " "]), matches: " \n",
      fields: ["site": ""]),
    Sample(
      "flood", "as much as can be, all of it escaped", isHostile: true,
      usual([.user: String(repeating: "<&>", count: 340)]),
      matches: String(repeating: "<&>`\n", count: 3_200),
      fields: Dictionary(
        (0..<64).map { ("field\($0)", String(repeating: "&", count: 1_000)) }
      ) { first, _ in first }),
    Sample(
      "hostile-notify", "a notification that tries to be markup", isHostile: true,
      kinds: [.notify], jail: "", [.host: evil], title: evil, matches: evil + "\n```\n" + evil,
      fields: ["site": evil, evil: evil]),
    Sample(
      "hostile-jail", "a jail's name that tries to be markup", isHostile: true,
      kinds: ofAddress + ofJail, jail: evil, usual),
    Sample(
      "hostile-warning", "an early warning of what tries to be markup", isHostile: true,
      kinds: [.warning], jail: "", ip: ""
    ).knowing(warning(evil: PlainText.line(evil), isOver: false)),
    Sample(
      "hostile-geo", "a database and a name that try to be markup", isHostile: true,
      kinds: [.ban, .prolong], usual
    ).knowing(["geo": ["name": plainEvil, "city": plainEvil, "org": plainEvil]]),
  ]
}

extension History {
  /// Before the first ban.
  fileprivate static func empty(_ network: String?) -> History {
    var history = History()
    history.network = network
    return history
  }

  /// Of an address that comes again and again.
  fileprivate static var sample: History {
    let second = Sample.moment / 1_000_000
    func figures(_ bans: [Int64], first: Int64, last: Int64) -> Figures {
      var figures = Figures()
      for (window, bans) in zip(Window.allCases, bans) {
        figures[window] = Count(bans: bans, failures: 5 * bans)
      }
      (figures.first, figures.last) = (second - first, second - last)
      return figures
    }
    var history = History()
    history.address = figures([1, 3, 6, 6], first: 172_800, last: 2_400)
    history.previous = Ban(jail: "sshd", at: second - 2_400, failures: 5)
    history.jails = ["sshd", "nginx-http-auth"]
    history.network = "203.0.113.0/24"
    history.networkFigures = figures([2, 5, 12, 31], first: 2_000_000, last: 2_400)
    history.jail = figures([0, 1, 4, 9], first: 7_000_000, last: 80_000)
    return history
  }
}
