internal import Posix

/// Has formatters word events as luaslackd would, for a trial: the same sandbox, limits, lists and routes,
/// and neither a spool nor a database. One that is too slow three times in a row is left out for a minute,
/// as in earnest.
final class Rehearsal {
  let configuration: Configuration
  let chain: FormatterChain
  /// What is wrong with the lists of the config.
  let listProblems: [String]
  let context: EventContext
  private let enrichment: Enrichment?
  private let host: String
  private let settings: Sandbox.Settings
  private var formatting: Formatting
  private var ownFormattings: [String: Formatting] = [:]
  private var suspensions = Suspensions()
  /// On the monotonic clock; nil: nothing is left out.
  private var suspendedUntil: Int64?

  /// `paths`: formatters, or directories of them, in place of those in `formatters/`; none: those. `now` is
  /// in microseconds since 1970. `lookup`: of files alone; no name is asked for.
  init(
    _ configuration: Configuration, paths: [String] = [], host: String, now: Int64,
    lookup: (any Lookup)? = nil
  ) {
    var configuration = configuration
    configuration.reverseNames = nil
    self.configuration = configuration
    enrichment = configuration.geo.databases.isEmpty ? nil : lookup.map { Enrichment($0) }
    self.host = host
    var lists = Lists()
    let (context, problems) = lists.context(of: configuration, now: now)
    self.context = context
    enrichment?.open(configuration)
    let others = (enrichment?.problems ?? [:]).sorted { $0.key < $1.key }
    listProblems =
      problems.sorted { $0.key < $1.key }.map { "list \($0.key): \($0.value)" }
      + others.map { "\($0.key): \($0.value)" }
    chain =
      paths.isEmpty
      ? FormatterChain.load(configuration)
      : FormatterChain.load(configuration, inPlaceOfLocal: paths)
    var settings = Sandbox.Settings(configuration)
    settings.namesHandlers = true
    self.settings = settings
    formatting = Formatting(chain, settings)
  }

  func event(_ record: EventRecord, now: Int64) -> Event {
    var record = record
    // What came back from a database says what was known then.
    if record.known["geo"] == nil { enrichment?.add(to: &record, configuration) }
    return Event(record, host: host, now: now, context: context)
  }

  /// The same of an event that is made already, as of a case: what it has itself stays.
  func enriched(_ event: Event) -> Event {
    guard event.kind.hasAddress, event.value["geo"] == nil,
      let text = event.value["ip"]?.string
    else { return event }
    var record = EventRecord(kind: event.kind, jail: event.jail, ip: text, acceptedAt: 0)
    enrichment?.add(to: &record, configuration)
    var event = event
    event.value["geo"] = record.known["geo"]
    return event
  }

  func event(_ digest: Digest, now: Int64) -> Event { Event(digest, host: host, now: now) }

  func result(_ event: Event) -> Formatting.Result {
    if let reason = event.listed(in: configuration.mutedLists) {
      return Formatting.Result(outcome: .muted(reason))
    }
    if let end = suspendedUntil, end <= Clock.monotonic() { leaveOut() }
    var result = formatting.tried(event)
    let suspended = suspensions.observe(result, of: formatting.chain, now: Clock.monotonic())
    if !suspended.isEmpty {
      result.problems += suspended
      leaveOut()
    }
    return result
  }

  private func leaveOut() {
    let now = Clock.monotonic()
    let rest = suspensions.applied(to: chain, now: now)
    suspendedUntil = rest.leftOut.isEmpty ? nil : now + Suspensions.length
    formatting = Formatting(rest, settings)
  }

  /// What words the messages of a destination that has a formatter of its own; nil: it has none.
  func ownFormatting(_ destination: String) -> Formatting? {
    guard let formatter = configuration.destinations[destination]?.formatter else { return nil }
    if ownFormattings[formatter] == nil {
      var own = configuration
      own.formatters = [formatter]
      ownFormattings[formatter] = Formatting(own)
    }
    return ownFormattings[formatter]
  }

  /// What the caller named, else what the formatter named, else what the routes say; an unknown name is
  /// the default.
  func destinations(
    named: [String], _ event: Event, _ result: Formatting.Result
  ) -> [String] {
    let named = named.isEmpty ? result.destinations : named
    guard !named.isEmpty else {
      return Routing.destinations(
        kind: event.kind, jail: event.jail, severity: event.severity, configuration)
    }
    return named.reduce(into: []) { names, name in
      let isKnown = configuration.destinations[name] != nil
      let used = isKnown ? name : Configuration.defaultDestination
      if !names.contains(used) { names.append(used) }
    }
  }
}
