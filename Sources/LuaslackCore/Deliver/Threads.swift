internal import SQLite

// A message that a formatter wants in the thread of its ban. Where that is, the rows say: it holds
// after a restart, and for a ban that a digest told of.
extension Queue {
  /// The delivery answers to its ban.
  func markReply(event: Int64, destination: String) throws(DatabaseError) {
    try database.run(
      "UPDATE delivery SET is_reply = 1 WHERE event = ? AND destination = ?", .integer(event),
      .text(destination))
  }

  /// The `ts` of the message in whose thread a delivery belongs: that of the newest ban of the same
  /// subject that the destination was told of, or of the digest that told of it. Nil if the delivery is
  /// no reply, or there is no such message in that channel. `channel` nil: where the destination's
  /// latest message went, since a channel's name says less than its ID.
  func thread(of delivery: Delivery, in channel: String?) throws(DatabaseError) -> String? {
    let wish = try database.first(
      "SELECT is_reply, is_plain FROM delivery WHERE id = ?", .integer(delivery.id)
    ) { $0.integer(0) == 1 && $0.integer(1) == 0 }
    guard wish == true else { return nil }
    let found = try database.first(
      """
      SELECT coalesce(digest.ts, own.ts), coalesce(digest.channel, own.channel)
      FROM event JOIN delivery AS own ON own.event = event.id AND own.destination = ?4
      LEFT JOIN delivery AS digest ON own.state = 'folded' AND digest.id = own.folded_into
      WHERE jail = ?1 AND subject = ?2 AND kind = 'ban' AND event.id < ?3
        AND CASE own.state WHEN 'folded' THEN digest.state = 'delivered' AND digest.ts IS NOT NULL
          ELSE own.state = 'delivered' AND own.ts IS NOT NULL END
      ORDER BY event.id DESC LIMIT 1
      """, .text(delivery.jail), .text(delivery.subject), .integer(delivery.event),
      .text(delivery.destination)
    ) { (ts: $0.text(0), channel: $0.text(1)) }
    guard let found else { return nil }
    var expected = channel
    if expected == nil { expected = try latestChannel(of: delivery.destination) }
    return found.channel == expected ? found.ts : nil
  }

  private func latestChannel(of destination: String) throws(DatabaseError) -> String? {
    try database.first(
      """
      SELECT channel FROM delivery WHERE destination = ? AND channel IS NOT NULL
      ORDER BY finished_at DESC LIMIT 1
      """, .text(destination)
    ) { $0.text(0) }
  }

  /// Slack does not take it there: it becomes a message like any other, due at once. False if it was
  /// one already.
  func leaveThread(_ id: Int64, reason: String, now: Int64) throws(DatabaseError) -> Bool {
    try database.run(
      """
      UPDATE delivery SET state = 'waiting', is_reply = 0, reason = ?2, next_attempt_at = ?3,
        set_at = ?3 WHERE id = ?1 AND is_reply = 1
      """, .integer(id), .text(reason), .integer(now))
    return database.changes > 0
  }
}
