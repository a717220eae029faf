/// How a server is reached.
public struct Connecting: Sendable {
  /// A proxy for https; nil: none. The environment's is never used.
  public var httpsProxy: String?
  /// Hosts, domains and networks that are reached without it.
  public var noProxy: [String] = []
  /// Certificates in PEM that are believed in place of the system's.
  public var certificates: [UInt8]?
  /// Milliseconds for the connection, and for all of it.
  public var connectTimeout = 10_000
  public var totalTimeout = 30_000

  public init() {}
}

/// One HTTP POST: everything that goes out. The URL and the headers may hold a secret, so a request
/// is never described or logged.
public struct HTTPPost: Sendable {
  public var url: String
  public var headers: [String]
  public var body: [UInt8]
  public var connecting: Connecting
  /// Answers beyond this many bytes are cut off.
  public var answerLimit: Int

  public init(
    url: String, headers: [String], body: [UInt8], connecting: Connecting = Connecting(),
    answerLimit: Int = 64 * 1024
  ) {
    self.url = url
    self.headers = headers
    self.body = body
    self.connecting = connecting
    self.answerLimit = answerLimit
  }
}

/// One mail for one receiver. Its lines end in CR and LF.
public struct Mail: Sendable {
  /// `smtp://host:port`
  public var url: String
  public var from: String
  public var to: String
  public var text: [UInt8]
  /// Not a word about the mail before there is TLS.
  public var needsTLS: Bool
  public var connecting: Connecting

  public init(
    url: String, from: String, to: String, text: [UInt8], needsTLS: Bool,
    connecting: Connecting = Connecting()
  ) {
    self.url = url
    self.from = from
    self.to = to
    self.text = text
    self.needsTLS = needsTLS
    self.connecting = connecting
  }
}

public enum TransferResult: Sendable, Equatable {
  /// Seconds of Retry-After, where the server gave it.
  case answered(status: Int, retryAfter: Int?, body: [UInt8])
  /// A mail server's last reply. `bodySent`: some of the mail itself had been written.
  case replied(code: Int, text: String, bodySent: Bool)
  /// `maybeArrived`: some of the request had been written, so the server may have acted on it.
  case failed(reason: String, maybeArrived: Bool)
}

/// libcurl could not be set up; its own words.
public struct CurlError: Error, CustomStringConvertible {
  public let description: String
}
