/// What formatters, routes and pace would have made of past events. Sends and keeps nothing.
public final class Replay {
  /// One event.
  struct Told {
    var event: Event
    var outcome: Formatting.Result.Outcome
    var wantsDigest = false
    var destinations: [String] = []
    /// Of destinations that word it themselves.
    var own: [String: Formatting.Result.Outcome] = [:]
    /// When the digest went out that told of it, by destination.
    var digestAt: [String: Int64] = [:]

    var at: Int64 { (event.second ?? 0) * 1_000_000 }
    var isMuted: Bool { if case .muted = outcome { true } else { false } }
  }

  struct ToldDigest {
    var destination: String
    var at: Int64
    var count: Int
    var outcome: Formatting.Result.Outcome
  }

  private(set) var told: [Told] = []
  /// In the order of their times.
  private(set) var digests: [ToldDigest] = []
  /// Of all events, how many showed it.
  private(set) var problems: [String: Int] = [:]
  /// What the person who runs it should know.
  private(set) var remarks: [String] = []
  /// What the scripts printed, as far as there is room.
  public private(set) var output = ""
  let bans: Fail2banDatabase.Bans
  private let rehearsal: Rehearsal
  private var configuration: Configuration { rehearsal.configuration }

  /// Bytes of what scripts print that are shown.
  private static let mostOutput = 64 << 10

  /// `now` is in microseconds since 1970.
  public init(
    _ bans: Fail2banDatabase.Bans, _ configuration: Configuration, host: String, now: Int64,
    lookup: (any Lookup)? = nil
  ) {
    self.bans = bans
    rehearsal = Rehearsal(configuration, host: host, now: now, lookup: lookup)
    for record in bans.records { told.append(tell(record)) }
    let names = Set(told.flatMap(\.destinations))
    for name in names.sorted() { pace(name) }
    digests.sort { ($0.at, $0.destination) < ($1.at, $1.destination) }
    remark()
  }

  /// As if luaslackd had taken it in at once.
  private func tell(_ record: EventRecord) -> Told {
    let event = rehearsal.event(record, now: record.acceptedAt)
    let result = rehearsal.result(event)
    note(result)
    var told = Told(event: event, outcome: result.outcome, wantsDigest: result.wantsDigest)
    guard !told.isMuted else { return told }
    told.destinations = rehearsal.destinations(named: record.destinations, event, result)
    for name in told.destinations {
      told.own[name] = rehearsal.ownFormatting(name)?.format(event).outcome
    }
    return told
  }

  private func note(_ result: Formatting.Result) {
    for problem in Set(result.problems.map(\.error)) { problems[problem, default: 0] += 1 }
    for violation in Set(result.violations.map { "\($0)" }) {
      problems[violation, default: 0] += 1
    }
    let room = Self.mostOutput - output.utf8.count
    if room > 0 { output += EventRecord.bounded(result.output, room) }
  }

  private func pace(_ name: String) {
    let destination =
      configuration.destinations[name] ?? Configuration.Destination(name: name, webhookFile: "")
    let members = told.indices.filter { index in
      guard told[index].destinations.contains(name) else { return false }
      if case .muted = told[index].own[name] { return false }
      return true
    }
    let play = PacePlay(
      members.map { index in
        PacePlay.Item(
          at: told[index].at, isCritical: told[index].event.severity == .critical,
          forDigest: told[index].wantsDigest)
      }, Pace.Limit(destination), digestWithin: Int64(configuration.digestWithin) * 1_000_000)
    var parts: [[Event]] = play.digests.map { _ in [] }
    for (fate, index) in zip(play.fates, members) {
      guard case .digest(let number) = fate else { continue }
      parts[number].append(told[index].event)
      told[index].digestAt[name] = play.digests[number]
    }
    for (events, at) in zip(parts, play.digests) { digest(events, to: name, at: at) }
  }

  private func digest(_ events: [Event], to name: String, at: Int64) {
    let event = rehearsal.event(Digest(of: events), now: at)
    let common = rehearsal.result(event)
    note(common)
    let outcome = rehearsal.ownFormatting(name)?.format(event).outcome ?? common.outcome
    digests.append(
      ToldDigest(destination: name, at: at, count: events.count, outcome: outcome))
  }

  private func remark() {
    if !configuration.post.contains(.ban), !told.isEmpty {
      remarks.append(
        "the config's `post` does not list ban: these would be recorded and not sent")
    }
    remarks += rehearsal.listProblems
    if bans.total > bans.records.count {
      remarks.append("only the newest \(bans.records.count) of \(bans.total) bans; see --limit")
    }
    if bans.unreadable > 0 {
      remarks.append("\(bans.unreadable) rows without a time, a jail or an address left out")
    }
  }

  /// What formatters did wrong and what did not fit, the most frequent first.
  public var findings: [Finding] {
    problems.sorted { ($1.value, $0.key) < ($0.value, $1.key) }.prefix(20).map { error, count in
      var finding = rehearsal.chain.finding(FormatterProblem(file: "", error: error))
      finding.seenWith = Self.count(count, "event")
      return finding
    }
  }

  /// For standard error.
  public var prose: [String] { remarks }

  static func count(_ number: Int, _ noun: String) -> String {
    "\(number) \(noun)\(number == 1 ? "" : "s")"
  }
}
