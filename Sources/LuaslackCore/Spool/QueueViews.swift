public import SQLite

// What `trace` tells is written down as it happens.
extension Queue {
  /// Attempts that are kept of one delivery, the newest: a webhook may be dead for a year.
  static let attemptLimit: Int64 = 100

  /// An attempt of a delivery is over: what Slack said, `200 ok` or the failure.
  func note(attempt result: String, of delivery: Int64, now: Int64) throws(DatabaseError) {
    try database.run(
      "INSERT INTO attempt (delivery, at, result) VALUES (?, ?, ?)", .integer(delivery),
      .integer(now), .text(result))
    try database.run(
      """
      DELETE FROM attempt WHERE delivery = ?1 AND rowid <= (
        SELECT rowid FROM attempt WHERE delivery = ?1 ORDER BY rowid DESC LIMIT 1 OFFSET ?2)
      """, .integer(delivery), .integer(Self.attemptLimit))
  }

  /// What a formatter did with an event, told in the order in which they ran: `changed it`, `no
  /// handler`, `muted by 60-quiet.lua:8: known scanner`, `failed: 50-colours.lua:12: …`.
  func note(formatter file: String, _ outcome: String, of event: Int64) throws(DatabaseError) {
    try database.run(
      """
      INSERT INTO formatting (event, file, outcome, position)
      VALUES (?1, ?2, ?3, (SELECT count(*) FROM formatting WHERE event = ?1))
      ON CONFLICT DO UPDATE SET outcome = excluded.outcome
      """, .integer(event), .text(file), .text(outcome))
  }
}

/// Everything that is known of one event, for `trace` and `queue show`.
public struct EventTrace: Sendable {
  public struct Attempt: Sendable {
    public let at: Int64
    public let result: String
  }

  public struct Message: Sendable {
    public let delivery: Delivery
    public let attempts: [Attempt]
    /// The digest's delivery that told of it, or the ban's, and how that one stands.
    public let foldedInto: Int64?
    public let teller: Delivery?
    /// The deliveries that this message tells of besides.
    public let folded: [Int64]
    /// Nothing is sent to its destination before this.
    public let notBefore: Int64
    public let finishedAt: Int64?

    var nextAttemptAt: Int64? {
      guard delivery.state == .waiting, !delivery.isHeld else { return nil }
      return max(delivery.nextAttemptAt, notBefore)
    }
  }

  public struct Formatter: Sendable {
    public let file: String
    public let outcome: String
  }

  let id: Int64
  let kind: String
  let jail: String
  let subject: String
  let severity: String
  let acceptedAt: Int64
  /// As it was accepted.
  let record: Value
  /// When the same event came again.
  let repeatedAt: [Int64]
  let formatters: [Formatter]
  public let messages: [Message]

  /// fail2ban repeated a ban of before its restart.
  var isRestored: Bool { record["restored"]?.string == "1" }
}

extension Queue {
  /// Events that one answer shows, the newest: an address may have thousands.
  static let traceLimit = 20
  /// Deliveries that a digest's line names.
  static let foldedLimit = 1_000

  /// The newest events of an address or id, the oldest of them first.
  public func trace(address: String) throws(DatabaseError) -> [EventTrace] {
    let ids = try database.all(
      "SELECT id FROM \(Self.ofAddress) ORDER BY id DESC LIMIT ?2",
      Self.list(try spellings(of: address)), .integer(Int64(Self.traceLimit))
    ) { $0.integer(0) }
    var traces: [EventTrace] = []
    for id in ids.reversed() {
      if let trace = try trace(event: id) { traces.append(trace) }
    }
    return traces
  }

  /// The event of this delivery.
  public func trace(delivery id: Int64) throws(DatabaseError) -> EventTrace? {
    let event = try database.first("SELECT event FROM delivery WHERE id = ?", .integer(id)) {
      $0.integer(0)
    }
    return try event.flatMap { event throws(DatabaseError) in try trace(event: event) }
  }

