internal import SQLite

// Bans as history counts them.
extension Queue {
  /// Whom a ban is of, as the tables have it.
  struct Banned {
    let network: Network?
    /// fail2ban's id of what is no address.
    let name: String?

    init(_ record: EventRecord) {
      network = Network(record.ip) ?? Network(record.subject)
      name = network == nil ? EventRecord.bounded(record.subject, EventRecord.nameLimit) : nil
    }

    var group: HistoryCache.Group { network.map { .network($0.ownerKey) } ?? .name(name ?? "") }
  }

  /// Seconds since 1970. A time to come would stand above all others for good.
  private static func second(_ record: EventRecord) -> Int64 {
    min(record.happenedAt ?? record.acceptedAt, record.acceptedAt) / 1_000_000
  }

  /// Counts a ban from now on. `writePulses` is to follow in the same transaction.
  func remember(_ record: EventRecord, as event: Int64) throws(DatabaseError) {
    guard record.kind == .ban else { return }
    let (banned, user) = (Banned(record), record.account)
    let ban = PastBans.Ban(
      at: Self.second(record), failures: record.failureCount,
      network: banned.network, jail: record.jail)
    // Rows outlive their events, whose numbers SQLite gives anew: nothing old may hold up what is new.
    try database.run(
      """
      INSERT OR REPLACE INTO ban (event, at, jail, network, base, prefix, name, failures, user, country)
      VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
      """, .integer(event), .integer(ban.at), .text(ban.jail),
      banned.network.map { .integer($0.ownerKey) } ?? .null,
      banned.network.map { .blob($0.range.first) } ?? .null,
      .integer(Int64(banned.network?.prefix ?? 0)),
      .text(banned.name), .integer(ban.failures), .text(user),
      .text(record.known["geo"]?["country"]?.string))
    cache.add(ban, of: banned.group, user: user)
  }

  /// Once for all bans of a transaction: most of a batch are in the same few slots.
  func writePulses() throws(DatabaseError) {
    for (slot, count) in cache.takeUnwritten() {
      try database.run(
        """
        INSERT INTO pulse (jail, length, start, bans, failures) VALUES (?, ?, ?, ?, ?)
        ON CONFLICT DO UPDATE SET bans = bans + excluded.bans, failures = failures + excluded.failures
        """, .text(slot.jail), .integer(slot.length), .integer(slot.start), .integer(count.bans),
        .integer(count.failures))
    }
  }

  /// Bans of one address or id, whose `values` are these.
  static let bansOfAddress = """
    (SELECT event FROM ban WHERE network = ?1 AND base = ?2 AND prefix = ?3
     UNION SELECT event FROM ban WHERE name = ?4)
    """

  static func values(of address: String) -> [SQLValue] {
    guard let network = Network(address) else {
      return [.null, .null, .null, .text(EventRecord.bounded(address, EventRecord.nameLimit))]
    }
    return [
      .integer(network.ownerKey), .blob(network.range.first), .integer(Int64(network.prefix)),
      .null,
    ]
  }

  func banCount(of address: String) throws(DatabaseError) -> Int {
    try database.all("SELECT count(*) FROM \(Self.bansOfAddress)", Self.values(of: address)) {
      Int($0.integer(0))
    }.first ?? 0
  }

  func forgetBans(of address: String) throws(DatabaseError) {
    try writePulses()
    cache.empty()
    try database.run(
      "DELETE FROM ban WHERE event IN \(Self.bansOfAddress)", Self.values(of: address))
  }

  /// What no window is counted by any more. Seconds since 1970.
  func forgetPulses(before: Int64, now: Int64) throws(DatabaseError) {
    try writePulses()
    cache.empty()
    let ends = [
      (Pulses.short, now - 2 * History.Window.day.seconds),
      (Pulses.long, min(before, now - 2 * History.Window.month.seconds)),
    ]
    for (length, end) in ends {
      try database.run(
        "DELETE FROM pulse WHERE length = ? AND start < ?", .integer(length), .integer(end))
    }
  }

  /// Bans from before there was a table of them that are counted: three seconds' work, while which nothing else is
  /// done and a service manager sees no sign of life.
  static let mostRemembered = 100_000

  /// Counts the newest bans that were taken in before there was a table of them.
  func rememberOld() throws(DatabaseError) {
    let skipped = try database.first(
      "SELECT id, accepted_at FROM event WHERE kind = 'ban' ORDER BY id DESC LIMIT 1 OFFSET ?",
      .integer(Int64(Self.mostRemembered))
    ) { (id: $0.integer(0), at: $0.integer(1)) }
    // Reports do not pretend to know of them.
    if let skipped { try notePruned(bansUntil: skipped.at / 1_000_000) }
    var last = skipped?.id ?? 0
    while true {
      let rows = try database.all(
        "SELECT id, record FROM event WHERE kind = 'ban' AND id > ? ORDER BY id LIMIT 1000",
        .integer(last)
      ) { (id: $0.integer(0), record: $0.text(1)) }
      guard let end = rows.last?.id else { return try writePulses() }
      last = end
      for row in rows {
        guard let value = try? JSONReader.read(row.record), let record = EventRecord(value) else {
          continue
        }
        try remember(record, as: row.id)
      }
    }
  }

