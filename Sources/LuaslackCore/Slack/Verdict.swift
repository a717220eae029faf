/// What the receiver said to one post.
public enum Answer: Sendable, Equatable {
  /// `retryAfter` in seconds.
  case response(status: Int, retryAfter: Int?, body: [UInt8])
  /// A mail server's last reply; `bodySent`: the mail itself had been on its way.
  case mail(code: Int, text: String, bodySent: Bool)
  /// `maybeArrived`: the request may have been acted on although no answer came.
  case failure(reason: String, maybeArrived: Bool)
}

/// What an answer means for the delivery: decided by Slack's word first, then by the status, since
/// the status of a given word varies, and with a bot's token is 200 always.
public enum Verdict: Sendable, Equatable {
  /// Where a message stands in Slack; nil where the answer does not say, as with a webhook.
  case delivered(at: Place?)
  /// Not now. `after` in seconds, where Slack said so.
  case retry(reason: String, after: Int?, maybeArrived: Bool)
  /// Slack will not take this payload from anybody.
  case payloadRefused(reason: String)
  /// Slack may take the message, but not in that thread.
  case threadRefused(reason: String)
  /// Slack will take nothing from this webhook or bot until somebody mends it.
  case destinationDead(reason: String)

  public struct Place: Sendable, Equatable {
    public let channel: String
    /// What a reply names as its thread.
    public let ts: String
  }

  /// docs: api.slack.com/messaging/webhooks, the changelog of 2016-05-17, and clients' tables.
  static let deadWebhookWords: Set<String> = [
    "no_service", "no_active_hooks", "no_service_id", "no_team", "team_disabled", "invalid_token",
    "action_prohibited", "channel_not_found", "channel_is_archived",
    "posting_to_general_channel_denied", "user_not_found",
  ]
  /// docs: docs.slack.dev/reference/methods/chat.postMessage, "Errors".
  static let deadBotWords: Set<String> = [
    "invalid_auth", "not_authed", "token_revoked", "token_expired", "account_inactive",
    "missing_scope", "not_in_channel", "is_archived", "restricted_action",
    "restricted_action_read_only_channel", "restricted_action_thread_only_channel",
    "no_permission", "access_denied",
    "ekm_access_denied", "enterprise_is_restricted", "org_login_required", "team_not_found",
    "team_access_not_granted", "not_allowed_token_type", "two_factor_setup_required",
    "messages_tab_disabled", "unknown_method", "method_deprecated", "deprecated_endpoint",
  ]
  static let payloadWords: Set<String> = [
    "invalid_payload", "invalid_blocks", "invalid_blocks_format", "invalid_attachments", "no_text",
    "too_many_attachments", "msg_blocks_too_long", "msg_too_long", "invalid_json",
    "json_not_object", "invalid_arguments", "invalid_arg_name", "invalid_array_arg",
    "invalid_form_data", "invalid_charset", "invalid_post_type", "missing_post_type",
    "attachment_payload_limit_exceeded", "too_many_contact_cards", "markdown_text_conflict",
    "block_mismatch",
  ]
  /// Said of nothing but a reply: what it answers to is gone, or takes none.
  static let threadWords: Set<String> = [
    "cannot_reply_to_message", "thread_not_found", "message_not_found",
    "restricted_action_non_threadable_channel",
  ]
  /// Slack says of these that a part may have been done before.
  static let ambiguousWords: Set<String> = ["fatal_error", "internal_error"]

  /// What to do about the words that are mended in Slack most often.
  private static let advice: [String: String] = [
    "not_in_channel": "invite the bot into the channel",
    "missing_scope": "the bot's app needs the scope chat:write",
    "is_archived": "the channel is archived",
  ]

  public init(_ answer: Answer) {
    switch answer {
    case .failure(let reason, let maybeArrived):
      self = .retry(reason: reason, after: nil, maybeArrived: maybeArrived)
    case .response(let status, let retryAfter, let body):
      self.init(status: status, retryAfter: retryAfter, body: body)
    case .mail(let code, let text, let bodySent):
      self.init(code: code, text: text, bodySent: bodySent)
    }
  }

