/// One thing to send: an HTTP POST, or a mail. Its URL and headers may hold a secret, so it is never
/// described or logged.
public struct Post: Sendable, Equatable, CustomStringConvertible, CustomReflectable {
  public let url: String
  public let headers: [String]
  public let body: String
  /// Nil for an HTTP POST.
  public var envelope: Envelope?
  public var network = Configuration.Network()
  /// Certificates in PEM that are believed in place of the system's.
  public var certificates: [UInt8]?

  /// Who sends a mail to whom.
  public struct Envelope: Sendable, Equatable {
    public let from: String
    public let to: String
    public let needsTLS: Bool
  }

  init(url: String, headers: [String], body: String) {
    self.url = url
    self.headers = headers
    self.body = body
  }

  public var description: String { envelope == nil ? "a POST" : "a mail" }
  public var customMirror: Mirror { Mirror(self, children: []) }
}

/// Carries posts out, several at a time. libcurl in luaslackd, a script in tests of the courier.
public protocol Transport {
  /// Begins a POST; its answer comes out of `wait` under the same tag.
  func start(_ tag: Int64, _ post: Post)

  /// Returns what was answered: at once if something was, else when something is, one of the
  /// `others` can be read, or `milliseconds` have passed.
  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)]
}
