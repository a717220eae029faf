import ArgumentParser
import LuaslackCore

struct Config: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "config", abstract: "The configuration in effect.",
    discussion: "Example:\n  luaslack config show", subcommands: [ConfigShow.self])
}

struct ConfigShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Print the configuration in effect, defaults included.",
    discussion: """
      Examples:
        luaslack config show
        luaslack config show --config new.toml    one that is not in effect yet

      Secrets are in files of their own and are not printed.
      """)

  @Flag(help: "Print JSON, for programs.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let options = json ? ["--json"] : []
    throw ExitCode(Delegate.run("show-config", options, places.locations()))
  }
}
