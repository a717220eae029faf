/// What would be sent for an event, without a spool, a database or a network.
public struct Preview: Sendable {
  /// Which event it is of: `ban, sample "ipv6"`.
  public let title: String
  /// The message; nil if a formatter wants none.
  public let message: Value?
  /// What formatters that failed did wrong; the message is what is sent without them.
  public let problems: [Finding]
  /// What Slack would not understand, and what is never called.
  public let findings: [Finding]
  /// What else the person who runs it should know: why there is no message, what Slack would not take, where
  /// it would go, what is not shown there.
  public private(set) var notes: [String]
  /// What the scripts printed.
  public let output: String

  init(_ scene: Scene, _ result: Formatting.Result, _ chain: FormatterChain) {
    var outcome = result.outcome
    for problem in result.problems { outcome.add(problem) }
    title = scene.title
    problems = result.problems.map(chain.finding)
    output = result.output
    switch outcome {
    case .message(let message): self.message = message
    case .muted: message = nil
    }
    // Text of an event may look like markup; that of the ordinary samples does not.
    findings =
      (result.findings(chain, looksForMarkup: scene.isOrdinary) + result.uncalled(chain)).inOrder()
    notes = result.violations.map { "\($0)" }
  }

  mutating func add(_ notes: [String]) { self.notes += notes }
}
