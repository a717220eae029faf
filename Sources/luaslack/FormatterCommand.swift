import ArgumentParser
import LuaslackCore
import Posix

struct FormatterCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "formatter", abstract: "Begin a formatter, and test it.",
    discussion: """
      Examples:
        luaslack formatter new 50-colours     a starter, with its first case
        luaslack preview --watch              what it makes, again with each save
        luaslack formatter test               does it still make what it made

      A case is an event and the payload that is wanted of it. What a formatter can use is told by \
      `luaslack help formatter`.
      """,
    subcommands: [FormatterTestCommand.self, FormatterNewCommand.self])
}

struct FormatterTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "test", abstract: "Run formatters on their cases.",
    discussion: """
      Examples:
        luaslack formatter test                  all of yours
        luaslack formatter test 50-own.lua       one file, with the cases beside it
        luaslack formatter test scripts/         folders with a formatter.lua each
        luaslack formatter test --record         write what they make now

      A case of 50-own.lua is a folder cases/50-own/NAME/ with an event.json, which is what happened, \
      and a payload.json, which is what must come of it, byte for byte. Formatters run as in earnest, \
      under the config's limits, but always at the event's own time, and in UTC where the config \
      names no time zone.

      With --record each payload.json that differs or is missing is written anew, and the cases \
      fail all the same: look at what changed, then run again.

      Exit status: 0 all as recorded, 65 a case failed, 66 there is no case, 78 the config is wrong.
      """)

  @Flag(help: "Write each payload.json anew that differs.")
  var record = false
  @Argument(
    help: ArgumentHelp(
      "Formatters with their cases, or one of yours by its name.", valueName: "dir"),
    completion: Completions.formatters)
  var path: String?
  @OptionGroup var places: LocationOptions

  func run() throws {
    let options = record ? ["--record"] : []
    throw ExitCode(
      Delegate.run(
        "formatter-test", options + places.caller + ["--"] + [path].compactMap { $0 },
        places.withoutSpool(), asOwner: false))
  }
}

struct FormatterNewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "new", abstract: "Begin a formatter, with a case of it.",
    discussion: """
      Examples:
        luaslack formatter new 50-colours                one to fill in
        luaslack formatter new 50-line --from minimal    a copy of a shipped one

      Writes NAME.lua into formatters/ beside the config, where it counts at once, and its first case \
      into cases/NAME/. Formatters run in the order of their names. Nothing that is there is touched.

      Exit status: 0 done, 64 the name will not do or is taken, 75 it cannot be written, 78 the config is \
      wrong.
      """)

  @Option(
    help: ArgumentHelp("The shipped formatter to copy.", valueName: "name"),
    completion: Completions.shipped)
  var from: String?
  @Argument(help: "Its name: letters, digits, - and _.")
  var name: String
  @OptionGroup var places: LocationOptions

  func run() throws {
    throw ExitCode(
      Delegate.run(
        "formatter-new", (from.map { ["--from=\($0)"] } ?? []) + places.caller + ["--", name],
        places.withoutSpool(), asOwner: false))
  }
}

extension LocationOptions {
  /// For what needs no spool, so that a user without a home may do it as well.
  func withoutSpool() -> Locations {
    do throws(Locations.Unknown) {
      return try Locations.current(spool: spool ?? "/nonexistent", config: config)
    } catch {
      Luaslack.fail(.usage, "\(error)")
    }
  }

  /// What luaslackd is told of who called, to write files for them.
  fileprivate var caller: [String] {
    ["--mask=\(Process.callersMask)"] + (config == nil ? [] : ["--config-given"])
  }
}
