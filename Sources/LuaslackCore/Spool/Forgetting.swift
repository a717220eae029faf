internal import SQLite

// `history forget`: what is known of one address goes.
extension Queue {
  /// Removes the events of an address with all that hangs on them. Refuses while one of them is still
  /// to be told: nothing is dropped that was accepted. Changes nothing where nothing is known.
  func forget(
    _ address: String, _ answer: inout QueueRequest.Answer
  ) throws(DatabaseError) {
    guard !address.isEmpty else { return answer.add("name an address") }
    let spellings = try spellings(of: address)
    let all = Self.list(spellings)
    // Records have names as they may be shown.
    let naming = Naming(
      names: Set(spellings + [PlainText.line(address), Report.clean(address)]).sorted()
        .filter { !$0.isEmpty })
    let known = max(try eventCount(all), try banCount(of: address))
    // A word may stand anywhere, `sshd` in each report; only an address is what it says.
    let tellers = known > 0 || Network(address) != nil ? try tellers(naming) : []
    guard known > 0 || !tellers.isEmpty else { return answer.add(Self.unknown(address)) }
    if let problem = try pending(all, tellers) { return answer.add(problem) }
    // What is deleted shall not be read from the file's free pages either.
    try database.execute("PRAGMA secure_delete = ON")
    try strike(naming, from: tellers)
    // Digests that told of it name it; whom else they named is kept with those events.
    try database.run(
      """
      UPDATE delivery SET payload = '{}' WHERE id IN (SELECT folded_into FROM delivery
        WHERE event IN \(Self.ofAddress) AND folded_into IS NOT NULL)
      """, all)
    // The bans of an id stand under its address, if it has one.
    for table in ["counted", "ban", "arrival", "delivery"] {
      try database.run("DELETE FROM \(table) WHERE event IN \(Self.ofAddress)", all)
    }
    try database.run("DELETE FROM event WHERE id IN \(Self.ofAddress)", all)
    // Bans outlive their events.
    try forgetCounted(of: address)
    try forgetBans(of: address)
    for notice in try notices() where naming.isIn(notice.text) {
      try database.run("DELETE FROM notice WHERE subject = ?", .text(notice.subject))
    }
    try database.execute("PRAGMA secure_delete = OFF")
    answer.count = known > 0 ? known : tellers.count
    try database.run(
      "INSERT OR REPLACE INTO upkeep (task, at, was_enough) VALUES ('vacuum', 0, 0)")
  }

  /// Answers are kept for a while: this one names nobody.
  private static func unknown(_ address: String) -> String {
    guard let network = Network(address) else {
      return
        "no event is about that; forgotten are addresses and fail2ban's ids, one by one, not jails or users"
    }
    return network.isAddress
      ? "nothing is known of that address"
      : "nothing was banned as that network; the addresses in it are forgotten one by one"
  }

  /// Why it cannot be forgotten yet; nil: it can.
  private func pending(
    _ spellings: SQLValue, _ tellers: [Teller]
  ) throws(DatabaseError) -> String? {
    let ofAddress = Self.ofAddress
    let pending = try database.first(
      """
      SELECT count(*), min(id) FROM delivery
      WHERE state IN ('waiting', 'sending') AND (event IN \(ofAddress)
        OR id IN (SELECT folded_into FROM delivery WHERE event IN \(ofAddress)))
        -- A dead digest would be of no use to the others that it tells of.
        OR state = 'dead' AND id IN (SELECT folded_into FROM delivery WHERE event IN \(ofAddress))
      """, spellings
    ) { (count: $0.integer(0), first: $0.integer(1)) }
    if let pending, pending.count > 0 {
      return
        "\(pending.count) of its messages are still to be sent, the first is \(pending.first); "
        + "forget it when they are, or `luaslack queue delete` them first"
    }
    guard let pending = tellers.lazy.compactMap(\.pending).first else { return nil }
    return
      "message \(pending) names it and is still to be sent; forget it when it is, or "
      + "`luaslack queue delete` that first"
  }

  /// A report or a warning that names an address.
  private struct Teller {
    let event: Int64
    let record: Value
    /// Its first delivery that is not over.
    let pending: Int64?
  }

  private func tellers(_ naming: Naming) throws(DatabaseError) -> [Teller] {
    // As they spell it, in JSON.
    let quoted = naming.names.map {
      String(JSONWriter.compact(.string($0)).dropFirst().dropLast())
    }
    // `kind <> 'ban'` says nothing new but to SQLite, which uses event_other for it.
    return try database.all(
      """
      SELECT id, record, (SELECT min(delivery.id) FROM delivery
        WHERE delivery.event = event.id AND state IN ('waiting', 'sending', 'dead'))
      FROM event WHERE kind IN ('report', 'warning') AND kind <> 'ban'
        AND EXISTS (SELECT 1 FROM json_each(?1) WHERE instr(record, value) > 0)
      """, Self.list(quoted)
    ) { row in
      Teller(
        event: row.integer(0), record: (try? JSONReader.read(row.text(1))) ?? [:],
        pending: row.optionalInteger(2))
    }.filter { naming.strike($0.record) != $0.record }
  }

  private func strike(_ naming: Naming, from tellers: [Teller]) throws(DatabaseError) {
    for teller in tellers {
      let record = JSONWriter.compact(naming.strike(teller.record))
      try database.run(
        "UPDATE event SET record = ?2, subject = coalesce(json_extract(?2, '$.id'), '') WHERE id = ?1",
        .integer(teller.event), .text(record))
      try database.run("UPDATE delivery SET payload = '{}' WHERE event = ?", .integer(teller.event))
    }
  }
}
