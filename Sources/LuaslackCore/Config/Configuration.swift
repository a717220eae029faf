/// What the admin decided, checked. Names files that hold secrets, never a secret.
public struct Configuration: Sendable, Equatable {
  public struct Destination: Sendable, Equatable {
    public var name: String
    /// Absolute path of the file that holds the webhook's URL.
    public var webhookFile: String

    public init(name: String, webhookFile: String) {
      self.name = name
      self.webhookFile = webhookFile
    }
  }

  /// The file it was read from.
  public var path: String
  /// Shipped formatters by name, and `local` for the admin's own.
  public var formatters: [String] = ["default", "local"]
  /// Kinds of events that make a message; the others are only recorded.
  public var post: [EventKind] = [.ban]
  public var destinations: [String: Destination] = [:]
  /// Seconds luaslackd stays when there is nothing left to do.
  public var linger = 60

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
  public var problem: String

  public var description: String {
    line.map { "\(file):\($0): \(problem)" } ?? "\(file): \(problem)"
  }

  /// The file does not exist at all.
  public var isMissing = false

  public init(file: String, line: Int? = nil, problem: String, isMissing: Bool = false) {
    self.file = file
    self.line = line
    self.problem = problem
    self.isMissing = isMissing
  }
}
