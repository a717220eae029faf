import LuaslackCore
import Posix
import SQLite

/// `--wait`: follows one event until it is delivered, or given up, or the time is over.
enum DeliveryReport {
  private static let interval: UInt32 = 10_000

  /// It is not delivered, or not yet.
  struct NotDelivered: Error {
    let status: ExitStatus
    /// Nil where what was printed says it.
    let reason: String?
  }

  /// What became of it goes to `descriptor`.
  static func wait(
    for name: String, _ locations: Locations, seconds: Int, to descriptor: Int32 = 1
  ) throws(NotDelivered) {
    let deadline = Clock.monotonic() + Int64(seconds) * 1_000_000
    var queue: Queue?
    while true {
      if queue == nil { queue = try? Queue(reading: locations.database) }
      let seen = queue.flatMap { deliveries(of: name, in: $0) }
      if let seen, !seen.contains(where: \.state.isPending) {
        for problem in queue.map({ unknown(of: name, seen, in: $0) }) ?? [] {
          Process.print("luaslack: \(PlainText.line(problem))\n", to: 2)
        }
        return try report(seen, to: descriptor)
      }
      let rest = max(0, deadline - Clock.monotonic())
      if let seen, let reason = deadReason(seen, queue, until: Clock.now() + rest) {
        throw NotDelivered(
          status: .temporary, reason: "the destination is dead, the event stays queued: \(reason)")
      }
      guard Clock.monotonic() < deadline else {
        let reason = seen.map { self.reason($0, queue) } ?? "luaslackd has not taken it in yet"
        throw NotDelivered(
          status: .temporary,
          reason: "not delivered within \(seconds) s, it stays queued: \(reason)")
      }
      Clock.sleep(microseconds: interval)
    }
  }

  /// Nil until luaslackd has taken the event in.
  private static func deliveries(of name: String, in queue: Queue) -> [Delivery]? {
    guard let event = try? queue.event(ofArrival: name),
      let deliveries = try? queue.deliveries(of: event)
    else { return nil }
    // What another message tells of is told when that is.
    return deliveries.map { delivery in
      var delivery = delivery
      // A prolong in its ban, that in a digest.
      while delivery.state == .folded, let teller = delivery.foldedInto, teller != delivery.id,
        let found = try? queue.delivery(teller)
      {
        delivery = found
      }
      return delivery
    }
  }

  /// Destinations that the caller named and the config does not: default gets what was theirs.
  private static func unknown(
    of name: String, _ deliveries: [Delivery], in queue: Queue
  ) -> [String] {
    guard !deliveries.isEmpty, let event = try? queue.event(ofArrival: name),
      let record = try? queue.record(of: event)
    else { return [] }
    let known = ((try? queue.destinationStates()) ?? []).map(\.name)
    return record.destinations.filter { name in !deliveries.contains { $0.destination == name } }
      .map { "there is no destination \($0)" + Nearest.hint($0, known) }
  }

  /// Slack's word, if no message that waits can get anywhere before somebody mends something. One that was not tried
  /// may be the one that shows that somebody did, unless nothing is tried in the time that is left.
  private static func deadReason(
    _ deliveries: [Delivery], _ queue: Queue?, until end: Int64
  ) -> String? {
    guard let states = try? queue?.destinationStates() else { return nil }
    let waiting = deliveries.filter(\.state.isPending)
    let dead = states.filter { state in
      state.health == .dead
        && waiting.contains {
          $0.destination == state.name && ($0.attempts > 0 || state.notBefore > end)
        }
    }
    return dead.count == Set(waiting.map(\.destination)).count ? dead.first?.lastError : nil
  }

  /// Why the first that waits does: its own last error, or what is wrong with its destination.
  private static func reason(_ deliveries: [Delivery], _ queue: Queue?) -> String {
    guard let delivery = deliveries.first(where: \.state.isPending) else { return "" }
    let state = (try? queue?.destinationStates())?.first { $0.name == delivery.destination }
    return delivery.reason ?? state?.lastError ?? "no answer yet"
  }

  private static func report(
    _ deliveries: [Delivery], to descriptor: Int32
  ) throws(NotDelivered) {
    if deliveries.isEmpty {
      Process.print("recorded; the config's `post` does not list this kind\n", to: descriptor)
    }
    for delivery in deliveries {
      let state = delivery.state.rawValue + (delivery.class == .digest ? " in a digest" : "")
      // `muted by 50-own.lua:2: …` says it already.
      let isSaid = delivery.reason?.hasPrefix(state + " ") ?? false
      let reason = delivery.reason.map { isSaid ? String($0.dropFirst(state.count)) : " (\($0))" }
      Process.print("\(delivery.destination): \(state)\(reason ?? "")\n", to: descriptor)
    }
    if deliveries.contains(where: { $0.state == .dead }) {
      throw NotDelivered(status: .unavailable, reason: nil)
    }
  }
}
