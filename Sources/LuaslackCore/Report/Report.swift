/// What happened in a period, in figures: clean text and numbers, ready to be told. Pure; `Queue.report` counts.
public struct Report: Sendable, Equatable {
  /// A count, and the same of the period before; nil where that is not known.
  struct Total: Sendable, Equatable {
    var count: Int64 = 0
    var before: Int64?
  }

  struct Jail: Sendable, Equatable {
    var name: String
    var bans: Total
    var failures: Int64 = 0
  }

  /// An address, a network, a country or a user, by how many bans it had.
  struct Share: Sendable, Equatable {
    var name: String
    var bans: Int64
    var failures: Int64 = 0
    /// Of a network: addresses that were banned in it. Of others 0.
    var addresses: Int64 = 0
  }

  /// An address that comes again and again.
  struct Offender: Sendable, Equatable {
    var name: String
    /// In the 30 days before the report, and of all that is kept.
    var bans: Int64
    var total: Int64
    /// Seconds since 1970.
    var first: Int64
    var last: Int64
    /// Those that banned it most, the first ones.
    var jails: [String]
  }

  struct Destination: Sendable, Equatable {
    var name: String
    var health: DestinationState.Health
    /// In the period: messages that arrived (digests too), those told in a digest, attempts in vain, dead letters.
    var delivered: Int64 = 0
    var folded: Int64 = 0
    var failed: Int64 = 0
    var dead: Int64 = 0
    /// Now, and dead letters of all that is kept.
    var waiting: Int64 = 0
    var held: Int64 = 0
    var deadLetters: Int64 = 0
    /// Seconds since 1970.
    var oldest: Int64?
    var lastOK: Int64?
    var error: String?
  }

  var period: ReportPeriod
  /// Bans and failures are known from then on; nil: all of the period.
  var knownSince: Int64?
  /// The same of other events and of deliveries.
  var eventsSince: Int64?
  var bans = Total()
  var failures = Total()
  /// Of other kinds, by name.
  var others: [EventKind: Total] = [:]
  var jails: [Jail] = []
  /// Jails with bans, and addresses and networks, more than are listed.
  var jailCount: Int64 = 0
  /// Jails that run and banned nobody.
  var quietJails: [String] = []
  var quietJailCount: Int64 = 0
  var addresses: [Share] = []
  var addressCount: Int64 = 0
  var networks: [Share] = []
  var countries: [Share] = []
  var users: [Share] = []
  var offenders: [Offender] = []
  var destinations: [Destination] = []
  /// Bans by bar, the oldest first.
  var bars: [Int64] = []
  /// Seconds since 1970 of the last ban that is known.
  var lastBan: Int64?

  init(_ period: ReportPeriod) {
    self.period = period
    bars = Array(repeating: 0, count: period.bars)
  }

  /// Rows of each list: what one message holds.
  static let most = 10
  static let mostOffenders = 5
  static let mostQuietJails = 20
  /// Seconds for which offenders are counted.
  static let offence: Int64 = 30 * 86_400
  /// Kinds of `others`.
  static let counted: [EventKind] = [.unban, .prolong, .notify, .warning]
  /// Characters of a name, which outsiders choose.
  static let longestName = 64

  /// One line, as long as a name may be.
  static func clean(_ text: String) -> String {
    PlainText.name(text, characters: longestName)
  }

  var isQuiet: Bool { bans.count == 0 }
}

extension Report.Total {
  var difference: Int64? { before.map { count - $0 } }

  /// Nil where there was nothing to compare with.
  var percent: Int64? {
    guard let before, before > 0 else { return nil }
    return Int64((Double(count - before) / Double(before) * 100).rounded())
  }
}

extension Report.Destination {
  /// Something that somebody should look at.
  var isInTrouble: Bool { health != .ok || dead > 0 }
}

// As formatters get it: docs/formatters.md, "Reference: the report".
extension Report {
  /// What every event has, and a report.
  private static let common = ["kind", "host", "severity", "reasons", "time", "now"]
  private static let own = [
    "from", "to", "length", "period", "known_since", "events_since", "totals", "jails",
    "jail_count", "quiet_jails", "quiet_jail_count", "addresses", "address_count", "networks",
    "countries", "users", "offenders", "destinations", "bars", "last_ban", "quiet",
  ]
  static let members = common + own

