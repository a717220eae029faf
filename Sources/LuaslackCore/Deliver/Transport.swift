/// One POST. Its URL may be a secret, so it is never described or logged.
public struct Post: Sendable, Equatable {
  public let url: String
  public let headers: [String]
  public let body: String
}

/// Carries posts out, several at a time. libcurl in luaslackd, a script in tests of the courier.
public protocol Transport {
  /// Begins a POST; its answer comes out of `wait` under the same tag.
  func start(_ tag: Int64, _ post: Post)

  /// Returns what was answered: at once if something was, else when something is, one of the
  /// `others` can be read, or `milliseconds` have passed.
  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)]
}