  private init(status: Int, retryAfter: Int?, body: [UInt8]) {
    let json = try? JSONReader.read(body)
    if status == 200, let place = Self.posted(body, json) {
      self = .delivered(at: place.channel.isEmpty ? nil : place)
      return
    }
    guard let word = Self.word(body, json) else {
      // A proxy, a captive portal, a redirect. It may have passed the request on; and what it thinks
      // of the payload or the address is not what Slack thinks.
      self = .retry(
        reason: "\(status) (not an answer of Slack's)", after: retryAfter,
        maybeArrived: status == 200 || status == 408 || status == 502 || status == 504)
      return
    }
    // Slack's bot methods say everything with 200.
    let reason = status == 200 ? word : "\(status) \(word)"
    if Self.deadWebhookWords.contains(word) || Self.deadBotWords.contains(word) {
      self = .destinationDead(reason: reason + (Self.advice[word].map { " (\($0))" } ?? ""))
    } else if Self.threadWords.contains(word) {
      self = .threadRefused(reason: reason)
    } else if Self.payloadWords.contains(word) {
      self = .payloadRefused(reason: reason + (Self.detail(json).map { ": \($0)" } ?? ""))
    } else if status == 200, word == "ok" {
      self = .delivered(at: nil)
    } else if [401, 403, 404, 410].contains(status) {
      self = .destinationDead(reason: reason)
    } else if status == 400 || status == 413 {
      self = .payloadRefused(reason: reason)
    } else {
      self = .retry(
        reason: reason, after: retryAfter ?? Self.retryAfter(json),
        maybeArrived: Self.ambiguousWords.contains(word))
    }
  }

  /// RFC 5321, 4.2.1: what begins with 4 may be tried again, what begins with 5 may not. Before the mail
  /// itself was sent such a word is about its receiver, afterwards about what it says.
  private init(code: Int, text: String, bodySent: Bool) {
    let reason = PlainText.line(String(text.prefix(200)))
    switch code {
    case 200..<300: self = .delivered(at: nil)
    case 500..<600:
      self = bodySent ? .payloadRefused(reason: reason) : .destinationDead(reason: reason)
    default: self = .retry(reason: reason, after: nil, maybeArrived: false)
    }
  }

  /// Where chat.postMessage put the message; an empty place if it does not say. Its answer repeats the
  /// whole message and may have been cut off; what counts stands at its beginning. Nil if it is no yes.
  private static func posted(_ body: [UInt8], _ json: Value?) -> Place? {
    if let json {
      guard json["ok"] == true else { return nil }
      return place(channel: json["channel"]?.string, ts: json["ts"]?.string)
    }
    guard body.count >= answerLimit, body.starts(with: Array(#"{"ok":true,"#.utf8)) else {
      return nil
    }
    let start = String(decoding: body.prefix(200), as: UTF8.self)
    func member(_ name: String) -> String? {
      start.firstRange(of: "\"\(name)\":\"").map {
        String(start[$0.upperBound...].prefix { $0 != "\"" })
      }
    }
    return place(channel: member("channel"), ts: member("ts"))
  }

  /// Longer answers are cut off.
  public static let answerLimit = 64 * 1024

  private static func place(channel: String?, ts: String?) -> Place {
    guard let channel, let ts, (1...32).contains(channel.utf8.count),
      channel.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }),
      (3...32).contains(ts.utf8.count),
      ts.utf8.allSatisfy({ (0x30...0x39).contains($0) || $0 == UInt8(ascii: ".") })
    else { return Place(channel: "", ts: "") }
    return Place(channel: channel, ts: ts)
  }

  private static func retryAfter(_ json: Value?) -> Int? {
    guard let seconds = json?["retry_after"]?.int, (1...86_400).contains(seconds) else {
      return nil
    }
    return Int(seconds)
  }

  /// As `trace` tells it: Slack's answer, and what it means where that says more.
  var word: String {
    switch self {
    case .delivered: "200 ok"
    case .retry(let reason, let after, let maybeArrived):
      reason + (after.map { ", to wait for \($0) s" } ?? "")
        + (maybeArrived ? ", may have arrived" : "")
    case .threadRefused(let reason): reason + ", refused in that thread"
    case .payloadRefused(let reason): reason + ", refused"
    case .destinationDead(let reason): reason + ", the destination is dead"
    }
  }

  /// Slack's word: the whole body, or `error` of a JSON body. Nil for anything that does not look
  /// like one: a proxy's page may quote the address, and that is a secret.
  private static func word(_ body: [UInt8], _ json: Value?) -> String? {
    let all = json?["error"]?.string ?? String(decoding: body, as: UTF8.self)
    let words = all.split(whereSeparator: \.isWhitespace)
    guard words.count == 1, let word = words.first, word.utf8.count <= 64,
      word.utf8.allSatisfy({ (0x61...0x7a).contains($0) || $0 == 0x5f })
    else { return nil }
    return String(word)
  }

  /// The first of the sentences that chat.postMessage adds, like `must be less than 3001 characters
  /// [json-pointer:/blocks/0/text/text]`. Not one that could hold an address or a token.
  private static func detail(_ json: Value?) -> String? {
    let first = json?["response_metadata"]?["messages"]?.array?.first?.string ?? ""
    let text = first.replacing("[ERROR] ", with: "")
    let isHarmless =
      text.utf8.allSatisfy { (0x20..<0x7f).contains($0) }
      && !["xox", "://", "services", "Bearer"].contains { text.contains($0) }
    return isHarmless && (1...200).contains(text.utf8.count) ? text : nil
  }
}
