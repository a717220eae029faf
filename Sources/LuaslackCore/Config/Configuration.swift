/// What the admin decided, checked. Names files that hold secrets, never a secret.
public struct Configuration: Sendable, Equatable {
  /// Addresses and networks under a name.
  public enum List: Sendable, Equatable {
    /// Absolute path of a file with one a line.
    case file(String)
    case inline([String])
  }

  /// The file it was read from.
  public var path: String
  /// Shipped formatters by name, and `local` for the admin's own.
  public var formatters: [String] = ["default", "local"]
  /// Kinds of events that make a message; the others are only recorded.
  public var post: [EventKind] = [.ban, .notify, .warning]
  /// A report is made only if somebody asks for it, and then sent.
  func posts(_ kind: EventKind) -> Bool { kind == .report || post.contains(kind) }
  public var destinations: [String: Destination] = [:]
  /// The first that fits an event says where it goes.
  public var routes: [Route] = []
  public var network = Network()
  /// Seconds luaslackd stays when there is nothing left to do.
  public var linger = 60
  /// Seconds after which there is a digest of what formatters left to one, if there was none before.
  public var digestWithin = 3_600
  public static let digestRange = 60...86_400
  /// Seconds after which a message that could not be sent mentions nobody any more.
  public var mentionMaxAge = 15 * 60
  /// The same in microseconds.
  var mentionLifetime: Int64 { Int64(mentionMaxAge) * 1_000_000 }
  /// Users of the host, and networks of its owner: a ban of one of these is loud.
  public var validUsers: [String] = []
  public var friendlyNetworks: [String] = []
  /// How messages show users that are not among those.
  public var unknownUsers = UnknownUsers.short
  /// When more bans than usual are worth a word.
  public var warnings = WarningRule.defaults
  /// False: none of them.
  public var warnsEarly = true
  public var lists: [String: List] = [:]
  /// Events with an address in one of these make no message.
  public var mutedLists: [String] = []
  /// The name of the zone in which formatters tell the time; nil: the host's.
  public var timezone: String?
  /// Its rule, as POSIX writes it.
  public var zone = TimeZoneRule.utc
  public var geo = Geo()
  /// Nil: nobody is asked for names of addresses.
  public var reverseNames: ReverseNames?
  /// What formatters may use.
  public var limits = SandboxLimits()

  /// How long what was told is kept.
  public var retention = Retention()

  public init(path: String) {
    self.path = path
  }

  /// Where events go that nothing else routes.
  public static let defaultDestination = "default"

  /// Where the admin's own formatters are.
  public var formattersDirectory: String {
    path.directoryPart + "/formatters"
  }
}

/// What is wrong with the configuration, where, and what to do.
public struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  public var file: String
  public var line: Int?
  public private(set) var problem: String
  /// What of the line is meant: a key, or a column that counts from 1.
  public var word = ""
  public var column: Int?
  /// The line; without what may be a secret, as is all of this.
  public private(set) var excerpt: Excerpt?
  /// What else is wrong, in the order of the lines.
  public private(set) var others: [ConfigurationError] = []

  public var description: String {
    line.map { "\(file):\($0): \(problem)" } ?? "\(file): \(problem)"
  }

  /// This and the others.
  public var all: [ConfigurationError] {
    var first = self
    first.others = []
    return [first] + others
  }

  /// The file does not exist at all.
  public var isMissing = false

  public init(
    file: String, line: Int? = nil, problem: String, word: String = "", isMissing: Bool = false
  ) {
    self.file = file
    self.line = line
    self.problem = TerminalText.visible(Secrets.masked(problem))
    self.word = word
    self.isMissing = isMissing
  }

  /// Of several the first, which has the others.
  public init?(_ errors: [ConfigurationError], in text: String) {
    var errors = errors.sorted { ($0.line ?? .max, $0.problem) < ($1.line ?? .max, $1.problem) }
    for index in errors.indices { errors[index].find(in: text) }
    guard let first = errors.first else { return nil }
    self = first
    others = Array(errors.dropFirst())
  }

  private mutating func find(in text: String) {
    guard let line else { return }
    excerpt = Excerpt(
      of: text, line: line, words: Excerpt.Word.named(in: problem, or: word), column: column,
      conceal: Secrets.maskedConfig)
  }
}
