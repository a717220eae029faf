// What is looked up about addresses.
extension Configuration {
  /// `[geo]`: where addresses are.
  public struct Geo: Sendable, Equatable {
    /// Absolute paths, the first asked first.
    public var databases: [String] = []
    /// In which names of places are told where the databases have them; `en` else.
    public var language = "en"

    public init() {}

    /// Files; each is kept open.
    public static let most = 8
  }

  /// `[rdns]`: what DNS calls addresses.
  public struct ReverseNames: Sendable, Equatable {
    /// For all names of a batch of events.
    public var milliseconds = 300
    /// An address, with a port or without; nil: the host's own.
    public var server: String?

    public init() {}

    public static let millisecondsRange = 10...2_000
  }
}
