public import SQLite

/// What `luaslack history` tells of an address, a network or a jail.
public struct HistoryView: Sendable, Equatable {
  public enum Subject: Sendable, Equatable {
    /// An address or a network.
    case network(Network)
    /// A jail, or fail2ban's id of something else.
    case name(String)
  }

  /// A name with how often it was seen.
  public struct Share: Sendable, Equatable {
    public let name: String
    public let bans: Int64
  }

  public struct Ban: Sendable, Equatable {
    /// Seconds since 1970.
    public let at: Int64
    public let jail: String
    public let who: String
    public let failures: Int64
  }

  public let title: String
  public let figures: History.Figures
  /// The jails of an address or a network; the addresses of a jail.
  public let shares: [Share]
  /// The newest first.
  public let bans: [Ban]
  public let isJail: Bool

  /// Rows of each list.
  static let most = 10
}

extension Queue {
  /// `now` is in seconds since 1970. Nil: nothing is known of it.
  public func history(
    of subject: HistoryView.Subject, now: Int64
  ) throws(DatabaseError) -> HistoryView? {
    switch subject {
    case .network(let network):
      let (keys, range) = (network.ownerKeys, network.range)
      let bans = Selection(
        condition: "network BETWEEN ?1 AND ?2 AND base BETWEEN ?3 AND ?4",
        values: [
          .integer(keys.lowerBound), .integer(keys.upperBound), .blob(range.first),
          .blob(range.last),
        ])
      return try view("\(network)", try figures(bans, until: now), isJail: false, bans)
    case .name(let name):
      var figures = try pulses(of: name, until: now).figures(until: now)
      if figures.last != nil {
        // The figures know the hour; of bans that are gone nobody knows more.
        figures.first = try firstBan(of: name, from: figures.first ?? 0) ?? figures.first
        let month = Selection(
          condition: "jail = ?1 AND at > ?2",
          values: [.text(name), .integer(now - History.Window.month.seconds)])
        return try view(name, figures, isJail: true, month)
      }
      let bans = Selection(condition: "name = ?1", values: [.text(name)])
      return try view(name, try self.figures(bans, until: now), isJail: false, bans)
    }
  }

  /// Of a jail, within an hour.
  private func firstBan(of jail: String, from start: Int64) throws(DatabaseError) -> Int64? {
    try database.first(
      "SELECT min(at) FROM ban INDEXED BY ban_at WHERE at >= ? AND at < ? AND jail = ?",
      .integer(start), .integer(start + Pulses.long), .text(jail)
    ) { $0.optionalInteger(0) }.flatMap { $0 }
  }

  /// Which bans are counted.
  private struct Selection {
    let condition: String
    let values: [SQLValue]
  }

  /// All of them, however many there are.
  private func figures(
    _ bans: Selection, until now: Int64
  ) throws(DatabaseError) -> History.Figures {
    var figures = History.Figures()
    try database.forEach("SELECT at, failures FROM ban WHERE \(bans.condition)", bans.values) {
      let at = $0.integer(0)
      guard at <= now else { return }
      figures.add(failures: $0.integer(1), seconds: now - at)
      figures.first = min(figures.first ?? .max, at)
      figures.last = max(figures.last ?? .min, at)
    }
    return figures
  }

  private func view(
    _ title: String, _ figures: History.Figures, isJail: Bool, _ selection: Selection
  ) throws(DatabaseError) -> HistoryView? {
    guard figures.last != nil else { return nil }
    func who(_ row: borrowing Row, _ column: Int32) -> String {
      Network(base: row.number(column), prefix: row.integer(column + 1))?.description
        ?? PlainText.line(row.text(column + 2))
    }
    let group = isJail ? "base, prefix, name" : "jail"
    let shares = try database.all(
      """
      SELECT count(*), jail, base, prefix, name FROM ban WHERE \(selection.condition)
      GROUP BY \(group) ORDER BY 1 DESC, max(at) DESC LIMIT \(HistoryView.most)
      """, selection.values
    ) { row in
      HistoryView.Share(
        name: isJail ? who(row, 2) : PlainText.line(row.text(1)), bans: row.integer(0))
    }
    let bans = try database.all(
      """
      SELECT at, jail, failures, base, prefix, name FROM ban WHERE \(selection.condition)
      ORDER BY at DESC, event DESC LIMIT \(HistoryView.most)
      """, selection.values
    ) { row in
      HistoryView.Ban(
        at: row.integer(0), jail: PlainText.line(row.text(1)), who: who(row, 3),
        failures: row.integer(2))
    }
    var figures = figures
    // A jail's figures know the beginning of its last five minutes.
    figures.last = [figures.last, bans.first?.at].compactMap { $0 }.max()
    return HistoryView(
      title: PlainText.line(title), figures: figures, shares: shares, bans: bans, isJail: isJail)
  }
}

extension HistoryView {
  public var value: Value {
    var value: Value = [
      "subject": .string(title), "is_jail": .bool(isJail),
      isJail ? "addresses" : "jails": .array(
        shares.map { ["name": .string($0.name), "bans": .int($0.bans)] }),
      "newest": .array(
        bans.map {
          [
            "time": .int($0.at), "jail": .string($0.jail), "id": .string($0.who),
            "failures": .int($0.failures),
          ]
        }),
    ]
    for (name, figure) in figures.value.object ?? [:] { value[name] = figure }
    return value
  }

  /// For a terminal.
  public var text: String {
    let windows = History.Window.allCases
    func row(_ name: String, _ cells: [String]) -> String {
      let padded = cells.map { String(repeating: " ", count: max(0, 9 - $0.count)) + $0 }
      return "  " + name + String(repeating: " ", count: max(1, 10 - name.count)) + padded.joined()
    }
    var lines = [
      title, row("", windows.map(\.words)),
      row("bans", windows.map { "\(figures[$0].bans)" }),
      row("failures", windows.map { "\(figures[$0].failures)" }),
    ]
    if let first = figures.first, let last = figures.last {
      lines.append("  first seen \(Timestamp.words(first)), last \(Timestamp.words(last))")
    }
    let names = shares.map { "\($0.name) \($0.bans)" }.joined(separator: ", ")
    lines.append("  \(isJail ? "most in 30 days" : "jails"): \(names)")
    lines.append("  newest:")
    for ban in bans {
      let failures = ban.failures == 1 ? "1 failure" : "\(ban.failures) failures"
      lines.append("    \(Timestamp.words(ban.at))  \(ban.jail)  \(ban.who)  \(failures)")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
