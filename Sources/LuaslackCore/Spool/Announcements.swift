public import SQLite

// Messages of luaslack's own, about itself.
extension Queue {
  /// Has a destination told of trouble: a delivery like any other, that no formatter words, mutes or
  /// sends elsewhere.
  public func announce(
    _ text: String, about subject: String = "",
    to destination: String = Configuration.defaultDestination, host: String, now: Int64
  ) throws(DatabaseError) {
    let sentence = ":warning: luaslack on \(PlainText.line(host)): \(PlainText.line(text))"
    try database.run(
      """
      INSERT INTO event (key, kind, jail, subject, accepted_at, record, severity)
      VALUES (NULL, 'notice', 'luaslack', ?, ?, ?, 'warning')
      """, .text(subject), .integer(now),
      .text(JSONWriter.compact(["kind": "notice", "text": .string(text)])))
    let payload: Value = [
      "text": .string(Markup.mrkdwn(sentence)), "unfurl_links": false, "unfurl_media": false,
    ]
    try insert(
      event: database.lastInsertedRow, destination: destination, class: .notice,
      outcome: .message(payload), now: now)
  }

  /// What a destination was to be told and cannot be is for another one.
  func moveAnnouncements(from destination: String, to other: String) throws(DatabaseError) {
    try database.run("INSERT OR IGNORE INTO destination (name) VALUES (?)", .text(other))
    try database.run(
      """
      UPDATE delivery SET destination = ?2 WHERE destination = ?1 AND class = 'notice'
        AND class <> 'event' AND state = 'waiting' AND held = 0 AND maybe_sent = 0
      """, .text(destination), .text(other))
  }

  /// Nobody needs to hear of it any more who has not yet. True if nobody has.
  func withdrawAnnouncements(about subject: String, now: Int64) throws(DatabaseError) -> Bool {
    try database.run(
      """
      UPDATE delivery SET state = 'muted', reason = 'it is over', finished_at = ?2
      WHERE state IN ('waiting', 'sending') AND state = 'waiting' AND maybe_sent = 0
        AND event IN (SELECT id FROM event WHERE jail = 'luaslack' AND subject = ?1)
      """, .text(subject), .integer(now))
    return database.changes > 0
  }

  /// The same, once until `isOver` was said of the subject.
  public func announceOnce(
    _ subject: String, _ text: String, host: String, now: Int64
  ) throws(DatabaseError) {
    try transaction { () throws(DatabaseError) in
      if try tell(subject, "announced") { try announce(text, host: host, now: now) }
    }
  }

  /// `status` has no more to say on this subject.
  public func clear(_ subject: String) throws(DatabaseError) { try clearNotice(subject) }

  public func isOver(_ subject: String) throws(DatabaseError) {
    try database.run("DELETE FROM told WHERE file = ?", .text(subject))
  }
}
