/// Where a destination's messages really go: its kind together with its secret, read anew for each
/// message, so that a changed secret needs no restart. Says what to send; sends nothing itself, and
/// never describes its secret.
public struct Target: Sendable, Equatable, CustomStringConvertible {
  /// Why nothing can be sent, and how to mend it.
  public struct Refused: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(description: String) {
      self.description = description
    }
  }

  private let webhook: WebhookURL

  public static func read(
    _ destination: Configuration.Destination
  ) throws(Refused) -> Target {
    guard case .webhook(let file) = destination.kind else {
      throw Refused(description: "this version cannot send there")
    }
    return Target(webhook: try WebhookURL.read(file: file))
  }

  public var description: String { "\(webhook)" }

  /// What goes out for this payload, JSON. `threadTs` names the message whose thread it belongs
  /// to, where the kind of destination has threads.
  public func post(_ payload: String, threadTs: String? = nil) -> Post {
    Post(
      url: webhook.secret, headers: ["Content-Type: application/json; charset=utf-8", "Expect:"],
      body: payload)
  }
}
