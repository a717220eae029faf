/// How long to wait after a failure. Pure: the same numbers in, the same delay out.
public struct RetryPolicy: Sendable, Equatable {
  /// Microseconds.
  public var first: Int64 = 1_000_000
  public var ceiling: Int64 = 15 * 60 * 1_000_000
  /// An event that could not be delivered for this long becomes a dead letter.
  public var lifetime: Int64 = 7 * 86_400 * 1_000_000
  /// But not before it was tried this often.
  public var leastAttempts = 3
  /// A destination that Slack calls dead is looked at this often, in case somebody mended it.
  public var deadInterval: Int64 = 3_600 * 1_000_000

  public init() {}

  /// Of a Retry-After in seconds; a day is the longest that is believed.
  static func microseconds(_ retryAfter: Int) -> Int64 {
    Int64(min(max(retryAfter, 0), 86_400)) * 1_000_000
  }

  /// Doubles with each failure up to the ceiling; `jitter`, from 0 to 1, takes away up to a quarter,
  /// so that many hosts do not come back in step.
  public func backoff(failures: Int, jitter: Double) -> Int64 {
    let doubled = first << Int64(min(max(failures - 1, 0), 30))
    let delay = min(doubled, ceiling)
    return delay - Int64(Double(delay) * 0.25 * min(max(jitter, 0), 1))
  }
}
