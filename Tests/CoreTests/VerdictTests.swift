import Testing

@testable import LuaslackCore

@Suite struct VerdictTests {
  private func verdict(
    _ status: Int, _ body: String, retryAfter: Int? = nil
  ) -> Verdict {
    Verdict(.response(status: status, retryAfter: retryAfter, body: Array(body.utf8)))
  }

  enum Class { case delivered, retry, payload, thread, dead }

  private func kind(_ verdict: Verdict) -> Class {
    switch verdict {
    case .delivered: .delivered
    case .retry: .retry
    case .payloadRefused: .payload
    case .threadRefused: .thread
    case .destinationDead: .dead
    }
  }

  @Test(
    arguments: [
      (200, "ok", .delivered), (200, "", .retry), (200, "<html>log in</html>", .retry),
      (200, "{\"ok\":false,\"error\":\"invalid_token\"}", .dead), (204, "", .retry),
      (301, "", .retry), (302, "ok", .retry), (400, "invalid_payload", .payload),
      (400, "no_text", .payload), (400, "invalid_blocks", .payload),
      (400, "too_many_attachments", .payload), (400, "user_not_found", .dead),
      (400, "something_new", .payload), (400, "<html>", .retry), (403, "", .retry),
      (403, "action_prohibited", .dead),
      (403, "invalid_token", .dead), (200, "ok\n", .delivered), (404, "no_service", .dead),
      (404, "channel_not_found", .dead), (404, "no_active_hooks", .dead), (404, "x", .dead),
      (410, "channel_is_archived", .dead), (413, "too_large", .payload), (408, "", .retry),
      (429, "{\"retry_after\":1,\"ok\":false,\"error\":\"rate_limited\"}", .retry),
      (429, "", .retry),
      (500, "rollup_error", .retry), (500, "no_service", .dead), (502, "Bad Gateway", .retry),
      (503, "", .retry), (504, "", .retry),
    ] as [(Int, String, Class)])
  func `the word decides, then the status`(status: Int, body: String, expected: Class) {
    #expect(kind(verdict(status, body)) == expected)
  }

  @Test(arguments: [100, 200, 204, 302, 400, 401, 403, 404, 408, 410, 413, 429, 500, 503, 599])
  func `a word that is known means the same with every status, as text and as JSON`(status: Int) {
    let known: [(Set<String>, Class)] = [
      (Verdict.deadWebhookWords, .dead), (Verdict.deadBotWords, .dead),
      (Verdict.payloadWords, .payload), (Verdict.threadWords, .thread),
    ]
    for (words, expected) in known {
      for word in words {
        #expect(kind(verdict(status, word)) == expected, "\(word)")
        #expect(
          kind(verdict(status, #"{"ok":false,"error":"\#(word)"}"#)) == expected, "\(word)")
      }
    }
    #expect(Verdict.deadBotWords.isDisjoint(with: Verdict.payloadWords))
    #expect(Verdict.deadWebhookWords.isDisjoint(with: Verdict.payloadWords))
    #expect(Verdict.deadBotWords.union(Verdict.payloadWords).isDisjoint(with: Verdict.threadWords))
  }

  @Test(arguments: [
    "ratelimited", "rate_limited", "rollup_error", "service_unavailable", "request_timeout",
    "team_added_to_org", "something_new",
  ])
  func `a bot's word that is not known to be final is tried again, unmarked`(word: String) {
    #expect(
      verdict(200, #"{"ok":false,"error":"\#(word)"}"#)
        == .retry(reason: word, after: nil, maybeArrived: false))
  }

  @Test(arguments: ["fatal_error", "internal_error"])
  func `a word that leaves open what was done is tried again, marked`(word: String) {
    #expect(
      verdict(200, #"{"ok":false,"error":"\#(word)"}"#)
        == .retry(reason: word, after: nil, maybeArrived: true))
    #expect(
      verdict(500, word) == .retry(reason: "500 \(word)", after: nil, maybeArrived: true))
  }

  @Test func `a bot's yes says where the message stands`() {
    #expect(
      verdict(
        200, #"{"ok":true,"channel":"C01","ts":"1732187110.000200","message":{"text":"x"}}"#)
        == .delivered(at: .init(channel: "C01", ts: "1732187110.000200")))
    #expect(verdict(200, #"{"ok":true}"#) == .delivered(at: nil))
    #expect(verdict(200, #"{"ok":true,"channel":"C\u0001","ts":"1.2"}"#) == .delivered(at: nil))
    #expect(verdict(200, #"{"ok":true,"channel":"C01","ts":"x"}"#) == .delivered(at: nil))
    #expect(verdict(200, "ok") == .delivered(at: nil))
    #expect(kind(verdict(500, #"{"ok":true,"channel":"C01","ts":"1.2"}"#)) == .retry)
    #expect(kind(verdict(200, #"{"ok":"true"}"#)) == .retry)
  }

  @Test func `a yes that was cut off for its length is a yes`() {
    let long =
      #"{"ok":true,"channel":"C01","ts":"1732187110.000200","message":{"text":""#
      + String(repeating: "x", count: Verdict.answerLimit)
    #expect(
      verdict(200, String(long.prefix(Verdict.answerLimit)))
        == .delivered(at: .init(channel: "C01", ts: "1732187110.000200")))
    // A shorter one was cut off by something else.
    #expect(kind(verdict(200, String(long.prefix(1_000)))) == .retry)
    let page = "<html>" + String(repeating: "x", count: Verdict.answerLimit)
    #expect(kind(verdict(200, String(page.prefix(Verdict.answerLimit)))) == .retry)
  }