  private func trace(event id: Int64) throws(DatabaseError) -> EventTrace? {
    // The first arrival is the event itself.
    let arrivals = try database.all(
      "SELECT name FROM arrival WHERE event = ? ORDER BY at, name", .integer(id)
    ) { Maildrop.time(of: $0.text(0)) }
    let formatters = try database.all(
      "SELECT file, outcome FROM formatting WHERE event = ? ORDER BY position", .integer(id)
    ) { EventTrace.Formatter(file: $0.text(0), outcome: $0.text(1)) }
    let messages = try deliveries(of: id).map { delivery throws(DatabaseError) in
      try message(delivery)
    }
    return try database.first(
      "SELECT kind, jail, subject, severity, accepted_at, record FROM event WHERE id = ?",
      .integer(id)
    ) { row in
      EventTrace(
        id: id, kind: row.text(0), jail: row.text(1), subject: row.text(2), severity: row.text(3),
        acceptedAt: row.integer(4), record: (try? JSONReader.read(row.text(5))) ?? [:],
        repeatedAt: Array(arrivals.dropFirst()), formatters: formatters, messages: messages)
    }
  }

  private func message(_ delivery: Delivery) throws(DatabaseError) -> EventTrace.Message {
    let attempts = try database.all(
      "SELECT at, result FROM attempt WHERE delivery = ? ORDER BY rowid", .integer(delivery.id)
    ) { EventTrace.Attempt(at: $0.integer(0), result: $0.text(1)) }
    let folded = try database.all(
      "SELECT id FROM delivery WHERE folded_into = ? ORDER BY id LIMIT ?", .integer(delivery.id),
      .integer(Int64(Self.foldedLimit))
    ) { $0.integer(0) }
    let rest = try database.first(
      "SELECT folded_into, finished_at FROM delivery WHERE id = ?", .integer(delivery.id)
    ) { ($0.optionalInteger(0), $0.optionalInteger(1)) }
    var teller: Delivery?
    if let id = rest?.0 { teller = try self.delivery(id) }
    let state = try state(of: delivery.destination)
    let isCollected = [.event, .forDigest].contains(delivery.class) && !delivery.maybeSent
    return EventTrace.Message(
      delivery: delivery, attempts: attempts, foldedInto: rest?.0, teller: teller, folded: folded,
      notBefore: max(state.notBefore, isCollected ? state.digestAt : 0), finishedAt: rest?.1)
  }
}

// As people read it. Nothing that an outsider wrote steers a terminal.
extension EventTrace {
  public func text(withPayloads: Bool) -> String {
    let what = [kind, PlainText.line(jail), PlainText.line(subject)].filter { !$0.isEmpty }
    let how = isRestored ? ", restored after a restart of fail2ban" : ""
    var lines = [
      "\(what.joined(separator: " ")): accepted \(Timestamp.text(acceptedAt))\(how), "
        + severity
    ]
    if let last = repeatedAt.last {
      let times = repeatedAt.count == 1 ? "once" : "\(repeatedAt.count) times"
      lines.append("  the same event came \(times) more, last \(Timestamp.text(last)): told once")
    }
    for formatter in formatters { lines.append("  \(formatter.file): \(clean(formatter.outcome))") }
    if messages.isEmpty { lines.append("  no message: the config's `post` did not list \(kind)") }
    for message in messages { lines += message.lines(withPayload: withPayloads) }
    if withPayloads {
      lines.append("  event:")
      lines += indented(record, by: "    ")
    }
    return lines.joined(separator: "\n") + "\n"
  }
}

private func clean(_ text: String) -> String { PlainText.line(text) }

private func indented(_ value: Value, by indent: String) -> [String] {
  PlainText.lines(JSONWriter.pretty(value)).split(separator: "\n").map { indent + $0 }
}

