/// A recorded event with the payload that a formatter makes of it: how shipped formatters are tested,
/// and how an admin tests his own. `event.json` holds an event as the spool does.
public struct FormatterCase: Sendable {
  let formatter: FormatterFile
  let event: EventRecord

  public struct Unreadable: Error, CustomStringConvertible {
    public let description: String
  }

  /// `source` is the Lua file under the name that errors show; `event` is the text of `event.json`.
  public init(formatter name: String, source: String, event: String) throws(Unreadable) {
    formatter = FormatterFile(name: name + ".lua", source: source)
    let value: Value
    do throws(JSONError) {
      value = try JSONReader.read(event)
    } catch {
      throw Unreadable(description: "event.json: \(error)")
    }
    guard let record = EventRecord(value) else {
      throw Unreadable(description: "event.json: needs at least \"kind\" and \"jail\"")
    }
    self.event = record
  }

  /// The payload as it would be posted, or the reason why there is none. Always the same for the same
  /// case: the host and the time are the event's. `destinations` are those that the formatter may
  /// name; empty: any.
  public func payload(destinations: [String] = []) -> String {
    let formatting = Formatting(
      FormatterChain(files: [formatter]), Sandbox.Settings(destinations: destinations))
    let result = formatting.format(Event(event, host: "host", now: event.acceptedAt))
    var outcome = result.outcome
    for problem in result.problems { outcome.add(problem) }
    return switch outcome {
    case .message(let message): JSONWriter.pretty(message)
    case .muted(let reason): JSONWriter.pretty(["muted": .string(reason)])
    }
  }
}
