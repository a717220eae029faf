internal import Posix
public import SQLite

/// Takes what waits in the queue to its destinations: one message at a time each, at the pace of each,
/// none of them delaying another. All its state is in the rows; a courier that is killed is continued
/// by the next.
public final class Courier<Carrier: Transport> {
  private let queue: Queue
  private let transport: Carrier
  private let policy: RetryPolicy
  private let host: String
  private let jitter: () -> Double
  /// Microseconds on a clock that nobody sets.
  private let steadyClock: () -> Int64
  private let digests: Digests
  /// Both clocks at the last look.
  private var latest: (now: Int64, steady: Int64)?
  private var configuration: Configuration?
  private var alarms: [Alarm] = []
  private var underWay: [Int64: (delivery: Delivery, target: Target)] = [:]

  public init(
    _ queue: Queue, _ transport: Carrier, policy: RetryPolicy = RetryPolicy(),
    host: String, steadyClock: (() -> Int64)? = nil,
    jitter: @escaping () -> Double
  ) {
    self.queue = queue
    self.transport = transport
    self.policy = policy
    self.host = host
    self.jitter = jitter
    self.steadyClock = steadyClock ?? Clock.sinceBoot
    digests = Digests(queue, host: host)
  }

  /// A line for the host's log, whoever reads what luaslackd prints.
  public struct Alarm: Sendable, Equatable {
    public let line: String
    /// It is over.
    public let isRelief: Bool
  }

  /// What is to be logged since the last call.
  public func takeAlarms() -> [Alarm] {
    defer { alarms = [] }
    return alarms
  }

  public var isBusy: Bool { !underWay.isEmpty }

  /// By what events are judged; digests tell why one is critical.
  var context: EventContext {
    get { digests.context }
    set { digests.context = newValue }
  }

  /// Starts whatever may go out at `now`. Returns when to look again; nil: nothing waits.
  public func dispatch(
    _ configuration: Configuration?, now: Int64
  ) throws(DatabaseError) -> Int64? {
    try heedClock(now)
    self.configuration = configuration
    var wakeAt: Int64?
    for state in try queue.destinationStates() {
      guard !underWay.values.contains(where: { $0.delivery.destination == state.name }) else {
        continue
      }
      let due = try dispatch(to: state, configuration, now: now)
      if let due { wakeAt = min(wakeAt ?? due, due) }
    }
    return wakeAt
  }

  /// A clock that was set back, before this start or since, would freeze what waits for a time; one
  /// that was set forward would cut short what Slack asked for.
  private func heedClock(_ now: Int64) throws(DatabaseError) {
    let steady = steadyClock()
    defer { latest = (now, steady) }
    guard let latest else { return try queue.restartDelays(now: now) }
    let jump = now - latest.now - (steady - latest.steady)
    if now < latest.now {
      try queue.restartDelays(now: now)
    } else if jump > Self.smallestJump {
      try queue.moveRetryAfter(by: jump, since: latest.now)
    }
  }

  /// Microseconds; less is the clocks' own difference.
  private static var smallestJump: Int64 { 500_000 }

  /// What goes out next to a destination, if anything may; returns when to look again.
  private func dispatch(
    to state: DestinationState, _ configuration: Configuration?, now: Int64
  ) throws(DatabaseError) -> Int64? {
    let name = state.name
    guard let due = try queue.nextAttempt(for: name) else { return nil }
    let at = max(due, state.notBefore)
    guard at <= now else { return at }
    let target: Target
    do throws(Target.Refused) {
      target = try self.target(name, configuration)
    } catch {
      return try hold(state, "\(error)", now: now)
    }
    guard let configuration, let destination = configuration.destinations[name] else { return nil }
    let limit = Pace.Limit(destination)
    let hash = target.hash
    var pace = (try queue.pace(hash) ?? Pace(limit, now: now)).reckoned(limit, now: now)
    guard pace.nextAt(limit) <= now else { return pace.nextAt(limit) }
    let capacity = Fold.capacity(pace, limit)
    switch try choose(name, capacity, configuration, now: now) {
    case .message(let delivery):
      pace.take()
      try send(delivery, to: target, pace, now: now)
      return nil
    case .nothing(let until):
      return until
    }
  }

  private enum Choice {
    case message(Delivery)
    /// Nothing before this; nil: for an answer or an admin's word.
    case nothing(until: Int64?)
  }

