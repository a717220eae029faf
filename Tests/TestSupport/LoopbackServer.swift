import Foundation
import Glibc
import Synchronization

/// A server on a free loopback port, with a thread for each connection. For the small receivers of
/// the tests, which say what they do in blocking code. It ends with this object.
public final class LoopbackServer: Sendable {
  public struct NotStarted: Error {}

  public let port: UInt16
  private let listener: Int32

  /// `serve` has a connection until it returns.
  public init(_ serve: @escaping @Sendable (LoopbackConnection) -> Void) throws {
    let listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = LoopbackConnection.address(0)
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let isListening = withUnsafeMutablePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(listener, $0, size) == 0 && listen(listener, 64) == 0
          && getsockname(listener, $0, &size) == 0
      }
    }
    guard isListening else { throw NotStarted() }
    self.listener = listener
    port = UInt16(bigEndian: address.sin_port)
    Thread.detachNewThread {
      while true {
        let descriptor = accept(listener, nil, nil)
        if descriptor < 0, errno == EINTR || errno == ECONNABORTED { continue }
        guard descriptor >= 0 else { break }
        // Programs that a test starts must not hold it open.
        _ = fcntl(descriptor, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread { serve(LoopbackConnection(descriptor)) }
      }
      close(listener)
    }
  }

  // Ends the accept of the thread, which then closes.
  deinit { shutdown(listener, Int32(SHUT_RDWR)) }
}

/// One connection, read and written in blocking code; closed with this object.
public final class LoopbackConnection: Sendable {
  private let descriptor: Int32
  private let unread = Mutex<[UInt8]>([])

  init(_ descriptor: Int32) {
    self.descriptor = descriptor
    var patience = timeval(tv_sec: 60, tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, size)
  }

  /// To a server on loopback; nil if nobody listens there.
  public convenience init?(to port: UInt16) {
    let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0)
    var address = Self.address(port)
    let isConnected = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        connect(descriptor, $0, socklen_t(MemoryLayout<sockaddr_in>.size)) == 0
      }
    }
    self.init(descriptor)
    guard isConnected else { return nil }
  }

  deinit { close(descriptor) }

  static func address(_ port: UInt16) -> sockaddr_in {
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    return address
  }

  /// What has come, at least a byte; nothing at the end.
  public func read() -> [UInt8] {
    let kept = unread.withLock { unread in
      defer { unread = [] }
      return unread
    }
    return kept.isEmpty ? receive() : kept
  }

  private func receive() -> [UInt8] {
    var buffer = [UInt8](repeating: 0, count: 16_384)
    while true {
      let count = recv(descriptor, &buffer, buffer.count, 0)
      if count < 0, errno == EINTR { continue }
      return Array(buffer[..<max(0, count)])
    }
  }

  /// The next line without its end; nil if the other side has ended.
  public func line() -> String? {
    var line: [UInt8] = []
    while true {
      var more = read()
      if more.isEmpty { return nil }
      guard let end = more.firstIndex(of: 0x0a) else {
        line += more
        continue
      }
      line += more[..<end]
      more.removeSubrange(...end)
      unread.withLock { $0 = more }
      return String(decoding: line.last == 0x0d ? line.dropLast() : line[...], as: UTF8.self)
    }
  }

  @discardableResult
  public func write(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes {
        send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }

  public func write(_ text: String) { write(Array(text.utf8)) }

  /// Makes the coming close a reset: with a linger time of 0 TCP sends RST in place of FIN.
  public func reset() {
    var option = linger(l_onoff: 1, l_linger: 0)
    setsockopt(
      descriptor, SOL_SOCKET, SO_LINGER, &option, socklen_t(MemoryLayout<linger>.size))
  }

  /// Ends both directions, so that a thread that reads from it goes on.
  public func end() { shutdown(descriptor, Int32(SHUT_RDWR)) }
}
