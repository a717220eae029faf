/// The stage from event to message: built-in payload, formatters, sink. Always yields a message or
/// the formatter's wish for none; nothing a script does can lose the event.
struct Formatting: Sendable {
  struct Result: Sendable, Equatable {
    enum Outcome: Sendable, Equatable {
      /// Ready to be posted.
      case message(Value)
      case muted(String)
    }

    var outcome: Outcome
    /// Destinations that a formatter named; empty: it named none.
    var destinations: [String] = []
    /// Formatters that had a handler for the event and did their part.
    var succeeded: [String] = []
    /// Formatters that failed; the message went on without them.
    var problems: [FormatterProblem] = []
    /// What the scripts printed.
    var output = ""
  }

  var sandbox = Sandbox()

  /// `destinations` are those of the config.
  func format(_ event: Event, with chain: FormatterChain, destinations: [String]) -> Result {
    let builtIn = BuiltIn.payload(event)
    var problems = chain.problems
    let run = sandbox.run(chain, on: event, payload: builtIn, destinations: destinations)
    if let problem = run.problem {
      problems.append(problem)
    }

    var payload = builtIn
    var named: [String] = []
    var muted: String?
    for frame in run.frames {
      switch frame.outcome {
      case .payload(let made): payload = made
      case .absent: break
      case .muted(let reason, let at):
        muted = "muted by \(at)" + (reason.isEmpty ? "" : ": \(reason)")
      // Until digests exist, an event that asks for one is told on its own rather than not at all.
      case .digest: break
      case .failed(let error): problems.append(FormatterProblem(file: frame.file, error: error))
      }
      if !frame.destinations.isEmpty { named = frame.destinations }
    }

    let outcome: Result.Outcome =
      muted.map { .muted($0) } ?? .message(message(payload, event, builtIn, &problems, run.frames))
    let succeeded = run.frames.filter(\.isSuccess).map(\.file)
      .filter { file in !problems.contains { $0.file == file } }
    return Result(
      outcome: outcome, destinations: named, succeeded: succeeded,
      problems: problems,
      output: run.frames.map(\.output).joined())
  }

  /// What the sink refuses counts as the last formatter's error; the built-in message takes its place.
  private func message(
    _ payload: Value, _ event: Event, _ builtIn: Value, _ problems: inout [FormatterProblem],
    _ frames: [Sandbox.Frame]
  ) -> Value {
    let sentence = BuiltIn.sentence(event)
    do throws(Sink.Refused) {
      return try Sink.message(payload, fallback: sentence)
    } catch {
      let file = frames.last { if case .payload = $0.outcome { true } else { false } }?.file ?? ""
      problems.append(FormatterProblem(file: file, error: "\(file): \(error)"))
    }
    // The built-in payload holds nothing that the sink refuses; a test holds it to that.
    return (try? Sink.message(builtIn, fallback: sentence))
      ?? ["text": .string(Markup.mrkdwn(sentence))]
  }
}

extension Formatting.Result.Outcome {
  /// Tells of a formatter that failed in the message that went on without it.
  mutating func add(_ problem: FormatterProblem) {
    guard case .message(var message) = self else { return }
    BuiltIn.addNote(Markup.mrkdwn(problem.sentence), to: &message)
    self = .message(message)
  }
}
