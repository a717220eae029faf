/// What the config knows of users and addresses, by which events are judged.
public struct EventContext: Sendable, Equatable {
  /// The lists by the name that formatters call them.
  public var lists: [String: NetworkList] = [:]
  /// As an event's user stands in it.
  public private(set) var validUsers: Set<String> = []
  public var friendlyNetworks = NetworkList()
  /// How users are shown that are none of those.
  public var unknownUsers = UnknownUsers.full

  public init() {}

  /// Lists that hold nothing, for a trial without a config.
  mutating func add(listsNamed names: [String]) {
    for name in names where lists[name] == nil { lists[name] = NetworkList() }
  }

  public init(
    lists: [String: NetworkList] = [:], validUsers: [String], friendlyNetworks: [String],
    unknownUsers: UnknownUsers = .full
  ) {
    self.unknownUsers = unknownUsers
    self.lists = lists
    self.validUsers = Set(validUsers.map(PlainText.line))
    self.friendlyNetworks = NetworkList(friendlyNetworks)
  }
}
