internal import Glibc

/// Tells the process that supervises this one how it is: systemd's notification protocol, one
/// datagram a message (sd_notify(3)). Without a supervisor that listens it does nothing.
public struct ServiceManager: Sendable {
  private let socket: String?
  /// Microseconds between two signs of life: half of what is allowed. Nil: none are wanted.
  public let signOfLife: Int64?

  /// As the environment says.
  public init() {
    let isMeant = Process.variable("WATCHDOG_PID").map { $0 == String(Process.id) } ?? true
    self.init(
      socket: Process.variable("NOTIFY_SOCKET"),
      watchdog: isMeant ? Process.variable("WATCHDOG_USEC") : nil)
  }

  public init(socket: String?, watchdog: String?) {
    self.socket = socket
    signOfLife = socket == nil ? nil : watchdog.flatMap { Int64($0) }.map { max(1, $0 / 2) }
  }

  public func isReady() { tell("READY=1") }
  public func isAlive() { tell("WATCHDOG=1") }
  public func isStopping() { tell("STOPPING=1") }

  /// Followed by `isReady` when it is done.
  public func isReloading() {
    tell("RELOADING=1\nMONOTONIC_USEC=\(Clock.monotonic())")
  }

  /// What the supervisor shows of the service, one line.
  public func shows(_ status: String) { tell("STATUS=\(status)") }

  /// A supervisor that is deaf is no reason to fail.
  private func tell(_ message: String) {
    guard let socket else { return }
    try? LocalDatagram.send(Array(message.utf8), to: socket, "notify the service manager")
  }
}

/// One datagram to a socket of this host. Never waits.
enum LocalDatagram {
  /// A name that begins with `@` is in Linux's abstract space.
  static func send(_ bytes: [UInt8], to path: String, _ operation: String) throws(SystemError) {
    let socket = FileDescriptor(
      owning: try check(operation) {
        Glibc.socket(
          AF_UNIX, Int32(SOCK_DGRAM.rawValue | SOCK_CLOEXEC.rawValue | SOCK_NONBLOCK.rawValue), 0)
      })
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    var name = Array(path.utf8.prefix(MemoryLayout.size(ofValue: address.sun_path) - 1))
    let isAbstract = name.first == UInt8(ascii: "@")
    if isAbstract { name[0] = 0 }
    unsafe withUnsafeMutableBytes(of: &address.sun_path) { room in
      unsafe room.copyBytes(from: name)
    }
    // An abstract name is as long as the address says; another ends with its zero byte.
    let family = MemoryLayout<sa_family_t>.size
    let size = isAbstract ? family + name.count : MemoryLayout<sockaddr_un>.size
    _ = try check(operation) {
      unsafe withUnsafePointer(to: &address) { pointer in
        unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
          unsafe sendto(
            socket.raw, bytes, bytes.count, Int32(MSG_DONTWAIT), generic, socklen_t(size))
        }
      }
    }
  }
}
