/// The stage from event to message: built-in payload, formatters, sink. Always yields a message or
/// the formatter's wish for none; nothing a script does can lose the event.
final class Formatting {
  struct Result: Equatable {
    enum Outcome: Equatable {
      /// Ready to be posted.
      case message(Value)
      case muted(String)
    }

    var outcome: Outcome
    /// A formatter asked for a line in the next digest in place of the message.
    var wantsDigest = false
    /// Destinations that a formatter named; empty: it named none.
    var destinations: [String] = []
    /// A formatter wants the message in the thread of its ban.
    var isReply = false
    /// Formatters that had a handler for the event and did their part.
    var succeeded: [String] = []
    /// Those of them that left the message as it was.
    var unchanged: [String] = []
    /// Formatters that failed; the message went on without them.
    var problems: [FormatterProblem] = []
    /// Formatters that took more than half of their time, or had to be stopped; and the others that
    /// had a handler for the event.
    var costly: [String] = []
    var cheap: [String] = []
    /// Where the message did not fit into Slack's limits, into which it was made to fit.
    var violations: [Violation] = []
    /// What each file answered.
    var frames: [Sandbox.Frame] = []

    /// What the scripts printed.
    var output: String { frames.map(\.output).joined() }

    /// The file ran without an error, be it that it has no handler for the event.
    func isWell(_ file: String) -> Bool {
      frames.contains { $0.file == file } && !problems.contains { $0.file == file }
    }
  }

  let chain: FormatterChain
  private let sandbox: Sandbox
  /// Milliseconds of processor time.
  private let costlyTime: Int

  init(_ chain: FormatterChain, _ settings: Sandbox.Settings) {
    self.chain = chain
    costlyTime = settings.limits.fileMilliseconds / 2
    sandbox = Sandbox(chain, settings)
  }

  /// With the limits that the configuration names; without a chain, with the one that it names.
  convenience init(_ configuration: Configuration, _ chain: FormatterChain? = nil) {
    self.init(
      chain ?? FormatterChain.load(configuration), Sandbox.Settings(configuration))
  }

  /// For a trial: on a busy machine any script may run out of time, even twice in a row.
  func tried(_ event: Event) -> Result {
    var result = format(event)
    for _ in 0..<2 where result.problems.contains(where: { $0.error.contains("time limit (") }) {
      result = format(event)
    }
    return result
  }

  func format(_ event: Event) -> Result {
    let builtIn = BuiltIn.payload(event)
    var problems = chain.problems
    let (frames, problem, isLate) = sandbox.run(event, payload: builtIn)
    var costly = frames.filter { $0.milliseconds > costlyTime }.map(\.file)
    let cheap = frames.filter { $0.outcome != .absent && !costly.contains($0.file) }.map(\.file)
    if let problem {
      problems.append(problem)
      if isLate { costly.append(problem.file) }
    }

    var named: [String] = []
    var muted: String?
    var unchanged: [String] = []
    var before = builtIn
    for frame in frames {
      switch frame.outcome {
      case .payload(let payload, _):
        if payload == before { unchanged.append(frame.file) }
        before = payload
      case .absent: break
      case .muted(let reason, let at):
        muted = Result.muted(reason, at)
      // Until digests exist, an event that asks for one is told on its own rather than not at all.
      case .digest: break
      case .failed(let error): problems.append(FormatterProblem(file: frame.file, error: error))
      }
      if !frame.destinations.isEmpty { named = frame.destinations }
    }

    var outcome: Result.Outcome
    var violations: [Violation] = []
    if let muted {
      outcome = .muted(muted)
    } else {
      let message = self.message(event, builtIn, &problems, frames)
      // Each problem becomes a note in the message, and so may each formatter that is left out.
      let fitted = fitted(message, event, notes: problems.count + costly.count)
      outcome = .message(fitted.message)
      violations = fitted.violations
    }
    let succeeded = frames.filter(\.isSuccess).map(\.file)
      .filter { file in !problems.contains { $0.file == file } }
    let wantsDigest = frames.contains { if case .digest = $0.outcome { true } else { false } }
    return Result(
      outcome: outcome, wantsDigest: wantsDigest, destinations: named,
      isReply: frames.contains(where: \.isReply), succeeded: succeeded,
      unchanged: unchanged, problems: problems, costly: costly, cheap: cheap,
      violations: violations, frames: frames)
  }

  /// The last payload that the sink takes, the built-in one if there is no other. The first that it
  /// refuses is its file's error; those after it were made from that.
  private func message(
    _ event: Event, _ builtIn: Value, _ problems: inout [FormatterProblem],
    _ frames: [Sandbox.Frame]
  ) -> Value {
    let sentence = BuiltIn.sentence(event)
    var refused: FormatterProblem?
    // Backwards: mostly the last one will do, and the others need not be rendered.
    for frame in frames.reversed() {
      guard case .payload(let payload, let at) = frame.outcome else { continue }
      do throws(Sink.Refused) {
        let message = try Sink.message(payload, fallback: sentence)
        if let refused { problems.append(refused) }
        return message
      } catch {
        refused = FormatterProblem(file: frame.file, error: "\(at): \(error)")
      }
    }
    if let refused { problems.append(refused) }
    // The built-in payload holds nothing that the sink refuses; a test holds it to that.
    return (try? Sink.message(builtIn, fallback: sentence))
      ?? ["text": .string(Markup.mrkdwn(sentence))]
  }

  /// Within Slack's limits, with room for what is added. No script, and no limit either, may hide
  /// whom an event is about: a message that does not show it gets one more line.
  private func fitted(
    _ message: Value, _ event: Event, notes: Int
  ) -> (message: Value, violations: [Violation]) {
    let room = min(notes, BuiltIn.mostNotes)
    var fitted = Fit.fitted(message, room: room)
    guard let address = event.address, !Visible.shows(address, in: fitted.message) else {
      return fitted
    }
    fitted = Fit.fitted(message, room: room + 1)
    BuiltIn.addLine(line(about: event, address), to: &fitted.message)
    return fitted
  }

  /// The sentence, unless it has so long a jail in it that nobody would read on to the address.
  private func line(about event: Event, _ address: String) -> String {
    let sentence = Markup.mrkdwn(BuiltIn.sentence(event))
    let isShown = Visible.shows(address, in: ["text": .string(sentence)])
    return isShown ? sentence : Markup.mrkdwn(BuiltIn.bareOrCode(address))
  }
}

extension Formatting.Result.Outcome {
  /// Tells of a formatter that failed in the message that went on without it.
  mutating func add(_ problem: FormatterProblem) {
    add(note: problem.sentence)
  }

  mutating func add(note: String) {
    guard case .message(var message) = self else { return }
    BuiltIn.addNote(Markup.mrkdwn(note), to: &message)
    self = .message(message)
  }
}
