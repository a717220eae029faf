/// The newest bans of one network, or of one id that is no address, in the order of their times: what the figures of an
/// event are counted from. Pure.
struct PastBans {
  /// Bans of one network that are counted, the newest: a bound on memory, and on what a message waits for.
  static let most = 2_000
  /// Names of other jails.
  static let mostJails = 10

  struct Ban {
    /// Seconds since 1970.
    let at: Int64
    let failures: Int64
    /// Nil of what is no address.
    let network: Network?
    let jail: String
  }

  private(set) var bans: [Ban]
  /// When the first was, if there were more than these.
  private var earliest: Int64?

  /// In the order of their times.
  init(_ bans: [Ban], earliest: Int64? = nil) {
    self.bans = bans
    self.earliest = earliest
  }

  mutating func add(_ ban: Ban) {
    let index = bans.lastIndex { $0.at <= ban.at }.map { $0 + 1 } ?? 0
    bans.insert(ban, at: index)
    if bans.count > Self.most { earliest = min(earliest ?? .max, bans[0].at) }
    // Not one by one: all the others move.
    if bans.count > 2 * Self.most { bans.removeFirst(Self.most) }
  }

  /// All of them, or those of one address or network alone; up to a time, that one with it.
  func figures(of network: Network?, until at: Int64) -> History.Figures {
    var figures = History.Figures()
    for ban in bans.suffix(Self.most).reversed()
    where ban.at <= at && (network == nil || ban.network == network) {
      figures.add(failures: ban.failures, seconds: at - ban.at)
      figures.last = figures.last ?? ban.at
      figures.first = ban.at
    }
    if network == nil, figures.first != nil { figures.first = earliest ?? figures.first }
    return figures
  }

  /// The newest first.
  func bans(of network: Network?, until at: Int64) -> some Sequence<Ban> {
    bans.suffix(Self.most).reversed().lazy.filter { $0.at <= at && $0.network == network }
  }
}
