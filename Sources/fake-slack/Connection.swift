import FlyingSocks
import Foundation
import Glibc

/// One accepted connection: reads requests off it and writes bytes to it. It knows HTTP's framing
/// and how to end badly, nothing of Slack. FlyingFox's own server hides the socket from handlers,
/// and half of the faults are matters of the socket, hence this layer of ours.
struct Connection: ~Copyable {
  enum Failure: Error { case malformed, tooLarge }

  /// More than any test sends; it only keeps a runaway client from filling the memory.
  private static let largestBody = 64 << 20
  private static let largestHead = 64 << 10

  private let socket: AsyncSocket
  private var received: [UInt8] = []

  init(_ socket: AsyncSocket) {
    self.socket = socket
    // A trickle must leave byte by byte. It fails only if the client has gone already.
    try? socket.socket.setValue(
      true, for: BoolSocketOption(level: Int32(IPPROTO_TCP), name: TCP_NODELAY))
  }

  deinit { try? socket.close() }

  /// The next request's head; nil once the client is done.
  mutating func readHead() async throws -> RequestHead? {
    let end = Array("\r\n\r\n".utf8)
    var searched = 0
    while true {
      if let range = received[searched...].firstRange(of: end) {
        guard let head = RequestHead(received[..<range.lowerBound]) else {
          throw Failure.malformed
        }
        received.removeSubrange(..<range.upperBound)
        return head
      }
      guard received.count < Self.largestHead else { throw Failure.tooLarge }
      searched = max(0, received.count - end.count + 1)
      do {
        try await receiveMore()
      } catch SocketError.disconnected where received.isEmpty {
        return nil
      }
    }
  }

  mutating func readBody(of head: RequestHead) async throws -> [UInt8] {
    if head.headers["expect"]?.lowercased() == "100-continue" {
      try await write(Array("HTTP/1.1 100 Continue\r\n\r\n".utf8))
    }
    if head.headers["transfer-encoding"]?.lowercased() == "chunked" {
      return try await readChunks()
    }
    guard let length = Int(head.headers["content-length"] ?? "0"), length >= 0 else {
      throw Failure.malformed
    }
    return try await take(length)
  }

  private mutating func readChunks() async throws -> [UInt8] {
    var body: [UInt8] = []
    while true {
      let line = try await takeLine()
      guard let length = Int(line.prefix { $0 != ";" }, radix: 16), length >= 0 else {
        throw Failure.malformed
      }
      guard body.count + length <= Self.largestBody else { throw Failure.tooLarge }
      body += try await take(length)
      guard try await takeLine().isEmpty else { throw Failure.malformed }
      if length == 0 { return body }
    }
  }

  private mutating func takeLine() async throws -> String {
    let end = Array("\r\n".utf8)
    while true {
      if let range = received.firstRange(of: end) {
        let line = String(decoding: received[..<range.lowerBound], as: UTF8.self)
        received.removeSubrange(..<range.upperBound)
        return line
      }
      guard received.count < Self.largestHead else { throw Failure.tooLarge }
      try await receiveMore()
    }
  }

  private mutating func take(_ count: Int) async throws -> [UInt8] {
    guard count <= Self.largestBody else { throw Failure.tooLarge }
    while received.count < count { try await receiveMore() }
    let bytes = Array(received.prefix(count))
    received.removeFirst(count)
    return bytes
  }

  private mutating func receiveMore() async throws {
    received += try await socket.read(atMost: 4096)
  }

  func write(_ bytes: [UInt8]) async throws {
    try await socket.write(Data(bytes))
  }

  /// Writes byte by byte, spread over the time.
  func trickle(_ bytes: [UInt8], over time: Duration) async throws {
    for byte in bytes {
      try await write([byte])
      try await Task.sleep(for: time / bytes.count)
    }
  }

  /// Makes the coming close a reset: with a linger time of 0 TCP sends RST in place of FIN.
  func armReset() throws {
    try socket.socket.setValue(linger(l_onoff: 1, l_linger: 0), for: LingerOption())
  }
}

private struct LingerOption: SocketOption {
  var name: Int32 { SO_LINGER }
  func makeValue(from socketValue: linger) -> linger { socketValue }
  func makeSocketValue(from value: linger) -> linger { value }
}
