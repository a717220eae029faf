/// What an admin asks luaslackd to change. It lies in the spool like an event: only luaslackd writes
/// the database.
public struct QueueRequest: Sendable, Equatable {
  public enum Action: String, Sendable, CaseIterable {
    case flush, retry, hold, release, delete, forget
    case sendTest = "send-test"
    /// The same with nothing in it: Slack refuses that, and so shows whether it would take a message.
    case probe
    /// An event of the kind `report`: the figures are luaslackd's.
    case report
  }

  public var action: Action
  /// Deliveries, as `queue list` numbers them.
  public var deliveries: [Int64] = []
  /// Everything of this destination, what is still to come included.
  public var destination: String?
  /// `retry`: all dead letters. `release`: all that is held.
  public var isForAll = false
  /// `forget`: whose events.
  public var address: String?
  /// `report`: what it tells of, and where it goes; none: the config decides.
  public var period: ReportPeriod?
  public var destinations: [String] = []

  public init(_ action: Action) {
    self.action = action
  }

  /// What the caller is told.
  public struct Answer: Sendable, Equatable {
    /// How many deliveries, or events, it was done to.
    public var count = 0
    /// What could not be done and why, one sentence each.
    public var problems: [String] = []
    /// `send-test`: how it ended; nil while that is open.
    public var trial: Trial?
    /// `send-test`: it is still to be sent, or its answer to come.
    public var isOpen = false
    /// `send-test`: the first byte may have gone out.
    var isSent = false

    /// Sentences that one answer holds; of 100,000 nobody reads more.
    static let problemLimit = 20
  }
}

// As JSON. A luaslackd of an earlier version puts a request that it does not know aside, unharmed.
extension QueueRequest {
  public var value: Value {
    var value: Value = ["request": .string(action.rawValue)]
    if !deliveries.isEmpty { value["deliveries"] = .array(deliveries.map(Value.int)) }
    value["destination"] = destination.map(Value.string)
    if isForAll { value["all"] = true }
    value["address"] = address.map(Value.string)
    if let period { (value["until"], value["length"]) = (.int(period.until), .int(period.length)) }
    if !destinations.isEmpty { value["to"] = .array(destinations.map(Value.string)) }
    return value
  }

  /// Nil if the value is no request that this version knows.
  public init?(_ value: Value) {
    guard let action = value["request"]?.string.flatMap(Action.init(rawValue:)) else { return nil }
    self.init(action)
    deliveries = (value["deliveries"]?.array ?? []).compactMap(\.int)
    destination = value["destination"]?.string
    isForAll = value["all"]?.bool ?? false
    address = value["address"]?.string
    if let until = value["until"]?.int, let length = value["length"]?.int {
      period = ReportPeriod(until: until, length: Int(length))
    }
    destinations = (value["to"]?.array ?? []).prefix(EventRecord.nameCountLimit)
      .compactMap(\.string).map { EventRecord.bounded($0, EventRecord.nameLimit) }
  }
}

extension QueueRequest.Answer {
  /// How a test message ended.
  public struct Trial: Sendable, Equatable {
    public var exit: ExitStatus
    /// Slack's own word, or why nothing was sent.
    public var word: String

    public init(exit: ExitStatus, word: String) {
      self.exit = exit
      self.word = word
    }
  }

  var value: Value {
    var value: Value = [
      "count": .int(Int64(count)), "problems": .array(problems.map(Value.string)),
    ]
    if isOpen { value["open"] = true }
    if isSent { value["sent"] = true }
    value["trial"] = trial.map {
      ["exit": .int(Int64($0.exit.rawValue)), "word": .string($0.word)]
    }
    return value
  }

  /// With what the courier needs to know of a test that is still to be sent.
  func value(of request: QueueRequest) -> Value {
    var value = self.value
    if isOpen { value["destination"] = request.destination.map(Value.string) }
    if isOpen, request.action == .probe { value["harmless"] = true }
    return value
  }

  init(_ value: Value) {
    count = Int(value["count"]?.int ?? 0)
    problems = (value["problems"]?.array ?? []).compactMap(\.string)
    isOpen = value["open"]?.bool ?? false
    isSent = value["sent"]?.bool ?? false
    if let word = value["trial"]?["word"]?.string {
      let exit = value["trial"]?["exit"]?.int.flatMap { ExitStatus(rawValue: Int32(clamping: $0)) }
      trial = Trial(exit: exit ?? .software, word: word)
    }
  }
}
