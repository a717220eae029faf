internal import Posix
public import SQLite

/// What an admin and a monitoring system ask: does it arrive, and if not, why and since when.
public struct Status: Sendable {
  public struct Destination: Sendable {
    public let state: DestinationState
    public let totals: [DeliveryState: Int]
    public let oldestPendingAt: Int64?
    public let nextAttemptAt: Int64?
    /// Events that the digests tell of which are still to be sent.
    public let inDigests: Int
    /// Deliveries that an admin holds.
    public let held: Int
    /// What is to come is held as well.
    public let isHeld: Bool

    var pending: Int { (totals[.waiting] ?? 0) + (totals[.sending] ?? 0) }
  }

  public let destinations: [Destination]
  public let notices: [Queue.Notice]
  /// Of those that are open.
  public let warnings: [OpenWarning]
  /// Spool files that luaslackd has not taken in yet.
  public let notTakenIn: Int
  private let oldestNotTakenInAt: Int64?
  /// Files wait for a service that does not run.
  private let isWaitingForService: Bool
  /// Deliveries given up in the last week.
  private let givenUp: Int
  let host: String
  let locations: Locations
  let now: Int64

  /// Lines of open warnings.
  private static let mostWarnings = 20
  /// Microseconds after which something that waits is worth a look.
  private static let patience: Int64 = 5 * 60 * 1_000_000
  /// The same for what luaslackd has not even looked at, which takes it seconds.
  private static let patienceOfIntake: Int64 = 30 * 1_000_000
  /// Microseconds for which a dead letter counts as trouble.
  private static let memory: Int64 = 7 * 86_400 * 1_000_000

  /// Reads the database as it is; one that does not exist yet means that nothing was ever sent.
  public init(
    _ locations: Locations, host: String, now: Int64
  ) throws(DatabaseError) {
    self.locations = locations
    self.host = host
    self.now = now
    (notTakenIn, oldestNotTakenInAt) = Intake(locations: locations).waiting()
    isWaitingForService = notTakenIn > 0 && Self.isDeserted(locations)
    guard (try? FileStatus.of(locations.database)) != nil else {
      destinations = []
      notices = []
      warnings = []
      givenUp = 0
      return
    }
    let queue = try Queue(reading: locations.database)
    let totals = try queue.totals()
    let heldDestinations = try queue.heldDestinations()
    var destinations: [Destination] = []
    for state in try queue.destinationStates() {
      let next = try queue.nextAttempt(for: state.name)
      destinations.append(
        Destination(
          state: state, totals: totals[state.name] ?? [:],
          oldestPendingAt: try queue.oldestPending(state.name),
          nextAttemptAt: next.map { max($0, state.notBefore) },
          inDigests: try queue.pendingMembers(of: state.name),
          held: try queue.held(state.name), isHeld: heldDestinations.contains(state.name)))
    }
    self.destinations = destinations
    notices = try queue.notices().filter { !$0.isPast(now: now) }
    warnings = try queue.openWarnings()
    givenUp = try queue.givenUp(since: now - Self.memory)
  }

  /// The spool is a service's, and none listens.
  private static func isDeserted(_ locations: Locations) -> Bool {
    guard let spool = try? Spool.open(locations, creating: false), spool.isManaged else {
      return false
    }
    return (try? spool.trigger()) == false
  }

  public var pending: Int { destinations.reduce(notTakenIn) { $0 + $1.pending } }

  public var exit: ExitStatus {
    if destinations.contains(where: { $0.state.health == .dead }) { return .destinationDead }
    let isLate =
      destinations.contains { ($0.oldestPendingAt ?? now) < now - Self.patience }
      || (oldestNotTakenInAt ?? now) < now - Self.patienceOfIntake
    let isFailing = destinations.contains { $0.state.health == .failing }
    return isLate || isFailing || givenUp > 0 || notices.contains(where: \.isTrouble)
      ? .degraded : .success
  }
}

extension Queue.Notice {
  /// Something that somebody has to mend, not only something worth knowing. A destination that some caller made up
  /// is none: its message arrived at another one.
  var isTrouble: Bool {
    ["configuration", "formatter", "geo", "list", "spool"].contains { subject.hasPrefix($0) }
  }
}

