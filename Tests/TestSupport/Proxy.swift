import Foundation
import Synchronization

/// A proxy for https on loopback: takes `CONNECT host:port` and leads every tunnel to one port of
/// this machine, whatever was asked for, so that a host need not exist. Keeps what it was told.
public final class Proxy: Sendable {
  private final class State: Sendable {
    let heads = Mutex<[[String]]>([])
    let passed = Mutex<[UInt8]>([])
  }

  private let state = State()
  private let server: LoopbackServer

  /// `refusal`: a status line in place of the tunnel.
  public init(to target: UInt16, refusal: String? = nil) throws {
    let state = state
    server = try LoopbackServer { connection in
      Self.serve(connection, target, refusal, state)
    }
  }

  public var url: String { "http://127.0.0.1:\(server.port)" }
  /// The head of each request, by lines.
  public var heads: [[String]] { state.heads.withLock { $0 } }
  /// All that it saw going to the server.
  public var passed: [UInt8] { state.passed.withLock { $0 } }

  private static func serve(
    _ client: LoopbackConnection, _ target: UInt16, _ refusal: String?, _ state: State
  ) {
    var head: [String] = []
    while let line = client.line(), !line.isEmpty { head.append(line) }
    state.heads.withLock { [head] in $0.append(head) }
    guard refusal == nil, head.first?.hasPrefix("CONNECT ") == true,
      let server = LoopbackConnection(to: target)
    else { return client.write("HTTP/1.1 \(refusal ?? "502 Bad Gateway")\r\n\r\n") }
    client.write("HTTP/1.1 200 Connection established\r\n\r\n")
    Thread.detachNewThread {
      pump(server, client) { _ in }
    }
    pump(client, server) { bytes in state.passed.withLock { $0 += bytes } }
  }

  /// Until one side ends; then both are ended.
  private static func pump(
    _ from: LoopbackConnection, _ to: LoopbackConnection, _ seen: ([UInt8]) -> Void
  ) {
    while true {
      let bytes = from.read()
      seen(bytes)
      if bytes.isEmpty || !to.write(bytes) { break }
    }
    from.end()
    to.end()
  }
}
