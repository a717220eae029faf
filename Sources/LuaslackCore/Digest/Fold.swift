/// When stored messages become one: what waits is more than the pace clears in a few seconds, or it has
/// waited for so long that nobody reads it one by one. Pure: values in, a decision out.
enum Fold {
  /// What waits for one destination and may be folded.
  struct Backlog: Equatable {
    /// Of what is not for a digest anyway; counted no further than is needed.
    var count = 0
    /// Of these, accepted longer ago than `lateAfter`; the same.
    var late = 0
    /// Something that a formatter left to the next digest has waited for as long as it may.
    var hasOverdue = false
  }

  enum Decision: Equatable {
    /// Each event has its own message.
    case apart
    case fold
    /// There was a digest a moment ago: whether the storm goes on will be seen then.
    case wait(until: Int64)
  }

  /// Microseconds of the pace that may be waiting without being folded.
  private static let patience: Int64 = 3_000_000
  /// Microseconds after which an alarm is late.
  static let lateAfter: Int64 = 5 * 60 * 1_000_000
  /// Microseconds between two digests: at first, and at most in a storm that lasts. The most is less
  /// than what makes a message late.
  private static let shortestDistance: Int64 = 10_000_000
  private static let longestDistance: Int64 = 240_000_000
  /// Microseconds after a digest in which nothing ordinary goes alone.
  private static let rest: Int64 = 20_000_000
  /// Microseconds of past digests that matter to the distance of the next.
  static let memory: Int64 = 1_800_000_000
  /// Critical events that go alone in a minute while others are folded.
  static let criticalAMinute = 3
  /// Early warnings that begin and go alone in a minute, whatever waits: they shall not be a storm themselves.
  static let warningsAMinute = 3

  /// Messages that may be waiting without being folded.
  static func capacity(_ pace: Pace, _ limit: Pace.Limit) -> Int {
    max(1, Int(pace.tokens + Double(patience) / Double(limit.interval)))
  }

  /// `digests`: when those of this destination went out that are no older than `memory`, the oldest
  /// first.
  static func decision(
    _ backlog: Backlog, capacity: Int, digests: [Int64], now: Int64
  ) -> Decision {
    if backlog.hasOverdue || backlog.late >= 2 { return .fold }
    guard backlog.count > 0, let last = digests.last else {
      return backlog.count > capacity ? .fold : .apart
    }
    let distance = distance(after: digests, last: last, now: now)
    let rest = last + min(distance, Self.rest)
    guard rest <= now else { return .wait(until: rest) }
    guard backlog.count > capacity else { return .apart }
    return last + distance <= now ? .fold : .wait(until: last + distance)
  }

  /// The longer the storm, the fewer: a channel stays readable.
  private static func distance(after digests: [Int64], last: Int64, now: Int64) -> Int64 {
    var before = digests.first ?? last
    // Whether the oldest that is known was the first of its storm, only an older one could say.
    let mayGoOn = before < now - memory + 2 * longestDistance
    var distance = mayGoOn ? longestDistance : shortestDistance
    for at in digests.dropFirst() {
      let gap = at - before
      // Parts of one digest follow each other at once.
      if gap > 2 * distance {
        distance = shortestDistance
      } else if gap >= shortestDistance {
        distance = min(2 * distance, longestDistance)
      }
      before = at
    }
    return distance
  }
}
