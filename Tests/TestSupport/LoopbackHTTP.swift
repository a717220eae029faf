import Foundation
import Glibc

/// A blocking HTTP client for one server on 127.0.0.1: one request a connection, the answer read
/// to its end. Only for talking to the fake Slack; what we test brings its own client.
struct LoopbackHTTP: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String

    init(_ what: String, errno code: Int32? = nil) {
      description = code.map { "\(what): \(String(cString: strerror($0)))" } ?? what
    }
  }

  let port: UInt16

  /// Off the cooperative threads, which must not block.
  func request(_ method: String, _ target: String, body: String = "") async throws -> String {
    try await withCheckedThrowingContinuation { continuation in
      DispatchQueue.global().async {
        continuation.resume(with: Result { try exchange(method, target, body: body) })
      }
    }
  }

  private func exchange(_ method: String, _ target: String, body: String) throws -> String {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    guard descriptor >= 0 else { throw Failure("socket", errno: errno) }
    defer { close(descriptor) }
    try connect(descriptor)
    try send(
      """
      \(method) \(target) HTTP/1.1\r
      Host: 127.0.0.1:\(port)\r
      Connection: close\r
      Content-Length: \(body.utf8.count)\r
      \r
      \(body)
      """, over: descriptor)

    let answer = try receive(from: descriptor)
    guard let end = answer.firstRange(of: Array("\r\n\r\n".utf8)) else {
      throw Failure("no answer to \(method) \(target)")
    }
    let head = String(decoding: answer[..<end.lowerBound], as: UTF8.self)
    let text = String(decoding: answer[end.upperBound...], as: UTF8.self)
    guard head.hasPrefix("HTTP/1.1 200 ") else {
      throw Failure("\(method) \(target): \(head.prefix { $0 != "\r\n" }): \(text)")
    }
    return text
  }

  private func connect(_ descriptor: Int32) throws {
    var patience = timeval(tv_sec: 10, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, size)

    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let result = withUnsafePointer(to: &address) {
      $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        Glibc.connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
      }
    }
    guard result == 0 else { throw Failure("connect to port \(port)", errno: errno) }
  }

  private func send(_ text: String, over descriptor: Int32) throws {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let sent = rest.withUnsafeBytes {
        Glibc.send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      guard sent > 0 else { throw Failure("send", errno: errno) }
      rest = rest.dropFirst(sent)
    }
  }

  private func receive(from descriptor: Int32) throws -> [UInt8] {
    var answer: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 65_536)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw Failure("recv", errno: errno) }
      if count == 0 { return answer }
      answer += buffer[..<count]
    }
  }
}
