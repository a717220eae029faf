import Foundation
import Glibc
import Synchronization

/// A name server on loopback, over UDP and TCP, that answers, lies, keeps silent or talks nonsense.
public final class NameServer: Sendable {
  public struct Record: Sendable {
    public let type: UInt16
    public let data: [UInt8]
    public let seconds: UInt32

    public static func name(_ name: String, seconds: UInt32 = 300) -> Record {
      Record(type: 12, data: NameServer.encoded(name), seconds: seconds)
    }
    /// Labels of any bytes.
    public static func name(labels: [[UInt8]]) -> Record {
      Record(
        type: 12, data: labels.flatMap { [UInt8($0.count)] + $0 } + [0], seconds: 300)
    }
    public static func address(_ text: String, seconds: UInt32 = 300) -> Record {
      var four = in_addr()
      if inet_pton(AF_INET, text, &four) == 1 {
        return Record(type: 1, data: withUnsafeBytes(of: four) { Array($0) }, seconds: seconds)
      }
      var six = in6_addr()
      inet_pton(AF_INET6, text, &six)
      return Record(type: 28, data: withUnsafeBytes(of: six) { Array($0) }, seconds: seconds)
    }
    public static func raw(_ type: UInt16, _ data: [UInt8]) -> Record {
      Record(type: type, data: data, seconds: 300)
    }
  }

  public enum Behaviour: Sendable {
    case records([Record])
    /// NXDOMAIN is 3, SERVFAIL 2, REFUSED 5.
    case code(UInt8)
    case silence
    /// These bytes after the question's own id.
    case garbage([UInt8])
    /// Over UDP the word that it is too long, over TCP the records.
    case truncated([Record])
    /// Answers under other ids, never under the right one.
    case spoofed([Record])
  }

  /// What was asked, the name in lower case and without its last dot.
  public struct Question: Sendable, Hashable {
    public let name: String
    public let type: UInt16
    public let isTCP: Bool
  }

  public typealias Rule = @Sendable (Question) -> Behaviour

  private final class State: Sendable {
    let asked = Mutex<[Question]>([])
    let rule: Mutex<Rule>
    let isOver = Mutex(false)
    init(_ rule: @escaping Rule) { self.rule = Mutex(rule) }
  }

  private let state: State
  private let udp: Int32
  private let tcp: Int32
  public let port: UInt16

  public var address: String { "127.0.0.1:\(port)" }
  public var asked: [Question] { state.asked.withLock { $0 } }
  public func answer(_ rule: @escaping Rule) { state.rule.withLock { $0 = rule } }

  public init(_ rule: @escaping Rule) throws {
    state = State(rule)
    var udp: Int32 = -1
    var tcp: Int32 = -1
    var port: UInt16 = 0
    // The port of one kind may be taken for the other.
    for _ in 0..<20 {
      udp = socket(AF_INET, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      tcp = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
      port = Self.bind(udp, 0) ?? 0
      if port > 0, Self.bind(tcp, port) != nil, listen(tcp, 16) == 0 { break }
      close(udp)
      close(tcp)
      port = 0
    }
    guard port > 0 else { throw CocoaError(.fileWriteUnknown) }
    (self.udp, self.tcp, self.port) = (udp, tcp, port)
    Thread { [state, udp] in Self.serve(udp: udp, state) }.start()
    Thread { [state, tcp] in Self.serve(tcp: tcp, state) }.start()
  }

  deinit {
    state.isOver.withLock { $0 = true }
    // Ends what waits there; the threads close them.
    shutdown(udp, Int32(SHUT_RDWR))
    shutdown(tcp, Int32(SHUT_RDWR))
  }

  private static func bind(_ socket: Int32, _ port: UInt16) -> UInt16? {
    var name = sockaddr_in()
    name.sin_family = sa_family_t(AF_INET)
    name.sin_port = port.bigEndian
    name.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    return withUnsafeMutablePointer(to: &name) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { name -> Bool in
        Glibc.bind(socket, name, size) == 0 && getsockname(socket, name, &size) == 0
      }
    } ? UInt16(bigEndian: name.sin_port) : nil
  }

