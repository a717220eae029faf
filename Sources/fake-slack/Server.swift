import FlyingSocks
import Foundation

/// The listening socket and what happens on each connection. Decisions are the workspace's; this
/// only carries them out.
struct Server {
  private let workspace: Workspace
  private let pool: SocketPool<ePoll>
  private let listener: AsyncSocket

  init(port: UInt16, workspace: Workspace) async throws {
    self.workspace = workspace
    pool = .ePoll()
    try await pool.prepare()
    let socket = try Socket(domain: Int32(sockaddr_in.family))
    try socket.setValue(true, for: .localAddressReuse)
    try socket.bind(to: .inet(ip4: "127.0.0.1", port: port))
    try socket.listen()
    listener = try AsyncSocket(socket: socket, pool: pool)
  }

  /// Serves for ever; `ready` gets the port once connections are taken.
  func run(ready: (UInt16) throws -> Void) async throws {
    guard case .ip4(_, let port) = try listener.socket.sockname() else { return }
    try ready(port)
    try await withThrowingDiscardingTaskGroup { group in
      group.addTask { try await pool.run() }
      while true {
        // Out of descriptors, or a client gone again: wait a moment, then go on.
        guard let socket = try? await listener.accept() else {
          try await Task.sleep(for: .milliseconds(10))
          continue
        }
        group.addTask { await converse(over: socket) }
      }
    }
  }

  private func converse(over socket: AsyncSocket) async {
    do {
      var connection = Connection(socket)
      let number = await workspace.connect()
      while let head = try await connection.readHead() {
        guard try await serve(head, on: &connection, number), head.keepsAlive else { return }
      }
    } catch {
      // The client is gone or talks nonsense; both are recorded where a request was begun.
    }
  }

  /// Returns whether the connection may go on.
  private func serve(
    _ head: RequestHead, on connection: inout Connection, _ number: Int
  ) async throws -> Bool {
    if let endpoint = Endpoint(rawValue: head.path) {
      let body = try await connection.readBody(of: head)
      let answer = try await answer(to: endpoint, head: head, body: body)
      try await connection.write(answer.bytes(keepAlive: head.keepsAlive))
      return true
    }

    let admission = await workspace.admit(head, on: number)
    if case .resetBefore = admission.rule.mode {
      try connection.armReset()
      try await workspace.abandon(admission, as: "reset_before")
      return false
    }
    let body: [UInt8]
    do {
      body = try await connection.readBody(of: head)
    } catch {
      try await workspace.abandon(admission, as: "incomplete")
      throw error
    }
    let answer = try await workspace.answer(admission, body: body)
    return try await deliver(
      answer, under: admission.rule, keepAlive: head.keepsAlive, on: &connection)
  }

  private func deliver(
    _ answer: Answer?, under rule: Rule, keepAlive: Bool, on connection: inout Connection
  ) async throws -> Bool {
    switch rule.mode {
    case .hang(let time): try await Task.sleep(for: time)
    case .delay(let time): try await Task.sleep(for: time)
    case .resetAfter: try connection.armReset()
    default: break
    }
    guard let answer else { return false }
    switch rule.mode {
    case .trickle(let time):
      try await connection.trickle(answer.bytes(keepAlive: keepAlive), over: time)
    case .truncated:
      try await connection.write(answer.bytes(keepAlive: false, claiming: 100))
      return false
    default:
      try await connection.write(answer.bytes(keepAlive: keepAlive))
    }
    return true
  }

  // MARK: - What tests call

  private enum Endpoint: String {
    case messages = "/messages"
    case control = "/control"
    case reset = "/reset"
    case health = "/health"
  }

  private func answer(to endpoint: Endpoint, head: RequestHead, body: [UInt8]) async throws
    -> Answer
  {
    switch (endpoint, head.method) {
    case (.health, "GET"): return .text(200, "ok")
    case (.messages, "GET"):
      let list = try await workspace.listing(acceptedOnly: head.query["accepted"] == "1")
      return Answer(
        status: 200, word: "ok", body: list, headers: [("Content-Type", "application/json")])
    case (.control, "POST"):
      guard let json = JSON(parsing: body) else { return .text(400, "not JSON") }
      do {
        await workspace.add(try Rule(json))
      } catch {
        return .text(400, error.sentence)
      }
      return .text(200, "ok")
    case (.reset, "POST"):
      await workspace.forget(rulesToo: head.query["rules"] == "1")
      return .text(200, "ok")
    default: return .text(405, "method_not_allowed")
    }
  }
}
