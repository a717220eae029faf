/// How loud an event is.
public enum Severity: String, Sendable, CaseIterable, Comparable {
  case info, warning, critical

  private var rank: Int { Self.allCases.firstIndex(of: self) ?? 0 }

  public static func < (left: Severity, right: Severity) -> Bool { left.rank < right.rank }
}

/// What follows from an event and the config: how loud it is, and why. The rules, for users:
/// docs/configuration.md, "Severity".
struct Assessment {
  let isValidUser: Bool
  let isFriendly: Bool
  /// For each list of the config, the entries that hold the address.
  let lists: [String: [String]]
  private(set) var severity = Severity.info
  /// Short sentences, one for each thing that makes the event louder than `info`.
  private(set) var reasons: [String] = []

  init(_ record: EventRecord, _ context: EventContext) {
    let address = record.address
    let user = record.options[.user].map(PlainText.line) ?? ""
    isValidUser = record.kind.hasAddress && !user.isEmpty && context.validUsers.contains(user)
    // A ban of a whole network hits each friend in it.
    isFriendly = address.map { context.friendlyNetworks.meets($0.network) } ?? false
    lists = context.lists.mapValues { list in
      address.map { list.entries(containing: $0.network) } ?? []
    }
    if record.kind == .notify || record.kind.isOwn { severity = Self.severity(of: record) }
    guard record.kind == .ban || record.kind == .prolong else { return }
    judge(record)
    judge(history: record.known["history"], isCounted: record.kind == .prolong, user: user)
    if isValidUser { add(.critical, "\(user) is a valid user") }
    if isFriendly, let address {
      add(.critical, "\(PlainText.line(address.text)) is in a friendly network")
    }
  }

  /// Its caller's word. What is critical goes out before everything else and leads a digest, so that a
  /// member of luaslack-submit gets no further than a warning.
  private static func severity(of record: EventRecord) -> Severity {
    let said = record.severity ?? .info
    return record.submitter == nil ? said : min(said, .warning)
  }

  private mutating func judge(_ record: EventRecord) {
    let count = record.options[.bancount].flatMap { Int($0) } ?? 1
    if count >= 2 {
      add(count >= 5 ? .critical : .warning, "\(Self.ordinal(count)) ban of this address")
    }
    if record.jail == "recidive" { add(.critical, "banned by the jail recidive") }
    let bantime = record.options[.bantime].flatMap { Double(decimal: $0) } ?? 0
    if bantime < 0 { add(.warning, "banned for good") }
  }

  /// Bans of one address within a week that make a repeat offender, if fail2ban does not count itself; and addresses
  /// that were banned for one account within a day, which is somebody's aim then.
  private static let (offences, addresses): (Int64, Int64) = (3, 10)

  /// `isCounted`: the ban that it is about is among those before.
  private mutating func judge(history: Value?, isCounted: Bool, user: String) {
    let bans = (history?["address"]?["bans"]?["week"]?.int ?? 0) + (isCounted ? 0 : 1)
    if reasons.isEmpty, bans >= Self.offences {
      add(.warning, "\(Self.ordinal(Int(bans))) ban of this address in 7 days")
    }
    let addresses = history?["user"]?["addresses"]?.int ?? 0
    if addresses >= Self.addresses, isValidUser || !UnknownUsers.isCommon(user) {
      add(.warning, "\(addresses) addresses tried this user within a day")
    }
  }

  private mutating func add(_ severity: Severity, _ reason: String) {
    self.severity = max(self.severity, severity)
    reasons.append(reason)
  }

  private static func ordinal(_ count: Int) -> String {
    let words = ["second", "third", "fourth", "fifth", "sixth", "seventh", "eighth", "ninth"]
    if words.indices.contains(count - 2) { return words[count - 2] }
    let ending =
      switch (count % 100, count % 10) {
      case (11...13, _): "th"
      case (_, 1): "st"
      case (_, 2): "nd"
      case (_, 3): "rd"
      default: "th"
      }
    return "\(count)\(ending)"
  }
}

extension EventRecord {
  /// The address that the event is about: the id where the ip is none. Nil for what is no address.
  fileprivate var address: (text: String, network: Network)? {
    guard kind.hasAddress else { return nil }
    for text in [ip, subject] {
      if let network = Network(text) { return (text, network) }
    }
    return nil
  }
}
