import Cares
import LuaslackCore
import MaxMindDB
import Posix

/// Looks addresses up with libmaxminddb and c-ares.
final class AddressLookup: Lookup {
  private let files: GeoFiles

  /// `directory`: luaslackd's own, for copies of databases; nil: in memory, for a trial.
  init(directory: String?) {
    files = GeoFiles(directory: directory)
  }

  var problems: [String: String] { files.problems }

  func open(_ paths: [String]) -> Bool { files.open(paths) }

  func about(_ path: String) -> (type: String, builtAt: UInt64)? { files.about(path) }

  func entries(of address: Network, in paths: [String], language: String) -> [Value] {
    guard let bytes = address.addressBytes else { return [] }
    let keys = Set(Enrichment.keys(language: language))
    return paths.compactMap { files.entry(of: bytes, in: $0, keeping: keys).map(Value.init) }
  }

  // MARK: - Names

  /// Names of one address that are tried.
  private static let mostNames = 3

  func names(
    of addresses: [Network], server: String?, milliseconds: Int
  ) -> [Network: HostName.Answer] {
    let end = Clock.monotonic() + Int64(milliseconds) * 1_000
    // A question that was lost is asked once more before the time is over.
    guard
      let resolver = try? Resolver(server: server, milliseconds: max(5, milliseconds / 2), tries: 2)
    else { return [:] }
    var searches: [Search] = addresses.compactMap { Search($0) }
    for search in searches { resolver.ask(search.first) }
    while resolver.isBusy {
      let left = end - Clock.monotonic()
      guard left > 0 else { break }
      for (question, answer) in resolver.wait(milliseconds: Int((left + 999) / 1_000)) {
        for index in searches.indices {
          for next in searches[index].take(question, answer, most: Self.mostNames) {
            resolver.ask(next)
          }
        }
      }
    }
    return Dictionary(searches.map { ($0.address, $0.result) }) { first, _ in first }
  }

  /// What is asked about one address: first its names, then whether one of them leads back.
  private struct Search {
    let address: Network
    let first: Question
    private let bytes: [UInt8]
    private var open: [Question: String] = [:]
    private var seconds: UInt32 = 0
    private(set) var result = HostName.Answer.unanswered

    init?(_ address: Network) {
      guard let bytes = address.addressBytes, let name = HostName.question(for: address) else {
        return nil
      }
      self.address = address
      self.bytes = address.isIPv4 ? bytes.suffix(4) : bytes
      first = Question(name, .name)
    }

    /// Returns what to ask next.
    mutating func take(_ question: Question, _ answer: Reply, most: Int) -> [Question] {
      if question == first { return takeNames(answer, most: most) }
      guard let name = open.removeValue(forKey: question), case .unanswered = result else {
        return []
      }
      if case .records(let found, let seconds) = answer, found.contains(.address(bytes)) {
        result = .named(name, seconds: Int(min(seconds, self.seconds)))
      } else if answer != .silence, open.isEmpty {
        result = answer == .failed ? .failed : .unnamed
      }
      return []
    }

    private mutating func takeNames(_ answer: Reply, most: Int) -> [Question] {
      switch answer {
      case .silence: return []
      case .failed: result = .failed
      case .nothing: result = .unnamed
      case .records(let found, let seconds):
        self.seconds = seconds
        for case .name(let text) in found.prefix(most) {
          guard let name = HostName.clean(text) else { continue }
          open[Question(name, address.isIPv4 ? .address4 : .address6)] = name
        }
        if open.isEmpty { result = .unnamed }
      }
      return Array(open.keys)
    }
  }
}

extension Value {
  fileprivate init(_ entry: Entry) {
    switch entry {
    case .text(let text): self = .string(text)
    case .number(let number): self = .int(Int64(clamping: number))
    case .table(let members): self = .object(members.mapValues(Value.init))
    }
  }
}
