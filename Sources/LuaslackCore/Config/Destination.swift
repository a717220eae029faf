extension Configuration {
  /// One place where messages go: what it is, and how it is treated.
  public struct Destination: Sendable, Equatable {
    public enum Kind: Sendable, Equatable {
      /// Absolute path of the file that holds an incoming webhook's URL.
      case webhook(file: String)
      /// Absolute path of the file that holds a bot's token, the channel that it posts in, and
      /// where Slack's methods are.
      case token(file: String, channel: String, api: String)
      /// An address, and the host and port of the server that takes the mail.
      case mail(to: String, server: String)
    }

    public var name: String
    public var kind: Kind
    public var rate = Rate()
    /// Messages that may go out at once after a silence.
    public var burst = 3
    /// The destination that is told when this one is dead.
    public var fallback: String?
    /// A formatter that words this destination's messages in place of `formatters`.
    public var formatter: String?
    /// Absolute path of the certificates to be believed in place of the system's.
    public var certificates: String?
    /// The same for all destinations; here so that one of them says all about itself.
    public var network = Network()

    public init(name: String, kind: Kind) {
      self.name = name
      self.kind = kind
    }

    public init(name: String, webhookFile: String) {
      self.init(name: name, kind: .webhook(file: webhookFile))
    }

    public static let slackAPI = "https://slack.com/api"
    public static let mailServer = "127.0.0.1:25"
    /// Slack takes one a second; a few more only for a moment.
    public static let burstRange = 1...100
  }

  /// How the network is used.
  public struct Network: Sendable, Equatable {
    /// A proxy for https; nil: none, whatever the environment says.
    public var httpsProxy: String?
    /// Hosts, domains and networks that are reached without it.
    public var noProxy: [String] = []
    /// Seconds for a connection, and for all of a request.
    public var connectTimeout = 10
    public var timeout = 30

    public init() {}

    public static let timeoutRange = 1...300
  }

  /// Where some events go. An empty list of patterns means any.
  public struct Route: Sendable, Equatable {
    public var jails: [String] = []
    public var kinds: [String] = []
    public var severities: [String] = []
    /// Names of destinations.
    public var to: [String]

    public init(
      jails: [String] = [], kinds: [String] = [], severities: [String] = [], to: [String]
    ) {
      self.jails = jails
      self.kinds = kinds
      self.severities = severities
      self.to = to
    }
  }
}

/// So many messages in so many seconds: `1/5s`.
public struct Rate: Sendable, Equatable, CustomStringConvertible {
  public var messages = 1
  public var seconds = 1

  public init() {}

  /// Nil for another form, more than ten a second, or less than one a day.
  public init?(_ text: String) {
    let parts = text.split(separator: "/", omittingEmptySubsequences: false)
    guard parts.count == 2, (1...6).contains(parts[0].utf8.count),
      parts[0].utf8.allSatisfy({ 0x30...0x39 ~= $0 }), let messages = Int(parts[0]),
      let seconds = Seconds.parse(String(parts[1])), messages >= 1, seconds >= 1
    else { return nil }
    self.messages = messages
    self.seconds = seconds
    guard (100_000...86_400_000_000).contains(interval) else { return nil }
  }

  /// Microseconds from one message to the next.
  public var interval: Int64 { Int64(seconds) * 1_000_000 / Int64(messages) }

  public var description: String { "\(messages)/\(seconds)s" }
}
