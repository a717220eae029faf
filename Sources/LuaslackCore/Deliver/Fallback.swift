internal import SQLite

/// Who is told when a destination is dead, and what. Pure.
enum Fallback {
  /// The first in the chain of fallbacks that is not dead as well; nil: nobody can be told.
  static func destination(
    of name: String, _ configuration: Configuration?, isDead: (String) -> Bool
  ) -> String? {
    var passed: Set = [name]
    var next = configuration?.destinations[name]?.fallback
    // The config takes no circle; an endless loop would be worse than a silent one.
    while let candidate = next, passed.insert(candidate).inserted {
      guard let destination = configuration?.destinations[candidate] else { return nil }
      guard isDead(candidate) else { return candidate }
      next = destination.fallback
    }
    return nil
  }

  static func death(
    of name: String, _ destination: Configuration.Destination?, reason: String, waiting: Int
  ) -> String {
    let messages = waiting == 1 ? "1 message waits" : "\(waiting) messages wait"
    let (who, advice) =
      switch destination?.kind {
      case .webhook, nil: ("Slack", "put a new URL into its webhook file")
      case .token: ("Slack", "mend its token, its channel or the bot's rights")
      case .mail: ("its server", "mend its address or the server")
      }
    return "destination \(name) is dead, \(who) says: \(reason). \(messages) for it; \(advice), "
      + "then run: luaslack queue flush"
  }

  /// `time` in microseconds.
  static func revival(of name: String, after time: Int64) -> String {
    "destination \(name) works again, it was dead for "
      + Seconds.describe(Int(max(0, time) / 1_000_000))
  }
}

// Since when a destination is dead. Not its health: between two noes an hour apart the network may
// fail, and it is the same death still.
extension Queue {
  private static let prefix = "dead destination "

  /// True if it was not known yet.
  func noteDeath(of name: String, now: Int64) throws(DatabaseError) -> Bool {
    try database.run(
      "INSERT OR IGNORE INTO told (file, version) VALUES (?, ?)", .text(Self.prefix + name),
      .text(String(now)))
    return database.changes > 0
  }

  /// Since when it was dead; nil if it was not.
  func endDeath(of name: String) throws(DatabaseError) -> Int64? {
    let since = try database.first(
      "SELECT version FROM told WHERE file = ?", .text(Self.prefix + name)
    ) { Int64($0.text(0)) ?? 0 }
    if since != nil { try isOver(Self.prefix + name) }
    return since
  }

  /// What is not in the config any more is not missed.
  func forgetDeaths(but names: [String]) throws(DatabaseError) {
    let dead = try toldFiles().filter { $0.hasPrefix(Self.prefix) }
    for subject in dead where !names.contains(String(subject.dropFirst(Self.prefix.count))) {
      try isOver(subject)
    }
  }
}
