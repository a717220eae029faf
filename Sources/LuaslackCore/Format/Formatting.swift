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

    var named: [String] = []
    var muted: String?
    for frame in run.frames {
      switch frame.outcome {
      case .payload, .absent: break
      case .muted(let reason, let at):
        muted = "muted by \(at)" + (reason.isEmpty ? "" : ": \(reason)")
      // Until digests exist, an event that asks for one is told on its own rather than not at all.
      case .digest: break
      case .failed(let error): problems.append(FormatterProblem(file: frame.file, error: error))
      }
      if !frame.destinations.isEmpty { named = frame.destinations }
    }

    let outcome: Result.Outcome =
      muted.map { .muted($0) } ?? .message(message(event, builtIn, &problems, run.frames))
    let succeeded = run.frames.filter(\.isSuccess).map(\.file)
      .filter { file in !problems.contains { $0.file == file } }
    return Result(
      outcome: outcome, destinations: named, succeeded: succeeded,
      problems: problems,
      output: run.frames.map(\.output).joined())
  }

  /// The last payload that the sink takes, the built-in one if there is no other. The first that it
  /// refuses is its file's error; those after it were made from that.
  private func message(
    _ event: Event, _ builtIn: Value, _ problems: inout [FormatterProblem],
    _ frames: [Sandbox.Frame]
  ) -> Value {
    let sentence = BuiltIn.sentence(event)
    // The built-in payload holds nothing that the sink refuses; a test holds it to that.
    var message =
      (try? Sink.message(builtIn, fallback: sentence)) ?? ["text": .string(Markup.mrkdwn(sentence))]
    var isRefused = false
    for frame in frames {
      guard case .payload(let payload) = frame.outcome else { continue }
      do throws(Sink.Refused) {
        message = try Sink.message(payload, fallback: sentence)
      } catch {
        guard !isRefused else { continue }
        isRefused = true
        let problem = "\(frame.file): \(error)"
        problems.append(FormatterProblem(file: frame.file, error: problem))
      }
    }
    return message
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
