internal import SQLite

/// What goes out next to a destination.
enum Choice {
  case message(Delivery)
  /// Nothing before this; nil: before something else happens.
  case nothing(until: Int64?)
}

extension Courier {
  /// Early warnings that begin and alarms, which cannot wait, then what may stand in the channel already, then a digest that is on its
  /// way, then what waits: apart, or as a digest.
  func choose(
    _ name: String, _ capacity: Int, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    let recently = now - Fold.lateAfter
    let beginning = try queue.nextBeginning(for: name, since: recently, now: now)
    if let beginning,
      try queue.beginningCount(of: name, since: recently, now: now) < Fold.warningsAMinute
    {
      return .message(beginning)
    }
    let alone = try queue.criticalCount(of: name, since: now - 60_000_000, now: now)
    if alone < Fold.criticalAMinute,
      let urgent = try queue.next(for: name, .critical, since: recently, now: now)
    {
      return .message(urgent)
    }
    if let repeated = try queue.next(for: name, .ambiguous, now: now) { return .message(repeated) }
    let pending = try queue.pendingDigest(of: name)
    if let (digest, isOnly) = pending, digest.nextAttemptAt <= now {
      return try choose(digest, isOnly: isOnly, configuration, now: now)
    }
    if let own = try queue.next(for: name, .notices, now: now) { return .message(own) }
    let decision = Fold.decision(
      try queue.backlog(of: name, most: capacity + 1, now: now), capacity: capacity,
      digests: try queue.digestTimes(of: name, since: now - Fold.memory, now: now), now: now)
    switch decision {
    case .wait(let until):
      try queue.note(digestAt: until, of: name)
      return .nothing(until: until)
    case .fold:
      let growing = pending.flatMap { $0.isOnly && Self.mayGrow($0.digest) ? $0.digest : nil }
      return try fold(name, into: growing, configuration, now: now)
    case .apart:
      // No end of another one before it.
      if let beginning { return .message(beginning) }
      if let delivery = try queue.next(for: name, .events, now: now) { return .message(delivery) }
      return .nothing(until: try queue.nextAttempt(for: name, after: now))
    }
  }

  /// What came since it could not be sent goes with it, unless it may stand in the channel already, or is
  /// but a part: the rest of it would then be older than what is in it.
  private func choose(
    _ digest: Delivery, isOnly: Bool, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    guard isOnly && Self.mayGrow(digest) || !Folding.hasWords(digest) else {
      return .message(digest)
    }
    return try fold(digest.destination, into: digest, configuration, now: now)
  }

  private static func mayGrow(_ digest: Delivery) -> Bool { !digest.maybeSent && !digest.isPlain }

  private func fold(
    _ name: String, into digest: Delivery?, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Choice {
    switch try folding.fold(name, into: digest, configuration, now: now) {
    // Between two turns luaslackd heeds its signals and takes in what came.
    case .unfinished: return .nothing(until: now)
    case .nothing:
      if let digest { return .message(digest) }
      return .nothing(until: try queue.nextAttempt(for: name, after: now))
    case .made(let id):
      if let made = try queue.delivery(id), made.state == .waiting { return .message(made) }
      return .nothing(until: now)
    }
  }
}
