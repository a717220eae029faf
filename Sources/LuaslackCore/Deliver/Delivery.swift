/// Where one message to one destination is in its life.
public enum DeliveryState: String, Sendable, CaseIterable {
  case waiting
  /// Committed before the first byte goes out; found at start, it may or may not have arrived.
  case sending
  case delivered
  /// Told by another message.
  case folded
  /// A formatter wanted no message.
  case muted
  /// Will never arrive; kept to be looked at.
  case dead

  public var isPending: Bool { self == .waiting || self == .sending }
}

/// One message to one destination, as its row has it.
public struct Delivery: Sendable, Equatable {
  /// By what it is paced.
  public enum Class: String, Sendable, CaseIterable {
    case event
    /// An event that somebody should see at once.
    case critical
    /// An event that a formatter left to the next digest.
    case forDigest = "for_digest"
    /// Tells of the deliveries that were folded into it.
    case digest
    /// A word of luaslack's own.
    case notice
  }

  public let id: Int64
  public let event: Int64
  public let destination: String
  public let state: DeliveryState
  /// JSON.
  public let payload: String
  public let reason: String?
  public let attempts: Int
  /// Microseconds since 1970, as all times here.
  public let nextAttemptAt: Int64
  public let maybeSent: Bool
  public let isPlain: Bool
  public let acceptedAt: Int64
  /// What `queue list` shows of the event.
  public let kind: String
  public let jail: String
  public let subject: String
  /// By an admin, until it is released.
  public var isHeld = false
  public var `class` = Class.event
  /// The digest that tells of it.
  public var foldedInto: Int64?
}

/// What is remembered of a destination between attempts and processes.
public struct DestinationState: Sendable, Equatable {
  public enum Health: String, Sendable { case ok, failing, dead }

  public let name: String
  public var health: Health = .ok
  /// Failed attempts in a row.
  public var failures = 0
  /// Nothing is sent before this.
  public var notBefore: Int64 = 0
  /// When `notBefore` was decided.
  public var setAt: Int64 = 0
  public var lastOkAt: Int64?
  public var lastError: String?
  /// Until then what waits is collected for the next digest.
  public var digestAt: Int64 = 0
}

// As `queue list` shows it.
extension Delivery {
  public var line: String {
    let into = foldedInto.map { " into \($0)" } ?? ""
    let why = into + (reason.map { "  (\($0))" } ?? "")
    let state = isHeld && state.isPending ? "held" : state.rawValue
    let tries = "\(attempts) attempt\(attempts == 1 ? "" : "s")"
    return "\(id)  \(Timestamp.text(acceptedAt))  \(state)  \(destination)  "
      + "\(kind) \(PlainText.line(jail)) \(PlainText.line(subject))  \(tries)\(why)"
  }

  public var value: Value {
    [
      "id": .int(id), "event": .int(event), "destination": .string(destination),
      "state": .string(state.rawValue), "reason": reason.map { .string($0) } ?? .null,
      "attempts": .int(Int64(attempts)), "accepted_at": .string(Timestamp.text(acceptedAt)),
      "next_attempt_at": state.isPending ? .string(Timestamp.text(nextAttemptAt)) : .null,
      "held": .bool(isHeld), "class": .string(`class`.rawValue),
      "folded_into": foldedInto.map(Value.int) ?? .null, "kind": .string(kind),
      "jail": .string(jail),
      "subject": .string(subject),
    ]
  }
}
