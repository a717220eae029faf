import ArgumentParser
import LuaslackCore

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "The configuration.", subcommands: [ConfigShow.self])
}

struct ConfigShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print the configuration in effect, defaults included.")

  @Flag(help: "Print JSON.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let locations = places.locations()
    let arguments = ["show-config", "--config", locations.config, "--spool", locations.spool]
    throw ExitCode(Delegate.run(arguments + (json ? ["--json"] : [])))
  }
}
