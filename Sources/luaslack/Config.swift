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
    let options = json ? ["--json"] : []
    throw ExitCode(Delegate.run("show-config", options, places.locations()))
  }
}
