internal import Posix

/// Reads the lists of the config, and those in files again when they change. A file that cannot be
/// read, or a line of it, costs only what it would have held.
struct Lists: Sendable {
  /// Bytes of one file; some 500,000 addresses.
  static let sizeLimit = 8 << 20

  /// What came of one list.
  struct Loaded: Sendable, Equatable {
    var networks = NetworkList()
    /// What was wrong with it: `/etc/luaslack/scanners.txt:12: …`.
    var problem: String?
  }

  /// A file as it was read.
  fileprivate struct Reading {
    let list: Loaded
    let status: FileStatus?
    /// Microseconds since 1970.
    let at: Int64
  }

  private var readings: [String: Reading] = [:]

  /// By what events are judged under this config, and what is wrong with which list. `now` is in
  /// microseconds since 1970.
  mutating func context(
    of configuration: Configuration, now: Int64
  ) -> (context: EventContext, problems: [String: String]) {
    let loaded = load(configuration.lists, now: now)
    let context = EventContext(
      lists: loaded.mapValues(\.networks), validUsers: configuration.validUsers,
      friendlyNetworks: configuration.friendlyNetworks, unknownUsers: configuration.unknownUsers)
    return (context, loaded.compactMapValues(\.problem))
  }

  private mutating func load(_ lists: [String: Configuration.List], now: Int64) -> [String: Loaded]
  {
    var kept: [String: Reading] = [:]
    let loaded = lists.mapValues { list in
      switch list {
      case .inline(let entries): return Loaded(networks: NetworkList(entries))
      case .file(let path):
        let reading = kept[path] ?? reading(of: path, now: now)
        kept[path] = reading
        return reading.list
      }
    }
    readings = kept
    return loaded
  }

  private func reading(of path: String, now: Int64) -> Reading {
    let status = try? FileStatus.of(path)
    if let known = readings[path], known.status == status, !known.isFresh { return known }
    return Reading(list: Self.read(path), status: status, at: now)
  }

  private static func read(_ path: String) -> Loaded {
    do throws(TrustedFile.Refused) {
      return parse(try TrustedFile.read(path, limit: sizeLimit), path: path)
    } catch {
      return Loaded(problem: error.description)
    }
  }

  static func parse(_ bytes: [UInt8], path: String) -> Loaded {
    var loaded = Loaded()
    var bad: [Int] = []
    var first = ""
    let lines = bytes.split(separator: 0x0a, omittingEmptySubsequences: false)
    for (index, line) in lines.enumerated() {
      let entry = trimmed(line.prefix { $0 != UInt8(ascii: "#") })
      guard !entry.isEmpty, !loaded.networks.insert(entry) else { continue }
      if bad.isEmpty { first = PlainText.line(String(decoding: entry.prefix(60), as: UTF8.self)) }
      bad.append(index + 1)
    }
    if let line = bad.first {
      let more = bad.count > 1 ? "; \(bad.count) lines are wrong" : ""
      loaded.problem = "\(path):\(line): not an address or network: \(first)\(more)"
    }
    return loaded
  }

  private static func trimmed(_ line: ArraySlice<UInt8>) -> ArraySlice<UInt8> {
    func isSpace(_ byte: UInt8) -> Bool { [0x20, 0x09, 0x0d].contains(byte) }
    var line = line.drop(while: isSpace)
    while let last = line.last, isSpace(last) { line.removeLast() }
    return line
  }
}

extension Lists.Reading {
  /// Read so soon after it was written that a second change in the same tick of the file system's
  /// clock would not show.
  fileprivate var isFresh: Bool {
    guard let status else { return false }
    return abs(at - status.modified) < 1_000_000
  }
}
