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
  private let wording: Wording

  /// The last one that could be read; nil until there is one.
  public var configuration: Configuration?

  public init(_ locations: Locations, _ queue: Queue, _ courier: Courier<Carrier>, host: String) {
    intake = Intake(locations: locations)
    self.queue = queue
    self.courier = courier
    self.host = host
    wording = Wording(queue)
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
    courier.context = context
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
    wording.begin(configuration)
    defer { wording.end() }
    let context = try readLists(configuration, now: now)
    let end = Clock.monotonic() + Self.longestBatch
    var taken: [Intake.Found] = []
    try queue.transaction { () throws(DatabaseError) in
      for file in files where taken.isEmpty || Clock.monotonic() < end {
        try take(file, context, now: now)
        taken.append(file)
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

  /// Microseconds of formatting before what is ready is committed and delivered, and a signal heeded.
  private static var longestBatch: Int64 { 100_000 }

  private func take(
    _ file: Intake.Found, _ context: EventContext, now: Int64
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
    let event = Event(record, host: host, now: now, context: context)
    if let id = repeated.flatMap({ $0 }) {
      try queue.noteArrival(file.name, of: id, now: now)
      // The same event with other destinations adds those.
      if !record.destinations.isEmpty { try deliver(record, event, as: id, now: now) }
    } else {
      let id = try queue.insert(record, key: key, severity: event.severity)
      try queue.noteArrival(file.name, of: id, now: now)
      try deliver(record, event, as: id, now: now)
    }
  }

  private func deliver(
    _ record: EventRecord, _ event: Event, as id: Int64, now: Int64
  ) throws(DatabaseError) {
    guard let configuration, configuration.post.contains(record.kind) else { return }
    let result: Formatting.Result
    if let reason = event.listed(in: configuration.mutedLists) {
      // No formatter runs, so nothing is learnt of one either.
      result = Formatting.Result(outcome: .muted(reason))
    } else if record.isReduced {
      let text = Markup.mrkdwn(BuiltIn.sentence(event))
      result = Formatting.Result(outcome: .message(["text": .string(text)]))
    } else {
      result = try wording.result(event, of: id, now: now)
    }
    for name in try destinations(record, event, result, now: now) {
      let worded = wording.result(event, for: name, result)
      let isForDigest = result.wantsDigest
      try queue.insert(
        event: id, destination: name,
        class: isForDigest ? .forDigest : event.severity == .critical ? .critical : .event,
        outcome: worded.outcome,
        due: isForDigest ? now + Int64(configuration.digestWithin) * 1_000_000 : now, now: now)
      if worded.isReply { try queue.markReply(event: id, destination: name) }
    }
  }

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