  /// What is known before this event; nil of an event that is about no address.
  func history(before record: EventRecord) throws(DatabaseError) -> History? {
    guard record.kind.hasAddress else { return nil }
    let (banned, at) = (Banned(record), Self.second(record))
    let bans = try pastBans(of: banned.group)
    var history = History()
    history.address = bans.figures(of: banned.network, until: at)
    if let network = banned.network {
      history.network = network.owner.description
      history.networkFigures = bans.figures(of: nil, until: at)
    }
    for ban in bans.bans(of: banned.network, until: at) {
      if history.previous == nil {
        history.previous = History.Ban(jail: ban.jail, at: ban.at, failures: ban.failures)
      }
      if ban.jail != record.jail, !history.jails.contains(ban.jail) {
        history.jails.append(ban.jail)
      }
      if history.jails.count == PastBans.mostJails { break }
    }
    history.jail = try pulses(of: record.jail, until: at).figures(until: at)
    if let user = record.account {
      history.userAddresses = try bansOf(user: user, until: at)
        .addresses(with: banned.network, until: at)
    }
    return history
  }

  // MARK: - What the tables have

  private func pastBans(of group: HistoryCache.Group) throws(DatabaseError) -> PastBans {
    if let known = cache.groups[group] { return known }
    let (condition, value): (String, SQLValue) =
      switch group {
      case .network(let key): ("network = ?1", .integer(key))
      case .name(let name): ("name = ?1", .text(name))
      }
    let bans = try database.all(
      """
      SELECT at, failures, base, prefix, jail FROM ban WHERE \(condition) ORDER BY at DESC LIMIT ?2
      """, value, .integer(Int64(PastBans.most))
    ) { row in
      PastBans.Ban(
        at: row.integer(0), failures: row.integer(1),
        network: Network(base: row.number(2), prefix: row.integer(3)), jail: row.text(4))
    }
    let earliest: Int64? =
      bans.count < PastBans.most
      ? nil
      : try database.first("SELECT min(at) FROM ban WHERE \(condition)", value) { $0.integer(0) }
    let past = PastBans(bans.reversed(), earliest: earliest)
    cache.keep(past, of: group)
    return past
  }

  private func bansOf(user: String, until at: Int64) throws(DatabaseError) -> UserBans {
    if let known = cache.users[user] { return known }
    var newest: [Network: Int64] = [:]
    try database.forEach(
      """
      SELECT max(at), base, prefix FROM (
        SELECT at, base, prefix FROM ban WHERE user IS NOT NULL AND user = ?1 AND at > ?2
        ORDER BY at DESC LIMIT ?3)
      GROUP BY base, prefix ORDER BY 1 DESC LIMIT ?4
      """, .text(user), .integer(at - History.Window.day.seconds),
      .integer(Int64(UserBans.mostBans)), .integer(Int64(UserBans.most))
    ) { row in
      guard let network = Network(base: row.number(1), prefix: row.integer(2)) else { return }
      newest[network] = row.integer(0)
    }
    let bans = UserBans(newest)
    cache.keep(bans, of: user)
    return bans
  }

  func pulses(of jail: String, until at: Int64) throws(DatabaseError) -> Pulses {
    if let known = cache.jails[jail], known.knows(at) { return known }
    try writePulses()
    var slots: [Int64: [Pulses.Slot]] = [:]
    for length in [Pulses.short, Pulses.long] {
      slots[length] = try database.all(
        """
        SELECT start, bans, failures FROM pulse WHERE jail = ? AND length = ? AND start > ?
        ORDER BY start
        """, .text(jail), .integer(length), .integer(at - Pulses.reach(length))
      ) { row in
        Pulses.Slot(
          start: row.integer(0),
          count: History.Count(bans: row.integer(1), failures: row.integer(2)))
      }
    }
    let ends = try database.first(
      """
      SELECT (SELECT min(start) FROM pulse WHERE jail = ?1 AND length = ?2),
        (SELECT max(start) FROM pulse WHERE jail = ?1 AND length = ?2 AND start <= ?3)
      """, .text(jail), .integer(Pulses.long), .integer(at - Pulses.reach(Pulses.long))
    ) { (first: $0.optionalInteger(0), before: $0.optionalInteger(1)) }
    let pulses = Pulses(slots, first: ends?.first, before: ends?.before, at: at)
    cache.keep(pulses, of: jail)
    return pulses
  }
}
