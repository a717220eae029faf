/// What DNS said of addresses, for as long as that holds; and whether it is of any use to ask. Times are microseconds on
/// a clock that nobody sets.
struct NameCache {
  private struct Entry {
    let name: String?
    let until: Int64
  }

  private var entries: [Network: Entry] = [:]
  /// Batches in a row of which nothing was answered.
  private var silences = 0
  private var silentUntil: Int64 = 0

  /// Addresses that are kept.
  static let limit = 4_096
  /// Seconds for which a name holds, whatever its owner says.
  static let lifetimes = 60...86_400
  /// The same of an address without a name, and of one that nobody answered for.
  static let unnamed = 600
  static let unanswered = 60
  /// After so many batches without any answer nobody is asked for so many seconds.
  static let patience = 3
  static let silence = 60

  var count: Int { entries.count }

  func name(of address: Network, now: Int64) -> String? {
    guard let entry = entries[address], entry.until > now else { return nil }
    return entry.name
  }

  /// Those of these addresses to ask for.
  func unknown(_ addresses: [Network], now: Int64) -> [Network] {
    guard silentUntil <= now else { return [] }
    var seen: Set<Network> = []
    return addresses.filter { address in
      address.addressBytes != nil && (entries[address]?.until ?? 0) <= now
        && seen.insert(address).inserted
    }
  }

  /// Nobody is asked just now.
  func isSilent(now: Int64) -> Bool { silentUntil > now }

  /// What became of the asked.
  mutating func keep(_ answers: [Network: HostName.Answer], now: Int64) {
    guard !answers.isEmpty else { return }
    let isSilence = answers.values.allSatisfy { $0 == .unanswered }
    silences = isSilence ? silences + 1 : 0
    if silences >= Self.patience { silentUntil = now + Int64(Self.silence) * 1_000_000 }
    if entries.count + answers.count > Self.limit {
      entries = entries.filter { $0.value.until > now }
      if entries.count + answers.count > Self.limit { entries = [:] }
    }
    for (address, answer) in answers {
      let (name, seconds): (String?, Int) =
        switch answer {
        case .named(let name, let seconds):
          (name, min(max(seconds, Self.lifetimes.lowerBound), Self.lifetimes.upperBound))
        case .unnamed: (nil, Self.unnamed)
        case .failed, .unanswered: (nil, Self.unanswered)
        }
      entries[address] = Entry(name: name, until: now + Int64(seconds) * 1_000_000)
    }
  }

  /// Of whom nothing shall be known any more.
  mutating func forget() { entries = [:] }
}
