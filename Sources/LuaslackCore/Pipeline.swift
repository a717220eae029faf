internal import Posix
public import SQLite

/// The whole flow after acceptance, on one screen: look, format, store, remove; then deliver. Each
/// turn leaves every event either in its file or in its rows, so it may be cut off anywhere.
public final class Pipeline<Carrier: Transport> {
  private let intake: Intake
  private let queue: Queue
  private let courier: Courier<Carrier>
  private var lists = Lists()
  private let host: String
  private var suspensions = Suspensions()
  /// Of the destinations that word messages their own way, by the formatter's name, while a batch is
  /// taken in.
  private var ownFormattings: [String: Formatting] = [:]
  /// Since the chain was read.
  private var hasSuspended = false

  /// The last one that could be read; nil until there is one.
  public var configuration: Configuration?

  public init(_ locations: Locations, _ queue: Queue, _ courier: Courier<Carrier>, host: String) {
    intake = Intake(locations: locations)
    self.queue = queue
    self.courier = courier
    self.host = host
  }

  /// What a killed predecessor left unfinished.
  public func recover(now: Int64) throws(DatabaseError) {
    try queue.recoverSending(now: now)
    try? intake.tidy(now: now)
  }

  /// Tells `status` what is wrong with the configuration, and which destinations there are.
  public func noteConfiguration(problem: String?, now: Int64) throws(DatabaseError) {
    if let problem {
      try queue.note("configuration", problem, now: now)
    } else {
      try queue.clearNotice("configuration")
    }
    guard let configuration else { return }
    try queue.keepDestinations(configuration.destinations.keys.sorted())
    _ = try readLists(configuration, now: now)
  }

