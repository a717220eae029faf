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
  private let jailNews: JailNews
  private let warnings: Warnings
  /// More lies in the spool.
  private var isBehind = false

  /// What is known of addresses; nil: nothing.
  public var enrichment: Enrichment?

  /// The last one that could be read; nil until there is one.
  public var configuration: Configuration?

  public init(_ locations: Locations, _ queue: Queue, _ courier: Courier<Carrier>, host: String) {
    intake = Intake(locations: locations)
    self.queue = queue
    self.courier = courier
    self.host = host
    wording = Wording(queue)
    jailNews = JailNews(queue, wording, host: host)
    warnings = Warnings(queue, steadyClock: courier.steadyClock)
  }

  /// What a killed predecessor left unfinished.
  public func recover(now: Int64) throws(DatabaseError) {
    try queue.recoverSending(now: now)
    try courier.lookForTrials()
    jailNews.beginHearing(now: now)
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
    enrichment?.open(configuration)
    try queue.keepDestinations(configuration.destinations.keys.sorted())
    try queue.forgetDeaths(but: configuration.destinations.keys.sorted())
    _ = try readLists(configuration, now: now)
  }

  /// By what events are judged. `status` tells what is wrong with a list as long as it is.
  private func readLists(
    _ configuration: Configuration, now: Int64
  ) throws(DatabaseError) -> EventContext {
    let (context, problems) = lists.context(of: configuration, now: now)
    courier.context = context
    for notice in try queue.notices() {
      let isThere = notice.destination.map { configuration.destinations[$0] != nil } ?? false
      if isThere || notice.isPast(now: now) { try queue.clearNotice(notice.subject) }
      if let name = notice.list, problems[name] == nil { try queue.clearNotice(notice.subject) }
      if Enrichment.isAbout(notice.subject), enrichmentProblems[notice.subject] == nil {
        try queue.clearNotice(notice.subject)
      }
    }
    for (subject, problem) in enrichmentProblems.sorted(by: { $0.key < $1.key }) {
      try queue.note(subject, problem, now: now)
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
    isBehind = try takeInBatch(now: now)
    return isBehind
  }

  private func takeInBatch(now: Int64) throws(DatabaseError) -> Bool {
    guard let configuration, let look = try? intake.look() else { return false }
    let files = look.found
    // What guests leave hides no word about what is ours.
    for word in look.damaged { try queue.note("spool file", word, now: now) }
    for word in look.refused { try queue.note("submitted file", word, now: now) }
    for user in look.exceeding {
      try queue.note(Queue.Notice.subject(submitter: user), Submitters.exceeded, now: now)
    }
    if look.damaged.isEmpty, look.refused.isEmpty, (try? intake.hasDamaged()) == false {
      try queue.clearNotice("spool file")
      try queue.clearNotice("submitted file")
    }
    guard !files.isEmpty else { return enrichment?.goOn(configuration) ?? false }
    enrichment?.prepare(
      files.compactMap(\.event), configuration,
      isBusy: try queue.isBacklogged(from: Enrichment.mostWaiting + 1))
    wording.begin(configuration)
    defer { wording.end() }
    let context = try readLists(configuration, now: now)
    let end = Clock.monotonic() + Self.longestBatch
    var taken: [Intake.Found] = []
    try queue.transaction { () throws(DatabaseError) in
      jailNews.begin()
      try warnings.begin(configuration, now: now)
      for file in files where taken.isEmpty || Clock.monotonic() < end {
        try take(file, context, now: now)
        for word in try warnings.takeNews(context, now: now) { try tell(word, context, now: now) }
        taken.append(file)
      }
      try queue.writePulses()
      try jailNews.word(context, digestDue: digestDue(now: now), now: now)
      try warnings.finish(now: now)
    }
    warnings.settle()
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
    case .request(let request):
      try queue.carryOut(request, named: file.name, now: now) { answer throws(DatabaseError) in
        try report(request, named: file.name, context, &answer, now: now)
      }
      if request.action == .forget { enrichment?.forget() }
      return try courier.lookForTrials()
    case .event(let event): record = event
    }
    guard try queue.event(ofArrival: file.name) == nil else { return }
    for option in record.unknownOptions {
      try queue.note(
        "option \(option)", "this version does not know --\(option); kept as a field", now: now)
    }
    if record.kind.isOfJail {
      let lines = record.options[.lines]
      if lines != nil || record.kind == .jailStart {
        try queue.expectLines(of: record.jail, lines == "1", now: now)
      }
      // Not an event of the jail, but a word about the ones to come.
      guard lines == nil else { return }
    }
    // Early warning counts by them in the worst storm as well.
    let fields = record.fields
    try reduceInStorm(&record, now: now)
    let key = EventKey(record)
    let repeated = try key.flatMap { key throws(DatabaseError) in
      try queue.event(like: key, acceptedAt: record.acceptedAt)
    }
    if record.kind == .ban { record = try queue.prolonged(record, as: repeated) }
    if let id = repeated {
      try queue.noteArrival(file.name, of: id, now: now)
      return try takeAgain(record, as: id, context, now: now)
    }
    record.known["history"] = try queue.history(before: record)?.value
    if let configuration { enrichment?.add(to: &record, configuration) }
    let event = Event(record, host: host, now: now, context: context)
    let id = try queue.insert(record, key: key, severity: event.severity)
    try queue.noteArrival(file.name, of: id, now: now)
    try queue.remember(record, as: id)
    // What makes no message makes none of a rule's either.
    if event.listed(in: configuration?.mutedLists ?? []) == nil {
      try warnings.note(record, fields: fields, as: id, now: now)
    }
    try queue.heed(record, now: now)
    try deliver(record, event, as: id, context, now: now)
  }

  private func reduceInStorm(_ record: inout EventRecord, now: Int64) throws(DatabaseError) {
    let most = (configuration?.retention ?? Retention()).pendingBytes
    guard try queue.pendingBytes() > most else { return }
    record.reduce()
    try queue.note(
      "spool pending",
      "more than \(most >> 20) MiB wait; what comes is kept without log lines and fields", now: now)
  }

  /// An event that is known: it may bring log lines, or name other destinations, which are added.
  private func takeAgain(
    _ record: EventRecord, as id: Int64, _ context: EventContext, now: Int64
  ) throws(DatabaseError) {
    var record = record
    record.known = try queue.record(of: id)?.known ?? [:]
    if let complete = try queue.withLines(record, of: id) {
      try change(id, complete, context, now: now)
    }
    guard !record.destinations.isEmpty else { return }
    let event = Event(record, host: host, now: now, context: context)
    try deliver(record, event, as: id, context, now: now)
  }

  /// Somebody asked for a report: an event like any other from here on. Of a clock that was set back, its end may lie
  /// ahead; nothing is known of that.
  private func report(
    _ request: QueueRequest, named name: String, _ context: EventContext,
    _ answer: inout QueueRequest.Answer, now: Int64
  ) throws(DatabaseError) {
    guard let configuration, var period = request.period else { return }
    period = ReportPeriod(until: min(period.until, now / 1_000_000), length: Int(period.length))
    let known = configuration.destinations.keys.sorted()
    for name in request.destinations where !known.contains(name) {
      answer.add("there is no destination \(name)" + Nearest.hint(name, known))
    }
    guard answer.problems.isEmpty else { return }
    let figures = try queue.report(of: period, context, now: now)
    let id = try tell(EventRecord(figures, to: request.destinations, at: now), context, now: now)
    try queue.noteArrival(name, of: id, now: now)
    answer.count = 1
  }

  /// What luaslackd itself has to say. Returns its row.
  @discardableResult
  private func tell(
    _ record: EventRecord, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> Int64 {
    let event = Event(record, host: host, now: now, context: context)
    let id = try queue.insert(record, key: nil, severity: event.severity)
    try deliver(record, event, as: id, context, now: now)
    return id
  }

  private func deliver(
    _ record: EventRecord, _ event: Event, as id: Int64, _ context: EventContext, now: Int64
  ) throws(DatabaseError) {
    // Whether it is posted or not, it changes its ban.
    let prolonging =
      record.kind == .prolong
      ? try prolong(record, as: id, context, now: now) : Prolonging(toldBy: [:], due: now)
    guard let configuration, configuration.posts(record.kind) else { return }
    let result = try result(record, event, of: id, now: now)
    let linesDue = try queue.linesDue(record, now: now)
    for name in try destinations(record, event, result, now: now) {
      if try jailNews.gather(record, result, as: id, at: name, now: now) { continue }
      if let ban = prolonging.toldBy[name] {
        try queue.insert(told: id, destination: name, by: ban.id, now: now)
        continue
      }
      let worded = wording.result(event, for: name, result)
      let pace = pace(event, result, now: now)
      try queue.insert(
        event: id, destination: name, class: pace.class, outcome: worded.outcome,
        due: max(pace.due, prolonging.due, linesDue), now: now)
      if worded.isReply { try queue.markReply(event: id, destination: name) }
    }
    if record.kind == .ban { try queue.foldEarlyProlongs(into: id, record, now: now) }
  }

  /// What an event makes, before any destination words it its own way.
  private func result(
    _ record: EventRecord, _ event: Event, of id: Int64, now: Int64
  ) throws(DatabaseError) -> Formatting.Result {
    if let reason = event.listed(in: configuration?.mutedLists ?? []) {
      // No formatter runs, so nothing is learnt of one either.
      return Formatting.Result(outcome: .muted(reason))
    }
    guard !record.isReduced else {
      let text = Markup.mrkdwn(BuiltIn.sentence(event))
      return Formatting.Result(outcome: .message(["text": .string(text)]))
    }
    return try wording.result(event, of: id, now: now)
  }

  /// How a message of an event waits: one that a formatter left to the next digest for that.
  private func pace(
    _ event: Event, _ result: Formatting.Result, now: Int64
  ) -> (class: Delivery.Class, due: Int64) {
    guard result.wantsDigest else {
      // A report that a storm folds would be one line of a digest. Nobody has to hurry for what is over.
      let isLoud = event.severity == .critical && event.phase != .over
      let isAlone = isLoud || event.kind == .report
      return (isAlone ? .critical : .event, now)
    }
    return (.forDigest, digestDue(now: now))
  }

  private func digestDue(now: Int64) -> Int64 {
    now + Int64(configuration?.digestWithin ?? 0) * 1_000_000
  }

  /// What becomes of a prolong's own messages.
  private struct Prolonging {
    /// By destination: the ban's delivery that tells of it.
    var toldBy: [String: Queue.Untold]
    var due: Int64
  }

  /// Changes the ban where that is still to be told. Without a ban, its messages wait for one.
  private func prolong(
    _ record: EventRecord, as id: Int64, _ context: EventContext, now: Int64
  ) throws(DatabaseError) -> Prolonging {
    guard record.options[.bantime] != nil else { return Prolonging(toldBy: [:], due: now) }
    guard let ban = try queue.ban(of: record, before: id) else {
      return Prolonging(toldBy: [:], due: now + Queue.prolongPatience)
    }
    let untold = try queue.untold(of: ban)
    guard !untold.isEmpty, var changed = try queue.record(of: ban) else {
      return Prolonging(toldBy: [:], due: now)
    }
    changed.prolong(as: record)
    let event = Event(changed, host: host, now: now, context: context)
    try queue.change(ban, changed, severity: event.severity)
    for message in untold.values where message.isInDigest { try queue.rewordDigest(of: message.id) }
    if untold.values.contains(where: { !$0.isInDigest }) {
      try reword(changed, event, as: ban, untold, now: now)
    }
    // Without what a formatter now wants no message of.
    return Prolonging(toldBy: try queue.untold(of: ban), due: now)
  }

  /// A ban that is known gets its log lines.
  private func change(
    _ id: Int64, _ record: EventRecord, _ context: EventContext, now: Int64
  ) throws(DatabaseError) {
    let untold = try queue.untold(of: id)
    let event = Event(record, host: host, now: now, context: context)
    try queue.change(id, record, severity: event.severity)
    guard untold.values.contains(where: { !$0.isInDigest }) else { return }
    try reword(record, event, as: id, untold, now: now)
    for message in untold.values { try queue.hasten(message.id, now: now) }
  }

  /// The messages of an event that has changed. It may concern destinations that it did not before.
  private func reword(
    _ record: EventRecord, _ event: Event, as id: Int64, _ untold: [String: Queue.Untold],
    now: Int64
  ) throws(DatabaseError) {
    let result = try result(record, event, of: id, now: now)
    let pace = pace(event, result, now: now)
    for (name, message) in untold.sorted(by: { $0.key < $1.key }) where !message.isInDigest {
      let outcome = wording.result(event, for: name, result).outcome
      try queue.reword(message.id, outcome, class: pace.class, due: pace.due, now: now)
    }
    for name in try destinations(record, event, result, now: now) where untold[name] == nil {
      let outcome = wording.result(event, for: name, result).outcome
      try queue.insert(
        event: id, destination: name, class: pace.class, outcome: outcome, due: pace.due, now: now)
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
      // Names that a member of luaslack-submit makes up shall not fill `status`. Those of rules were looked at with the
      // config: where one is gone, its rule went with it and has but an end to tell.
      if !isKnown, record.submitter == nil, !record.kind.isOwn {
        try queue.note(
          Queue.Notice.subject(destination: name),
          "there is no [destination.\(name)]; its events go to default",
          now: now)
      }
      let used = isKnown ? name : Configuration.defaultDestination
      if !names.contains(used) { names.append(used) }
    }
    return names
  }

  /// Starts what may be sent; a storm's digest is made first. Returns for how many milliseconds there is
  /// nothing more to start; nil: until something happens.
  public func dispatch(now: Int64) throws(DatabaseError) -> Int32? {
    let absence: Int64? =
      if let configuration { try jailNews.warnOfAbsence(configuration, now: now) } else { nil }
    let end = try endWarnings(now: now)
    let due = try courier.dispatch(configuration, now: now)
    return [absence, end, due].compactMap { $0 }.min()
      .map { Int32(clamping: max(0, ($0 - now + 999) / 1_000)) }
  }

  /// Tells what is over of early warnings, a few at once. Returns when the next is; nil: nothing has begun, or there is more to
  /// be taken in first.
  private func endWarnings(now: Int64) throws(DatabaseError) -> Int64? {
    guard let configuration, !isBehind, let due = try warnings.due(configuration, now: now) else {
      return nil
    }
    guard due <= now else { return due }
    wording.begin(configuration)
    defer { wording.end() }
    let context = try readLists(configuration, now: now)
    let end = Clock.monotonic() + Self.longestBatch
    try queue.transaction { () throws(DatabaseError) in
      try warnings.begin(configuration, now: now)
      for (index, change) in warnings.ending(now: now).enumerated()
      where index == 0 || Clock.monotonic() < end {
        try tell(try warnings.end(change, context, now: now), context, now: now)
      }
      try warnings.finish(now: now)
    }
    warnings.settle()
    return try warnings.due(configuration, now: now)
  }

  /// Settles what is answered, for at most `milliseconds`, or until one of the `others` can be read.
  public func wait(
    others: [Int32], milliseconds: Int32, now: () -> Int64
  ) throws(DatabaseError) {
    try courier.wait(others: others, milliseconds: milliseconds, now: now)
  }

  /// What is wrong with what is looked up about addresses, by subject.
  public var enrichmentProblems: [String: String] { enrichment?.problems ?? [:] }

  /// What the host's log shall have, since the last call.
  public func takeAlarms() -> [Courier<Carrier>.Alarm] { courier.takeAlarms() }

  /// Nothing is under way and nothing waits, not even for a configuration. `now`: what begins or ends later need not be
  /// waited for, an incident of early warning that is not over; nil: it is.
  public func isIdle(now: Int64? = nil) throws(DatabaseError) -> Bool {
    guard !courier.isBusy, try queue.isEmpty(), try queue.stoppedAt() == nil else { return false }
    if let configuration, let due = try warnings.due(configuration, now: now ?? Clock.now()) {
      guard let now, due > now else { return false }
    }
    return configuration != nil || intake.waitingFiles() == 0
  }
}
