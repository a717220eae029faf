import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix

/// Answers for `luaslack replay`: formatters, routes and pace on the bans on standard input.
struct ReplayBans: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay",
    abstract: "Print what would have been sent for the bans on standard input.",
    shouldDisplay: false)

  @OptionGroup var options: LocationOptions
  @Flag var json = false

  /// Bytes; `luaslack` hands over less.
  private static let limit = 1 << 30

  func run() throws {
    let input = try FileDescriptor.standardInput().readAll(limit: Self.limit)
    guard let bans = Fail2banDatabase.Bans(input) else {
      throw ExitCode(ExitStatus.data.rawValue)
    }
    let configuration = try Trial.configuration(try options.locations().config)
    let replay = Replay(
      bans, configuration, host: Process.hostName, now: Clock.now(),
      lookup: AddressLookup(directory: nil))
    Process.print(replay.output, to: 2)
    replay.report(json: json) { Process.print($0, to: 1) }
    for remark in replay.prose { Process.print("luaslack: \(remark)\n", to: 2) }
    Screen.standardError.print(replay.findings, opening: "luaslack: ")
  }
}

/// What trials of formatters begin with, and a dry run ends with.
enum Trial {
  /// The payload on standard output, all else on standard error.
  static func show(_ previewer: Previewer, _ scene: Scene) {
    guard let preview = previewer.previews(scene).first else { return }
    Screen.standardError.print(preview.problems + preview.findings, opening: "luaslack: ")
    for remark in previewer.listProblems + preview.notes {
      Process.print("luaslack: \(remark)\n", to: 2)
    }
    Process.print(preview.output, to: 2)
    if let message = preview.message { Process.print(JSONWriter.pretty(message), to: 1) }
  }

  /// A trial needs no configuration; a wrong one is said to be wrong.
  static func configuration(_ path: String) throws -> Configuration {
    do throws(ConfigurationError) {
      return try ConfigurationReader.read(path)
    } catch {
      Screen.standardError.print(Finding.all(error), opening: "luaslack: ")
      guard error.isMissing else { throw ExitCode(ExitStatus.configuration.rawValue) }
      Process.print("luaslack: going on with the defaults\n", to: 2)
      return Configuration(path: path)
    }
  }
}