  private static func serve(udp: Int32, _ state: State) {
    defer { close(udp) }
    var buffer = [UInt8](repeating: 0, count: 4_096)
    while !state.isOver.withLock({ $0 }) {
      var from = sockaddr_in()
      var size = socklen_t(MemoryLayout<sockaddr_in>.size)
      // So that the end is seen even where shutdown wakes nobody.
      var waiting = pollfd(fd: udp, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 100) > 0 else { continue }
      let count = withUnsafeMutablePointer(to: &from) { pointer in
        pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
          recvfrom(udp, &buffer, buffer.count, Int32(MSG_DONTWAIT), $0, &size)
        }
      }
      guard count > 0 else { continue }
      for response in responses(to: Array(buffer[..<count]), isTCP: false, state) {
        _ = withUnsafeMutablePointer(to: &from) { pointer in
          pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
            sendto(udp, response, response.count, 0, $0, size)
          }
        }
      }
    }
  }

  private static func serve(tcp: Int32, _ state: State) {
    defer { close(tcp) }
    while !state.isOver.withLock({ $0 }) {
      var waiting = pollfd(fd: tcp, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, 100) > 0 else { continue }
      let client = accept(tcp, nil, nil)
      guard client >= 0 else { continue }
      defer { close(client) }
      func read(_ count: Int) -> [UInt8]? {
        var bytes: [UInt8] = []
        while bytes.count < count {
          var part = [UInt8](repeating: 0, count: count - bytes.count)
          let got = recv(client, &part, part.count, 0)
          guard got > 0 else { return nil }
          bytes += part[..<got]
        }
        return bytes
      }
      guard let size = read(2), let query = read(Int(size[0]) << 8 | Int(size[1])) else { continue }
      for response in responses(to: query, isTCP: true, state) {
        let framed = [UInt8(response.count >> 8), UInt8(response.count & 255)] + response
        send(client, framed, framed.count, Int32(MSG_NOSIGNAL))
      }
    }
  }

  // MARK: - Messages

  static func encoded(_ name: String) -> [UInt8] {
    name.split(separator: ".").flatMap { [UInt8($0.utf8.count)] + Array($0.utf8) } + [0]
  }

  private static func responses(to query: [UInt8], isTCP: Bool, _ state: State) -> [[UInt8]] {
    guard query.count > 16 else { return [] }
    var labels: [String] = []
    var position = 12
    while position < query.count, query[position] > 0 {
      let end = position + 1 + Int(query[position])
      guard end < query.count else { return [] }
      labels.append(String(decoding: query[(position + 1)..<end], as: UTF8.self))
      position = end
    }
    guard position + 5 <= query.count else { return [] }
    let type = UInt16(query[position + 1]) << 8 | UInt16(query[position + 2])
    let asked = Question(
      name: labels.joined(separator: ".").lowercased(), type: type, isTCP: isTCP)
    state.asked.withLock { $0.append(asked) }
    let question = Array(query[12..<(position + 5)])
    let id = Array(query[..<2])
    func message(
      _ id: [UInt8], _ records: [Record] = [], code: UInt8 = 0, isCut: Bool = false
    ) -> [UInt8] {
      let flags: [UInt8] = [isCut ? 0x87 : 0x85, 0x80 | code]
      let counts: [UInt8] = [0, 1, 0, UInt8(records.count), 0, 0, 0, 0]
      let answers = records.flatMap { record -> [UInt8] in
        let length = UInt16(record.data.count)
        return [0xc0, 12, UInt8(record.type >> 8), UInt8(record.type & 255), 0, 1]
          + (0..<4).reversed().map { UInt8(truncatingIfNeeded: record.seconds >> ($0 * 8)) }
          + [UInt8(length >> 8), UInt8(length & 255)] + record.data
      }
      return id + flags + counts + question + answers
    }
    switch state.rule.withLock({ $0 })(asked) {
    case .records(let records): return [message(id, records)]
    case .code(let code): return [message(id, code: code)]
    case .silence: return []
    case .garbage(let bytes): return [id + bytes]
    case .truncated(let records):
      return [isTCP ? message(id, records) : message(id, isCut: true)]
    case .spoofed(let records):
      return (1...50).map { message([id[0] ^ UInt8($0), id[1]], records) }
    }
  }
}