  /// Words for a report whose deliveries are in trouble.
  private var reasons: [String] {
    destinations.filter(\.isInTrouble).prefix(Self.most).map { destination in
      destination.health == .ok
        ? "\(destination.name): \(destination.dead) given up"
        : "\(destination.name) is \(destination.health.rawValue)"
    }
  }

  var severity: Severity { reasons.isEmpty ? .info : .warning }

  /// Members of `event`.
  var known: [String: Value] {
    var value: Value = [
      "reasons": .array(reasons.map(Value.string)), "time": .int(period.until),
      "from": .int(period.since), "to": .int(period.until), "length": .int(period.length),
      "period": .string(period.words), "totals": totals, "jails": .array(jails.map(\.value)),
      "jail_count": .int(jailCount), "quiet_jails": .array(quietJails.map(Value.string)),
      "quiet_jail_count": .int(quietJailCount), "addresses": .array(addresses.map(\.value)),
      "address_count": .int(addressCount), "networks": .array(networks.map(\.value)),
      "countries": .array(countries.map(\.value)), "users": .array(users.map(\.value)),
      "offenders": .array(offenders.map(\.value)),
      "destinations": .array(destinations.map(\.value)), "quiet": .bool(isQuiet),
      "bars": [
        "step": .int(period.step), "step_in_words": .string(period.stepWords),
        "counts": .array(bars.map(Value.int)), "text": .string(Bars.line(bars)),
      ],
    ]
    value["known_since"] = knownSince.map(Value.int)
    value["events_since"] = eventsSince.map(Value.int)
    value["last_ban"] = lastBan.map(Value.int)
    return value.object ?? [:]
  }

  private var totals: Value {
    var value: Value = ["bans": bans.value, "failures": failures.value]
    for kind in Self.counted {
      value[Self.plural(kind)] = (others[kind] ?? Total()).value
    }
    return value
  }

  /// The name of a kind's total.
  static func plural(_ kind: EventKind) -> String {
    kind == .notify ? "notifications" : kind.rawValue + "s"
  }

  /// What `luaslack report --json` prints: the same, with the host.
  func value(host: String) -> Value {
    var value = Value.object(known)
    value["host"] = .string(PlainText.line(host))
    value["severity"] = .string(severity.rawValue)
    value["time"] = nil
    return value
  }
}

extension Report.Total {
  fileprivate var value: Value {
    var value: Value = ["count": .int(count)]
    value["before"] = before.map(Value.int)
    value["difference"] = difference.map(Value.int)
    value["percent"] = percent.map(Value.int)
    return value
  }
}

extension Report.Jail {
  fileprivate var value: Value {
    var value: Value = [
      "name": .string(name), "bans": .int(bans.count), "failures": .int(failures),
    ]
    value["before"] = bans.before.map(Value.int)
    return value
  }
}

extension Report.Share {
  fileprivate var value: Value {
    var value: Value = ["name": .string(name), "bans": .int(bans), "failures": .int(failures)]
    if addresses > 0 { value["addresses"] = .int(addresses) }
    return value
  }
}

extension Report.Offender {
  fileprivate var value: Value {
    [
      "name": .string(name), "bans": .int(bans), "total": .int(total), "first": .int(first),
      "last": .int(last), "jails": .array(jails.map(Value.string)),
    ]
  }
}

extension Report.Destination {
  fileprivate var value: Value {
    var value: Value = [
      "name": .string(name), "state": .string(health.rawValue), "delivered": .int(delivered),
      "folded": .int(folded), "failed": .int(failed), "dead": .int(dead),
      "waiting": .int(waiting), "held": .int(held), "dead_letters": .int(deadLetters),
    ]
    value["oldest"] = oldest.map(Value.int)
    value["last_ok"] = lastOK.map(Value.int)
    value["error"] = error.map(Value.string)
    return value
  }
}

extension EventRecord {
  /// `at` is in microseconds since 1970.
  init(_ report: Report, to destinations: [String], at: Int64) {
    self.init(kind: .report, jail: "", acceptedAt: at)
    severity = report.severity
    known = report.known
    self.destinations = destinations
  }
}
