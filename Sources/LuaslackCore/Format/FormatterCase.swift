/// A recorded event with the payload that a formatter makes of it: how shipped formatters are tested,
/// and how an admin tests his own. `event.json` holds an event as the spool does, and may hold
/// `"known": { … }`: members laid over the finished event, which the config or a database supplies. A
/// digest is `{"kind": "digest", "events": [ … ]}`.
public struct FormatterCase: Sendable {
  let formatter: FormatterFile
  let libraries: [FormatterFile]
  let event: Event
  let known: [String: Value]

  public struct Unreadable: Error, CustomStringConvertible {
    public let description: String
  }

  /// `source` is the Lua file under the name that errors show; `libraries` are the sources that
  /// `require` finds, by name; `event` is the text of `event.json`.
  public init(
    formatter name: String, source: String, libraries: [String: String] = [:], event: String
  ) throws(Unreadable) {
    formatter = FormatterFile(name: name + ".lua", source: source)
    self.libraries = libraries.map { FormatterFile(name: $0.key, source: $0.value) }
    let value: Value
    do throws(JSONError) {
      value = try JSONReader.read(event)
    } catch {
      throw Unreadable(description: "event.json: \(error)")
    }
    guard let event = Event(case: value, host: "host", now: nil) else {
      throw Unreadable(
        description: "event.json: needs at least \"kind\" and \"jail\", or of a digest the events")
    }
    guard let known = (value["known"] ?? [:]).object else {
      throw Unreadable(description: "event.json: \"known\" must be an object")
    }
    self.event = event
    self.known = known
  }

  /// The payload as it would be posted, or the reason why there is none. Always the same for the same
  /// case: the host and the time are the event's. `destinations` are those that the formatter may
  /// name; empty: any.
  public func payload(destinations: [String] = []) -> String {
    let formatting = Formatting(
      FormatterChain(files: [formatter], libraries: libraries),
      Sandbox.Settings(destinations: destinations))
    var event = event
    for (name, value) in known { event.value[name] = value }
    let result = formatting.format(event)
    if result.wantsDigest { return JSONWriter.pretty(["digest": true]) }
    var outcome = result.outcome
    for problem in result.problems { outcome.add(problem) }
    return switch outcome {
    case .message(let message): JSONWriter.pretty(message)
    case .muted(let reason): JSONWriter.pretty(["muted": .string(reason)])
    }
  }
}

extension Event {
  /// As a case has it. `now` is in microseconds since 1970; nil: the time of the event.
  init?(case value: Value, host: String, now: Int64?) {
    guard value["kind"] == .string(EventKind.digest.rawValue) else {
      guard let record = EventRecord(value) else { return nil }
      self.init(record, host: host, now: now ?? record.acceptedAt)
      return
    }
    let events = (value["events"]?.array ?? []).compactMap {
      Event(case: $0, host: host, now: now)
    }
    guard !events.isEmpty, events.allSatisfy({ $0.kind != .digest }) else { return nil }
    let digest = Digest(of: events)
    self.init(digest, host: host, now: now ?? (digest.last ?? 0) * 1_000_000)
  }
}
