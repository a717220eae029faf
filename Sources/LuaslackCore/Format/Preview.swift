/// What would be sent for an event, without a spool, a database or a network.
public struct Preview: Sendable {
  /// The message; nil if a formatter wants none.
  public let message: Value?
  /// What the person who runs it should know: why there is no message, which formatter failed, what
  /// Slack would not take, where it would go.
  public private(set) var remarks: [String] = []
  /// What the scripts printed.
  public let output: String

  /// `host` stands in where the event names none; `now` is in microseconds since 1970.
  public init(_ record: EventRecord, _ configuration: Configuration, host: String, now: Int64) {
    let previewer = Previewer(configuration, host: host, now: now)
    self = previewer.preview(previewer.scene(record))
    remarks = previewer.listProblems + remarks
  }

  init(_ scene: Scene, _ rehearsal: Rehearsal) {
    let result = rehearsal.result(scene.event)
    var outcome = result.outcome
    for problem in result.problems { outcome.add(problem) }
    output = result.output
    switch outcome {
    case .message(let message): self.message = message
    case .muted: message = nil
    }
    remarks = result.problems.map(\.sentence)
    remarks += result.violations.map { "\($0)" }
    // Text of an event may look like markup; that of the ordinary samples does not.
    let findings =
      result.findings(rehearsal.chain, looksForMarkup: scene.isOrdinary)
      + result.uncalled(rehearsal.chain)
    remarks += findings.inOrder().map(\.text)
    remarks += fate(result, scene, rehearsal)
  }

  private func fate(
    _ result: Formatting.Result, _ scene: Scene, _ rehearsal: Rehearsal
  ) -> [String] {
    let event = scene.event
    let configuration = rehearsal.configuration
    if case .muted(let reason) = result.outcome { return ["no message: \(reason)"] }
    // A digest is told wherever its events are.
    guard event.kind == .digest || configuration.post.contains(event.kind) else {
      let known = configuration.post.map(\.rawValue).joined(separator: ", ")
      return [
        "the config's `post` does not list \(event.kind.rawValue) (it lists: \(known)), "
          + "so this event would be recorded and not sent"
      ]
    }
    let named = scene.destinations.isEmpty ? result.destinations : scene.destinations
    let known = Array(configuration.destinations.keys)
    let unknown = named.filter { !known.contains($0) }.map {
      "there is no [destination.\($0)]" + Nearest.hint($0, known) + " it would go to default"
    }
    let wish = result.wantsDigest ? ["it would be told in the next digest only"] : []
    let reply =
      result.isReply ? ["where there are threads, it goes into that of its ban's message"] : []
    let goal = rehearsal.destinations(named: scene.destinations, event, result)
    // Silent in the usual case, so that a trial of a formatter stays a trial of that.
    let isUsual = goal == [Configuration.defaultDestination]
    return unknown + wish + reply + (isUsual ? [] : ["to: " + goal.joined(separator: ", ")])
  }
}
