import Foundation
import Synchronization

/// A mail server on loopback that keeps what it gets, and refuses on request.
public final class MailServer: Sendable {
  public struct Mail: Sendable {
    public var from = ""
    public var to: [String] = []
    /// As it was sent: lines end in CR and LF, dots at their beginning are undone.
    public var text = ""
  }

  /// What is answered in place of the usual, by the word that it answers: `RCPT`, or `.` for the end
  /// of the mail. An empty one closes the connection.
  public typealias Refusals = [String: String]

  private final class State: Sendable {
    let mails = Mutex<[Mail]>([])
    let lines = Mutex<[String]>([])
    let refusals = Mutex<Refusals>([:])
  }

  private let state = State()
  private let server: LoopbackServer

  public init(_ refusals: Refusals = [:]) throws {
    let state = state
    state.refusals.withLock { $0 = refusals }
    server = try LoopbackServer { connection in Self.serve(connection, state) }
  }

  public var port: UInt16 { server.port }
  /// What was taken.
  public var mails: [Mail] { state.mails.withLock { $0 } }
  /// Every line that a client said, its mails left out.
  public var lines: [String] { state.lines.withLock { $0 } }

  public func refuse(_ refusals: Refusals) { state.refusals.withLock { $0 = refusals } }

  private static func serve(_ connection: LoopbackConnection, _ state: State) {
    connection.write("220 loopback ESMTP\r\n")
    var mail = Mail()
    while let line = connection.line() {
      state.lines.withLock { $0.append(line) }
      let word = line.prefix { $0 != " " }.uppercased()
      if let refusal = state.refusals.withLock({ $0[word] }) {
        guard !refusal.isEmpty else { return }
        connection.write(refusal + "\r\n")
        continue
      }
      switch word {
      case "EHLO": connection.write("250-loopback\r\n250-8BITMIME\r\n250 SIZE 1000000\r\n")
      case "MAIL": mail = Mail(from: address(line))
      case "RCPT": mail.to.append(address(line))
      case "DATA":
        connection.write("354 go on\r\n")
        guard let text = text(connection) else { return }
        mail.text = text
        if let refusal = state.refusals.withLock({ $0["."] }) {
          guard !refusal.isEmpty else { return }
          connection.write(refusal + "\r\n")
          continue
        }
        state.mails.withLock { [mail] in $0.append(mail) }
      case "QUIT":
        connection.write("221 bye\r\n")
        return
      default: break
      }
      if word != "EHLO" { connection.write("250 ok\r\n") }
    }
  }

  private static func text(_ connection: LoopbackConnection) -> String? {
    var text = ""
    while let line = connection.line() {
      if line == "." { return text }
      text += (line.hasPrefix(".") ? String(line.dropFirst()) : line) + "\r\n"
    }
    return nil
  }

  private static func address(_ line: String) -> String {
    String(line.drop { $0 != "<" }.dropFirst().prefix { $0 != ">" })
  }
}
