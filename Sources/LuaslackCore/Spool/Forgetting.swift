internal import SQLite

// `history forget`: what is known of one address goes.
extension Queue {
  /// Rows of one address. The second half is for events whose id is something else than the address. A
  /// notification is about no address, whatever its title.
  private static let ofAddress = """
    (SELECT id FROM event WHERE subject = ?1 AND kind <> 'notify'
     UNION SELECT id FROM event
     WHERE json_extract(record, '$.ip') = ?1 AND json_extract(record, '$.ip') <> subject)
    """

  /// Removes the events of an address with all that hangs on them. Refuses while one of them is still
  /// to be told: nothing is dropped that was accepted.
  func forget(
    _ address: String, _ answer: inout QueueRequest.Answer
  ) throws(DatabaseError) {
    guard !address.isEmpty else { return answer.add("name an address") }
    if let problem = try pending(of: address) { return answer.add(problem) }
    let ofAddress = Self.ofAddress
    // What is deleted shall not be read from the file's free pages either.
    try database.execute("PRAGMA secure_delete = ON")
    // Digests that told of it name it; whom else they named is kept with those events.
    try database.run(
      """
      UPDATE delivery SET payload = '{}' WHERE id IN (
        SELECT folded_into FROM delivery WHERE event IN \(ofAddress) AND folded_into IS NOT NULL)
      """, .text(address))
    for teller in try tellers(of: address) {
      try database.run(
        "UPDATE event SET record = json_remove(record, '$.known') WHERE id = ?",
        .integer(teller.event))
      try database.run("UPDATE delivery SET payload = '{}' WHERE event = ?", .integer(teller.event))
    }
    try forgetCounted(of: address)
    for table in ["arrival", "delivery"] {
      try database.run("DELETE FROM \(table) WHERE event IN \(ofAddress)", .text(address))
    }
    try database.run("DELETE FROM event WHERE id IN \(ofAddress)", .text(address))
    answer.count = database.changes
    // Its bans outlive their events.
    try forgetBans(of: address)
    answer.count = max(answer.count, database.changes)
    try database.run("DELETE FROM notice WHERE instr(text, ?) > 0", .text(address))
    try database.execute("PRAGMA secure_delete = OFF")
    // Answers are kept for a while: this one names nobody.
    guard answer.count > 0 else { return answer.add("nothing is known of it") }
    try database.run(
      "INSERT OR REPLACE INTO upkeep (task, at, was_enough) VALUES ('vacuum', 0, 0)")
  }

  /// Why it cannot be forgotten yet; nil: it can.
  private func pending(of address: String) throws(DatabaseError) -> String? {
    let ofAddress = Self.ofAddress
    let pending = try database.first(
      """
      SELECT count(*), min(id) FROM delivery
      WHERE state IN ('waiting', 'sending') AND (event IN \(ofAddress)
        OR id IN (SELECT folded_into FROM delivery WHERE event IN \(ofAddress)))
        -- A dead digest would be of no use to the others that it tells of.
        OR state = 'dead' AND id IN (SELECT folded_into FROM delivery WHERE event IN \(ofAddress))
      """, .text(address)
    ) { (count: $0.integer(0), first: $0.integer(1)) }
    if let pending, pending.count > 0 {
      return
        "\(pending.count) of its messages are still to be sent, the first is \(pending.first); "
        + "forget it when they are, or `luaslack queue delete` them first"
    }
    if let pending = try tellers(of: address).first(where: \.isPending) {
      return
        "message \(pending.delivery) names it and is still to be sent; forget it when it is, or "
        + "`luaslack queue delete` that first"
    }
    return nil
  }

  /// Reports and warnings that name an address, or one that begins like it: a delivery each, 0 where there is none.
  private func tellers(
    of address: String
  ) throws(DatabaseError) -> [(event: Int64, delivery: Int64, isPending: Bool)] {
    // As they spell it, in JSON.
    let spelt = Network(address)?.description ?? Report.clean(address)
    let quoted = JSONWriter.compact(.string(spelt)).dropFirst().dropLast()
    // `kind <> 'ban'` says nothing new but to SQLite, which uses event_other for it.
    return try database.all(
      """
      SELECT event.id, coalesce(delivery.id, 0), coalesce(state IN ('waiting', 'sending', 'dead'), 0)
      FROM event LEFT JOIN delivery ON delivery.event = event.id
      WHERE kind IN ('report', 'warning') AND kind <> 'ban'
        AND (instr(record, ?1) > 0 OR instr(record, ?2) > 0)
      """, .text(address), .text(String(quoted))
    ) { ($0.integer(0), $0.integer(1), $0.integer(2) == 1) }
  }
}
