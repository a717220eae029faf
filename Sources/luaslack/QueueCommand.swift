import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "What waits, and how to hurry, hold or drop it.",
    discussion: """
      Examples:
        luaslack queue list                      what waits
        luaslack queue show 12                   all about one message
        luaslack queue retry --dead              try what was given up once more
        luaslack queue hold --destination ops    send ops nothing for now
        luaslack queue release                   send all that was held

      Messages go by the number that `queue list` prints. A dead letter is one that was given up: Slack \
      refused it, or it was tried in vain for seven days. luaslackd makes the change; these commands ask \
      it, wait five seconds for its answer and say what was done.
      """,
    subcommands: [
      QueueList.self, QueueShow.self, QueueFlush.self, QueueRetry.self, QueueHold.self,
      QueueRelease.self, QueueDelete.self,
    ])
}

/// The database to look at; nil if nothing was ever recorded.
enum OpenQueue {
  static func reading(_ locations: Locations, for what: String = "the queue") -> Queue? {
    OwnSpool.require(locations, for: what)
    do {
      guard try Spool.enter(locations), (try? FileStatus.of(locations.database)) != nil else {
        return nil
      }
      return try Queue(reading: locations.database)
    } catch {
      Luaslack.fail(.unavailable, "\(error)")
    }
  }

  /// Ends the program where the database cannot be read.
  static func read<Result>(_ body: () throws(DatabaseError) -> Result) -> Result {
    do throws(DatabaseError) {
      return try body()
    } catch {
      Luaslack.fail(.unavailable, "\(error)")
    }
  }
}

struct QueueList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List what waits, the oldest first.",
    discussion: """
      Examples:
        luaslack queue list
        luaslack queue list --all --limit 20    the newest twenty, sent or not
      """)

  @Flag(help: "List what is done as well.")
  var all = false
  @Option(help: ArgumentHelp("At most this many, the newest of them.", valueName: "n"))
  var limit = 1_000
  @Flag(help: "Print JSON, one object a line.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    guard let queue = OpenQueue.reading(places.locations()) else { return }
    let deliveries = OpenQueue.read { () throws(DatabaseError) in
      try queue.deliveries(pendingOnly: !all, limit: max(1, limit))
    }
    for delivery in deliveries {
      Process.print((json ? JSONWriter.compact(delivery.value) : delivery.line) + "\n", to: 1)
    }
  }
}

struct QueueShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Show one message with all that is known of its event.",
    discussion: """
      Example:
        luaslack queue show 12

      The event as it was accepted, what each formatter did, every message made of it with its \
      payload, each attempt with Slack's word, and which message tells of which.
      """)

  @Argument(
    help: "The message's number, as `queue list` prints it.", completion: Completions.messages)
  var id: Int64
  @Flag(help: "Print JSON, for programs.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let queue = OpenQueue.reading(places.locations())
    let trace = OpenQueue.read { () throws(DatabaseError) in try queue?.trace(delivery: id) }
    guard let trace = trace ?? nil else { Luaslack.fail(.data, "there is no message \(id)") }
    Process.print(json ? JSONWriter.pretty(trace.value) : trace.text(withPayloads: true), to: 1)
  }
}

struct QueueFlush: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Try everything that waits at once.",
    discussion: """
      Example:
        luaslack queue flush

      A time that Slack itself asked to wait (Retry-After) is still kept.
      """)

  @OptionGroup var places: LocationOptions

  func run() throws {
    _ = Ask.send(QueueRequest(.flush), places.locations())
  }
}

struct QueueRetry: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "retry", abstract: "Try messages again, dead letters too.",
    discussion: """
      Examples:
        luaslack queue retry 12 13
        luaslack queue retry --dead

      A time that Slack itself asked to wait (Retry-After) is still kept.
      """)

  @Argument(
    help: "The messages, as `queue list --all` numbers them.", completion: Completions.messages)
  var ids: [Int64] = []
  @Flag(help: "All dead letters.")
  var dead = false
  @OptionGroup var places: LocationOptions

  func validate() throws {
    if ids.isEmpty, !dead { throw ValidationError("name messages, or --dead for all dead letters") }
  }

  func run() throws {
    var request = QueueRequest(.retry)
    request.deliveries = ids
    request.isForAll = dead
    try Ask.run(request, places.locations(), done: "to be tried again now")
  }
}

struct QueueHold: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "hold", abstract: "Keep messages from being sent until they are released.",
    discussion: """
      Examples:
        luaslack queue hold 12 13
        luaslack queue hold --destination ops    all for ops, now and to come
      """)

  @Argument(
    help: "The messages, as `queue list` numbers them.", completion: Completions.waiting)
  var ids: [Int64] = []
  @Option(
    help: ArgumentHelp("All for this destination, now and to come.", valueName: "name"),
    completion: Completions.destination)
  var destination: String?
  @OptionGroup var places: LocationOptions

  func validate() throws {
    if ids.isEmpty, destination == nil {
      throw ValidationError("name messages, or --destination for all that goes there")
    }
  }

  func run() throws {
    var request = QueueRequest(.hold)
    request.deliveries = ids
    request.destination = destination
    try Ask.run(request, places.locations(), done: "held; `luaslack queue release` lets go")
  }
}

struct QueueRelease: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "release", abstract: "Let go of what is held: all of it, or what is named.",
    discussion: """
      Examples:
        luaslack queue release
        luaslack queue release --destination ops
        luaslack queue release 12
      """)

  @Argument(
    help: "The messages, as `queue list` numbers them.", completion: Completions.waiting)
  var ids: [Int64] = []
  @Option(
    help: ArgumentHelp("All for this destination, now and to come.", valueName: "name"),
    completion: Completions.destination)
  var destination: String?
  @OptionGroup var places: LocationOptions

  func run() throws {
    var request = QueueRequest(.release)
    request.deliveries = ids
    request.destination = destination
    request.isForAll = ids.isEmpty && destination == nil
    try Ask.run(request, places.locations(), done: "released")
  }
}

struct QueueDelete: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "delete", abstract: "Give messages up by hand.",
    discussion: """
      Example:
        luaslack queue delete 12 13

      What waits or is a dead letter is not sent any more. The event stays in the history, its \
      message counts as muted, and `trace` says that it was deleted by hand.
      """)

  @Argument(
    help: "The messages, as `queue list` numbers them.", completion: Completions.messages)
  var ids: [Int64]
  @OptionGroup var places: LocationOptions

  func run() throws {
    var request = QueueRequest(.delete)
    request.deliveries = ids
    try Ask.run(request, places.locations(), done: "deleted")
  }
}
