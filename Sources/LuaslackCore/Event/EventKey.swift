/// What makes two calls the same event. fail2ban runs a failed command twice, repeats restored bans
/// with their times rounded, and gives an unban the time of its ban.
public struct EventKey: Sendable, Equatable {
  public let text: String
  /// Microseconds within which an equal key means the same event; nil: for ever.
  public let window: Int64?

  /// Nil for an event that is always new: without a time, nothing tells two of them apart from one
  /// that was repeated.
  public init?(_ record: EventRecord) {
    guard record.kind.hasAddress, let time = record.options[.time] else { return nil }
    var parts: [Value] = [
      .string(record.kind.rawValue), .string(record.jail), .string(record.subject),
      Self.number(time),
    ]
    if record.kind == .prolong { parts.append(Self.number(record.options[.bantime] ?? "")) }
    text = JSONWriter.compact(.array(parts))
    window = record.kind == .ban ? nil : 10 * 60 * 1_000_000
  }

  /// `1795231644.0` and `1795231644` are one time; fail2ban's database rounds to whole seconds.
  private static func number(_ text: String) -> Value {
    guard let seconds = Double(decimal: text), abs(seconds) < 1e15 else { return .string(text) }
    return .int(Int64(seconds.rounded(.toNearestOrEven)))
  }
}

extension EventRecord {
  /// What was banned: fail2ban's failure id, which need not be an address. Of a notification, its title.
  public var subject: String { kind == .notify ? title ?? "" : options[.id] ?? ip }
}
