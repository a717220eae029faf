import Foundation
import SQLite
import TestSupport

/// What became of every event, by the rows of the database, the files of the spool and what the fake
/// Slack got. Only reads, and says what does not add up.
struct Accounting {
  struct Row {
    let id: Int64
    let kind: String
    let subject: String
    let destination: String
    let state: String
    let payload: JSON
    let maybeSent: Bool
    let foldedInto: Int64?
    let isPending: Bool
  }

  let rows: [Row]
  /// Subjects of events that lie in files and are in no row yet.
  let inFiles: [String]
  let messages: [RecordedMessage]
  private let byID: [Int64: Row]
  /// How often each message was taken, without and with the mark.
  private let plain: [JSON: Int]
  private let marked: [JSON: Int]

  init(
    rows: [Row], inFiles: [String], messages: [RecordedMessage]
  ) {
    self.rows = rows
    self.inFiles = inFiles
    self.messages = messages.filter(\.accepted)
    byID = Dictionary(rows.map { ($0.id, $0) }) { $1 }
    var counts: [Bool: [JSON: Int]] = [:]
    for message in self.messages {
      counts[message.isMarkedRepeat, default: [:]][message.unmarked, default: 0] += 1
    }
    plain = counts[false] ?? [:]
    marked = counts[true] ?? [:]
  }

  // MARK: - The figures

  var delivered: Int { rows.count { $0.state == "delivered" && $0.kind != "digest" } }
  var folded: Int { rows.count { $0.state == "folded" } }
  var digests: Int { rows.count { $0.kind == "digest" } }
  var pending: Int { rows.count(where: \.isPending) + inFiles.count }
  var repeats: Int { marked.values.reduce(0, +) }

  var line: String {
    "\(delivered) alone, \(folded) in \(digests) digests, \(messages.count) messages, "
      + "\(repeats) marked repeats"
  }

  // MARK: - What does not add up

  /// Every event, by its subject and where it was to go, is in exactly one message, or waits.
  func complaints(expected: [String: String]) -> [String] {
    var complaints: [String] = []
    let found = Dictionary(grouping: rows) { $0.subject }
    let files = Set(inFiles)
    for (subject, destination) in expected {
      let own = (found[subject] ?? []).filter { $0.destination == destination }
      if own.count > 1 { complaints.append("\(subject) has \(own.count) rows") }
      guard let row = own.first else {
        if !files.contains(subject) { complaints.append("\(subject) is nowhere") }
        continue
      }
      if let problem = self.problem(row) { complaints.append("\(subject): \(problem)") }
    }
    for row in rows where row.kind == "digest" {
      if let problem = self.problem(row) { complaints.append("digest \(row.id): \(problem)") }
    }
    return complaints + doubled()
  }

  /// Everything that is expected is told, and nothing waits.
  func complaintsWhenSettled(expected: [String: String]) -> [String] {
    let waiting = rows.filter(\.isPending).map { "\($0.subject) still waits" }
    return complaints(expected: expected) + waiting + inFiles.map { "\($0) is still a file" }
  }

  private func told(_ row: Row) -> Int {
    (plain[row.payload] ?? 0) + (marked[row.payload] ?? 0)
  }

  private func problem(_ row: Row) -> String? {
    switch row.state {
    case "waiting", "sending":
      // It may have arrived only if somebody knows that it may.
      if told(row) > 0, !row.maybeSent, row.state == "waiting" { return "waits, but was told" }
      return nil
    case "delivered": return told(row) > 0 ? nil : "is called delivered, but was never told"
    case "folded":
      if told(row) > 0 { return "is in a digest and was told alone" }
      guard let digest = row.foldedInto.flatMap({ byID[$0] }), digest.kind == "digest" else {
        return "is in no digest"
      }
      return ["waiting", "sending", "delivered"].contains(digest.state)
        ? nil : "is in a digest that is \(digest.state)"
    default: return "is \(row.state)"
    }
  }

  /// Messages that were taken more often than there are rows for them, and did not say so.
  private func doubled() -> [String] {
    let wanted = Dictionary(grouping: rows, by: \.payload)
    return plain.compactMap { message, count in
      count > (wanted[message]?.count ?? 0)
        ? "told \(count) times without a mark: \(message["text"].string ?? "")" : nil
    }
  }

  /// Requests of a path that came before the time was over that an earlier answer had asked for.
  static func insideRetryAfter(_ messages: [RecordedMessage]) -> [String] {
    var notBefore: [String: Double] = [:]
    var early: [String] = []
    for message in messages.sorted(by: { $0.monotonic < $1.monotonic }) {
      if let time = notBefore[message.path], message.monotonic < time {
        early.append("request \(message.sequence) came \(time - message.monotonic) s early")
      }
      guard message.status == 429, let answer = try? JSON(parsing: message.answer),
        let seconds = answer["retry_after"].number
      else { continue }
      notBefore[message.path] = message.monotonic + seconds
    }
    return early
  }
}

