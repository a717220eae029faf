internal import Posix
internal import SQLite

/// Words events by the formatters that are on the disk, and keeps account of those: what each did to an
/// event, which of them are left out because they cost too much, and which failure the channel knows of.
final class Wording {
  private let queue: Queue
  private var suspensions = Suspensions()
  private var configuration = Configuration(path: "")
  private var formatting: Formatting?
  /// Of destinations that word messages their own way, by the formatter's name.
  private var ownFormattings: [String: Formatting] = [:]

  init(_ queue: Queue) {
    self.queue = queue
  }

  /// Reads the formatters anew for the events to come, so that a saved change counts at once.
  func begin(_ configuration: Configuration) {
    self.configuration = configuration
    formatting = nil
  }

  /// Ends the programs that run formatters until there is something to be worded again.
  func end() {
    formatting = nil
    ownFormattings = [:]
  }

  /// What `id`, the event's row, makes; a failure that is not known yet is told in it.
  func result(_ event: Event, of id: Int64, now: Int64) throws(DatabaseError) -> Formatting.Result {
    let formatting = self.formatting ?? started()
    self.formatting = formatting
    let chain = formatting.chain
    var result = formatting.format(event)
    let suspended = suspensions.observe(result, of: chain, now: Clock.monotonic())
    result.problems += suspended
    for (file, outcome) in result.outcomes(of: chain) {
      try queue.note(formatter: file, outcome, of: id)
    }
    try note(&result, of: chain, kind: event.kind, now: now)
    if !suspended.isEmpty { self.formatting = nil }
    return result
  }

  /// The same for a destination with a formatter of its own, in place of what all others get.
  func result(
    _ event: Event, for destination: String, _ common: Formatting.Result
  ) -> Formatting.Result {
    guard case .message = common.outcome,
      let formatter = configuration.destinations[destination]?.formatter
    else { return common }
    let formatting = ownFormattings[formatter] ?? own(formatter)
    ownFormattings[formatter] = formatting
    var result = formatting.format(event)
    for problem in result.problems { result.outcome.add(problem) }
    return result
  }

  private func started() -> Formatting {
    let chain = FormatterChain.load(configuration)
    return Formatting(configuration, suspensions.applied(to: chain, now: Clock.monotonic()))
  }

  private func own(_ formatter: String) -> Formatting {
    var configuration = configuration
    configuration.formatters = [formatter]
    return Formatting(configuration)
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
}