  /// By what events are judged. `status` tells what is wrong with a list as long as it is.
  private func readLists(
    _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> EventContext {
    let (context, problems) = lists.context(of: configuration, now: now)
    for notice in try queue.notices() {
      if let name = notice.list, problems[name] == nil { try queue.clearNotice(notice.subject) }
    }
    for (name, problem) in problems.sorted(by: { $0.key < $1.key }) {
      try queue.note(Queue.Notice.subject(list: name), problem, now: now)
    }
    return context
  }

  /// Takes in what is there. True if there may be more. A spool or disk that cannot be used now
  /// leaves the files where they are; so does the want of a configuration, since nothing says yet
  /// what shall become of them.
  public func takeIn(now: Int64) throws(DatabaseError) -> Bool {
    guard let configuration, let (files, damaged) = try? intake.look() else { return false }
    for file in damaged { try queue.note("spool file", file, now: now) }
    if damaged.isEmpty, (try? intake.hasDamaged()) == false { try queue.clearNotice("spool file") }
    guard !files.isEmpty else { return false }
    var formatting = Formatting(configuration, chain(configuration))
    defer { ownFormattings = [:] }
    let context = try readLists(configuration, now: now)
    let end = Clock.monotonic() + Self.longestBatch
    var taken: [Intake.Found] = []
    try queue.transaction { () throws(DatabaseError) in
      for file in files where taken.isEmpty || Clock.monotonic() < end {
        try take(file, formatting, context, now: now)
        taken.append(file)
        if hasSuspended { formatting = Formatting(configuration, chain(configuration)) }
      }
    }
    guard intake.remove(taken) else {
      try queue.note("spool", "files that were taken in cannot be removed", now: now)
      return false
    }
    try queue.clearNotice("spool")
    if try queue.pendingBytes() <= configuration.retention.pendingBytes {
      try queue.clearNotice("spool pending")
    }
    return taken.count < files.count || files.count >= Intake.batch
  }

  /// The formatters to run, as they are on the disk now.
  private func chain(_ configuration: Configuration) -> FormatterChain {
    hasSuspended = false
    return suspensions.applied(
      to: FormatterChain.load(configuration), now: Clock.monotonic())
  }

  /// Microseconds of formatting before what is ready is committed and delivered, and a signal heeded.
  private static var longestBatch: Int64 { 100_000 }

  private func take(
    _ file: Intake.Found, _ formatting: Formatting, _ context: EventContext, now: Int64
  ) throws(DatabaseError) {
    var record: EventRecord
    switch file.content {
    case .request(let request): return try queue.carryOut(request, named: file.name, now: now)
    case .event(let event): record = event
    }
    guard try queue.event(ofArrival: file.name) == nil else { return }
    for option in record.unknownOptions {
      try queue.note(
        "option \(option)", "this version does not know --\(option); kept as a field", now: now)
    }
    let retention = configuration?.retention ?? Retention()
    if try queue.pendingBytes() > retention.pendingBytes {
      record.reduce()
      let limit = "\(retention.pendingBytes >> 20) MiB"
      try queue.note(
        "spool pending",
        "more than \(limit) wait; what comes is kept without log lines and fields", now: now)
    }
    let key = EventKey(record)
    let repeated = try key.map { key throws(DatabaseError) in
      try queue.event(like: key, acceptedAt: record.acceptedAt)
    }
    if let event = repeated.flatMap({ $0 }) {
      try queue.noteArrival(file.name, of: event, now: now)
      // The same event with other destinations adds those.
      if !record.destinations.isEmpty {
        try deliver(record, as: event, formatting, context, now: now)
      }
    } else {
      let event = try queue.insert(record, key: key)
      try queue.noteArrival(file.name, of: event, now: now)
      try deliver(record, as: event, formatting, context, now: now)
    }
  }

  private func deliver(
    _ record: EventRecord, as id: Int64, _ formatting: Formatting, _ context: EventContext,
    now: Int64
  ) throws(DatabaseError) {
    guard let configuration, configuration.post.contains(record.kind) else { return }
    let event = Event(record, host: host, now: now, context: context)
    var result: Formatting.Result
    if let reason = event.listed(in: configuration.mutedLists) {
      // No formatter runs, so nothing is learnt of one either.
      result = Formatting.Result(outcome: .muted(reason))
    } else if record.isReduced {
      let text = Markup.mrkdwn(BuiltIn.sentence(event))
      result = Formatting.Result(outcome: .message(["text": .string(text)]))
    } else {
      result = formatting.format(event)
      let suspended = suspensions.observe(result, of: formatting.chain, now: Clock.monotonic())
      hasSuspended = hasSuspended || !suspended.isEmpty
      result.problems += suspended
      for (file, outcome) in result.outcomes(of: formatting.chain) {
        try queue.note(formatter: file, outcome, of: id)
      }
      try note(&result, of: formatting.chain, kind: record.kind, now: now)
    }
    for name in try destinations(record, event, result, now: now) {
      let outcome = worded(event, for: name, result.outcome)
      try queue.insert(event: id, destination: name, outcome: outcome, now: now)
    }
  }

  /// What a destination with a formatter of its own gets in place of the message that all others get.
  private func worded(
    _ event: Event, for name: String, _ outcome: Formatting.Result.Outcome
  ) -> Formatting.Result.Outcome {
    guard case .message = outcome, var configuration,
      let formatter = configuration.destinations[name]?.formatter
    else { return outcome }
    configuration.formatters = [formatter]
    let formatting = ownFormattings[formatter] ?? Formatting(configuration)
    ownFormattings[formatter] = formatting
    var result = formatting.format(event)
    for problem in result.problems { result.outcome.add(problem) }
    return result.outcome
  }

  /// A formatter's failure is told in the channel once per version of the script, and in `status` until
  /// the formatter gets through that kind of event or is gone.
  private func note(
    _ result: inout Formatting.Result, of chain: FormatterChain, kind: EventKind, now: Int64
  ) throws(DatabaseError) {
    for notice in try queue.notices() {
      guard let (file, noticed) = notice.formatter else { continue }
      let isGone =
        !chain.files.contains { $0.name == file } && !chain.leftOut.contains(file)
        && !result.problems.contains { $0.file == file }
      let isMended = noticed == kind.rawValue && result.isWell(file)
      if isGone || isMended { try queue.clearNotice(notice.subject) }
    }
    for file in try queue.toldFiles() where result.succeeded.contains(file) {
      try queue.mended(file, chain.version(of: file))
    }
    var untold: [FormatterProblem] = []
    for problem in result.problems {
      let subject = Queue.Notice.subject(formatter: problem.file, kind: kind.rawValue)
      try queue.note(subject, problem.error, now: now)
      // A file that could not even be read has no version but its error.
      let isRead = chain.files.contains { $0.name == problem.file }
      let version = isRead ? chain.version(of: problem.file) : problem.error
      if try queue.tell(problem.file, version) { untold.append(problem) }
    }
    for problem in untold.prefix(Self.mostNotes) { result.outcome.add(problem) }
    if untold.count > Self.mostNotes {
      result.outcome.add(
        note: "\(untold.count - Self.mostNotes) more failed; see `luaslack status`")
    }
  }

  /// Of formatters that fail, in one message.
  private static var mostNotes: Int { 3 }

  /// What the caller named, else what the formatter named, else what the routes say; unknown names mean the
  /// default, with a word in `status`.
  private func destinations(
    _ record: EventRecord, _ event: Event, _ result: Formatting.Result, now: Int64
  ) throws(DatabaseError) -> [String] {
    let named = record.destinations.isEmpty ? result.destinations : record.destinations
    guard let configuration else { return [Configuration.defaultDestination] }
    guard !named.isEmpty else {
      return Routing.destinations(
        kind: event.kind, jail: event.jail, severity: event.severity, configuration)
    }
    var names: [String] = []
    for name in named {
      let isKnown = configuration.destinations[name] != nil
      if !isKnown {
        try queue.note(
          "destination \(name)", "there is no [destination.\(name)]; its events go to default",
          now: now)
      }
      let used = isKnown ? name : Configuration.defaultDestination
      if !names.contains(used) { names.append(used) }
    }
    return names
  }

  /// Sends what may be sent and settles what was answered, for at most `milliseconds`, or until one of
  /// the `others` can be read.
  public func deliver(
    others: [Int32], milliseconds: Int32, now: () -> Int64
  ) throws(DatabaseError) {
    let time = now()
    let wakeAt = try courier.dispatch(configuration, now: time)
    let pause = wakeAt.map { Int32(clamping: max(0, ($0 - time + 999) / 1_000)) } ?? milliseconds
    try courier.wait(others: others, milliseconds: min(pause, milliseconds), now: now)
  }

  /// Nothing is under way and nothing waits, not even for a configuration.
  public func isIdle() throws(DatabaseError) -> Bool {
    guard !courier.isBusy, try queue.isEmpty() else { return false }
    return configuration != nil || intake.waitingFiles() == 0
  }
}
