import ArgumentParser
import LuaslackCore

struct CheckCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "check", abstract: "Try formatters and the config before they are live.",
    discussion: """
      Examples:
        luaslack check                          the config, and all its formatters
        luaslack check 50-colours.lua           one file, wherever it is
        luaslack check formatters/              a directory, with its lib/
        luaslack check --config new.toml        a config that is not in effect yet

      Runs every function of every formatter on sample events, ordinary and hostile, under the same \
      limits as in earnest. Any user may: it needs no secret, and sends and records nothing. Each \
      problem begins with a line, file:line: what; below it stand what is there and what to do.

      Exit status: 0 no problem, 65 a formatter has one, 78 the config has one.
      """)

  @Flag(help: "Print JSON, for programs.")
  var json = false
  @Argument(
    help: "Formatters, or directories of formatters.", completion: Completions.formatters)
  var paths: [String] = []
  @OptionGroup var places: LocationOptions

  func run() throws {
    var options = json ? ["--json"] : []
    if places.config != nil { options.append("--config-given") }
    throw ExitCode(
      Delegate.run("check", options + ["--"] + paths, places.withoutSpool(), asOwner: false))
  }
}
