internal import Posix
public import SQLite

/// Takes what waits in the queue to its destinations: one message at a time each, at the pace of each,
/// none of them delaying another. All its state is in the rows; a courier that is killed is continued
/// by the next.
public final class Courier<Carrier: Transport> {
  let queue: Queue
  let transport: Carrier
  let policy: RetryPolicy
  let host: String
  let jitter: () -> Double
  /// Microseconds on a clock that nobody sets.
  let steadyClock: () -> Int64
  let folding: Folding
  /// Both clocks at the last look.
  private var latest: (now: Int64, steady: Int64)?
  private(set) var configuration: Configuration?
  private var alarms: [Alarm] = []
  /// Of the transaction that is under way.
  var newAlarms: [Alarm] = []
  private var underWay: [Int64: (delivery: Delivery, target: Target, since: Int64)] = [:]
  /// There are tests that an admin asked for. Their tags are negative; those of deliveries are ids.
  var hasTrials = false
  var trialsUnderWay: [Int64: (Trial, Target)] = [:]
  var lastTrialTag: Int64 = 0

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
    folding = Folding(queue, host: host)
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

  public var isBusy: Bool { !underWay.isEmpty || hasTrials }

  /// One message at a time.
  func isBusy(with destination: String) -> Bool {
    underWay.values.contains { $0.delivery.destination == destination }
      || trialsUnderWay.values.contains { $0.0.destination == destination }
  }

  /// By what events are judged; digests tell why one is critical.
  var context: EventContext {
    get { folding.context }
    set { folding.context = newValue }
  }

  /// Starts whatever may go out at `now`. Returns when to look again; nil: nothing waits.
  public func dispatch(
    _ configuration: Configuration?, now: Int64
  ) throws(DatabaseError) -> Int64? {
    try heedClock(now)
    self.configuration = configuration
    var wakeAt = try dispatchTrials(now: now)
    for state in try queue.destinationStates() where !isBusy(with: state.name) {
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
      if let configuration, configuration.destinations[name] == nil {
        try queue.giveUp(
          name, before: now - policy.lifetime, reason: "\(error)", now: now)
      }
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
    underWay[delivery.id] = (delivery, target, now)
    transport.start(delivery.id, target.post(body, threadTs: thread))
  }

  private func body(_ delivery: Delivery, now: Int64) throws(DatabaseError) -> String {
    var outgoing = Outgoing(
      payload: delivery.payload, acceptedAt: delivery.acceptedAt, maybeSent: delivery.maybeSent)
    if let lifetime = configuration?.mentionLifetime {
      outgoing.mentionMaxAge = lifetime
      if delivery.class == .digest, now - delivery.acceptedAt > lifetime {
        // Something old in it makes no early warning late that has just begun.
        outgoing.calledAt = try queue.newestCall(of: delivery.id, since: now - lifetime)
      }
    }
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
      let now = now()
      newAlarms = []
      if let (trial, target) = trialsUnderWay.removeValue(forKey: tag) {
        try queue.transaction { () throws(DatabaseError) in
          try heed(answer, of: target, now: now)
          try settle(trial, answer, now: now)
        }
      } else if let (delivery, target, since) = underWay.removeValue(forKey: tag) {
        try queue.transaction { () throws(DatabaseError) in
          try heed(answer, of: target, now: now)
          try settle(delivery, Verdict(answer), since: since, now: now)
        }
      }
      alarms += newAlarms
    }
  }

  /// Slack's Retry-After, for whoever else sends there under another name.
  private func heed(_ answer: Answer, of target: Target, now: Int64) throws(DatabaseError) {
    guard case .retry(_, let after?, _) = Verdict(answer) else { return }
    var pace = try queue.pace(target.hash) ?? Pace(tokens: 0, at: now, notBefore: 0)
    pace.obey(retryAfter: RetryPolicy.microseconds(after), now: now)
    try queue.save(pace, of: target.hash)
  }
}
