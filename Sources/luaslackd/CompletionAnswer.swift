import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix

/// Answers for a shell that completes a command line of `luaslack`: names, a line each. Never says what is
/// wrong: somebody is typing.
struct CompletionAnswer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "complete", abstract: "Print names for a shell.", shouldDisplay: false)

  enum What: String, ExpressibleByArgument { case formatters, shipped, destinations }

  @OptionGroup var options: LocationOptions
  @Argument var what: What

  func run() throws {
    let path = try options.locations().config
    let configuration = (try? ConfigurationReader.read(path)) ?? Configuration(path: path)
    let names =
      switch what {
      case .formatters: configuration.formatterNames
      case .shipped: Configuration.shippedFormatters
      case .destinations: configuration.destinations.keys.sorted()
      }
    for name in names { Process.print(name + "\n", to: 1) }
  }
}
