import Foundation
import Glibc
import TestSupport
import Testing

@testable import LuaslackCore

/// The seeds of `make fuzz`, and a slice of it: each damaged some thousand times, always in the same
/// ways, and decoded.
@Suite struct DecodingTests {
  private static let seeds = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().appending(path: "Fuzz/seeds")

  private static func seeds(_ oracle: Oracle) throws -> [[UInt8]] {
    let folder = seeds.appending(path: oracle.rawValue)
    return try FileManager.default.contentsOfDirectory(atPath: folder.path()).sorted().map {
      Array(try Data(contentsOf: folder.appending(path: $0)))
    }
  }

  @Test(arguments: Oracle.allCases)
  func `no damage breaks what decodes it`(oracle: Oracle) throws {
    let seeds = try Self.seeds(oracle)
    try #require(seeds.isEmpty == false)
    var random = FixedRandom(seed: 1)
    for number in 0..<(Long.isOn ? 100_000 : 3_000) {
      let seed = seeds[number % seeds.count]
      let bytes = number < seeds.count ? seed : damaged(seed, seeds, &random)
      let complaint = oracle.complaint(about: bytes)
      #expect(complaint == nil, "\(complaint ?? "") of \(Data(bytes).base64EncodedString())")
    }
  }

  private func damaged(
    _ seed: [UInt8], _ seeds: [[UInt8]], _ random: inout FixedRandom
  ) -> [UInt8] {
    var bytes = seed
    for _ in 0..<Int.random(in: 1...4, using: &random) {
      let place = Int.random(in: 0...bytes.count, using: &random)
      let end = min(bytes.count, place + Int.random(in: 0...8, using: &random))
      switch Int.random(in: 0..<6, using: &random) {
      case 0: bytes.removeSubrange(place..<end)
      case 1: bytes.insert(contentsOf: bytes[place..<end], at: place)
      case 2: bytes = Array(bytes.prefix(place))
      case 3:
        let other = seeds.randomElement(using: &random) ?? []
        bytes.insert(contentsOf: other.suffix(min(other.count, 64)), at: place)
      default:
        guard place < bytes.count else { continue }
        let values: [UInt8] = [0, 1, 7, 0x22, 0x5c, 0x7f, 0x80, 0xc3, 0xff, bytes[place] &+ 1]
        bytes[place] = values.randomElement(using: &random) ?? 0
      }
    }
    return bytes
  }

  /// What the sandbox and the spool write today. `RECORD_GOLDEN=1` writes the seeds anew.
  @Test func `the seeds are real`() throws {
    _ = signal(SIGPIPE, SIG_IGN)
    for (name, sources) in Self.chains {
      try expectSeed(Self.withoutTimes(Self.frames(sources)), "frames/\(name)")
    }
    try expectSeed(Tree.bytes(Self.value), "tree/value")
    try expectSeed(Tree.bytes(Self.record.value), "tree/event")
    try expectSeed(Array(JSONWriter.compact(Self.value).utf8), "json/compact")
    try expectSeed(Array(JSONWriter.pretty(Self.record.value).utf8), "json/pretty")
    let answer = #"{"ok":false,"error":"ratelimited","retry":1e-7,"\u00e9\ud83d\ude00":[-0.5]}"#
    try expectSeed(Array(answer.utf8), "json/answer")
    try expectSeed(SpoolFile.bytes(.event(Self.record)), "spool/event")
    try expectSeed(SpoolFile.bytes(.flush), "spool/flush")
    try expectSeed(Array(JSONWriter.compact(["event": Self.record.value]).utf8), "spool/body")
  }

  /// What a file cost differs from run to run.
  private static func withoutTimes(_ bytes: [UInt8]) -> [UInt8] {
    let mark = Array("\u{2}\0\0\0ms\u{3}".utf8)
    var bytes = bytes
    for start in bytes.indices where bytes[start...].starts(with: mark) {
      let time = (start + mark.count)..<min(start + mark.count + 8, bytes.count)
      bytes.replaceSubrange(time, with: repeatElement(0, count: time.count))
    }
    return bytes
  }

  private func expectSeed(_ bytes: [UInt8], _ name: String) throws {
    let file = Self.seeds.appending(path: name)
    let now = try? Data(contentsOf: file)
    if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1", now != Data(bytes) {
      try FileManager.default.createDirectory(
        at: file.deletingLastPathComponent(), withIntermediateDirectories: true)
      try Data(bytes).write(to: file)
    }
    #expect(now == Data(bytes), "Fuzz/seeds/\(name) (RECORD_GOLDEN=1 rewrites it)")
  }

  private static let chains = [
    "changes": [
      "return function(e, p) p.text = e.ip .. ' é 😀' p.attachments = { { ts = 1.5, x = true } } end",
      "return { unban = function() end }",
      "return function(e, p) return p, { to = { 'ops' }, thread = 'reply' } end",
    ],
    "fails": ["error('no')", "return 5", "return function() print('out', 1) error({}) end"],
    "muted": ["return function() return slack.mute('known') end"],
    "digest": ["return { ban = function() return slack.digest() end, note = 'x', [5] = 'y' }"],
  ]

  /// What the sandbox answers to one event.
  private static func frames(_ sources: [String]) throws -> [UInt8] {
    var job: Value = ["libs": [:], "destinations": ["ops"], "zone": "UTC0", "limits": [:]]
    job["prelude"] = .string(String(decoding: PackageResources.prelude_lua, as: UTF8.self))
    job["files"] = .array(
      zip(Oracle.files, sources).map { ["name": .string($0), "source": .string($1)] })
    let request: Value = [
      "handlers": ["ban", "any"], "event": event.value, "payload": ["text": "x"], "now": 0,
      "seed": 0, "names_handlers": true,
    ]
    let process = try SandboxProcess(TestSupport.Programs.sandbox, [], job: message("LSJ2", job))
    return process.exchange(message("LSE1", request), limit: 1 << 20, milliseconds: 20_000).bytes
  }

  private static func message(_ mark: String, _ value: Value) -> [UInt8] {
    var bytes = Array(mark.utf8)
    let tree = Tree.bytes(value)
    Tree.append(UInt32(tree.count), to: &bytes)
    return bytes + tree
  }

  private static let value: Value = [
    "null": .null, "yes": true, "no": false, "int": .int(.min), "float": .float(-0.5),
    "text": "é 😀 \u{0}\"\\\n", "list": [1, [], [:]], "nested": ["a": ["b": ["c": "d"]]],
  ]

  private static let record: EventRecord = {
    var record = EventRecord(
      kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: 1_795_231_650_000_000)
    record.setFailures("5")
    record.set(.user, "root")
    record.set(.time, "1795231644.5")
    record.setMatches("Nov 21 first line\nNov 21 second line", leftOut: 7)
    record.setField("port", "22")
    record.destinations = ["ops"]
    return record
  }()

  private static let event = Event(record, host: "web1", now: 1_795_231_660_000_000)
}
