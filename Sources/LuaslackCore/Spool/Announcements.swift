public import SQLite

// Messages of luaslack's own, about itself.
extension Queue {
  /// Has a destination told of trouble: a delivery like any other, that no formatter words, mutes or
  /// sends elsewhere.
  public func announce(
    _ text: String, to destination: String = Configuration.defaultDestination, host: String,
    now: Int64
  ) throws(DatabaseError) {
    let sentence = ":warning: luaslack on \(PlainText.line(host)): \(PlainText.line(text))"
    try database.run(
      """
      INSERT INTO event (key, kind, jail, subject, accepted_at, record, severity)
      VALUES (NULL, 'warning', 'luaslack', '', ?, ?, 'warning')
      """, .integer(now), .text(JSONWriter.compact(["kind": "warning", "text": .string(text)])))
    let payload: Value = [
      "text": .string(Markup.mrkdwn(sentence)), "unfurl_links": false, "unfurl_media": false,
    ]
    try insert(
      event: database.lastInsertedRow, destination: destination, class: .notice,
      outcome: .message(payload), now: now)
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