  /// Alarms that cannot wait, then a digest that is on its way, then what waits: apart, or as a digest.
  private func choose(
    _ name: String, _ capacity: Int, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    let alone = try queue.criticalCount(of: name, since: now - 60_000_000)
    if alone < Fold.criticalAMinute,
      let urgent = try queue.next(
        for: name, [.critical], since: now - Fold.lateAfter, now: now)
    {
      return .message(urgent)
    }
    if let digest = try queue.pendingDigest(of: name) {
      return try grow(digest, configuration, now: now)
    }
    if let own = try queue.next(for: name, [.notice], now: now) { return .message(own) }
    let decision = Fold.decision(
      try queue.backlog(of: name, most: capacity + 1, now: now), capacity: capacity,
      digests: try queue.digestTimes(of: name, since: now - Fold.memory), now: now)
    switch decision {
    case .wait(let until): return .nothing(until: until)
    case .fold: return try fold(name, into: nil, configuration, now: now)
    case .apart:
      if let delivery = try queue.next(for: name, [.event, .critical], now: now) {
        return .message(delivery)
      }
      return .nothing(until: try queue.nextAttempt(for: name, after: now))
    }
  }

  /// What came since it could not be sent goes with it, unless it may stand in the channel already.
  private func grow(
    _ digest: Delivery, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    guard digest.nextAttemptAt <= now else { return .nothing(until: digest.nextAttemptAt) }
    guard !digest.maybeSent, !digest.isPlain,
      try queue.firstFoldable(of: digest.destination, now: now) != nil
    else { return .message(digest) }
    return try fold(digest.destination, into: digest, configuration, now: now)
  }

  private func fold(
    _ name: String, into digest: Delivery?, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    let isAll = try digests.fold(name, into: digest, configuration, now: now)
    // Between two turns luaslackd heeds its signals and takes in what came.
    guard isAll else { return .nothing(until: now) }
    return try queue.pendingDigest(of: name).map { .message($0) } ?? .nothing(until: now)
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

  private func send(
    _ delivery: Delivery, to target: Target, _ pace: Pace, now: Int64
  ) throws(DatabaseError) {
    let body = try body(delivery, now: now)
    let thread = target.hasThreads ? try queue.thread(of: delivery, in: target.channelID) : nil
    // Committed before the first byte: a crash from here on is known to be ambiguous, and the next
    // luaslackd knows that a message went out.
    try queue.transaction { () throws(DatabaseError) in
      try queue.markSending(delivery.id)
      try queue.save(pace, of: target.hash)
    }
    underWay[delivery.id] = (delivery, target)
    transport.start(delivery.id, target.post(body, threadTs: thread))
  }

  private func body(_ delivery: Delivery, now: Int64) throws(DatabaseError) -> String {
    var outgoing = Outgoing(
      payload: delivery.payload, acceptedAt: delivery.acceptedAt, maybeSent: delivery.maybeSent)
    if let age = configuration?.mentionMaxAge { outgoing.mentionMaxAge = Int64(age) * 1_000_000 }
    if Outgoing.isLate(acceptedAt: delivery.acceptedAt, now: now) {
      outgoing.happenedAt = try queue.record(of: delivery.event)?.happenedAt
    }
    return outgoing.body(now: now)
  }

  /// Waits for answers and settles them.
  public func wait(
    others: [Int32], milliseconds: Int32, now: () -> Int64
  ) throws(DatabaseError) {
    for (tag, answer) in transport.wait(others: others, milliseconds: milliseconds) {
      guard let (delivery, target) = underWay.removeValue(forKey: tag) else { continue }
      let now = now()
      try queue.transaction { () throws(DatabaseError) in
        let verdict = Verdict(answer)
        if case .retry(_, let after?, _) = verdict {
          // For whoever else sends there under another name.
          var pace = try queue.pace(target.hash) ?? Pace(tokens: 0, at: now, notBefore: 0)
          pace.obey(retryAfter: RetryPolicy.microseconds(after), now: now)
          try queue.save(pace, of: target.hash)
        }
        try settle(delivery, verdict, now: now)
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
      if let since = try queue.endDeath(of: state.name) {
        let text = Fallback.revival(of: state.name, after: now - since)
        try tell(text, of: state.name, isRelief: true, now: now)
      }
    case .retry(let reason, let after, let maybeArrived):
      try retry(delivery, &state, reason, after: after, maybeArrived, now: now)
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
    }
  }

  /// In the log, and where the config says for when a destination is dead.
  private func tell(
    _ text: String, of name: String, isRelief: Bool, now: Int64
  ) throws(DatabaseError) {
    alarms.append(Alarm(line: PlainText.line(text), isRelief: isRelief))
    let dead = try queue.destinationStates().filter { $0.health == .dead }.map(\.name)
    let fallback = Fallback.destination(of: name, configuration, isDead: dead.contains)
    if let fallback { try queue.announce(text, to: fallback, host: host, now: now) }
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
        of: delivery.id, events: .min ... .max, context: context, host: host, now: now)
      return BuiltIn.sentence(Event(digest, host: host, now: now))
    }
    return try queue.record(of: delivery.event)
      .map { BuiltIn.sentence(Event($0, host: host, now: now)) } ?? "an event"
  }
}
