internal import SQLite

// What an answer means for the rows.
extension Courier {
  func settle(
    _ delivery: Delivery, _ verdict: Verdict, since: Int64, now: Int64
  ) throws(DatabaseError) {
    try queue.note(attempt: verdict.word, of: delivery.id, now: now)
    var state = try queue.state(of: delivery.destination)
    switch verdict {
    case .delivered(let place):
      // Why it had to be plain stays worth knowing; what was overcome does not.
      let reason = delivery.isPlain ? delivery.reason : nil
      try queue.finish(delivery.id, .delivered, reason: reason, now: now)
      if let place { try queue.keep(place, of: delivery.id) }
      try noteSuccess(of: state, now: now)
    case .retry(let reason, let after, let maybeArrived):
      // Somebody hurried it while the attempt was under way: the next one is at once.
      let isHurried = after == nil && state.setAt >= since && state.notBefore == 0
      try retry(
        delivery, &state, reason, after: isHurried ? 0 : after, maybeArrived, now: now)
    case .threadRefused(let reason):
      if try queue.leaveThread(delivery.id, reason: reason, now: now) { return }
      try refuse(delivery, reason, now: now)
    case .payloadRefused(let reason):
      try refuse(delivery, reason, now: now)
    case .destinationDead(let reason):
      state.health = .dead
      state.failures += 1
      state.lastError = reason
      state.notBefore = now + policy.deadInterval
      state.setAt = now
      try queue.postpone(delivery.id, until: now, reason: reason, maybeSent: false, now: now)
      try queue.save(state)
      guard try queue.noteDeath(of: state.name, now: now) else { return }
      let totals = try queue.totals()[state.name] ?? [:]
      let text = Fallback.death(
        of: state.name, configuration?.destinations[state.name], reason: reason,
        waiting: (totals[.waiting] ?? 0) + (totals[.sending] ?? 0))
      try tell(text, of: state.name, isRelief: false, now: now)
      // What others had it told it can tell nobody.
      if let next = try fallback(of: state.name) {
        try queue.moveAnnouncements(from: state.name, to: next)
      }
    }
  }

  /// The destination took a message, so that the next may go.
  func noteSuccess(of destination: DestinationState, now: Int64) throws(DatabaseError) {
    var state = destination
    state.health = .ok
    state.failures = 0
    state.notBefore = 0
    state.lastOkAt = now
    state.lastError = nil
    try queue.save(state)
    guard let since = try queue.endDeath(of: state.name) else { return }
    let text = Fallback.revival(of: state.name, after: now - since)
    try tell(text, of: state.name, isRelief: true, now: now)
  }

  /// In the log, and where the config says for when a destination is dead.
  private func tell(
    _ text: String, of name: String, isRelief: Bool, now: Int64
  ) throws(DatabaseError) {
    newAlarms.append(Alarm(line: PlainText.line(text), isRelief: isRelief))
    let subject = "destination \(name)"
    if isRelief, try queue.withdrawAnnouncements(about: subject, now: now) { return }
    guard let fallback = try fallback(of: name) else { return }
    try queue.announce(text, about: subject, to: fallback, host: host, now: now)
  }

  private func fallback(of name: String) throws(DatabaseError) -> String? {
    let dead = try queue.destinationStates().filter { $0.health == .dead }.map(\.name)
    return Fallback.destination(of: name, configuration, isDead: dead.contains)
  }

  /// The destination as a whole waits: what hindered this message hinders the next as well.
  private func retry(
    _ delivery: Delivery, _ state: inout DestinationState, _ reason: String, after: Int?,
    _ maybeArrived: Bool, now: Int64
  ) throws(DatabaseError) {
    // What Slack called dead is so until it takes something.
    if state.health != .dead { state.health = .failing }
    state.failures += 1
    state.lastError = reason
    state.setAt = now
    let asked = after.map(RetryPolicy.microseconds)
    state.notBefore = now + (asked ?? policy.backoff(failures: state.failures, jitter: jitter()))
    try queue.save(state, obeysSlack: asked != nil)
    // Its age alone is no reason: it may never have been tried, because the host was off.
    if now - delivery.acceptedAt > policy.lifetime, delivery.attempts + 1 >= policy.leastAttempts {
      let days = policy.lifetime / 86_400_000_000
      let last = "not delivered within \(days) days; last: \(reason)"
      return try queue.finish(delivery.id, .dead, reason: last, now: now)
    }
    let own = policy.backoff(failures: delivery.attempts + 1, jitter: jitter())
    try queue.postpone(
      delivery.id, until: max(state.notBefore, asked == nil ? now + own : 0), reason: reason,
      maybeSent: maybeArrived, now: now)
  }

  /// Once more in the plainest form there is, with Slack's word; refused again, it is dead.
  private func refuse(_ delivery: Delivery, _ reason: String, now: Int64) throws(DatabaseError) {
    guard !delivery.isPlain else {
      return try queue.finish(delivery.id, .dead, reason: reason, now: now)
    }
    let sentence = try self.sentence(delivery, now: now)
    let note = "(Slack refused the formatted message: \(reason))"
    let payload: Value = [
      "text": .string(Markup.mrkdwn("\(sentence)\n\(note)")), "unfurl_links": false,
      "unfurl_media": false,
    ]
    try queue.replacePayload(delivery.id, Fit.fitted(payload).message, reason: reason, now: now)
  }

  private func sentence(_ delivery: Delivery, now: Int64) throws(DatabaseError) -> String {
    if delivery.class == .notice, let payload = try? JSONReader.read(delivery.payload) {
      return MessageText.body(payload)
    }
    guard delivery.class != .digest else {
      let digest = try queue.digest(
        of: delivery.id, events: .min ... .max, context: context, host: host,
        callsSince: now - (configuration?.mentionLifetime ?? 0), now: now)
      return BuiltIn.sentence(Event(digest, host: host, now: now))
    }
    return try queue.record(of: delivery.event)
      .map { BuiltIn.sentence(Event($0, host: host, now: now)) } ?? "an event"
  }
}
