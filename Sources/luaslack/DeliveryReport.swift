import ArgumentParser
import LuaslackCore
import Posix
import SQLite

/// `--wait`: follows one event until it is delivered, or given up, or the time is over.
enum DeliveryReport {
  private static let interval: UInt32 = 10_000

  static func wait(for name: String, _ locations: Locations, seconds: Int) throws {
    let deadline = Clock.monotonic() + Int64(seconds) * 1_000_000
    var queue: Queue?
    var seen: [Delivery] = []
    while true {
      if queue == nil { queue = try? Queue(reading: locations.database) }
      if let event = try? queue?.event(ofArrival: name) {
        seen = (try? queue?.deliveries(of: event)) ?? seen
        if !seen.contains(where: \.state.isPending) { return try report(seen) }
      }
      guard Clock.monotonic() < deadline else { break }
      Clock.sleep(microseconds: interval)
    }
    let reason = seen.compactMap(\.reason).first.map { ": \($0)" } ?? ""
    Luaslack.fail(.temporary, "not delivered within \(seconds) s, it stays queued\(reason)")
  }

  private static func report(_ deliveries: [Delivery]) throws {
    if deliveries.isEmpty {
      Process.print("recorded; the config's `post` does not list this kind\n", to: 1)
    }
    for delivery in deliveries {
      let reason = delivery.reason.map { " (\($0))" } ?? ""
      Process.print("\(delivery.destination): \(delivery.state.rawValue)\(reason)\n", to: 1)
    }
    if deliveries.contains(where: { $0.state == .dead }) {
      throw ExitCode(ExitStatus.unavailable.rawValue)
    }
  }
}