extension EventTrace.Message {
  fileprivate func lines(withPayload: Bool) -> [String] {
    var words = [delivery.isHeld && delivery.state == .waiting ? "held" : delivery.state.rawValue]
    if let finishedAt { words.append(Timestamp.text(finishedAt)) }
    if let foldedInto {
      let state = teller.map {
        ", which is \($0.isHeld && $0.state == .waiting ? "held" : $0.state.rawValue)"
      }
      let reason = teller?.reason.map { " (\(clean($0)))" } ?? ""
      words.append("into message \(foldedInto)\(state ?? "")\(reason)")
    }
    if delivery.state != .muted || delivery.attempts > 0 {
      words.append("\(delivery.attempts) attempt\(delivery.attempts == 1 ? "" : "s")")
    }
    if let nextAttemptAt { words.append("next attempt \(Timestamp.text(nextAttemptAt))") }
    if delivery.isHeld, delivery.state == .waiting {
      words.append("until `luaslack queue release`")
    }
    if let reason = delivery.reason { words.append(clean(reason)) }
    var lines = [
      "  message \(delivery.id) to \(delivery.destination): \(words.joined(separator: ", "))"
    ]
    for attempt in attempts {
      lines.append("    \(Timestamp.text(attempt.at))  \(clean(attempt.result))")
    }
    if !folded.isEmpty {
      let shown = folded.prefix(20).map(String.init).joined(separator: ", ")
      lines.append(
        "    tells of \(folded.count) other\(folded.count == 1 ? "" : "s"): \(shown)\(folded.count > 20 ? ", …" : "")"
      )
    }
    if withPayload, let payload = try? JSONReader.read(delivery.payload), payload != [:] {
      lines += indented(payload, by: "    ")
    }
    return lines
  }
}

// As JSON: a contract like that of `status`.
extension EventTrace {
  public var value: Value {
    [
      "event": .int(id), "kind": .string(kind), "jail": .string(jail), "subject": .string(subject),
      "severity": .string(severity), "accepted_at": .string(Timestamp.text(acceptedAt)),
      "restored": .bool(isRestored),
      "repeated_at": .array(repeatedAt.map { .string(Timestamp.text($0)) }), "record": record,
      "formatters": .array(
        formatters.map { ["file": .string($0.file), "outcome": .string($0.outcome)] }),
      "deliveries": .array(messages.map(\.value)),
    ]
  }
}

extension EventTrace.Message {
  fileprivate var value: Value {
    var value = delivery.value
    func time(_ time: Int64?) -> Value { time.map { .string(Timestamp.text($0)) } ?? .null }
    value["next_attempt_at"] = time(nextAttemptAt)
    value["finished_at"] = time(finishedAt)
    value["attempt_log"] = .array(
      attempts.map { ["at": .string(Timestamp.text($0.at)), "result": .string($0.result)] })
    value["folded_into"] = foldedInto.map(Value.int) ?? .null
    value["folded_into_state"] = teller.map { .string($0.state.rawValue) } ?? .null
    value["folded"] = .array(folded.map(Value.int))
    value["payload"] = (try? JSONReader.read(delivery.payload)) ?? .null
    return value
  }
}

// What `preview` asks.
extension Queue {
  /// The newest events that were handed in, the oldest of them first.
  public func newestRecords(_ count: Int) throws(DatabaseError) -> [EventRecord] {
    try database.all(
      """
      SELECT record FROM event WHERE kind NOT IN ('digest', 'notice') ORDER BY id DESC LIMIT ?
      """, .integer(Int64(count))
    ) { $0.text(0) }
    .reversed().compactMap { text in (try? JSONReader.read(text)).flatMap { EventRecord($0) } }
  }
}

// What `doctor` asks.
extension Queue {
  public func newestEvent() throws(DatabaseError) -> Int64? {
    try database.first("SELECT max(accepted_at) FROM event") { $0.optionalInteger(0) }.flatMap {
      $0
    }
  }
}
