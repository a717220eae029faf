/// What would be sent for an event, without a spool, a database or a network.
public struct Preview: Sendable {
  /// The message; nil if a formatter wants none.
  public let message: Value?
  /// What the person who runs it should know: why there is no message, which formatter failed.
  public let remarks: [String]
  /// What the scripts printed.
  public let output: String

  /// `host` stands in where the event names none; `now` is in microseconds since 1970.
  public init(_ record: EventRecord, _ configuration: Configuration, host: String, now: Int64) {
    var lists = Lists()
    let (context, problems) = lists.context(of: configuration, now: now)
    let event = Event(record, host: host, now: now, context: context)
    let result =
      event.listed(in: configuration.mutedLists).map { Formatting.Result(outcome: .muted($0)) }
      ?? Formatting(configuration).format(event)
    var outcome = result.outcome
    for problem in result.problems { outcome.add(problem) }
    var remarks = result.problems.map(\.sentence)
    remarks += problems.sorted { $0.key < $1.key }.map { "list \($0.key): \($0.value)" }
    switch outcome {
    case .message(let message): self.message = message
    case .muted(let reason):
      message = nil
      remarks.append("no message: \(reason)")
    }
    if !configuration.post.contains(record.kind) {
      let known = configuration.post.map(\.rawValue).joined(separator: ", ")
      remarks.append(
        "the config's `post` does not list \(record.kind.rawValue) (it lists: \(known)), "
          + "so this event would be recorded and not sent")
    }
    self.remarks = remarks
    output = result.output
  }
}
