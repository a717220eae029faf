import ChildProcess
import Foundation
import Glibc
import Posix
import TestSupport
import Testing

@testable import LuaslackCore

/// What the shipped program makes of a job or a request that is not one.
@Suite(.serialized) struct RequestTests {
  init() {
    // As luaslackd has it: a sandbox that is gone is no reason to die.
    _ = signal(SIGPIPE, SIG_IGN)
  }

  private static let job: Value = [
    "prelude": "",
    "files": [["name": "a.lua", "source": "return function(e, p) p.text = e.ip end"]],
    "libs": [:], "destinations": [], "zone": "UTC0", "limits": [:],
  ]
  private static let request: Value = [
    "handlers": ["ban", "any"], "event": ["ip": "203.0.113.7"], "payload": ["text": "x"],
    "now": 0, "seed": 0,
  ]

  private static func message(_ mark: String, _ value: Value) -> [UInt8] {
    var bytes = Array(mark.utf8)
    let tree = Tree.bytes(value)
    Tree.append(UInt32(tree.count), to: &bytes)
    return bytes + tree
  }

  /// How the program ends if it gets this job and no request.
  private func ending(_ job: borrowing FileDescriptor, _ arguments: [String] = []) throws
    -> ChildProcess.Ending
  {
    let frames = try Posix.Pipe()
    let endings = try Posix.Pipe()
    return try ChildProcess(
      Programs.sandbox, arguments,
      descriptors: [job.raw, frames.writing.raw, -1, endings.writing.raw]
    ).wait()
  }

  private func ending(_ job: [UInt8]) throws -> ChildProcess.Ending {
    try ending(try FileDescriptor.sealed("job", job))
  }

  @Test func `a whole job is taken`() throws {
    #expect(try ending(Self.message("LSJ2", Self.job)) == .exited(0))
  }

  @Test func `a job that is cut short, too long or of another version is refused`() throws {
    let whole = Self.message("LSJ2", Self.job)
    for count in [0, 3, 8, 9, whole.count / 2, whole.count - 1] {
      #expect(try ending(Array(whole.prefix(count))) == .exited(64), "\(count) bytes")
    }
    #expect(try ending(whole + [0]) == .exited(64))
    for mark in ["LSJ1", "LSJ3", "LSE1", "\0\0\0\0"] {
      #expect(try ending(Self.message(mark, Self.job)) == .exited(64))
    }
  }

  @Test func `a job whose parts are missing or of the wrong type is refused`() throws {
    for part in ["prelude", "files"] {
      for value in [nil, .null, 5, "x", [5], [["name": "a.lua"]]] as [Value?] {
        var job = Self.job
        job[part] = value
        guard part == "files" || value != "x" else { continue }
        #expect(try ending(Self.message("LSJ2", job)) == .exited(64), "\(part)")
      }
    }
  }

  @Test func `a job that somebody could still change is refused`() throws {
    let place = try TemporaryDirectory("layer")
    let path = place.file("job")
    try Data(Self.message("LSJ2", Self.job)).write(to: URL(filePath: path))
    #expect(try ending(try FileDescriptor.open(reading: path)) == .exited(64))
  }

  @Test func `the shipped program knows no arguments`() throws {
    for word in ["without-filter", "without-confinement", "show-filter-native", "--help", ""] {
      let job = try FileDescriptor.sealed("job", Self.message("LSJ2", Self.job))
      #expect(try ending(job, [word]) == .exited(64))
    }
  }

  @Test func `no damage to a job crashes the program`() throws {
    var random = FixedRandom(seed: 3)
    let whole = Self.message("LSJ2", Self.job)
    var endings: [ChildProcess.Ending] = []
    for _ in 0..<300 {
      var bytes = whole
      for _ in 0..<Int.random(in: 1...3, using: &random) {
        let place = Int.random(in: 8..<bytes.count, using: &random)
        bytes[place] =
          [0, 1, 7, 0x7f, 0xff, .random(in: 0...255, using: &random)]
          .randomElement(using: &random) ?? 0
      }
      endings.append(try ending(bytes))
    }
    // 71: a prelude that does not compile.
    #expect(endings.allSatisfy { [.exited(0), .exited(64), .exited(71)].contains($0) })
    #expect(endings.contains(.exited(0)))
    #expect(endings.contains(.exited(64)))
  }

  private func start() throws -> SandboxProcess {
    try SandboxProcess(Programs.sandbox, [], job: Self.message("LSJ2", Self.job))
  }

  private func exchange(_ process: SandboxProcess, _ request: [UInt8]) -> SandboxProcess.Ending {
    process.exchange(request, limit: 1 << 20, milliseconds: 20_000).ending
  }

  @Test func `a request of the wrong form ends its child alone`() throws {
    let process = try start()
    #expect(exchange(process, Self.message("LSE1", Self.request)) == .exited(0))
    for part in ["handlers", "event", "payload"] {
      for value in [nil, .null, 5, "x", [5]] as [Value?] {
        var request = Self.request
        request[part] = value
        let ending = exchange(process, Self.message("LSE1", request))
        #expect(ending == .exited(64), "\(part)")
      }
    }
    #expect(exchange(process, Self.message("LSE1", Self.request)) == .exited(0))
  }

  @Test func `a request that is no tree, too long or of another version ends the program`() throws {
    let whole = Self.message("LSE1", Self.request)
    var damaged = whole
    damaged[8] = 99
    let tooLong = Array("LSE1".utf8) + [0, 0, 0x41, 0]
    for request in [damaged, tooLong, Self.message("LSE2", Self.request)] {
      #expect(exchange(try start(), request) == .lost)
    }
  }

  @Test func `no damage to a request crashes anything`() throws {
    var random = FixedRandom(seed: 4)
    let whole = Self.message("LSE1", Self.request)
    var process = try start()
    var counts: [String: Int] = [:]
    for _ in 0..<500 {
      var bytes = whole
      let place = Int.random(in: 8..<bytes.count, using: &random)
      bytes[place] = .random(in: 0...255, using: &random)
      let ending = exchange(process, bytes)
      counts["\(ending)", default: 0] += 1
      if ending == .lost { process = try start() }
    }
    let allowed = ["exited(0)", "exited(64)", "lost"]
    #expect(counts.keys.allSatisfy { allowed.contains($0) }, "\(counts)")
    #expect(counts.count == 3, "\(counts)")
  }
}
