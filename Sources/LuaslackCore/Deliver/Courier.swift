public import SQLite

/// Takes what waits in the queue to its destinations: one message at a time each, none of them
/// delaying another. All its state is in the rows; a courier that is killed is continued by the next.
public final class Courier<Carrier: Transport> {
  private let queue: Queue
  private let transport: Carrier
  private let policy: RetryPolicy
  private let host: String
  private let jitter: () -> Double
  /// The last time seen; an earlier one now means that the clock was set back.
  private var latest = Int64.max
  private var underWay: [Int64: Delivery] = [:]

  public init(
    _ queue: Queue, _ transport: Carrier, policy: RetryPolicy = RetryPolicy(),
    host: String, jitter: @escaping () -> Double
  ) {
    self.queue = queue
    self.transport = transport
    self.policy = policy
    self.host = host
    self.jitter = jitter
  }

  public var isBusy: Bool { !underWay.isEmpty }

  /// Starts whatever may go out at `now`. Returns when to look again; nil: nothing waits.
  public func dispatch(
    _ configuration: Configuration?, now: Int64
  ) throws(DatabaseError) -> Int64? {
    if now < latest { try queue.restartDelays(now: now) }
    latest = now
    var wakeAt: Int64?
    for state in try queue.destinationStates() {
      guard !underWay.values.contains(where: { $0.destination == state.name }) else { continue }
      let due = try dispatch(to: state, configuration, now: now)
      if let due { wakeAt = min(wakeAt ?? due, due) }
    }
    return wakeAt
  }

  private func dispatch(
    to state: DestinationState, _ configuration: Configuration?, now: Int64
  ) throws(DatabaseError) -> Int64? {
    guard let delivery = try queue.next(for: state.name, now: now) else {
      return try queue.nextAttempt(for: state.name).map { max($0, now + 1_000) }
    }
    guard state.notBefore <= now else { return state.notBefore }
    let target: Target
    do throws(Target.Refused) {
      target = try self.target(state.name, configuration)
    } catch {
      return try hold(state, "\(error)", now: now)
    }
    try send(delivery, to: target)
    return nil
  }

  private func target(
    _ name: String, _ configuration: Configuration?
  ) throws(Target.Refused) -> Target {
    guard let configuration else {
      throw Target.Refused(description: "there is no usable configuration")
    }
    guard let destination = configuration.destinations[name] else {
      throw Target.Refused(description: "the configuration has no [destination.\(name)]")
    }
    return try Target.read(destination)
  }

  /// The secret cannot be had: nothing was tried, so nothing counts as an attempt.
  private func hold(
    _ held: DestinationState, _ problem: String, now: Int64
  ) throws(DatabaseError) -> Int64 {
    var state = held
    state.health = .failing
    state.lastError = problem
    // Soon enough for somebody who has just mended the file and watches.
    state.notBefore = now + 5_000_000
    state.setAt = now
    try queue.save(state)
    return state.notBefore
  }

  private func send(_ delivery: Delivery, to target: Target) throws(DatabaseError) {
    // Committed before the first byte: a crash from here on is known to be ambiguous.
    try queue.markSending(delivery.id)
    underWay[delivery.id] = delivery
    transport.start(delivery.id, target.post(body(delivery)))
  }

  /// The stored payload; honest about a message that may stand in the channel already.
  private func body(_ delivery: Delivery) -> String {
    guard delivery.maybeSent, var payload = try? JSONReader.read(delivery.payload) else {
      return delivery.payload
    }
    let mark = "(possible repeat)"
    payload["text"] = .string((payload["text"]?.string ?? "") + " " + mark)
    // Where there are blocks, Slack shows the text in the notification alone.
    if let blocks = payload["blocks"]?.array, !blocks.isEmpty, blocks.count < 50 {
      let context: Value = [
        "type": "context", "elements": [["type": "plain_text", "text": .string(mark)]],
      ]
      payload["blocks"] = .array(blocks + [context])
    }
    return JSONWriter.compact(payload)
  }

  /// Waits for answers and settles them.
  public func wait(
    others: [Int32], milliseconds: Int32, now: () -> Int64
  ) throws(DatabaseError) {
    for (tag, answer) in transport.wait(others: others, milliseconds: milliseconds) {
      guard let delivery = underWay.removeValue(forKey: tag) else { continue }
      try queue.transaction { () throws(DatabaseError) in
        try settle(delivery, Verdict(answer), now: now())
      }
    }
  }

  private func settle(
    _ delivery: Delivery, _ verdict: Verdict, now: Int64
  ) throws(DatabaseError) {
    try queue.note(attempt: verdict.word, of: delivery.id, now: now)
    var state = try queue.state(of: delivery.destination)
    switch verdict {
    case .delivered(let place):
      // Why it had to be plain stays worth knowing; what was overcome does not.
      let reason = delivery.isPlain ? delivery.reason : nil
      try queue.finish(delivery.id, .delivered, reason: reason, now: now)
      if let place { try queue.keep(place, of: delivery.id) }
      state.health = .ok
      state.failures = 0
      state.notBefore = 0
      state.lastOkAt = now
      state.lastError = nil
      try queue.save(state)
    case .retry(let reason, let after, let maybeArrived):
      try retry(delivery, &state, reason, after: after, maybeArrived, now: now)
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
    }
  }

  /// The destination as a whole waits: what hindered this message hinders the next as well.
  private func retry(
    _ delivery: Delivery, _ state: inout DestinationState, _ reason: String, after: Int?,
    _ maybeArrived: Bool, now: Int64
  ) throws(DatabaseError) {
    state.health = .failing
    state.failures += 1
    state.lastError = reason
    state.setAt = now
    let asked = after.map { Int64(min($0, 86_400)) * 1_000_000 }
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
    let sentence =
      try queue.record(of: delivery.event)
      .map { BuiltIn.sentence(Event($0, host: host, now: now)) } ?? "an event"
    let note = "(Slack refused the formatted message: \(reason))"
    let payload: Value = [
      "text": .string(Markup.mrkdwn("\(sentence)\n\(note)")), "unfurl_links": false,
      "unfurl_media": false,
    ]
    try queue.replacePayload(delivery.id, Fit.fitted(payload).message, reason: reason, now: now)
  }
}
