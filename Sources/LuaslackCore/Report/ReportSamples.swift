// Reports to try formatters on.
extension Report {
  private static let second = Sample.moment / 1_000_000
  private static let day = ReportPeriod(until: second, length: 86_400)

  /// Everything that a report may have, but what is missing.
  static var busy: Report {
    var report = Report(day)
    report.bars = [
      0, 0, 1, 3, 2, 0, 5, 9, 14, 22, 41, 38, 17, 12, 0, 0, 4, 7, 11, 6, 8, 3, 1, 2,
    ]
    report.bans = Total(count: 206, before: 184)
    report.failures = Total(count: 1_048, before: 921)
    report.others = [
      .unban: Total(count: 171, before: 180), .prolong: Total(count: 12, before: 12),
      .notify: Total(count: 3, before: 0), .warning: Total(count: 2, before: 4),
    ]
    report.jails = [
      Jail(name: "sshd", bans: Total(count: 160, before: 151), failures: 800),
      Jail(name: "nginx-http-auth", bans: Total(count: 41, before: 33), failures: 205),
      Jail(name: "recidive", bans: Total(count: 5, before: 0), failures: 43),
    ]
    report.jailCount = 3
    (report.quietJails, report.quietJailCount) = (["dovecot", "postfix"], 2)
    report.addresses = [
      Share(name: "203.0.113.7", bans: 12, failures: 60),
      Share(name: "2001:db8::7", bans: 7, failures: 35),
      Share(name: "alice@example.org", bans: 2, failures: 10),
    ]
    report.addressCount = 143
    report.networks = [
      Share(name: "203.0.113.0/24", bans: 38, failures: 190, addresses: 17),
      Share(name: "2001:db8::/48", bans: 7, failures: 35, addresses: 1),
    ]
    report.countries = [
      Share(name: "NL", bans: 81, failures: 405), Share(name: "BR", bans: 40, failures: 200),
    ]
    report.users = [
      Share(name: "root", bans: 97, failures: 485), Share(name: "hun…", bans: 4, failures: 20),
    ]
    report.offenders = [
      Offender(
        name: "203.0.113.7", bans: 31, total: 48, first: second - 80 * 86_400, last: second - 900,
        jails: ["sshd", "recidive"])
    ]
    report.destinations = [
      Destination(
        name: "default", health: .ok, delivered: 188, folded: 22, failed: 3, waiting: 1,
        oldest: second - 20, lastOK: second - 31),
      Destination(
        name: "ops", health: .dead, delivered: 4, failed: 24, dead: 2, waiting: 19, held: 1,
        deadLetters: 3, oldest: second - 40_000, lastOK: second - 41_000,
        error: "404 no_service"),
    ]
    report.lastBan = second - 900
    return report
  }

  static var quiet: Report {
    var report = Report(day)
    for total in [\Report.bans, \Report.failures] { report[keyPath: total].before = 0 }
    for kind in counted { report.others[kind] = Total(count: 0, before: 0) }
    (report.quietJails, report.quietJailCount) = (["sshd"], 1)
    report.destinations = [Destination(name: "default", health: .ok, lastOK: second - 90_000)]
    report.lastBan = second - 5 * 86_400
    return report
  }

  /// As much as can be, of names that outsiders chose.
  static func hostile(_ evil: String) -> Report {
    func name(_ number: Int) -> String { clean("\(number) \(evil)") }
    var report = Report(day)
    report.knownSince = day.since + 3_600
    report.eventsSince = day.since + 7_200
    report.bars[0] = 1 << 53
    report.bars[3] = 1
    report.bans = Total(count: 1 << 53)
    report.failures = Total(count: 1 << 53)
    report.jails = (0..<most).map { Jail(name: name($0), bans: Total(count: 1 << 53)) }
    report.jailCount = 100_000
    report.quietJails = (0..<mostQuietJails).map(name)
    report.quietJailCount = 100_000
    report.addresses = (0..<most).map { Share(name: name($0), bans: 1 << 53) }
    report.addressCount = 100_000
    report.networks = [Share(name: "0.0.0.0/0", bans: 1 << 53, addresses: 1 << 53)]
    report.users = report.addresses
    report.offenders = (0..<mostOffenders).map {
      Offender(
        name: name($0), bans: 1 << 53, total: 1 << 53, first: 0, last: day.until,
        jails: (0..<most).map(name))
    }
    report.destinations = (0..<20).map {
      Destination(
        name: name($0), health: .failing, delivered: 1 << 53, dead: 1, waiting: 1 << 53,
        deadLetters: 1 << 53, error: clean(evil))
    }
    return report
  }
}
