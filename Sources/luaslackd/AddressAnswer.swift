import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix

/// Answers for `luaslack doctor`: what the databases of addresses are, and whether the resolver answers.
struct AddressAnswer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "addresses", abstract: "Tell what can be looked up about addresses.",
    shouldDisplay: false)

  @OptionGroup var options: LocationOptions

  func run() throws {
    let configuration = try ConfigurationReader.read(try options.locations().config)
    let lookup = AddressLookup(directory: nil)
    var value: Value = ["databases": .array(databases(configuration, lookup))]
    if let settings = configuration.reverseNames {
      value["resolver"] = [
        "server": settings.server.map { .string($0) } ?? .null,
        "timeout_ms": .int(Int64(settings.milliseconds)),
        "answers": .bool(answers(settings, lookup)),
      ]
    }
    Process.print(JSONWriter.pretty(value), to: 1)
  }

  /// One after the other: each is in memory meanwhile.
  private func databases(_ configuration: Configuration, _ lookup: AddressLookup) -> [Value] {
    configuration.geo.databases.map { path in
      _ = lookup.open([path])
      let about = lookup.about(path)
      return [
        "path": .string(path), "problem": lookup.problems[path].map { .string($0) } ?? .null,
        "type": .string(about?.type ?? ""),
        "built_at": .int(Int64(clamping: about?.builtAt ?? 0)),
      ]
    }
  }

  /// About the host itself, which no resolver has to ask others for. That there is no such name is an answer.
  private func answers(
    _ settings: Configuration.ReverseNames, _ lookup: AddressLookup
  ) -> Bool {
    guard let host = Network("127.0.0.1") else { return false }
    let answers = lookup.names(
      of: [host], server: settings.server, milliseconds: settings.milliseconds)
    return answers[host].map { $0 != .unanswered } ?? false
  }
}
