public import Posix

/// What is known of an address beside its event: where it is, and its name. What is not known in time is left
/// out; nothing that fails here holds up an event.
public final class Enrichment {
  private let lookup: any Lookup
  private let clock: () -> Int64
  private var names = NameCache()
  private var settings: Configuration.ReverseNames?
  /// All files are open as they are.
  private var isWhole = true

  /// Events that wait beside which nobody is asked for names.
  static let mostWaiting = 5

  /// `clock`: microseconds that nobody sets.
  public init(_ lookup: any Lookup, clock: @escaping () -> Int64 = Clock.sinceBoot) {
    self.lookup = lookup
    self.clock = clock
  }

  /// What is wrong, by what `status` calls it.
  var problems: [String: String] {
    var problems: [String: String] = [:]
    for (path, problem) in lookup.problems { problems[Self.subject(path)] = problem }
    if names.isSilent(now: clock()) {
      problems[Self.resolver] = "nobody answers for names of addresses; asked again in a minute"
    }
    return problems
  }

  private static func subject(_ path: String) -> String {
    "geo database \(TerminalText.visible(path))"
  }
  private static let resolver = "rdns"

  static func isAbout(_ subject: String) -> Bool {
    subject.hasPrefix("geo database ") || subject == resolver
  }

  /// Looks whether the files have changed. False: more of them is to be read, at the next `goOn`.
  @discardableResult
  func open(_ configuration: Configuration) -> Bool {
    isWhole = lookup.open(configuration.geo.databases)
    return isWhole
  }

  /// Reads on, if there is something left to be read; true if there is still.
  func goOn(_ configuration: Configuration) -> Bool { !isWhole && !open(configuration) }

  /// Before a batch: asks for what will be wanted. `isBusy`: more waits than these.
  func prepare(_ records: [EventRecord], _ configuration: Configuration, isBusy: Bool) {
    open(configuration)
    // Whoever is asked now has not been silent yet.
    if settings != configuration.reverseNames {
      settings = configuration.reverseNames
      names = NameCache()
    }
    guard let settings else { return }
    guard !isBusy, records.count <= Self.mostWaiting else { return }
    let posted = records.filter { configuration.post.contains($0.kind) }
    let unknown = names.unknown(posted.compactMap(\.network), now: clock())
    guard !unknown.isEmpty else { return }
    let answers = lookup.names(
      of: unknown, server: settings.server, milliseconds: settings.milliseconds)
    names.keep(
      answers.merging(unknown.map { ($0, .unanswered) }) { answer, _ in answer }, now: clock())
  }

  /// Adds what is known to an event that is taken in.
  func add(to record: inout EventRecord, _ configuration: Configuration) {
    guard let address = record.network else { return }
    let settings = configuration.geo
    if !settings.databases.isEmpty {
      let entries = lookup.entries(
        of: address, in: settings.databases, language: settings.language)
      record.known["geo"] = Whereabouts(entries, language: settings.language).value
    }
    guard configuration.reverseNames != nil else { return }
    record.known["rdns"] = names.name(of: address, now: clock()).map(Value.string)
  }

  /// Members of a database's entry that are looked at.
  public static func keys(language: String) -> [String] { Whereabouts.keys(language: language) }

  /// An address was forgotten on demand.
  func forget() { names.forget() }
}

extension EventRecord {
  /// The one address that it is about.
  fileprivate var network: Network? {
    guard kind.hasAddress else { return nil }
    return [Network(ip), Network(subject)].lazy.compactMap { $0 }.first { $0.addressBytes != nil }
  }
}
