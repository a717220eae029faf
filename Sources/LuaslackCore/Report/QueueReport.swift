internal import SQLite

// What happened, counted. Bans are read by their time (`ban_at`); what is kept of other events and of deliveries has
// indexes of its own, so that a report costs what its period holds and not what the database does.
extension Queue {
  /// Users that are counted: an attacker tries as many as he likes.
  private static let mostUsers: Int64 = 2_000
  /// Jails of which the bans before are looked for.
  private static let mostJails = 1_000

  /// `now` is in microseconds since 1970. Users are shown as `context` has them.
  func report(
    of period: ReportPeriod, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> Report {
    var report = Report(period)
    let known = try knowledge()
    func partly(_ since: Int64) -> Int64? { since > period.since ? min(since, period.until) : nil }
    report.knownSince = partly(known.bans)
    report.eventsSince = partly(known.events)
    try countBans(&report, comparing: known.bans <= period.beforeSince)
    try countOthers(&report, comparing: known.events <= period.beforeSince)
    try nameAddresses(&report)
    try nameUsers(&report, context)
    report.countries = try countries(period)
    report.offenders = try offenders(until: period.until)
    report.lastBan = try database.first(
      "SELECT at FROM ban WHERE at < ? ORDER BY at DESC LIMIT 1", .integer(period.until)
    ) { $0.integer(0) }
    report.destinations = try destinations(period)
    return report
  }

  // MARK: - What is known

  /// From when on nothing is missing, in seconds since 1970: what was pruned counts as never seen, and so does what
  /// happened before there was a luaslack.
  private func knowledge() throws(DatabaseError) -> (bans: Int64, events: Int64) {
    func mark(_ task: String) throws(DatabaseError) -> Int64? {
      try database.first("SELECT at FROM upkeep WHERE task = ?", .text(task)) { $0.integer(0) }
    }
    let oldest = try database.first(
      "SELECT accepted_at FROM event ORDER BY accepted_at LIMIT 1"
    ) { $0.integer(0) }
    let begun = (try mark(Self.begun) ?? oldest ?? .max) / 1_000_000
    let bans = try mark(Self.prunedBans).map { $0 + 1 }
    let events = try mark(Self.prunedEvents).map { $0 / 1_000_000 + 1 }
    return (max(begun, bans ?? begun), max(begun, events ?? begun))
  }

  /// Rows of `upkeep`, that of bans in seconds, the others in microseconds since 1970: the newest that was pruned, and
  /// the oldest that there was when that began.
  private static let (prunedBans, prunedEvents, begun) = ("pruned bans", "pruned events", "begun")

  /// Called with the newest of what is about to go.
  func notePruned(bansUntil second: Int64) throws(DatabaseError) {
    try note(Self.prunedBans, atLeast: second)
  }

  func notePruned(eventsUntil time: Int64) throws(DatabaseError) {
    try database.run(
      """
      INSERT OR IGNORE INTO upkeep (task, at, was_enough)
      SELECT ?, accepted_at, 1 FROM event ORDER BY accepted_at LIMIT 1
      """, .text(Self.begun))
    try note(Self.prunedEvents, atLeast: time)
  }

  /// After a damaged database, of which only what waited is saved.
  func noteLost(before now: Int64) throws(DatabaseError) {
    try note(Self.begun, atLeast: now)
  }

  private func note(_ task: String, atLeast time: Int64) throws(DatabaseError) {
    try database.run(
      """
      INSERT INTO upkeep (task, at, was_enough) VALUES (?, ?, 1)
      ON CONFLICT DO UPDATE SET at = max(at, excluded.at)
      """, .text(task), .integer(time))
  }

  // MARK: - Bans

  /// Totals, jails and bars of both periods in one pass.
  private func countBans(
    _ report: inout Report, comparing: Bool
  ) throws(DatabaseError) {
    let period = report.period
    var jails: [String: (bans: Int64, before: Int64, failures: Int64)] = [:]
    var before = (bans: Int64(0), failures: Int64(0))
    var bars = report.bars
    try database.forEach(
      """
      SELECT jail, CASE WHEN at < ?2 THEN -1 ELSE ?4 - 1 - (?3 - 1 - at) / ?5 END, count(*),
        sum(failures)
      FROM ban INDEXED BY ban_at WHERE at >= ?1 AND at < ?3 GROUP BY 1, 2
      """, .integer(comparing ? period.beforeSince : period.since), .integer(period.since),
      .integer(period.until), .integer(Int64(period.bars)), .integer(period.step)
    ) { row in
      let (bar, bans, failures) = (row.integer(1), row.integer(2), row.integer(3))
      var jail = jails[row.text(0)] ?? (0, 0, 0)
      if bar < 0 {
        before = (before.bans + bans, before.failures + failures)
        jail.before += bans
      } else {
        if bars.indices.contains(Int(bar)) { bars[Int(bar)] += bans }
        (jail.bans, jail.failures) = (jail.bans + bans, jail.failures + failures)
      }
      jails[row.text(0)] = jail
    }
    report.bars = bars
    report.bans = .init(
      count: jails.values.reduce(0) { $0 + $1.bans }, before: comparing ? before.bans : nil)
    report.failures = .init(
      count: jails.values.reduce(0) { $0 + $1.failures }, before: comparing ? before.failures : nil)
    report.jailCount = Int64(jails.values.count { $0.bans > 0 })
    report.jails = jails.sorted {
      ($1.value.bans, $1.value.before, $0.key) < ($0.value.bans, $0.value.before, $1.key)
    }.prefix(Report.most).map { name, jail in
      Report.Jail(
        name: Report.clean(name),
        bans: .init(count: jail.bans, before: comparing ? jail.before : nil),
        failures: jail.failures)
    }
    let quiet = try database.all("SELECT name FROM jail WHERE is_running = 1 ORDER BY name") {
      $0.text(0)
    }.filter { (jails[$0]?.bans ?? 0) == 0 }
    report.quietJailCount = Int64(quiet.count)
    report.quietJails = quiet.prefix(Report.mostQuietJails).map(Report.clean)
  }

  /// Each address of a period with its bans; ?1 to ?2.
  private static let groups = """
    WITH banned AS MATERIALIZED (
      SELECT network, base, prefix, name, count(*) AS bans, sum(failures) AS failures
      FROM ban INDEXED BY ban_at WHERE at >= ?1 AND at < ?2 GROUP BY base, prefix, name)
    """

  private static func who(_ row: borrowing Row) -> String {
    Network(base: row.number(0), prefix: row.integer(1))?.description
      ?? Report.clean(row.text(2))
  }

  private func nameAddresses(_ report: inout Report) throws(DatabaseError) {
    let (since, until) = (
      SQLValue.integer(report.period.since), SQLValue.integer(report.period.until)
    )
    let most = SQLValue.integer(Int64(Report.most))
    let addresses = try database.all(
      """
      \(Self.groups) SELECT base, prefix, name, bans, failures, (SELECT count(*) FROM banned)
      FROM banned ORDER BY bans DESC, failures DESC, base, prefix, name LIMIT ?3
      """, since, until, most
    ) { row in
      (
        share: Report.Share(
          name: Self.who(row), bans: row.integer(3), failures: row.integer(4)),
        all: row.integer(5)
      )
    }
    report.addresses = addresses.map(\.share)
    report.addressCount = addresses.first?.all ?? 0
    // What one owner mostly has, as `Network.owner`: a wider network is its own.
    report.networks = try database.all(
      """
      \(Self.groups), owned AS (
        SELECT network, base, bans, failures,
          min(prefix, iif(network < \(Network.firstIPv6Owner), 120, 48)) AS bits
        FROM banned WHERE network IS NOT NULL)
      SELECT min(base), bits, sum(bans), sum(failures), count(*) FROM owned GROUP BY network, bits
      ORDER BY 3 DESC, 5 DESC, network, bits LIMIT ?3
      """, since, until, most
    ) { row in
      Report.Share(
        name: Network(base: row.number(0), prefix: row.integer(1))?.description ?? "",
        bans: row.integer(2), failures: row.integer(3), addresses: row.integer(4))
    }.filter { !$0.name.isEmpty }
  }

  /// Several names may be shown as one.
  private func nameUsers(
    _ report: inout Report, _ context: EventContext
  ) throws(DatabaseError) {
    let period = report.period
    var shown: [String: (bans: Int64, failures: Int64)] = [:]
    try database.forEach(
      """
      SELECT user, count(*), sum(failures) FROM ban INDEXED BY ban_at
      WHERE at >= ?1 AND at < ?2 AND user IS NOT NULL GROUP BY user
      ORDER BY 2 DESC, user LIMIT ?3
      """, .integer(period.since), .integer(period.until), .integer(Self.mostUsers)
    ) { row in
      guard let name = context.shownUser(row.text(0)), !name.isEmpty else { return }
      let (bans, failures) = shown[Report.clean(name)] ?? (0, 0)
      shown[Report.clean(name)] = (bans + row.integer(1), failures + row.integer(2))
    }
    report.users = shown.sorted { ($1.value.bans, $0.key) < ($0.value.bans, $1.key) }
      .prefix(Report.most).map {
        Report.Share(name: $0.key, bans: $0.value.bans, failures: $0.value.failures)
      }
  }

  /// Of bans whose country was known when they were taken in.
  private func countries(_ period: ReportPeriod) throws(DatabaseError) -> [Report.Share] {
    try database.all(
      """
      SELECT country, count(*), sum(failures) FROM ban INDEXED BY ban_at
      WHERE at >= ?1 AND at < ?2 AND country IS NOT NULL GROUP BY country
      ORDER BY 2 DESC, country LIMIT ?3
      """, .integer(period.since), .integer(period.until), .integer(Int64(Report.most))
    ) { Report.Share(name: $0.text(0), bans: $0.integer(1), failures: $0.integer(2)) }
    .filter { share in
      share.name.utf8.count == 2 && share.name.utf8.allSatisfy { (0x41...0x5a).contains($0) }
    }
  }

  /// Those with most bans in 30 days, of which there must be more than one.
  private func offenders(until: Int64) throws(DatabaseError) -> [Report.Offender] {
    let found = try database.all(
      """
      SELECT base, prefix, name, count(*), max(at), network FROM ban INDEXED BY ban_at
      WHERE at >= ?1 AND at < ?2 GROUP BY base, prefix, name HAVING count(*) > 1
      ORDER BY 4 DESC, 5 DESC, base, prefix, name LIMIT ?3
      """, .integer(until - Report.offence), .integer(until),
      .integer(Int64(Report.mostOffenders))
    ) { row in
      (
        network: Network(base: row.number(0), prefix: row.integer(1)),
        name: row.optionalText(2), who: Self.who(row), bans: row.integer(3), last: row.integer(4)
      )
    }
    var offenders: [Report.Offender] = []
    for one in found {
      let (condition, values): (String, [SQLValue]) =
        if let network = one.network {
          (
            "network = ?1 AND at < ?2 AND base = ?3 AND prefix = ?4",
            [
              .integer(network.ownerKey), .integer(until), .blob(network.range.first),
              .integer(Int64(network.prefix)),
            ]
          )
        } else {
          ("name = ?1 AND at < ?2", [.text(one.name), .integer(until)])
        }
      let jails = try database.all(
        """
        SELECT jail, count(*), min(at) FROM ban WHERE \(condition)
        GROUP BY jail ORDER BY 2 DESC, jail
        """, values
      ) { (name: $0.text(0), bans: $0.integer(1), first: $0.integer(2)) }
      offenders.append(
        Report.Offender(
          name: one.who, bans: one.bans, total: jails.reduce(0) { $0 + $1.bans },
          first: jails.map(\.first).min() ?? one.last, last: one.last,
          jails: jails.prefix(Report.most).map { Report.clean($0.name) }))
    }
    return offenders
  }

  // MARK: - Other events, and deliveries

  /// By when they were accepted. `kind <> 'ban'` lets SQLite use the index without them.
  private func countOthers(
    _ report: inout Report, comparing: Bool
  ) throws(DatabaseError) {
    func count(_ kind: EventKind, _ since: Int64, _ until: Int64) throws(DatabaseError) -> Int64 {
      // An early warning counts once, when it begins.
      try database.first(
        """
        SELECT count(*) FROM event INDEXED BY event_other
        WHERE kind = ? AND kind <> 'ban' AND accepted_at >= ? AND accepted_at < ?
          AND (kind <> 'warning' OR json_extract(record, '$.known.phase') IS NOT 'over')
        """, .text(kind.rawValue), .integer(since * 1_000_000), .integer(until * 1_000_000)
      ) { $0.integer(0) } ?? 0
    }
    let period = report.period
    for kind in Report.counted {
      report.others[kind] = Report.Total(
        count: try count(kind, period.since, period.until),
        before: comparing ? try count(kind, period.beforeSince, period.since) : nil)
    }
  }

  private func destinations(
    _ period: ReportPeriod
  ) throws(DatabaseError) -> [Report.Destination] {
    let totals = try totals()
    let failed = try failedAttempts(period)
    var destinations: [Report.Destination] = []
    for state in try destinationStates() {
      func count(_ wanted: DeliveryState) throws(DatabaseError) -> Int64 {
        try database.first(
          """
          SELECT count(*) FROM delivery INDEXED BY delivery_finished
          WHERE destination = ? AND state = ? AND finished_at >= ? AND finished_at < ?
          """, .text(state.name), .text(wanted.rawValue), .integer(period.since * 1_000_000),
          .integer(period.until * 1_000_000)
        ) { $0.integer(0) } ?? 0
      }
      let all = totals[state.name] ?? [:]
      destinations.append(
        Report.Destination(
          name: Report.clean(state.name), health: state.health, delivered: try count(.delivered),
          folded: try count(.folded), failed: failed[state.name] ?? 0, dead: try count(.dead),
          waiting: Int64((all[.waiting] ?? 0) + (all[.sending] ?? 0)),
          held: Int64(try held(state.name)), deadLetters: Int64(all[.dead] ?? 0),
          oldest: try oldestPending(state.name).map { $0 / 1_000_000 },
          lastOK: state.lastOkAt.map { $0 / 1_000_000 },
          error: state.lastError.map { String(PlainText.line($0).prefix(200)) }))
    }
    return destinations
  }

  /// Of each message its last hundred attempts are kept.
  private func failedAttempts(_ period: ReportPeriod) throws(DatabaseError) -> [String: Int64] {
    var failed: [String: Int64] = [:]
    try database.forEach(
      """
      SELECT destination, count(*) FROM attempt INDEXED BY attempt_failed
      JOIN delivery ON delivery.id = attempt.delivery
      WHERE result <> '200 ok' AND at >= ? AND at < ? GROUP BY destination
      """, .integer(period.since * 1_000_000), .integer(period.until * 1_000_000)
    ) { failed[$0.text(0)] = $0.integer(1) }
    return failed
  }
}
