internal import SQLite

/// Makes digests of what waits, each in one transaction: its rows are folded and its message is worded,
/// or neither.
final class Folding {
  /// By what the events in them are judged.
  var context = EventContext()
  private let queue: Queue
  private let host: String
  private let wording: Wording
  /// Of the configuration that is in use: microseconds since 1970.
  private var callsSince: Int64 = .min

  /// Rows of one transaction: it delays deliveries, and what comes in, for that long.
  private static let batch = 10_000
  /// Messages that one digest may become.
  private static let mostParts = 4

  init(_ queue: Queue, host: String) {
    self.queue = queue
    self.host = host
    wording = Wording(queue)
  }

  enum Outcome {
    case nothing
    /// It has its words, or a formatter muted it.
    case made(Int64)
    /// More waits than one turn takes, and it has none yet.
    case unfinished
  }

  /// Folds what waits for a destination into the digest, or a new one.
  func fold(
    _ destination: String, into pending: Delivery?, _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> Outcome {
    try queue.transaction { () throws(DatabaseError) in
      let first = try queue.firstFoldable(of: destination, now: now)
      var digest = pending
      if digest == nil, let first {
        digest = try queue.insertDigest(to: destination, acceptedAt: first, now: now)
      }
      guard let digest, first != nil || !Self.hasWords(digest) else { return .nothing }
      let count = try queue.fold(into: digest, most: Self.batch, now: now)
      guard count < Self.batch else {
        try queue.takeWords(from: digest)
        return .unfinished
      }
      try queue.countMuted(in: digest)
      callsSince = now - configuration.mentionLifetime
      wording.begin(configuration)
      defer { wording.end() }
      try word(digest, now: now)
      return .made(digest.id)
    }
  }

  /// False between two turns.
  static func hasWords(_ digest: Delivery) -> Bool { digest.payload != "{}" }

  /// Whole if it fits, else in parts if those do, else cut.
  private func word(_ digest: Delivery, now: Int64) throws(DatabaseError) {
    let whole = try content(digest, .min ... .max, now: now)
    let result = try self.result(digest, whole, now: now)
    if !result.violations.isEmpty {
      for parts in [2, Self.mostParts] where try split(digest, into: parts, now: now) { return }
    }
    try queue.word(digest, result.outcome, whole, now: now)
  }

  /// False if the parts do not fit either.
  private func split(
    _ digest: Delivery, into parts: Int, now: Int64
  ) throws(DatabaseError) -> Bool {
    let borders = try queue.borders(of: digest.id, parts: parts)
    guard borders.count == parts else { return false }
    var worded: [(range: ClosedRange<Int64>, outcome: Formatting.Result.Outcome, content: Digest)] =
      []
    var start = Int64.min
    for border in borders {
      let range = start...(border == borders.last ? .max : border)
      let content = try content(digest, range, now: now)
      let result = try self.result(digest, content, now: now)
      guard result.violations.isEmpty else { return false }
      worded.append((range, result.outcome, content))
      start = border + 1
    }
    for (index, part) in worded.enumerated() {
      var owner = digest
      if index > 0 {
        let acceptedAt = try queue.firstAccepted(of: digest.id, events: part.range, now: now)
        guard
          let other = try queue.insertDigest(
            to: digest.destination, acceptedAt: acceptedAt ?? now, now: now)
        else { continue }
        try queue.move(events: part.range, from: digest.id, to: other.id)
        owner = other
      }
      try queue.word(owner, part.outcome, part.content, now: now)
    }
    return true
  }

  private func content(
    _ digest: Delivery, _ range: ClosedRange<Int64>, now: Int64
  ) throws(DatabaseError) -> Digest {
    try queue.digest(
      of: digest.id, events: range, context: context, host: host, callsSince: callsSince, now: now)
  }

  private func result(
    _ digest: Delivery, _ content: Digest, now: Int64
  ) throws(DatabaseError) -> Formatting.Result {
    let event = Event(content, host: host, now: now)
    let result = try wording.result(event, of: digest.event, now: now)
    return wording.result(event, for: digest.destination, result)
  }
}