// As text: one line first, then what explains it.
extension Status {
  public var text: String {
    let word =
      switch exit {
      case .success: "ok"
      case .destinationDead: "DESTINATION DEAD"
      default: "degraded"
      }
    var lines = ["\(word): \(summary)"]
    for destination in destinations { lines.append(line(destination)) }
    if notTakenIn > 0 { lines.append("  spool: \(notTakenIn) not taken in yet") }
    if isWaitingForService {
      lines.append(
        "  spool: no luaslackd runs, and none is started: a service shall (\(locations.spool)/managed); "
          + "`systemctl start luaslackd`, or remove that file")
    }
    for warning in warnings.prefix(Self.mostWarnings) {
      let what = warning.what.isEmpty ? "" : ", \(warning.what)"
      lines.append(
        "  warning \(warning.rule)\(what): \(warning.bans) bans, began \(ago(warning.since))")
    }
    if warnings.count > Self.mostWarnings {
      lines.append("  and \(warnings.count - Self.mostWarnings) more warnings")
    }
    for notice in notices {
      lines.append("  \(notice.subject): \(notice.text) (\(ago(notice.at)))")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  private var summary: String {
    if destinations.isEmpty, notTakenIn == 0 {
      return "nothing was ever recorded in \(locations.spool)"
    }
    let delivered = destinations.reduce(0) { $0 + ($1.totals[.delivered] ?? 0) }
    let dead = destinations.reduce(0) { $0 + ($1.totals[.dead] ?? 0) }
    return "\(pending) pending, \(delivered) delivered"
      + (dead > 0 ? ", \(dead) given up (`luaslack queue list --all`)" : "")
  }

  private func line(_ destination: Destination) -> String {
    let state = destination.state
    var parts = ["  \(state.name): \(state.health.rawValue)"]
    let digested = destination.inDigests
    let events =
      digested == 0 ? "" : " (with \(digested) event\(digested == 1 ? "" : "s") in digests)"
    parts.append("\(destination.pending) pending\(events)")
    if let oldest = destination.oldestPendingAt { parts.append("oldest \(ago(oldest))") }
    if destination.held > 0 { parts.append("\(destination.held) held") }
    if destination.isHeld { parts.append("all to come held") }
    if destination.held > 0 || destination.isHeld { parts.append("`luaslack queue release`") }
    if let lastOk = state.lastOkAt { parts.append("last delivered \(ago(lastOk))") }
    if let error = state.lastError { parts.append("last error: \(error)") }
    if state.health == .dead {
      parts.append("mend its webhook, token or server, then `luaslack queue flush`")
    }
    if state.digestAt > now, state.notBefore <= now, destination.pending > 0 {
      let wait = Seconds.describe(Int((state.digestAt - now) / 1_000_000))
      parts.append("a storm, the next digest in \(wait)")
    } else if let next = destination.nextAttemptAt, next > now {
      parts.append("next attempt in \(Seconds.describe(Int((next - now) / 1_000_000)))")
    }
    return parts.joined(separator: ", ")
  }

  private func ago(_ time: Int64) -> String {
    Seconds.describe(Int(max(0, now - time) / 1_000_000)) + " ago"
  }
}

// As JSON: a contract. Members may be added; none is renamed or removed within a `schema`.
extension Status {
  public var value: Value {
    [
      "schema": 1, "version": .string(Version.text), "host": .string(host),
      "config": .string(locations.config), "pending": .int(Int64(pending)),
      "state": .string(
        exit == .success ? "ok" : exit == .destinationDead ? "destination_dead" : "degraded"),
      "destinations": .array(destinations.map(value)),
      "warnings": .array(
        warnings.map {
          [
            "rule": .string($0.rule), "what": .string($0.what), "bans": .int($0.bans),
            "since": .string(Timestamp.text($0.since)),
          ]
        }),
      "notices": .array(
        notices.map {
          [
            "subject": .string($0.subject), "text": .string($0.text),
            "at": .string(Timestamp.text($0.at)),
          ]
        }),
    ]
  }

  private func value(_ destination: Destination) -> Value {
    func time(_ time: Int64?) -> Value { time.map { .string(Timestamp.text($0)) } ?? .null }
    let state = destination.state
    return [
      "name": .string(state.name), "state": .string(state.health.rawValue),
      "pending": .int(Int64(destination.pending)),
      "pending_in_digests": .int(Int64(destination.inDigests)),
      "held": .int(Int64(destination.held)),
      "is_held": .bool(destination.isHeld),
      "oldest_pending_at": time(destination.oldestPendingAt),
      "next_attempt_at": time(destination.nextAttemptAt), "last_ok_at": time(state.lastOkAt),
      "last_error": state.lastError.map { .string($0) } ?? .null,
      "totals": .object(
        Dictionary(
          uniqueKeysWithValues: DeliveryState.allCases.map {
            ($0.rawValue, .int(Int64(destination.totals[$0] ?? 0)))
          })),
    ]
  }
}
