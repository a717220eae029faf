/// An event to try a formatter on, as `event.json` has it: as the spool keeps one, and maybe with
/// `"known": { … }`, members laid over the finished event, which the config or a database supplies. A
/// digest is `{"kind": "digest", "events": [ … ]}`. Always the same event: host and time are its own.
public struct FormatterCase: Sendable {
  let event: Event

  /// What is wrong with a file of a case.
  public struct Unreadable: Error, CustomStringConvertible {
    public let description: String
  }

  /// `text` is what `event.json` holds. `host` and `now`, microseconds since 1970, stand in where it names none.
  init(event text: [UInt8], host: String = "host", now: Int64? = nil) throws(Unreadable) {
    let value: Value
    do throws(JSONError) {
      value = try JSONReader.read(text)
    } catch {
      let line = text.prefix(error.offset).count { $0 == 0x0a } + 1
      throw Unreadable(description: "line \(line): \(error.reason)")
    }
    if let kind = value["kind"]?.string, kind != "digest",
      !EventKind.recorded.map(\.rawValue).contains(kind)
    {
      let known = EventKind.recorded.map(\.rawValue) + ["digest"]
      throw Unreadable(
        description:
          "no event is of the kind \"\(PlainText.line(kind))\"\(Nearest.hint(kind, known))")
    }
    guard var event = Event(case: value, host: host, now: now) else {
      throw Unreadable(
        description: "needs at least \"kind\" and \"jail\", or of a digest the events")
    }
    guard let known = (value["known"] ?? [:]).object else {
      throw Unreadable(description: "\"known\" must be an object")
    }
    for (name, value) in known { event.value[name] = value }
    self.event = event
  }

  /// What formatters made of it.
  struct Made {
    /// As `payload.json` has it: the message, or `{"muted": why}`, or `{"digest": true}`.
    let payload: String
    /// What went wrong on the way; the message tells of it too.
    let problems: [Finding]
    /// What the scripts printed.
    let output: String
  }

  func made(by chain: FormatterChain, _ settings: Sandbox.Settings) -> Made {
    let result = Formatting(chain, settings).tried(event)
    return Made(
      payload: Self.payload(result), problems: result.problems.map(chain.finding),
      output: result.output)
  }

  private static func payload(_ result: Formatting.Result) -> String {
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
      guard var record = EventRecord(value) else { return nil }
      if let now, record.acceptedAt == 0 { record.acceptedAt = now }
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
