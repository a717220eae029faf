/// What the receiver said to one POST.
public enum Answer: Sendable, Equatable {
  /// `retryAfter` in seconds.
  case response(status: Int, retryAfter: Int?, body: [UInt8])
  /// `maybeArrived`: the request may have been acted on although no answer came.
  case failure(reason: String, maybeArrived: Bool)
}

/// What an answer means for the delivery: decided by Slack's word first, then by the status, since
/// the status of a given word varies.
public enum Verdict: Sendable, Equatable {
  case delivered
  /// Not now. `after` in seconds, where Slack said so.
  case retry(reason: String, after: Int?, maybeArrived: Bool)
  /// Slack will not take this payload from anybody.
  case payloadRefused(reason: String)
  /// Slack will take nothing from this webhook until somebody mends it.
  case destinationDead(reason: String)

  /// docs: api.slack.com/messaging/webhooks, the changelog of 2016-05-17, and clients' tables.
  private static let deadWords: Set<String> = [
    "no_service", "no_active_hooks", "no_service_id", "no_team", "team_disabled", "invalid_token",
    "action_prohibited", "channel_not_found", "channel_is_archived",
    "posting_to_general_channel_denied", "user_not_found",
  ]
  private static let payloadWords: Set<String> = [
    "invalid_payload", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text",
    "too_many_attachments", "msg_blocks_too_long", "msg_too_long",
  ]

  public init(_ answer: Answer) {
    switch answer {
    case .failure(let reason, let maybeArrived):
      self = .retry(reason: reason, after: nil, maybeArrived: maybeArrived)
    case .response(let status, let retryAfter, let body):
      self.init(status: status, retryAfter: retryAfter, body: body)
    }
  }

  private init(status: Int, retryAfter: Int?, body: [UInt8]) {
    guard let word = Self.word(body) else {
      // A proxy, a captive portal, a redirect. It may have passed the request on; and what it thinks
      // of the payload or the address is not what Slack thinks.
      self = .retry(
        reason: "\(status) (not an answer of Slack's)", after: retryAfter,
        maybeArrived: status == 200 || status == 408 || status == 502 || status == 504)
      return
    }
    let reason = "\(status) \(word)"
    if Self.deadWords.contains(word) {
      self = .destinationDead(reason: reason)
    } else if Self.payloadWords.contains(word) {
      self = .payloadRefused(reason: reason)
    } else if status == 200, word == "ok" {
      self = .delivered
    } else if [401, 403, 404, 410].contains(status) {
      self = .destinationDead(reason: reason)
    } else if status == 400 || status == 413 {
      self = .payloadRefused(reason: reason)
    } else {
      self = .retry(reason: reason, after: retryAfter, maybeArrived: false)
    }
  }

  /// Slack's word: the whole body, or `error` of a JSON body. Nil for anything that does not look
  /// like one: a proxy's page may quote the address, and that is a secret.
  private static func word(_ body: [UInt8]) -> String? {
    let all =
      (try? JSONReader.read(body))?["error"]?.string ?? String(decoding: body, as: UTF8.self)
    let words = all.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let word = words.first, word.utf8.count <= 64,
      word.utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == 0x5f })
    else { return nil }
    return String(word)
  }
}
