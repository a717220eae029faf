import TestSupport

@testable import LuaslackCore

/// A synthetic year of bans, in the order of their times: the noise that every host on the internet hears by day and by
/// night, hosters' networks that come again and again, some addresses that never give up, and attacks that bring a thousand
/// bans within minutes. The same at every run.
struct Year: Sequence, IteratorProtocol {
  struct Ban {
    /// Seconds since 1970.
    var at: Int64
    let jail: String
    let ip: String
    let failures: Int64
    let user: String?
    let country: String

    var record: EventRecord {
      var record = EventRecord(kind: .ban, jail: jail, ip: ip, acceptedAt: at * 1_000_000)
      record.set(.time, "\(at)")
      record.set(.bantime, "600")
      record.set(.user, user)
      record.setFailures("\(failures)")
      record.known["geo"] = ["country": .string(country)]
      return record
    }
  }

  static let seconds: Int64 = 365 * 86_400

  private let count: Int
  private let end: Int64
  private var made = 0
  private var random = FixedRandom(seed: 2_026)
  /// Of an attack that goes on: bans that are left, the network that it comes from mostly, its jail.
  private var attack: (left: Int, network: Int, jail: String)?
  private var at: Double

  /// `count` bans, the last at `end`, in seconds since 1970.
  init(_ count: Int, end: Int64) {
    self.count = count
    self.end = end
    at = Double(end - Self.seconds)
  }

  private static let jails = [
    "sshd", "sshd", "sshd", "sshd", "sshd", "sshd", "nginx-http-auth", "wordpress", "postfix-sasl",
    "nginx-botsearch", "recidive",
  ]
  private static let countries = [
    "CN", "US", "US", "RU", "NL", "DE", "IN", "BR", "VN", "KR", "SG", "FR", "ID", "HK", "GB", "UA",
  ]
  private static let users = ["root", "root", "root", "admin", "ubuntu", "test", "postgres", "git"]

  mutating func next() -> Ban? {
    guard made < count else { return nil }
    made += 1
    // What time is left is spread over what is left to make; an attack takes none of it to speak of.
    let mean = (Double(end) - at) / Double(count - made + 1)
    if attack == nil, Int.random(in: 0..<20_000, using: &random) == 0 {
      attack = (
        1_000 + Int.random(in: 0..<2_000, using: &random), network(),
        Self.jails.randomElement(using: &random) ?? ""
      )
    }
    at += mean * (attack == nil ? Double.random(in: 0..<2, using: &random) : 0.01)
    let network = attack.map { Bool.random(using: &random) ? $0.network : self.network() }
    let jail = attack?.jail ?? Self.jails.randomElement(using: &random) ?? ""
    if let left = attack?.left { attack?.left = left - 1 }
    if attack?.left == 0 { attack = nil }
    return ban(jail, network ?? self.network())
  }

  /// Few networks bring much, and many bring little.
  private mutating func network() -> Int {
    let share = Double.random(in: 0..<1, using: &random)
    return Int(60_000 * share * share * share)
  }

  private mutating func ban(_ jail: String, _ network: Int) -> Ban {
    let share = Double.random(in: 0..<1, using: &random)
    let host = 1 + Int(250 * share * share)
    // A fixed mixture, so that a network has one place.
    let place = network &* 40_503 & 0xffff
    let ip =
      network % 8 == 0
      ? "2001:db8:\(String(place, radix: 16))::\(String(host, radix: 16))"
      : "10.\(place >> 8).\(place & 0xff).\(host)"
    let isCommon = Int.random(in: 0..<3, using: &random) > 0
    let name =
      isCommon
      ? Self.users.randomElement(using: &random)
      : "user\(Int.random(in: 0..<20_000, using: &random))"
    return Ban(
      at: Int64(at), jail: jail, ip: ip, failures: Int64.random(in: 1...12, using: &random),
      user: jail.hasPrefix("nginx-bot") || jail == "recidive" ? nil : name,
      country: Self.countries[network % Self.countries.count])
  }
}
