// What a replay shows: for people a block a message, for programs a line of JSON each.
extension Replay {
  /// In the order in which it would have come.
  private enum Shown {
    case event(Told)
    case digest(ToldDigest)
  }

  /// Each event where it happened, each digest where it would have gone out.
  private var shown: [Shown] {
    var shown: [Shown] = []
    var rest = digests[...]
    for event in told {
      while let digest = rest.first, digest.at < event.at {
        shown.append(.digest(rest.removeFirst()))
      }
      shown.append(.event(event))
    }
    return shown + rest.map(Shown.digest)
  }

  /// Calls `print` with one message after the other, and at last with the counts.
  public func report(json: Bool, print: (String) -> Void) {
    for message in shown {
      switch message {
      case .event(let told):
        print(json ? JSONWriter.compact(value(told)) + "\n" : text(told) + "\n")
      case .digest(let digest):
        print(json ? JSONWriter.compact(value(digest)) + "\n" : text(digest) + "\n")
      }
    }
    print(json ? JSONWriter.compact(["summary": summary]) + "\n" : counts)
  }

  // MARK: - For people

  private func text(_ told: Told) -> String {
    let address = told.event.address ?? ""
    var ways = told.destinations.map { name -> String in
      guard let at = told.digestAt[name] else { return name }
      return "\(name), in the digest of \(clock(at))"
    }
    var words = ""
    switch told.outcome {
    case .muted(let reason): ways = ["no message: \(PlainText.line(reason))"]
    case .message(let message):
      let isCommon = told.destinations.contains { told.own[$0] == nil }
      if isCommon || told.destinations.isEmpty { words = body(.message(message)) }
    }
    for (name, outcome) in told.own.sorted(by: { $0.key < $1.key }) {
      words += "  for \(name):\n" + body(outcome)
    }
    let to = ways.joined(separator: "; ")
    return
      "\(Timestamp.words(told.at / 1_000_000))  \(told.event.jail) \(address)  -> \(to)\n\(words)"
  }

  private func text(_ digest: ToldDigest) -> String {
    let time = Timestamp.words(digest.at / 1_000_000)
    return "\(time)  digest of \(Self.count(digest.count, "event"))  -> \(digest.destination)\n"
      + body(digest.outcome)
  }

  /// Nothing in it moves a terminal's cursor, whatever a formatter returned.
  private func body(_ outcome: Formatting.Result.Outcome) -> String {
    switch outcome {
    case .muted(let reason): return "  no message: \(PlainText.line(reason))\n"
    case .message(let message):
      let lines = PlainText.lines(MessageText.body(message))
        .split(separator: "\n", omittingEmptySubsequences: true)
      return lines.map { "  \($0)\n" }.joined()
    }
  }

  private func clock(_ at: Int64) -> String {
    String(Timestamp.words(at / 1_000_000).dropFirst(11).prefix(8))
  }

  private var counts: String {
    var jails = Digest.Tally()
    for event in told { jails.add(event.event.jail) }
    let named = jails.top(.max).map { "\($0.name) \($0.count)" }.joined(separator: ", ")
    var lines = [told.isEmpty ? "no bans" : "\(Self.count(told.count, "ban")): \(named)"]
    for (reason, count) in muted.sorted(by: { ($1.value, $0.key) < ($0.value, $1.key) }) {
      lines.append("\(count) muted: \(PlainText.line(reason))")
    }
    for name in Set(told.flatMap(\.destinations)).sorted() {
      let (alone, folded, digests) = tally(name)
      let words = digests == 0 ? "" : ", \(Self.count(digests, "digest")) of \(folded)"
      lines.append("\(name): \(Self.count(alone, "message"))\(words)")
    }
    return lines.joined(separator: "\n") + "\n"
  }

  // MARK: - Counts

  private var muted: [String: Int] {
    told.reduce(into: [:]) { counts, event in
      if case .muted(let reason) = event.outcome { counts[reason, default: 0] += 1 }
    }
  }

  /// Messages of their own, events that digests tell of, and these.
  private func tally(_ name: String) -> (alone: Int, folded: Int, digests: Int) {
    let here = told.filter { event in
      guard event.destinations.contains(name) else { return false }
      if case .muted = event.own[name] { return false }
      return true
    }
    let folded = here.count { $0.digestAt[name] != nil }
    return (here.count - folded, folded, digests.count { $0.destination == name })
  }

  // MARK: - For programs

  private func payload(_ outcome: Formatting.Result.Outcome) -> Value {
    if case .message(let message) = outcome { message } else { .null }
  }

  private func reason(_ outcome: Formatting.Result.Outcome) -> Value? {
    if case .muted(let reason) = outcome { .string(reason) } else { nil }
  }

  private func value(_ told: Told) -> Value {
    var value: Value = [
      "event": told.event.value, "payload": payload(told.outcome),
      "destinations": .array(told.destinations.map(Value.string)),
    ]
    value["muted"] = reason(told.outcome)
    if !told.own.isEmpty { value["own_payloads"] = .object(told.own.mapValues(payload)) }
    if !told.digestAt.isEmpty {
      value["digest_at"] = .object(told.digestAt.mapValues { .int($0 / 1_000_000) })
    }
    return value
  }

  private func value(_ digest: ToldDigest) -> Value {
    var value: Value = [
      "digest": ["count": .int(Int64(digest.count)), "time": .int(digest.at / 1_000_000)],
      "payload": payload(digest.outcome), "destinations": [.string(digest.destination)],
    ]
    value["muted"] = reason(digest.outcome)
    return value
  }

  private var summary: Value {
    var jails: [String: Int] = [:]
    for event in told { jails[event.event.jail, default: 0] += 1 }
    var names: Value = [:]
    for name in Set(told.flatMap(\.destinations)) {
      let (alone, folded, digests) = tally(name)
      names[name] = [
        "messages": .int(Int64(alone)), "digests": .int(Int64(digests)),
        "in_digests": .int(Int64(folded)),
      ]
    }
    func counts(_ counts: [String: Int]) -> Value { .object(counts.mapValues { .int(Int64($0)) }) }
    return [
      "bans": .int(Int64(told.count)), "total": .int(Int64(bans.total)),
      "unreadable": .int(Int64(bans.unreadable)), "jails": counts(jails), "muted": counts(muted),
      "destinations": names, "problems": counts(problems),
    ]
  }
}
