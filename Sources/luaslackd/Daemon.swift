import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix
import SQLite

/// The delivering program. Started by `luaslack` or by systemd; its other subcommands serve
/// `luaslack`, which itself reads neither the config nor a formatter.
struct Daemon: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "luaslackd",
    abstract: "Takes events from luaslack's spool and delivers them to Slack.",
    discussion: """
      Started by an event, it runs until nothing has been left to do for a minute, and the next \
      event starts it again; started by hand or by systemd, it stays, and takes over from one that \
      an event started where the spool has a file `managed`. TERM ends it at once: what \
      it was doing is done again.
      """,
    version: Version.text,
    subcommands: [
      Serve.self, Render.self, PreviewAnswer.self, FormatterTest.self, FormatterNew.self,
      ReplayBans.self, ReportAnswer.self, Check.self, ShowConfig.self, AddressAnswer.self,
      CompletionAnswer.self,
    ],
    defaultSubcommand: Serve.self)
}

/// Where things are, as `luaslack` decided or as this program finds them.
struct LocationOptions: ParsableArguments {
  @Option(help: "The spool directory.")
  var spool: String?
  @Option(help: "The configuration file.")
  var config: String?
  @Option(help: .hidden)
  var database: String?
  @Option(help: .hidden)
  var overflow: String?

  func locations() throws -> Locations {
    var locations = try Locations.current(spool: spool, config: config)
    if let database { locations.database = database }
    if let overflow { locations.overflow = overflow }
    return locations
  }
}

struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "serve", abstract: "Deliver (the default).")

  @OptionGroup var options: LocationOptions
  @Flag(help: "End when nothing is left to do.")
  var untilIdle = false
  @Flag(help: .hidden)
  var inheritedLock = false

  func run() throws {
    Process.prepare()
    let log = Log(isDetached: inheritedLock)
    let locations = try options.locations()
    do throws(SystemError) {
      if let service = try Service(
        locations, hasInheritedLock: inheritedLock, untilIdle: untilIdle, log)
      {
        return try service.run()
      }
      log.write("another luaslackd serves \(locations.spool)")
    } catch {
      log.write("\(error)")
      throw ExitCode(ExitStatus.temporary.rawValue)
    }
    throw ExitCode(ExitStatus.unavailable.rawValue)
  }
}

struct Render: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "render", abstract: "Print the payload for the event on standard input.",
    shouldDisplay: false)

  @OptionGroup var options: LocationOptions

  func run() throws {
    let input = try FileDescriptor.standardInput().readAll(limit: SpoolFile.limit)
    guard case .event(let record) = try SpoolFile.read(input) else {
      throw ExitCode(ExitStatus.data.rawValue)
    }
    let locations = try options.locations()
    let configuration = try Trial.configuration(locations.config)
    let previewer = Previewer(
      configuration, host: Process.hostName, now: Clock.now(), lookup: AddressLookup(directory: nil)
    )
    Trial.show(previewer, scene(record, previewer, locations.database))
  }

  /// With what the database knows of bans before, if there is one.
  private func scene(_ record: EventRecord, _ previewer: Previewer, _ database: String) -> Scene {
    let plain = previewer.scene(record)
    do throws(SystemError) {
      _ = try FileStatus.of(database)
    } catch {
      return plain
    }
    do throws(DatabaseError) {
      return try previewer.scene(record, after: Queue(reading: database))
    } catch {
      Process.print("luaslack: shown without event.history: \(database): \(error)\n", to: 2)
      return plain
    }
  }
}

struct ShowConfig: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show-config", abstract: "Print the configuration in effect.",
    shouldDisplay: false)

  @OptionGroup var options: LocationOptions
  @Flag var json = false

  func run() throws {
    let locations = try options.locations()
    do throws(ConfigurationError) {
      let configuration = try ConfigurationReader.read(locations.config)
      Process.print(
        json
          ? JSONWriter.pretty(configuration.value(locations))
          : configuration.text(locations), to: 1)
    } catch {
      Screen.standardError.print(Finding.all(error), opening: "luaslack: ")
      throw ExitCode(ExitStatus.configuration.rawValue)
    }
  }
}
