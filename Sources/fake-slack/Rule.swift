/// How requests are answered from now on: one object posted to /control, checked.
struct Rule: Sendable {
  enum Mode: Sendable {
    case ok
    case status(Answer)
    case rate(perSecond: Double, burst: Double)
    case hang(Duration)
    case delay(Duration)
    case trickle(Duration)
    case close, resetBefore, resetAfter, truncated, html, redirect
    case mixed(Mixture)
  }

  /// What is wrong with the object, for the test's author.
  struct Mistake: Error { let sentence: String }

  let name: String
  var mode: Mode
  /// The only path it holds for (a trailing `*` stands for any rest); nil: every path.
  let path: String?
  /// After so many requests it is spent; nil: never.
  var times: Int?
  /// The message counts as posted even when its sender is not told.
  let acceptsSilently: Bool

  static let ok = Rule(name: "ok", mode: .ok)

  private init(name: String, mode: Mode) {
    (self.name, self.mode, path, acceptsSilently) = (name, mode, nil, false)
  }

  init(_ json: JSON) throws(Mistake) {
    guard let object = json.object else { throw Mistake(sentence: "a rule is a JSON object") }
    let known: Set = [
      "mode", "path", "times", "accept", "status", "body", "headers", "per_second", "burst",
      "seconds", "seed", "share", "of",
    ]
    if let stranger = Set(object.keys).subtracting(known).min() {
      throw Mistake(sentence: "unknown key \(stranger)")
    }
    name = object["mode"]?.string ?? ""
    mode = try Self.mode(name, object)
    path = object["path"]?.string
    times = object["times"]?.number.flatMap { Int(exactly: $0) }
    acceptsSilently = object["accept"]?.bool ?? false
  }

  func holds(for path: String) -> Bool {
    guard let own = self.path else { return true }
    return own.hasSuffix("*") ? path.hasPrefix(own.dropLast()) : path == own
  }

  private static func mode(_ name: String, _ object: [String: JSON]) throws(Mistake) -> Mode {
    let seconds = Duration.seconds(min(max(object["seconds"]?.number ?? 30, 0), 86_400))
    switch name {
    case "ok": return .ok
    case "status": return .status(try statusAnswer(object))
    case "rate":
      let perSecond = object["per_second"]?.number ?? 1
      guard perSecond > 0 else { throw Mistake(sentence: "per_second must be above 0") }
      return .rate(perSecond: perSecond, burst: max(1, object["burst"]?.number ?? 1))
    case "hang": return .hang(seconds)
    case "delay": return .delay(seconds)
    case "trickle": return .trickle(seconds)
    case "close": return .close
    case "reset_before": return .resetBefore
    case "reset_after": return .resetAfter
    case "truncated": return .truncated
    case "html": return .html
    case "redirect": return .redirect
    case "mixed": return .mixed(try Mixture(object))
    default: throw Mistake(sentence: "unknown mode \(name)")
    }
  }

  private static func statusAnswer(_ object: [String: JSON]) throws(Mistake) -> Answer {
    guard let status = object["status"]?.number, (100...599).contains(status) else {
      throw Mistake(sentence: "mode status needs a status from 100 to 599")
    }
    let body = object["body"]?.string ?? ""
    var answer = Answer(status: Int(status), word: body, body: body)
    if let word = JSON(parsing: Array(body.utf8))?["error"]?.string { answer.word = word }
    for (name, value) in (object["headers"]?.object ?? [:]).sorted(by: { $0.key < $1.key }) {
      guard let value = value.string else { throw Mistake(sentence: "headers are strings") }
      answer.headers.removeAll { $0.name.lowercased() == name.lowercased() }
      answer.headers.append((name, value))
    }
    return answer
  }
}

/// Faults at random, a share of all requests: the same ones at every run with the same seed, as far as
/// requests come in the same order.
struct Mixture: Sendable {
  private let share: Double
  private let rules: [Rule]
  private var state: UInt64

  init(_ object: [String: JSON]) throws(Rule.Mistake) {
    guard let array = object["of"]?.array, !array.isEmpty else {
      throw Rule.Mistake(sentence: "mode mixed needs rules to choose from, in \"of\"")
    }
    var rules: [Rule] = []
    for json in array { rules.append(try Rule(json)) }
    self.rules = rules
    share = object["share"]?.number ?? 1
    state = UInt64(max(0, object["seed"]?.number ?? 1)) &* 0x9e37_79b9_7f4a_7c15 | 1
  }

  mutating func next() -> Rule {
    let isFault = Double(random() >> 11) / Double(1 << 53 as UInt64) < share
    return isFault ? rules[Int(random() % UInt64(rules.count))] : .ok
  }

  /// xorshift64*
  private mutating func random() -> UInt64 {
    state ^= state >> 12
    state ^= state << 25
    state ^= state >> 27
    return state &* 0x2545_f491_4f6c_dd1d
  }
}

/// Slack's limit on posting: a bucket of `burst` messages that refills at a steady rate.
struct TokenBucket {
  private let perSecond: Double
  private let burst: Double
  private var tokens: Double
  private var refilled: Double

  init(perSecond: Double, burst: Double, at now: Double) {
    (self.perSecond, self.burst, tokens, refilled) = (perSecond, burst, burst, now)
  }

  /// Nil if a message may pass now, else the seconds until the next one may.
  mutating func take(at now: Double) -> Double? {
    tokens = min(burst, tokens + (now - refilled) * perSecond)
    refilled = now
    // Whoever waits exactly as long as told must not fail by a rounding error.
    guard tokens < 1 - 1e-6 else {
      tokens -= 1
      return nil
    }
    return (1 - tokens) / perSecond
  }
}
