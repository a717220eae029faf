/// A `[[warning]]` of the config: how many bans, in what time and of what, are more than usual. Counts nothing itself.
public struct WarningRule: Sendable, Equatable {
  /// Which bans are counted together.
  public enum Grouping: Sendable, Equatable {
    /// All of the host's.
    case all
    case jail
    /// The /24 of an IPv4 address, the /48 of an IPv6 one.
    case subnet
    case country
    case user
    /// A named field of the events.
    case field(String)

    /// As the config and formatters have it.
    public var text: String {
      switch self {
      case .all: "all"
      case .jail: "jail"
      case .subnet: "subnet"
      case .country: "country"
      case .user: "user"
      case .field(let name): "field:\(name)"
      }
    }

    /// Nil for what is none of these, as a field without a name.
    public init?(_ text: String) {
      switch text {
      case "all": self = .all
      case "jail": self = .jail
      case "subnet": self = .subnet
      case "country": self = .country
      case "user": self = .user
      default:
        let field = String(text.dropFirst("field:".count))
        guard text.hasPrefix("field:"), (1...64).contains(field.utf8.count) else { return nil }
        self = .field(field)
      }
    }

    /// Those that have one form only.
    public static let names = ["all", "jail", "subnet", "country", "user"]
  }

  public var name: String
  /// So many bans, within so many seconds, are an incident.
  public var bans: Int
  public var within: Int
  public var by = Grouping.all
  /// Patterns of jails whose bans count; none: all do.
  public var jails: [String] = []
  /// Whom the start calls: `here`, or Slack's IDs.
  public var mention: [String] = []
  /// Names of destinations; none: the routes decide.
  public var to: [String] = []
  public var severity = Severity.warning

  public init(name: String, bans: Int, within: Int, by: Grouping = .all) {
    (self.name, self.bans, self.within, self.by) = (name, bans, within, by)
  }

  /// The last so many times of each group are kept, so that the most is a bound on memory.
  public static let bansRange = 2...1_000
  public static let withinRange = 60...86_400
  public static let mostRules = 20

  /// Where the config has no `[[warning]]`. An ordinary host on the internet bans 5 to 50 addresses an hour, which are 8
  /// in ten minutes: six times as many, from one network or at one site, are somebody's doing.
  public static let defaults = [
    WarningRule(name: "busy-jail", bans: 50, within: 600, by: .jail),
    WarningRule(name: "busy-network", bans: 10, within: 1_800, by: .subnet),
    WarningRule(name: "busy-site", bans: 20, within: 600, by: .field("site")),
  ]

  /// Fewer than these within the time, and it is over: half of what begins one, so that one attack is one incident.
  var enough: Int { (bans + 1) / 2 }
  /// Microseconds.
  var window: Int64 { Int64(within) * 1_000_000 }

  /// Counts the same: an incident of one goes on under the other.
  func counts(as other: WarningRule) -> Bool {
    name == other.name && bans == other.bans && within == other.within && by == other.by
      && jails == other.jails
  }

  func concerns(jail: String) -> Bool {
    jails.isEmpty || jails.contains { Glob.matches($0, jail) }
  }

  /// Bytes of a group's name that matter: outsiders choose users and fields.
  private static let longestGroup = 256

  /// What a ban is counted under; nil: not at all.
  func group(of ban: CountedBan) -> String? {
    let name: String? =
      switch by {
      case .all: nil
      case .jail: ban.jail
      case .subnet: ban.network?.owner.description
      case .country: ban.country
      case .user: ban.user
      case .field(let field): ban.fields[field]
      }
    guard by != .all else { return "" }
    guard let name, !name.isEmpty else { return nil }
    return name.utf8.count > Self.longestGroup
      ? EventRecord.bounded(name, Self.longestGroup) : name
  }
}

// As `config show` has it, and as an open incident keeps it.
extension WarningRule {
  /// In the order of docs/configuration.md.
  var members: [(String, Value)] {
    func list(_ texts: [String]) -> Value { .array(texts.map(Value.string)) }
    var members: [(String, Value)] = [
      ("name", .string(name)), ("bans", .int(Int64(bans))), ("within", .string("\(within)s")),
      ("by", .string(by.text)),
    ]
    for (key, texts) in [("jail", jails), ("mention", mention), ("to", to)] where !texts.isEmpty {
      members.append((key, list(texts)))
    }
    members.append(("severity", .string(severity.rawValue)))
    return members
  }

  var value: Value { .object(Dictionary(members) { $1 }) }

  /// Nil for what is none.
  init?(_ value: Value) {
    func texts(_ key: String) -> [String] { (value[key]?.array ?? []).compactMap(\.string) }
    guard let name = value["name"]?.string, let bans = value["bans"]?.int,
      let within = value["within"]?.string.flatMap(Seconds.parse),
      let by = value["by"]?.string.flatMap(Grouping.init),
      Self.bansRange.contains(Int(clamping: bans)), Self.withinRange.contains(within)
    else { return nil }
    self.init(name: name, bans: Int(bans), within: within, by: by)
    (jails, mention, to) = (texts("jail"), texts("mention"), texts("to"))
    severity = value["severity"]?.string.flatMap(Severity.init(rawValue:)) ?? .warning
  }
}

/// A ban as rules count it.
struct CountedBan: Equatable {
  let event: Int64
  /// When it was accepted, in microseconds since 1970.
  var at: Int64
  let jail: String
  let network: Network?
  /// Of what is no address.
  let name: String?
  let user: String?
  let country: String?
  let failures: Int64
  /// Those that rules ask for.
  let fields: [String: String]

  /// More are believed of no ban: sums shall stay numbers.
  static let mostFailures: Int64 = 1_000_000
}

extension CountedBan {
  /// `known`: the record's own fields, which it may have lost meanwhile.
  init(
    _ record: EventRecord, known: [String: String], as event: Int64, at: Int64,
    fields wanted: [String]
  ) {
    let banned = Queue.Banned(record)
    var fields: [String: String] = [:]
    for name in wanted { fields[name] = known[name].map(PlainText.line) }
    self.init(
      event: event, at: at, jail: record.jail, network: banned.network, name: banned.name,
      user: record.account, country: record.known["geo"]?["country"]?.string,
      failures: record.failureCount,
      fields: fields)
  }
}
