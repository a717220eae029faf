/// How fast one real destination is sent to: a token bucket, and Slack's own word. Pure: values and a
/// time in, values out. Slack takes a message a second and a few more for a moment (docs.slack.dev,
/// "Rate limits"), and disables who does not heed its Retry-After.
public struct Pace: Sendable, Equatable {
  /// What the config allows.
  public struct Limit: Sendable, Equatable {
    /// Microseconds from one message to the next.
    let interval: Int64
    /// Messages that may go out at once after a silence.
    let burst: Int

    init(_ destination: Configuration.Destination) {
      interval = destination.rate.interval
      burst = destination.burst
    }

    init(interval: Int64, burst: Int) {
      self.interval = interval
      self.burst = burst
    }
  }

  /// Messages that may go out; the fraction is the one that may go out next.
  public var tokens: Double
  /// When `tokens` was reckoned, in microseconds since 1970, as all times here.
  public var at: Int64
  /// Slack's Retry-After: nothing goes out before this.
  public var notBefore: Int64 = 0

  /// A full bucket: nothing was sent for long.
  public init(_ limit: Limit, now: Int64) {
    tokens = Double(limit.burst)
    at = now
  }

  init(tokens: Double, at: Int64, notBefore: Int64) {
    (self.tokens, self.at, self.notBefore) = (tokens, at, notBefore)
  }

  /// As it is at `now`. A clock that was set back gives nothing; what is stored is set right when
  /// that is seen.
  func reckoned(_ limit: Limit, now: Int64) -> Pace {
    var pace = self
    // Slack's bucket fills no faster than ours: nothing is saved up while it wants rest.
    let gained = Double(max(0, now - max(at, notBefore))) / Double(limit.interval)
    pace.tokens = min(tokens + gained, Double(limit.burst))
    pace.at = now
    return pace
  }

  /// When the next message may go out, for one that is reckoned; not after `at`: now.
  func nextAt(_ limit: Limit) -> Int64 {
    // Rounded, so that a bucket filled to the microsecond counts as filled.
    let wait = Int64((max(0, 1 - tokens) * Double(limit.interval)).rounded())
    return max(at + wait, notBefore)
  }

  /// A message goes out.
  mutating func take() {
    tokens = max(0, tokens - 1)
  }

  /// Slack said that it was too many: the bucket was fuller than Slack's own. Afterwards one may go.
  mutating func obey(retryAfter: Int64, now: Int64) {
    tokens = 1
    at = now
    notBefore = max(notBefore, now + retryAfter)
  }
}
