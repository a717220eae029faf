/// What several jails did within seconds, as one message tells it: fail2ban starts, stops or starts anew,
/// and each of its jails says so. Pure: events in, a value out.
struct JailChange: Equatable {
  enum Outcome: String, CaseIterable {
    case restarted, started, stopped, flushed

    var words: String { self == .flushed ? "lifted all its bans" : rawValue }
    var wordsOfMany: String { self == .flushed ? "lifted all their bans" : rawValue }
  }

  /// In the order in which they were first heard of.
  private(set) var jails: [String] = []
  private(set) var outcomes: [String: Outcome] = [:]

  /// The oldest first.
  init(_ events: [(kind: EventKind, jail: String)]) {
    for event in events { add(event.kind, event.jail) }
  }

  private mutating func add(_ kind: EventKind, _ jail: String) {
    if outcomes[jail] == nil { jails.append(jail) }
    switch (kind, outcomes[jail]) {
    case (.jailStart, .stopped), (.jailStart, .restarted): outcomes[jail] = .restarted
    case (.jailStart, _): outcomes[jail] = .started
    case (.jailStop, _): outcomes[jail] = .stopped
    // A jail that stops lifts its bans first; one that has stopped has none.
    case (.jailFlush, nil): outcomes[jail] = .flushed
    default: break
    }
  }

  func jails(_ outcome: Outcome) -> [String] { jails.filter { outcomes[$0] == outcome } }

  /// All of them did this; nil: some this, some that.
  var common: Outcome? {
    let all = Set(outcomes.values)
    return all.count == 1 ? all.first : nil
  }

  /// There is nothing to say but what an event of this kind says on its own.
  func isOnly(_ kind: EventKind) -> Bool {
    jails.count == 1 && common != .restarted && self.kind == kind
  }

  /// Whose handler a formatter words it with: the one for what is worse.
  var kind: EventKind {
    if !jails(.stopped).isEmpty { return .jailStop }
    return common == .flushed ? .jailFlush : .jailStart
  }

  /// `3 jails restarted: sshd, recidive, nginx; jail old stopped`. Names are as they come.
  var words: String {
    Outcome.allCases.compactMap { outcome in
      let names = jails(outcome)
      guard let first = names.first else { return nil }
      guard names.count > 1 else { return "jail \(first) \(outcome.words)" }
      let more = names.count > Self.mostNames ? " and \(names.count - Self.mostNames) more" : ""
      return "\(names.count) jails \(outcome.wordsOfMany): "
        + names.prefix(Self.mostNames).joined(separator: ", ") + more
    }
    .joined(separator: "; ")
  }

  private static let mostNames = 20

  // MARK: - When

  /// Microseconds without news of a jail after which what happened is told, by what came last: whoever
  /// stops fail2ban often starts it again.
  static func patience(_ kind: EventKind) -> Int64 { kind == .jailStart ? 3_000_000 : 5_000_000 }

  /// Microseconds after the first that it is told at the latest.
  static let longest: Int64 = 20_000_000

  /// When to tell a change that began at `first`, now that a jail of this kind was heard of.
  static func due(first: Int64, _ kind: EventKind, now: Int64) -> Int64 {
    min(now + patience(kind), max(now, first + longest))
  }

  /// Microseconds after which it is a warning that the last jail stopped and none has started.
  static let absence: Int64 = 120_000_000
}

extension Event {
  /// Several events of jails as one. `record` is the first of them.
  init(
    _ record: EventRecord, _ change: JailChange, host: String, now: Int64, context: EventContext
  ) {
    var first = record
    first.kind = change.kind
    first.jail = EventRecord.bounded(change.jails.joined(separator: ", "))
    self.init(first, host: host, now: now, context: context)
    value["jails"] = .array(change.jails.map { .string(PlainText.line($0)) })
    value["change"] = change.common.map { .string($0.rawValue) }
    value["change_in_words"] = .string(PlainText.line(change.words))
  }
}
