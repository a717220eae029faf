/// What a message has that its destination does not show. Pure. Slack's own pages: an app's webhook takes no other
/// name and icon (docs.slack.dev/messaging/sending-messages-using-incoming-webhooks), a bot only with the
/// scope `chat:write.customize` (docs.slack.dev/reference/methods/chat.postMessage).
enum Ignored {
  private static let ofSender = ["username", "icon_emoji", "icon_url"]

  /// A sentence each.
  static func remarks(
    _ message: Value, for destination: Configuration.Destination
  ) -> [String] {
    let own = ofSender.filter { message[$0] != nil && message[$0] != .null }
    let names = own.map { "`\($0)`" }.joined(separator: ", ")
    switch destination.kind {
    case .webhook where !own.isEmpty:
      return [
        "\(destination.name): the webhook of a Slack app shows the app's own name and icon, not \(names)"
      ]
    case .token where !own.isEmpty:
      return ["\(destination.name): a bot needs the scope chat:write.customize for \(names)"]
    case .mail:
      let isPlain = message["attachments"] == nil && message["blocks"] == nil && own.isEmpty
      return isPlain
        ? [] : ["\(destination.name): mail is plain text, without colours, columns and pictures"]
    case .webhook, .token: return []
    }
  }

  static func hasThreads(_ destination: Configuration.Destination) -> Bool {
    if case .token = destination.kind { true } else { false }
  }
}
