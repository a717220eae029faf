/// What history was asked of lately. Only one luaslackd writes a database, so that what is here is what is there,
/// until something is undone or deleted: then it is emptied, and read again.
final class HistoryCache {
  /// Bans in all; some 60 bytes each.
  private static let most = 50_000
  private static let mostJails = 500
  private static let mostUsers = 200

  enum Group: Hashable {
    /// `Network.ownerKey`
    case network(Int64)
    case name(String)
  }

  private(set) var groups: [Group: PastBans] = [:]
  private(set) var users: [String: UserBans] = [:]
  private(set) var jails: [String: Pulses] = [:]
  private var size = 0

  /// What is in the slots here and not yet in the table's.
  struct Unwritten: Hashable {
    let jail: String
    let length: Int64
    let start: Int64
  }
  private(set) var unwritten: [Unwritten: History.Count] = [:]

  func empty() {
    groups = [:]
    users = [:]
    jails = [:]
    unwritten = [:]
    size = 0
  }

  func keep(_ bans: PastBans, of group: Group) {
    if size + Self.room(bans) > Self.most {
      groups = [:]
      size = 0
    }
    size += Self.room(bans) - Self.room(groups[group])
    groups[group] = bans
  }

  /// Whoever has none yet takes room as well.
  private static func room(_ bans: PastBans?) -> Int { bans.map { max(1, $0.bans.count) } ?? 0 }

  func keep(_ bans: UserBans, of user: String) {
    if users.count >= Self.mostUsers { users = [:] }
    users[user] = bans
  }

  func keep(_ pulses: Pulses, of jail: String) {
    if jails.count >= Self.mostJails { jails = [:] }
    jails[jail] = pulses
  }

  /// A ban that was just written.
  func add(_ ban: PastBans.Ban, of group: Group, user: String?) {
    size -= Self.room(groups[group])
    groups[group]?.add(ban)
    size += Self.room(groups[group])
    if let user { users[user]?.add(ban) }
    jails[ban.jail]?.add(failures: ban.failures, at: ban.at)
    for length in [Pulses.short, Pulses.long] {
      let slot = Unwritten(
        jail: ban.jail, length: length, start: Pulses.start(of: length, at: ban.at))
      unwritten[slot, default: History.Count()].bans += 1
      unwritten[slot, default: History.Count()].failures += ban.failures
    }
  }

  func takeUnwritten() -> [Unwritten: History.Count] {
    defer { unwritten = [:] }
    return unwritten
  }
}

/// Addresses that were banned for one account, each with its newest ban.
struct UserBans {
  /// Addresses, the newest; somebody may try `root` from everywhere.
  static let most = 500
  /// Bans in which they are sought: an attacker decides how many there are.
  static let mostBans = 10_000

  /// Seconds since 1970.
  private var newest: [Network: Int64]

  init(_ newest: [Network: Int64]) {
    self.newest = newest
  }

  mutating func add(_ ban: PastBans.Ban) {
    guard let network = ban.network else { return }
    newest[network] = max(newest[network] ?? .min, ban.at)
    guard newest.count > 2 * Self.most else { return }
    let kept = newest.sorted { $0.value > $1.value }.prefix(Self.most)
    newest = Dictionary(uniqueKeysWithValues: kept.map { ($0.key, $0.value) })
  }

  /// Addresses within a day up to a time, with one more; of many the newest `most`.
  func addresses(with other: Network?, until at: Int64) -> Int64 {
    var count: Int64 = 1
    for (network, last) in newest
    where network != other && last <= at && last > at - History.Window.day.seconds {
      count += 1
    }
    return min(count, Int64(Self.most))
  }
}
