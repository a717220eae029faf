internal import Posix
internal import SQLite

/// A message marked TEST that an admin asked for: sent once, the way of every other and at the pace
/// of its destination, and told to whoever asked. It is no event, and nothing of it is kept but the
/// answer.
struct Trial: Equatable {
  /// The request's file, which begins with when it was asked for.
  let name: String
  let destination: String
  /// The first byte may have gone out.
  let isSent: Bool
  /// Nothing is to appear in Slack.
  var isHarmless = false

  /// Microseconds after which whoever asked has gone.
  static let patience: Int64 = 60 * 1_000_000

  /// Somebody may have renamed the file, and then nothing says when it was.
  var isGivenUpAt: Int64 { min(Maildrop.time(of: name), .max - Self.patience) + Self.patience }

  /// JSON.
  func payload(host: String) -> String {
    if isHarmless { return "{}" }
    let text =
      ":test_tube: TEST from luaslack on \(PlainText.line(host)), sent by hand to destination "
      + "\(PlainText.line(destination)). Nothing has happened."
    return JSONWriter.compact([
      "text": .string(Markup.mrkdwn(text)), "unfurl_links": false, "unfurl_media": false,
    ])
  }
}

extension QueueRequest.Answer.Trial {
  /// What came back of one that was sent.
  init(_ answer: Answer, _ verdict: Verdict, isHarmless: Bool) {
    switch verdict {
    // What was sent is nothing that Slack takes: that it looked at it is the good answer.
    case .payloadRefused where isHarmless: exit = .success
    case .delivered: exit = .success
    case .retry: exit = .temporary
    case .payloadRefused, .threadRefused, .destinationDead: exit = .unavailable
    }
    if case .mail(_, let text, _) = answer {
      word = PlainText.line(String(text.prefix(200)))
    } else {
      word = verdict.word
    }
  }
}

extension Queue {
  /// Tests without an answer, in the order in which they were asked for.
  func trials() throws(DatabaseError) -> [Trial] {
    try database.all(
      """
      SELECT name, json_extract(answer, '$.destination'), json_extract(answer, '$.sent'),
        json_extract(answer, '$.harmless')
      FROM request WHERE json_extract(answer, '$.open') ORDER BY name
      """
    ) { row in
      Trial(
        name: row.text(0), destination: row.optionalText(1) ?? Configuration.defaultDestination,
        isSent: row.optionalInteger(2) == 1, isHarmless: row.optionalInteger(3) == 1)
    }
  }

  func markSent(_ trial: Trial) throws(DatabaseError) {
    try database.run(
      "UPDATE request SET answer = json_set(answer, '$.sent', json('true')) WHERE name = ?",
      .text(trial.name))
  }

  func settle(_ trial: Trial, _ result: QueueRequest.Answer.Trial) throws(DatabaseError) {
    var answer = QueueRequest.Answer()
    answer.count = result.exit == .success ? 1 : 0
    answer.trial = result
    try database.run(
      "UPDATE request SET answer = ? WHERE name = ?", .text(JSONWriter.compact(answer.value)),
      .text(trial.name))
  }
}

extension Courier {
  /// To be called when there may be a test to send.
  func lookForTrials() throws(DatabaseError) { hasTrials = try !queue.trials().isEmpty }

  /// Starts the tests that may go out. Neither an admin's hold nor a delay of ours keeps one back, since
  /// it shall show what is; Slack's Retry-After does. Returns when to look again.
  func dispatchTrials(now: Int64) throws(DatabaseError) -> Int64? {
    guard hasTrials else { return nil }
    var wakeAt: Int64?
    for trial in try queue.trials() where !trialsUnderWay.values.contains(where: { $0.0 == trial })
    {
      if let at = try dispatch(trial, now: now) { wakeAt = min(wakeAt ?? at, at) }
    }
    return wakeAt
  }

  private func dispatch(_ trial: Trial, now: Int64) throws(DatabaseError) -> Int64? {
    guard !trial.isSent else {
      return try end(
        trial, .temporary, "luaslackd ended before the answer came; it may have arrived", now: now)
    }
    guard now <= trial.isGivenUpAt else {
      return try end(
        trial, .temporary, "luaslackd came to it too late, and sent nothing", now: now)
    }
    guard !isBusy(with: trial.destination) else { return nil }
    guard let destination = configuration?.destinations[trial.destination] else {
      let names = configuration?.destinations.keys.sorted() ?? []
      let hint = Nearest.hint(trial.destination, names)
      return try end(
        trial, .data, "there is no [destination.\(trial.destination)]\(hint)", now: now)
    }
    let target: Target
    do throws(Target.Refused) {
      target = try Target.read(destination)
    } catch {
      return try end(trial, .configuration, "\(error)", now: now)
    }
    let limit = Pace.Limit(destination)
    var pace = (try queue.pace(target.hash) ?? Pace(limit, now: now)).reckoned(limit, now: now)
    let next = pace.nextAt(limit)
    guard next <= trial.isGivenUpAt else {
      return try end(
        trial, .temporary,
        "its pace or Slack's Retry-After lets nothing out before \(Timestamp.text(next))", now: now)
    }
    guard next <= now else { return next }
    pace.take()
    // Committed before the first byte: it is never sent twice.
    try queue.transaction { () throws(DatabaseError) in
      try queue.markSent(trial)
      try queue.save(pace, of: target.hash)
    }
    lastTrialTag -= 1
    let sent = Trial(
      name: trial.name, destination: trial.destination, isSent: true, isHarmless: trial.isHarmless)
    trialsUnderWay[lastTrialTag] = (sent, target)
    transport.start(lastTrialTag, target.post(trial.payload(host: host)))
    return nil
  }

  /// Answers without having sent anything; there may be more to do at once.
  private func end(
    _ trial: Trial, _ exit: ExitStatus, _ word: String, now: Int64
  ) throws(DatabaseError) -> Int64 {
    try queue.settle(trial, QueueRequest.Answer.Trial(exit: exit, word: word))
    try lookForTrials()
    return now
  }

  /// A test that arrived shows that its destination works; one that did not changes nothing.
  func settle(_ trial: Trial, _ answer: Answer, now: Int64) throws(DatabaseError) {
    let verdict = Verdict(answer)
    try queue.settle(
      trial, QueueRequest.Answer.Trial(answer, verdict, isHarmless: trial.isHarmless))
    if case .delivered = verdict {
      try noteSuccess(of: try queue.state(of: trial.destination), now: now)
    }
    try lookForTrials()
  }
}
