import ArgumentParser
import LuaslackCore
import Posix

/// What fail2ban calls and an admin types. Static, so that it starts fast; opens no socket.
@main
struct Luaslack: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "luaslack",
    abstract: "Security events from this server into Slack, worded by your own Lua.",
    discussion: """
      Examples:
        luaslack ban -- sshd 203.0.113.7 5            record a ban, to be delivered
        luaslack ban --dry-run -- sshd 203.0.113.7 5  print the message, send nothing
        luaslack preview                              a message as Slack shows it
        df -h | luaslack notify --title 'Disks'       any program's text
        luaslack check                                are formatters and config right
        luaslack formatter new 50-colours             your own wording, with a test
        luaslack replay                               what they make of last night
        luaslack send-test                            a message marked TEST
        luaslack status                               does it arrive; if not, why
        luaslack trace 203.0.113.7                    what became of its bans
        luaslack help formatter                       all that a formatter can use

      Exit status:
      \(ExitStatus.allCases.map { "  \($0.rawValue)\t\($0.meaning)" }.joined(separator: "\n"))
      """,
    version: Version.text,
    groupedSubcommands: [
      CommandGroup(
        name: "Called by fail2ban; they wait for nobody",
        subcommands: [
          Ban.self, Unban.self, Prolong.self, JailStart.self, JailStop.self, JailFlush.self,
        ]),
      CommandGroup(
        name: "Called by you",
        subcommands: [
          Notify.self, InitCommand.self, DoctorCommand.self, SendTestCommand.self,
          CheckCommand.self,
          PreviewCommand.self,
          FormatterCommand.self,
          ReplayCommand.self,
          StatusCommand.self,
          TraceCommand.self,
          QueueCommand.self,
          HistoryCommand.self, ReportCommand.self, Config.self,
        ]),
    ])

  static func main() {
    Process.prepare()
    let arguments = Array(CommandLine.arguments.dropFirst())
    if let event = QuickEvent(arguments) { return event.run() }
    let tame = arguments.map(PlainText.tamed)
    if tame == ["help", "formatter"] { return Process.print(FormatterPage.text, to: 1) }
    if tame.first == Completions.call { return Completions.answer(tame) }
    CommandNames.check(tame[...], in: configuration)
    do {
      var command = try parseAsRoot(EventArguments.normalised(tame))
      try command.run()
    } catch {
      if let help = HelpText(fullMessage(for: error)) { return Process.print(help.text, to: 1) }
      exit(withError: error)
    }
  }
}

/// Names the nearest command for one that does not exist, which the parser does for options alone.
enum CommandNames {
  static func check(_ arguments: ArraySlice<String>, in parent: CommandConfiguration) {
    let children = parent.subcommands.map { $0.configuration }
    guard let name = arguments.first, !name.hasPrefix("-"), !children.isEmpty else { return }
    if name == "help" { return check(arguments.dropFirst(), in: parent) }
    for child in children where child.commandName == name {
      return check(arguments.dropFirst(), in: child)
    }
    let known = children.compactMap { $0.commandName }
    if parent.defaultSubcommand != nil {
      // That takes one such word; of two the first is a command's name, if it is like one.
      let isAlone = arguments.dropFirst().first.map { $0.hasPrefix("-") } ?? true
      if isAlone || Nearest.of(name, known) == nil { return }
    }
    Luaslack.fail(.usage, "there is no command \"\(name)\"" + Nearest.hint(name, known))
  }
}

extension ParsableCommand {
  /// Prints `problem` as the program's own words and ends.
  static func fail(_ status: ExitStatus, _ problem: String) -> Never {
    Process.print("luaslack: \(problem)\n", to: 2)
    exit(withError: ExitCode(status.rawValue))
  }
}

/// Where things are; every command takes these.
struct LocationOptions: ParsableArguments {
  @Option(
    help: ArgumentHelp("The directory in which events wait.", valueName: "dir"),
    completion: .directory)
  var spool: String?
  @Option(
    help: ArgumentHelp("The configuration file.", valueName: "file"),
    completion: .file(extensions: ["toml"]))
  var config: String?

  func locations() -> Locations {
    do throws(Locations.Unknown) {
      return try Locations.current(spool: spool, config: config)
    } catch {
      Luaslack.fail(.usage, "\(error)")
    }
  }
}
