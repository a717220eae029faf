public import SQLite

// What an admin asks for is done, in the transaction that takes the request in.
extension Queue {
  /// Carries a request out, once: its file may be found again.
  /// `report` makes one and says what was done.
  func carryOut(
    _ request: QueueRequest, named name: String, now: Int64,
    report: (inout QueueRequest.Answer) throws(DatabaseError) -> Void = { _ in }
  ) throws(DatabaseError) {
    guard try answer(to: name) == nil else { return }
    var answer = QueueRequest.Answer()
    switch request.action {
    case .flush: try flush(now: now)
    case .retry: try retry(request, &answer, now: now)
    case .hold: try hold(request, &answer)
    case .release: try release(request, &answer)
    case .delete: try delete(request, &answer, now: now)
    case .forget: try forget(request.address ?? "", &answer)
    case .sendTest, .probe:
      answer.isOpen = true
    case .report: try report(&answer)
    }
    try database.run(
      "INSERT INTO request (name, at, answer) VALUES (?, ?, ?)", .text(name), .integer(now),
      .text(JSONWriter.compact(answer.value(of: request))))
  }

  /// What became of a request; nil: luaslackd has not come to it.
  public func answer(to name: String) throws(DatabaseError) -> QueueRequest.Answer? {
    let text = try database.first(
      "SELECT answer FROM request WHERE name = ?", .text(name)
    ) { $0.text(0) }
    return text.map { QueueRequest.Answer((try? JSONReader.read($0)) ?? [:]) }
  }

  // MARK: - One action each

  /// A dead letter gets its attempts back, so that its age alone does not end it again.
  private func retry(
    _ request: QueueRequest, _ answer: inout QueueRequest.Answer, now: Int64
  ) throws(DatabaseError) {
    let change = """
      UPDATE delivery SET state = 'waiting', attempts = iif(state = 'dead', 0, attempts),
        next_attempt_at = ?1, set_at = ?1, finished_at = NULL
      """
    if request.isForAll {
      try database.run(change + " WHERE state = 'dead'", .integer(now))
      answer.count += database.changes
    }
    try forEach(request.deliveries, &answer) { id, state throws(DatabaseError) in
      guard state == .waiting || state == .dead else { return state.cannot("be tried again") }
      try database.run(change + " WHERE id = ?2", .integer(now), .integer(id))
      return nil
    }
    guard answer.count > 0 else { return }
    // The courier goes by destinations, and one that is not in the config may have been forgotten.
    try database.run(
      """
      INSERT OR IGNORE INTO destination (name)
      SELECT DISTINCT destination FROM delivery WHERE state IN ('waiting', 'sending')
      """)
    try endOwnDelays(now: now)
  }

  private func hold(
    _ request: QueueRequest, _ answer: inout QueueRequest.Answer
  ) throws(DatabaseError) {
    if let name = request.destination { try setHeld(true, name, &answer) }
    try forEach(request.deliveries, &answer) { id, state throws(DatabaseError) in
      guard state == .waiting else { return state.cannot("be held") }
      try database.run("UPDATE delivery SET held = 1 WHERE id = ?", .integer(id))
      return nil
    }
  }

  /// All for a destination, now and to come.
  private func setHeld(
    _ isHeld: Bool, _ destination: String, _ answer: inout QueueRequest.Answer
  ) throws(DatabaseError) {
    let held = SQLValue.integer(isHeld ? 1 : 0)
    try database.run("UPDATE destination SET held = ? WHERE name = ?", held, .text(destination))
    if database.changes == 0 {
      let names = try database.all("SELECT name FROM destination") { $0.text(0) }
      let hint = Nearest.of(destination, names).map { "; did you mean \"\($0)\"?" } ?? ""
      answer.add("there is no destination \(destination)\(hint)")
    }
    // What it was stands as a literal, as the indexes over either have it.
    try database.run(
      """
      UPDATE delivery SET held = ?
      WHERE destination = ? AND state = 'waiting' AND held = \(isHeld ? 0 : 1)
      """, held, .text(destination))
    answer.count += database.changes
  }

  private func release(
    _ request: QueueRequest, _ answer: inout QueueRequest.Answer
  ) throws(DatabaseError) {
    if let name = request.destination { try setHeld(false, name, &answer) }
    if request.isForAll {
      try database.run("UPDATE destination SET held = 0 WHERE held = 1")
      try database.run("UPDATE delivery SET held = 0 WHERE state = 'waiting' AND held = 1")
      answer.count += database.changes
    }
    try forEach(request.deliveries, &answer) { id, state throws(DatabaseError) in
      try database.run("UPDATE delivery SET held = 0 WHERE id = ? AND held = 1", .integer(id))
      return database.changes == 1 ? nil : "is not held"
    }
  }

  /// The row stays and is counted as muted: each event remains accounted for, and `trace` can say
  /// who wanted no message.
  private func delete(
    _ request: QueueRequest, _ answer: inout QueueRequest.Answer, now: Int64
  ) throws(DatabaseError) {
    try forEach(request.deliveries, &answer) { id, state throws(DatabaseError) in
      guard state == .waiting || state == .dead else { return state.cannot("be deleted") }
      try database.run(
        """
        UPDATE delivery SET state = 'muted', payload = '{}', held = 0, finished_at = ?,
          reason = 'deleted by hand' || iif(reason IS NULL, '', '; last: ' || reason) WHERE id = ?
        """, .integer(now), .integer(id))
      return nil
    }
  }

  /// `change` returns why it could not be done.
  private func forEach(
    _ ids: [Int64], _ answer: inout QueueRequest.Answer,
    _ change: (Int64, DeliveryState) throws(DatabaseError) -> String?
  ) throws(DatabaseError) {
    for id in ids {
      let state = try database.first("SELECT state FROM delivery WHERE id = ?", .integer(id)) {
        DeliveryState(rawValue: $0.text(0)) ?? .dead
      }
      guard let state else {
        answer.add("\(id): there is no such delivery")
        continue
      }
      if let problem = try change(id, state) {
        answer.add("\(id) \(problem)")
      } else {
        answer.count += 1
      }
    }
  }
}

extension QueueRequest.Answer {
  mutating func add(_ problem: String) {
    if problems.count < Self.problemLimit { problems.append(problem) }
  }
}

extension DeliveryState {
  /// Why something cannot be done to a delivery in this state.
  fileprivate func cannot(_ what: String) -> String {
    switch self {
    case .sending: "is just being sent and cannot \(what)"
    case .folded: "was told in another message and cannot \(what)"
    default: "is \(rawValue) and cannot \(what)"
    }
  }
}