extension RecordedMessage {
  private static let mark = "(possible repeat)"

  /// The message as it was before the mark was put on it.
  var unmarked: JSON {
    guard isMarkedRepeat, case .object(var members) = bodyJSON else { return bodyJSON }
    members["text"] = .string(String(text.dropLast(Self.mark.count + 1)))
    let blocks = bodyJSON["blocks"].array
    if let last = blocks.last, last["elements"][0]["text"].string == Self.mark {
      members["blocks"] = .array(Array(blocks.dropLast()))
    }
    return .object(members)
  }
}

// MARK: - The database

extension Accounting {
  /// All rows, as they are at this moment.
  static func rows(in path: String) throws -> [Row] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let database = try Database(path, .reading)
    let raw = try database.all(
      """
      SELECT delivery.id, kind, subject, destination, state, payload, maybe_sent, folded_into
      FROM delivery JOIN event ON event.id = event
      """
    ) { row in
      (
        row.integer(0), row.text(1), row.text(2), row.text(3), row.text(4), row.text(5),
        row.integer(6) == 1, row.optionalInteger(7)
      )
    }
    return try raw.map {
      Row(
        id: $0.0, kind: $0.1, subject: $0.2, destination: $0.3, state: $0.4,
        payload: try JSON(parsing: $0.5), maybeSent: $0.6, foldedInto: $0.7,
        isPending: ["waiting", "sending"].contains($0.4))
    }
  }

  /// What may not be in a database, whenever and however its luaslackd ended.
  static func illegal(in path: String) throws -> [String] {
    guard FileManager.default.fileExists(atPath: path) else { return [] }
    let database = try Database(path, .reading)
    var illegal = try database.all("PRAGMA integrity_check") { $0.text(0) }.filter { $0 != "ok" }
    illegal += try database.all("PRAGMA foreign_key_check") { "no parent: \($0.text(0))" }
    // Killed while the tables were made, it goes on with them the next time.
    let isMade = try database.first(
      "SELECT 1 FROM pragma_table_info('delivery') WHERE name = 'class'"
    ) { _ in true }
    guard isMade == true else { return illegal }
    let rules = [
      "an unknown state": """
      state NOT IN ('waiting', 'sending', 'delivered', 'folded', 'muted', 'dead')
      """,
      "folded into nothing": """
      state = 'folded' AND NOT EXISTS (SELECT 1 FROM delivery AS digest
        JOIN event ON event.id = digest.event
        WHERE digest.id = delivery.folded_into AND event.kind IN ('digest', 'ban'))
      """,
      "in a digest and in none": "state NOT IN ('folded', 'muted') AND folded_into IS NOT NULL",
      "a digest that counts wrongly": """
      state <> 'muted' AND class = 'digest'
        AND (SELECT json_extract(record, '$.count') FROM event WHERE id = delivery.event)
          IS NOT (SELECT count(*) FROM delivery AS folded
            WHERE folded_into = delivery.id AND folded.state = 'folded')
      """,
      "settled without a time": """
      state IN ('delivered', 'dead') AND finished_at IS NULL
      """,
    ]
    for (name, condition) in rules {
      illegal += try database.all("SELECT id, state FROM delivery WHERE \(condition)") {
        "\(name): \($0.integer(0)), \($0.text(1))"
      }
    }
    illegal += try database.all(
      """
      SELECT destination, state FROM (
        SELECT destination, state, count FROM tally WHERE count <> 0
        EXCEPT SELECT destination, state, count(*) FROM delivery GROUP BY 1, 2)
      """
    ) { "counted wrongly: \($0.text(0)) \($0.text(1))" }
    return illegal
  }
}

extension Installation {
  /// The accounts at this moment; `database` where it is not the usual one.
  func accounts(database: String? = nil, spool: String? = nil) async throws -> Accounting {
    let spool = spool ?? self.spool
    var subjects: [String] = []
    for folder in [spool + "/incoming", overflow] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: folder)) ?? []
      for name in names where !name.hasPrefix(".") {
        let bytes = FileManager.default.contents(atPath: "\(folder)/\(name)") ?? Data()
        let body = String(decoding: bytes.drop { $0 != 0x0a }, as: UTF8.self)
        let event = (try? JSON(parsing: body))?["event"] ?? .null
        if let subject = event["ip"].string { subjects.append(subject) }
      }
    }
    return Accounting(
      rows: try Accounting.rows(in: database ?? self.database), inFiles: subjects,
      messages: try await slack.messages())
  }
}
