import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct QueueCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "queue", abstract: "What waits, and how to hurry it.",
    subcommands: [QueueList.self, QueueFlush.self])
}

struct QueueList: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "list", abstract: "List what waits, the oldest first.")

  @Flag(help: "List what is done as well.")
  var all = false
  @Option(help: ArgumentHelp("At most this many, the newest of them.", valueName: "n"))
  var limit = 1_000
  @Flag(help: "Print JSON, one object a line.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let locations = places.locations()
    let deliveries: [Delivery]
    do {
      guard try Spool.enter(locations), (try? FileStatus.of(locations.database)) != nil else {
        return
      }
      deliveries = try Queue(reading: locations.database)
        .deliveries(pendingOnly: !all, limit: max(1, limit))
    } catch {
      Luaslack.fail(.unavailable, "\(error)")
    }
    for delivery in deliveries {
      Process.print((json ? JSONWriter.compact(delivery.value) : delivery.line) + "\n", to: 1)
    }
  }
}

struct QueueFlush: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "flush", abstract: "Try everything that waits at once.",
    discussion: "A time that Slack itself asked to wait (Retry-After) is still kept.")

  @OptionGroup var places: LocationOptions

  func run() throws {
    let acceptor = Acceptor(places.locations())
    do throws(SystemError) {
      try acceptor.request(.flush, now: Clock.now())
      _ = try acceptor.wake(mayStart: RecordEvent.mayStart)
    } catch {
      Luaslack.fail(.temporary, "\(error)")
    }
  }
}
