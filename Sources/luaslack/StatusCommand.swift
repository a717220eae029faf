import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct StatusCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "status", abstract: "Does it arrive, and if not, why and since when.",
    discussion: """
      Examples:
        luaslack status
        luaslack status --json    for a monitoring system

      The first line says whether all is well, the others what is not.

      Exit status: 0 ok, 1 degraded, 2 a destination is dead, 77 you may not ask.
      """)

  @Flag(help: "Print JSON, for programs.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let locations = places.locations()
    OwnSpool.require(locations, for: "the status")
    do throws(SystemError) {
      _ = try Spool.enter(locations)
    } catch {
      Luaslack.fail(.unavailable, "\(error)")
    }
    let status: Status
    do throws(DatabaseError) {
      status = try Status(locations, host: Process.hostName, now: Clock.now())
    } catch {
      Luaslack.fail(.unavailable, "\(locations.database): \(error)")
    }
    Process.print(json ? JSONWriter.pretty(status.value) : status.text, to: 1)
    throw ExitCode(status.exit.rawValue)
  }
}