  @Test func `Retry-After is taken over, from the header or else from the body`() {
    #expect(
      verdict(429, "rate_limited", retryAfter: 7)
        == .retry(reason: "429 rate_limited", after: 7, maybeArrived: false))
    let body = #"{"retry_after":3,"ok":false,"error":"rate_limited"}"#
    #expect(
      verdict(429, body) == .retry(reason: "429 rate_limited", after: 3, maybeArrived: false))
    #expect(
      verdict(429, body, retryAfter: 7)
        == .retry(reason: "429 rate_limited", after: 7, maybeArrived: false))
  }

  @Test func `what Slack adds about a refused message is told, unless it could be a secret`() {
    func reason(_ message: String) -> Verdict {
      verdict(
        200,
        JSONWriter.compact([
          "ok": false, "error": "invalid_blocks",
          "response_metadata": ["messages": [.string(message)]],
        ]))
    }
    #expect(
      reason("[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]")
        == .payloadRefused(
          reason: "invalid_blocks: must be less than 3001 characters"
            + " [json-pointer:/blocks/0/text/text]"))
    for odd in [
      "", "xoxb-1", "see https://x", "/services/T/B", "a\u{1b}b",
      String(repeating: "x", count: 201),
    ] {
      #expect(reason(odd) == .payloadRefused(reason: "invalid_blocks"))
    }
  }

  @Test func `the commonest mistakes come with what to do`() {
    #expect(
      verdict(200, #"{"ok":false,"error":"not_in_channel"}"#)
        == .destinationDead(reason: "not_in_channel (invite the bot into the channel)"))
  }

  @Test func `a broken connection says whether the request may have arrived`() {
    #expect(
      Verdict(.failure(reason: "reset", maybeArrived: true))
        == .retry(reason: "reset", after: nil, maybeArrived: true))
  }

  @Test(arguments: [
    "<html>cannot reach /services/T0/B0/x</html>", #"{"error":"no route /services/T0/B0/x"}"#, "",
    "two words", "Upper", "services/T0", String(repeating: "x", count: 65),
  ])
  func `a foreign answer is never repeated, since it may quote the address`(body: String) {
    #expect(
      verdict(502, body)
        == .retry(reason: "502 (not an answer of Slack's)", after: nil, maybeArrived: true))
  }

  @Test(
    arguments: [
      (250, false, .delivered), (250, true, .delivered), (251, true, .delivered),
      (421, false, .retry), (450, false, .retry), (451, true, .retry), (452, true, .retry),
      (500, false, .dead), (530, false, .dead), (550, false, .dead), (554, false, .dead),
      (550, true, .payload), (552, true, .payload), (554, true, .payload), (354, false, .retry),
      (0, false, .retry), (999, false, .retry),
    ] as [(Int, Bool, Class)])
  func `a mail server's code decides, and how far it had come`(
    code: Int, bodySent: Bool, expected: Class
  ) {
    let answer = Answer.mail(code: code, text: "\(code) 5.1.1 <a@b>: \u{1b}no", bodySent: bodySent)
    #expect(kind(Verdict(answer)) == expected)
    if case .destinationDead(let reason) = Verdict(answer) {
      #expect(reason == "\(code) 5.1.1 <a@b>: no")
    }
  }
}
