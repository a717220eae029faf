import Foundation

/// Slack's side of it: what was posted, the rules in force, and the answer to each request. It
/// never touches a socket.
actor Workspace {
  /// What is decided about a request before its body is read.
  struct Admission {
    var request: RecordedRequest
    let rule: Rule
    /// Over the rate limit: seconds until the next message may be sent.
    let waitFor: Double?
  }

  private var requests: [RecordedRequest] = []
  private var arrivals = 0
  private var connections = 0
  private var rules: [Rule] = []
  private var buckets: [String: TokenBucket] = [:]
  private let log: RequestLog?
  private let transcript: Transcript?

  init(log: RequestLog?, transcript: Transcript?) {
    (self.log, self.transcript) = (log, transcript)
  }

  // MARK: - What tests ask and set

  func add(_ rule: Rule) {
    rules.removeAll { $0.path == rule.path }
    if rule.path == nil { rules.append(rule) } else { rules.insert(rule, at: 0) }
    buckets = [:]
  }

  func forget(rulesToo: Bool) {
    requests = []
    arrivals = 0
    if rulesToo { rules = [] }
  }

  func listing(acceptedOnly: Bool) throws -> String {
    try requests.filter { $0.accepted || !acceptedOnly }.jsonLine()
  }

  // MARK: - What clients get

  /// The number of a new connection.
  func connect() -> Int {
    connections += 1
    return connections
  }

  func admit(_ head: RequestHead, on connection: Int) -> Admission {
    let monotonic = ProcessInfo.processInfo.systemUptime
    let rule = Self.isSlack(head.path) ? takeRule(for: head.path) : .ok
    var waitFor: Double?
    if case .rate(let perSecond, let burst) = rule.mode {
      let fresh = TokenBucket(perSecond: perSecond, burst: burst, at: monotonic)
      waitFor = buckets[head.path, default: fresh].take(at: monotonic)
    }
    arrivals += 1
    let request = RecordedRequest(
      sequence: arrivals, time: Date().timeIntervalSince1970, monotonic: monotonic,
      connection: connection, method: head.method, path: head.path, headers: head.headers,
      mode: rule.name)
    return Admission(request: request, rule: rule, waitFor: waitFor)
  }

  /// Decides, records and returns the answer; nil if the fault leaves none to send.
  func answer(_ admission: Admission, body: [UInt8]) throws -> Answer? {
    var request = admission.request
    request.body = String(decoding: body, as: UTF8.self)
    let (regular, payload) = try regularAnswer(to: request, body: body)
    let answer = try Self.spoil(regular, by: admission)

    request.status = answer?.status ?? 0
    request.word = answer?.word ?? admission.rule.name
    request.answer = answer?.body ?? ""
    let said = answer?.status == 200 && answer?.word == "ok"
    request.accepted = regular.word == "ok" && (said || admission.rule.acceptsSilently)
    try keep(request)
    if request.accepted, let payload { transcript?.show(payload, of: request) }
    return answer
  }

  /// Records a request that ended before its body was complete.
  func abandon(_ admission: Admission, as word: String) throws {
    var request = admission.request
    request.word = word
    try keep(request)
  }

  private func keep(_ request: RecordedRequest) throws {
    // Bodies may end in another order than heads arrived.
    let index = requests.lastIndex { $0.sequence < request.sequence }.map { $0 + 1 } ?? 0
    requests.insert(request, at: index)
    try log?.append(request)
  }

  /// Rules are for Slack's own paths: whoever follows a redirect must not be redirected again.
  private static func isSlack(_ path: String) -> Bool {
    path.hasPrefix("/services/") || path.hasPrefix("/api/")
  }

  private func takeRule(for path: String) -> Rule {
    guard let index = rules.firstIndex(where: { $0.holds(for: path) }) else { return .ok }
    let rule = rules[index]
    if case .mixed(var mixture) = rule.mode {
      defer { rules[index].mode = .mixed(mixture) }
      return mixture.next()
    }
    guard let times = rule.times else { return rule }
    if times > 1 { rules[index].times = times - 1 } else { rules.remove(at: index) }
    return times > 0 ? rule : .ok
  }

  /// What Slack would say, were all well; and the message, if it was one.
  private func regularAnswer(
    to request: RecordedRequest, body: [UInt8]
  ) throws -> (Answer, JSON?) {
    guard request.method == "POST", Self.isSlack(request.path) else {
      return (.text(404, "not_found"), nil)
    }
    let payload = Self.payload(of: request, body: body)
    if request.path.hasPrefix("/services/") { return (Webhook.answer(to: payload), payload) }
    guard request.path == "/api/chat.postMessage" else {
      return (try WebAPI.failure("unknown_method"), nil)
    }
    return (try WebAPI.postMessage(payload, for: request), payload)
  }

  /// A JSON body, or the older form with the JSON in its field `payload`.
  private static func payload(of request: RecordedRequest, body: [UInt8]) -> JSON? {
    let isForm =
      request.headers["content-type"]?.hasPrefix("application/x-www-form-urlencoded") ?? false
    if isForm, let field = Form.decode(request.body)["payload"] {
      return JSON(parsing: Array(field.utf8))
    }
    return JSON(parsing: body)
  }

  /// The answer under the rule in force; nil if none goes out.
  private static func spoil(_ answer: Answer, by admission: Admission) throws -> Answer? {
    switch admission.rule.mode {
    case .ok, .delay, .trickle, .mixed: return answer
    case .status(let other): return other
    case .rate: return try admission.waitFor.map(rateLimited) ?? answer
    case .hang, .close, .resetBefore, .resetAfter: return nil
    case .truncated:
      var cut = answer
      cut.word = "truncated"
      return cut
    case .html:
      return Answer(
        status: 200, word: "html",
        body: "<!DOCTYPE html><html><title>Hotel Wi-Fi</title><body>Please sign in.</body></html>")
    case .redirect:
      var moved = Answer.text(302, "redirect")
      moved.headers.append(("Location", "/elsewhere"))
      return moved
    }
  }

  /// Observed with webhooks (facts/slack.md): whole seconds, in the header and in the body.
  private static func rateLimited(waitFor: Double) throws -> Answer {
    let seconds = max(1, waitFor.rounded(.up))
    let body: JSON = .object([
      "retry_after": .number(seconds), "ok": .bool(false), "error": .string("rate_limited"),
    ])
    var answer = try Answer.json(429, "rate_limited", body)
    answer.headers.append(("Retry-After", String(Int(seconds))))
    return answer
  }
}
