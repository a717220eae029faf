import Glibc
import Posix
import TestSupport
import Testing

/// A service manager's socket on this host.
private final class Listener {
  let descriptor: Int32

  init(_ name: String) throws {
    descriptor = socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0)
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var bytes = Array(name.utf8)
    if name.hasPrefix("@") { bytes[0] = 0 }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: bytes) }
    let size = name.hasPrefix("@") ? 2 + bytes.count : MemoryLayout<sockaddr_un>.size
    let status = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(descriptor, $0, socklen_t(size))
      }
    }
    try #require(status == 0)
  }

  deinit { close(descriptor) }

  /// The next message, nil if there is none.
  func next() -> String? {
    var buffer = [UInt8](repeating: 0, count: 4_096)
    let count = recv(descriptor, &buffer, buffer.count, Int32(MSG_DONTWAIT))
    return count < 0 ? nil : String(decoding: buffer[..<count], as: UTF8.self)
  }
}

@Suite struct ServiceManagerTests {
  @Test(arguments: [false, true])
  func `each word is a datagram of its own`(_ isAbstract: Bool) throws {
    let place = try TemporaryDirectory()
    let name = isAbstract ? "@\(place.file("abstract"))" : place.file("notify")
    let listener = try Listener(name)
    let manager = ServiceManager(socket: name, watchdog: nil)
    manager.isReady()
    manager.isAlive()
    manager.isReloading()
    manager.isStopping()
    manager.shows("1 waits")
    #expect(listener.next() == "READY=1")
    #expect(listener.next() == "WATCHDOG=1")
    #expect(listener.next()?.hasPrefix("RELOADING=1\nMONOTONIC_USEC=") == true)
    #expect(listener.next() == "STOPPING=1")
    #expect(listener.next() == "STATUS=1 waits")
    #expect(listener.next() == nil)
  }

  @Test(
    arguments: [
      ("/x", "20000000", 10_000_000), ("/x", "1", 1), ("/x", nil, nil), ("/x", "soon", nil),
      (nil, "20000000", nil),
    ] as [(String?, String?, Int64?)])
  func `signs of life come twice as often as they must`(
    _ socket: String?, _ watchdog: String?, _ interval: Int64?
  ) {
    #expect(ServiceManager(socket: socket, watchdog: watchdog).signOfLife == interval)
  }

  @Test func `nobody who listens is no failure`() {
    ServiceManager(socket: nil, watchdog: nil).isReady()
    ServiceManager(socket: "/nonexistent/notify", watchdog: nil).isReady()
  }
}
