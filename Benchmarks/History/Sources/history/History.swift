import Foundation
import Posix
import SQLite
import TestSupport

@testable import LuaslackCore

/// `history bans FILE`: fills a new database with a synthetic year of a million bans, asks it what came before a ban, and
/// prints what that costs as one JSON object. The file stays, for the commands that read it. `history addresses FILE`
/// writes a database in MaxMind's format with the networks for benchmarks, 198.18.0.0/15.
@main
enum Program {
  private static let count = 1_000_000
  private static let asked = 10_000

  static func main() throws {
    let arguments = CommandLine.arguments
    switch (arguments.count, arguments.dropFirst().first) {
    case (3, "bans"): try bans(arguments[2])
    case (3, "addresses"): try addresses(arguments[2])
    default:
      print("usage: history bans FILE\n       history addresses FILE")
      exit(64)
    }
  }

  private static func addresses(_ path: String) throws {
    var database = AddressDatabase()
    for network in 0..<512 {
      database.add(
        "198.\(18 + network / 256).\(network % 256).0/24",
        AddressDatabase.city("DE", "Germany", "Town \(network)"))
    }
    try Data(database.bytes()).write(to: URL(filePath: path))
  }

  private static func bans(_ path: String) throws {
    let queue = try Queue(writing: path)
    let end = Clock.now() / 1_000_000
    let bans = Array(Year(count, end: end))
    let start = Clock.monotonic()
    try fill(queue, bans)
    let remembered = Clock.monotonic() - start
    // As luaslackd does each hour.
    try queue.forgetPulses(before: 0, now: end)
    let pages = try queue.database.first("PRAGMA page_count") { $0.integer(0) } ?? 0
    var random = FixedRandom(seed: 7)
    var cold: [Int64] = []
    var new: [Int64] = []
    var warm: [Int64] = []
    for _ in 0..<asked {
      // Who comes next is who came before.
      guard var ban = bans.randomElement(using: &random) else { break }
      ban.at = end
      let record = ban.record
      queue.cache.empty()
      cold.append(try microseconds { _ = try queue.history(before: record) })
      warm.append(try microseconds { _ = try queue.history(before: record) })
      // As in a luaslackd that runs: of jail and user it was asked before, of the address not.
      var other = record
      other.ip = "192.0.2.1"
      queue.cache.empty()
      _ = try queue.history(before: other)
      new.append(try microseconds { _ = try queue.history(before: record) })
    }
    print(
      JSONWriter.compact([
        "bans": .int(Int64(count)),
        "remember": .float(Double(remembered) / Double(count)),
        "bytes": .int(pages * 4_096 / Int64(count)),
        "cold": summary(cold), "new": summary(new), "warm": summary(warm),
      ]))
  }

  private static func fill(_ queue: Queue, _ bans: [Year.Ban]) throws {
    for start in stride(from: 0, to: bans.count, by: 1_000) {
      try queue.transaction { () throws(DatabaseError) in
        for index in start..<min(start + 1_000, bans.count) {
          try queue.remember(bans[index].record, as: Int64(index + 1))
        }
        try queue.writePulses()
      }
    }
  }

  private static func microseconds(_ body: () throws -> Void) throws -> Int64 {
    let start = Clock.monotonic()
    try body()
    return Clock.monotonic() - start
  }

  private static func summary(_ times: [Int64]) -> Value {
    let times = times.sorted()
    return [
      "median": .int(times[times.count / 2]), "p99": .int(times[times.count * 99 / 100]),
      "most": .int(times[times.count - 1]),
    ]
  }
}
