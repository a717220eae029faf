import Foundation
import SQLite
import TestSupport
import Testing

/// A hundred thousand events wait for a Slack that takes none.
@Suite struct BacklogTests {
  @Test func `with a hundred thousand waiting luaslackd stays small and status answers`()
    async throws
  {
    let count = Long.isOn ? 100_000 : 5_000
    let installation = try await Installation(config: Torture.config())
    try await installation.slack.control(
      #"{"mode":"status","status":500,"body":"rollup_error"}"#)
    let first = try installation.startDaemon()
    _ = try await installation.banUndelivered("192.0.2.1")
    await eventually("it waits") {
      (try? await installation.deliveries(all: false).first?["reason"].string)
        == "500 rollup_error"
    }
    first.signal(15)
    _ = try await first.wait()
    try installation.multiply(to: count)

    let daemon = try installation.startDaemon()
    var more = Torture.addresses(600, network: 172)
    func take(_ number: Int) async throws -> Int {
      #expect(try await installation.banAll(Array(more.prefix(number)), spawning: false))
      more.removeFirst(number)
      await eventually("they are taken in", timeout: .seconds(30)) { installation.incoming.isEmpty }
      return Proc.kibibytes(of: daemon.processID, "VmRSS")
    }
    var sizes = [try await take(120)]
    for _ in 1...4 { sizes.append(try await take(120)) }
    // What an event leaves behind shows each time; what is needed once, for a digest of all of them, does not.
    let growth = zip(sizes.dropFirst(), sizes).map { $0 - $1 }.min() ?? .max
    let peak = Proc.kibibytes(of: daemon.processID, "VmHWM")
    #expect(peak > 0 && peak < 40 << 10, "\(sizes) KiB, \(peak) at most")
    #expect(growth < 1 << 10, "\(sizes) KiB")
    var times: [Duration] = []
    for _ in 1...9 {
      let status = try await installation.luaslack(["status", "--json"])
      times.append(status.duration)
      let pending = try JSON(parsing: status.output)["pending"].number ?? 0
      #expect(pending > 0)
    }
    // Once Slack answers again, all of it is told at once.
    try await installation.slack.control(#"{"mode":"ok"}"#)
    let settled = try await installation.settle(within: .seconds(90))
    let left = try await installation.luaslack(["status"]).output
    #expect(settled, "\(left)")
    daemon.signal(15)
    let cpu = try await daemon.wait().cpuTime
    #expect(try Accounting.illegal(in: installation.database).isEmpty)
    let told = try Database(installation.database, .reading).first(
      """
      SELECT count(*) FROM delivery WHERE state = 'delivered' AND class <> 'digest'
        OR state = 'folded' AND folded_into IN (SELECT id FROM delivery WHERE state = 'delivered')
      """
    ) { Int($0.integer(0)) }
    #expect(told == count + 600)
    let messages = try await installation.slack.messages(acceptedOnly: true).count
    Long.note(
      "backlog",
      "\(count) waiting and 600 more, luaslackd \(peak >> 10) MiB at most, \(sizes[0]) KiB after "
        + "120 of them and \(sizes[4]) KiB after all, \(Torture.seconds(cpu)) of processor time, status "
        + "\(Int((times.sorted()[4] / .milliseconds(1)).rounded())) ms in the middle; told in \(messages) messages",
      bar: "under 40 MiB, flat, status under 50 ms")
  }
}

extension Installation {
  /// As many events and deliveries as told, like the first one but for the address: put into the
  /// database at once, because that is not what is tried here.
  fileprivate func multiply(to count: Int) throws {
    try Database(database, .writing).execute(
      """
      PRAGMA synchronous = OFF;
      BEGIN;
      WITH RECURSIVE numbers (n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM numbers WHERE n < \(count - 1))
      INSERT INTO event (kind, jail, subject, accepted_at, record)
        SELECT kind, jail, address, accepted_at, json_set(record, '$.ip', address)
        FROM event, (SELECT format('10.%d.%d.%d', n / 65536, n / 256 % 256, n % 256) AS address
          FROM numbers) WHERE event.id = 1;
      INSERT INTO delivery (event, destination, state, payload, reason, attempts, next_attempt_at,
          set_at)
        SELECT event.id, destination, state, replace(payload, '192.0.2.1', event.subject), reason,
          attempts, next_attempt_at, set_at
        FROM delivery, event WHERE delivery.id = 1 AND event.id > 1;
      COMMIT;
      """)
  }
}

extension Proc {
  /// A figure of `/proc/PID/status`; 0 if the process has gone.
  static func kibibytes(of process: Int32, _ name: String) -> Int {
    let bytes = FileManager.default.contents(atPath: "/proc/\(process)/status") ?? Data()
    let line = String(decoding: bytes, as: UTF8.self).split(separator: "\n")
      .first { $0.hasPrefix(name + ":") }
    return line?.split(whereSeparator: \.isWhitespace).compactMap { Int($0) }.first ?? 0
  }
}
