/// The two ways into Slack, each with its own manner of saying yes and no.

/// An incoming webhook: short words as text, the status tells success.
enum Webhook {
  static func answer(to payload: JSON?) -> Answer {
    guard let refusal = PayloadCheck.refusal(of: payload) else { return .text(200, "ok") }
    return .text(400, refusal.word)
  }
}

/// The Web API: always status 200, the field `ok` tells success.
enum WebAPI {
  static func postMessage(_ payload: JSON?, for request: RecordedRequest) throws -> Answer {
    let token = request.headers["authorization"] ?? ""
    guard token.hasPrefix("Bearer "), token.count > "Bearer ".count else {
      return try failure("not_authed")
    }
    guard let payload, payload.object != nil else { return try failure("invalid_json") }
    guard let channel = payload["channel"]?.string, !channel.isEmpty else {
      return try failure("channel_not_found")
    }
    if let refusal = PayloadCheck.refusal(of: payload) {
      return try failure(refusal.word, messages: refusal.messages)
    }
    return try .json(
      200, "ok",
      .object([
        "ok": .bool(true), "channel": .string(channelID(channel)),
        "ts": .string(timestamp(of: request)), "message": payload,
      ]))
  }

  static func failure(_ word: String, messages: [String] = []) throws -> Answer {
    var body: [String: JSON] = ["ok": .bool(false), "error": .string(word)]
    if !messages.isEmpty {
      body["response_metadata"] = .object(["messages": .array(messages.map { .string($0) })])
    }
    return try .json(200, word, .object(body))
  }

  /// Slack takes a name and gives back the channel's ID; ours is a hash of the name.
  private static func channelID(_ channel: String) -> String {
    let capitals = channel.utf8.allSatisfy { (48...57).contains($0) || (65...90).contains($0) }
    if capitals, channel.hasPrefix("C") || channel.hasPrefix("G") || channel.hasPrefix("D") {
      return channel
    }
    let hash = channel.utf8.reduce(UInt32(5381)) { ($0 &* 33) ^ UInt32($1) }
    return "C0" + String(hash, radix: 36, uppercase: true)
  }

  /// Unique and rising, as Slack's are: seconds, then the number of the message.
  private static func timestamp(of request: RecordedRequest) -> String {
    let digits = String(request.sequence)
    let zeros = String(repeating: "0", count: max(0, 6 - digits.count))
    return "\(Int(request.time)).\(zeros)\(digits)"
  }
}
