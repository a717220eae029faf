import Cares
import TestSupport
import Testing

@Suite struct CaresTests {
  private func ask(
    _ questions: [Question], _ rule: @escaping NameServer.Rule, milliseconds: Int = 200,
    patience: Int = 5_000
  ) throws -> (replies: [Question: Reply], server: NameServer) {
    let server = try NameServer(rule)
    let resolver = try Resolver(server: server.address, milliseconds: milliseconds, tries: 2)
    for question in questions { resolver.ask(question) }
    var replies: [Question: Reply] = [:]
    let end = ContinuousClock.now + .milliseconds(patience)
    while resolver.isBusy, ContinuousClock.now < end {
      for (question, reply) in resolver.wait(milliseconds: 50) { replies[question] = reply }
    }
    return (replies, server)
  }

  private static let pointer = Question("7.113.0.203.in-addr.arpa", .name)

  @Test func `questions are answered side by side`() throws {
    let other = Question("host.example.org", .address4)
    let six = Question("host.example.org", .address6)
    let (replies, server) = try ask([Self.pointer, other, six]) { question in
      switch question.type {
      case 12: .records([.name("host.example.org", seconds: 90)])
      case 1: .records([.address("203.0.113.7"), .address("203.0.113.8", seconds: 60)])
      default: .records([.address("2001:db8::7")])
      }
    }
    #expect(replies[Self.pointer] == .records([.name("host.example.org")], seconds: 90))
    #expect(
      replies[other]
        == .records([.address([203, 0, 113, 7]), .address([203, 0, 113, 8])], seconds: 60))
    guard case .records(let found, _) = replies[six], case .address(let bytes) = found[0] else {
      Issue.record("no address")
      return
    }
    #expect(bytes == [0x20, 0x01, 0x0d, 0xb8] + [UInt8](repeating: 0, count: 11) + [7])
    #expect(server.asked.count == 3)
  }

  @Test(arguments: [(UInt8(3), Reply.nothing), (2, .failed), (5, .failed)])
  func `what a server refuses is told from what there is not`(code: UInt8, reply: Reply) throws {
    let (replies, _) = try ask([Self.pointer]) { _ in .code(code) }
    let got = try #require(replies[Self.pointer])
    // A resolver that refuses is passed over, and with no other nobody has answered.
    #expect(got == reply || code == 5 && got == .silence || code == 2 && got == .silence)
  }

  @Test func `no record of the kind is nothing`() throws {
    let (replies, _) = try ask([Self.pointer]) { _ in .records([]) }
    #expect(replies[Self.pointer] == .nothing)
    let (others, _) = try ask([Self.pointer]) { _ in .records([.address("203.0.113.7")]) }
    #expect(others[Self.pointer] == .nothing)
  }

  @Test func `who never answers is asked twice, and is silence`() throws {
    let (replies, server) = try ask([Self.pointer]) { _ in .silence }
    #expect(replies[Self.pointer] == .silence)
    #expect(server.asked.count == 2)
  }

  @Test func `an answer under another id is none`() throws {
    let (replies, _) = try ask([Self.pointer]) { _ in .spoofed([.name("evil.example")]) }
    #expect(replies[Self.pointer] == .silence)
  }

  @Test func `what does not fit is asked for over TCP`() throws {
    let names = (0..<40).map { NameServer.Record.name("host\($0).example.org") }
    let (replies, server) = try ask([Self.pointer]) { _ in .truncated(names) }
    guard case .records(let found, _) = replies[Self.pointer] else {
      Issue.record("\(String(describing: replies[Self.pointer]))")
      return
    }
    #expect(found.count == 40 && found[39] == .name("host39.example.org"))
    #expect(server.asked.map(\.isTCP) == [false, true])
  }

  @Test func `nonsense is no answer`() throws {
    var random = FixedRandom(seed: 3)
    let header: [UInt8] = [0x85, 0x80, 0, 1, 0, 1, 0, 0, 0, 0]
    var nonsense: [[UInt8]] = [[], [0], header, header + [0xc0, 12], header + [0xff]]
    for _ in 0..<40 {
      let count = Int.random(in: 1...400, using: &random)
      nonsense.append(header + (0..<count).map { _ in UInt8.random(in: 0...255, using: &random) })
    }
    for bytes in nonsense {
      let (replies, _) = try ask([Self.pointer], { _ in .garbage(bytes) }, milliseconds: 10)
      if case .records = replies[Self.pointer] { Issue.record("\(bytes)") }
      #expect(replies[Self.pointer] != nil)
    }
  }

  @Test func `records that lie about their length or go in circles are no answer`() throws {
    let pointers: [[UInt8]] = [
      [0xc0, 0x00], [0xc0, 0xff], [0x3f, 0x61], [0xc0], [], [0x80, 0x61, 0x00],
      // A name that leads to itself: its data begins behind the question and the owner's 12 bytes.
      [0xc0, UInt8(12 + 26 + 4 + 12)],
    ]
    for data in pointers {
      let (replies, _) = try ask(
        [Self.pointer], { _ in .records([.raw(12, data)]) }, milliseconds: 10)
      if case .records = replies[Self.pointer] { Issue.record("\(data)") }
    }
    let (short, _) = try ask(
      [Question("a.example", .address4)], { _ in .records([.raw(1, [1, 2, 3])]) }, milliseconds: 10)
    #expect(short.values.first != nil && short.values.first != .nothing)
    if case .records = short.values.first { Issue.record("three bytes are no address") }
  }

  @Test func `bytes that no name has are told by their numbers`() throws {
    let (replies, _) = try ask(
      [Self.pointer],
      { _ in .records([.name(labels: [Array("a\n<!channel>".utf8), [0xff, 0x00, 0x2e], [0x78]])]) })
    if case .records(let found, _) = replies[Self.pointer], case .name(let name) = found.first {
      #expect(name.utf8.allSatisfy { (0x20...0x7e).contains($0) })
      #expect(name.contains("\\"))
    } else {
      #expect(replies[Self.pointer] == .failed || replies[Self.pointer] == .nothing)
    }
  }

  @Test func `a resolver that ends lets go of what is open`() throws {
    let server = try NameServer { _ in .silence }
    for _ in 0..<20 {
      let resolver = try Resolver(server: server.address, milliseconds: 5_000, tries: 2)
      for number in 0..<20 { resolver.ask(Question("\(number).example", .name)) }
      _ = resolver.wait(milliseconds: 1)
      #expect(resolver.isBusy)
    }
  }

  @Test func `a server that is none is an error`() {
    #expect(throws: CaresError.self) {
      _ = try Resolver(server: "nobody's", milliseconds: 10, tries: 1)
    }
  }
}
