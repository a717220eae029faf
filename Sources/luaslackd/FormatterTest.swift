import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix

/// Answers for `luaslack formatter test`.
struct FormatterTest: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "formatter-test", abstract: "Run formatters on their cases.", shouldDisplay: false)

  @OptionGroup var options: LocationOptions
  @Flag var record = false
  /// The config was named by the caller, so that it must be there.
  @Flag var configGiven = false
  /// Permissions that no new file is to have.
  @Option var mask: UInt32 = 0o077
  @Argument var path: String?

  func run() throws {
    let configuration = try ConfigurationReader.read(
      try options.locations().config, isNeeded: configGiven || path == nil)
    var run: CaseRun
    do throws(FormatterSuite.Nothing) {
      let suite = try FormatterSuite(path ?? configuration.formattersDirectory, configuration)
      run = CaseRun(suite, recordingWith: record ? 0o644 & ~mask : nil)
    } catch {
      Self.say("\(error)")
      throw ExitCode(ExitStatus.noInput.rawValue)
    }
    var (count, failed, recorded) = (0, 0, 0)
    run.run { report in
      count += report.count
      if report.hasFailed { failed += report.count }
      if report.isRecorded { recorded += 1 }
      Process.print(report.text(hasColour: Screen.standardOutput.hasColour), to: 1)
    }
    for note in run.notes { Self.say(note) }
    guard count > 0 else {
      Self.say("there is no case; `luaslack formatter new` makes a formatter with one")
      throw ExitCode(ExitStatus.noInput.rawValue)
    }
    let parts =
      ["\(count) case\(count == 1 ? "" : "s")", "\(failed == 0 ? "none" : "\(failed)") failed"]
      + (recorded == 0 ? [] : ["\(recorded) recorded"])
    Process.print(parts.joined(separator: ", ") + "\n", to: 1)
    if failed > 0 { throw ExitCode(ExitStatus.data.rawValue) }
  }

  private static func say(_ text: String) {
    Process.print("luaslack: \(PlainText.marked(text))\n", to: 2)
  }
}

/// Answers for `luaslack formatter new`.
struct FormatterNew: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "formatter-new", abstract: "Write a formatter to begin with.", shouldDisplay: false
  )

  @OptionGroup var options: LocationOptions
  @Option var from: String?
  @Option var mask: UInt32 = 0o077
  /// The config was named by the caller, and so is in the commands to type next.
  @Flag var configGiven = false
  @Argument var name: String

  func run() throws {
    let path = try options.locations().config
    let configuration = try ConfigurationReader.read(path, isNeeded: true)
    do throws(NewFormatter.Refused) {
      let new = try NewFormatter(name, from: from, configuration)
      for path in try new.write(mask: mask) { Process.print("wrote \(path)\n", to: 1) }
      let places = configGiven ? " --config \(path)" : ""
      Process.print(
        """

        \(new.runs ? "It counts from now on" : "It counts once the config's formatters list \"local\""). \
        Change it, then:
          luaslack preview\(places) --event \(new.eventPath)
          luaslack formatter test\(places)

        """, to: 1)
    } catch {
      Process.print("luaslack: \(PlainText.marked(error.description))\n", to: 2)
      throw ExitCode(error.status.rawValue)
    }
  }
}

extension ConfigurationReader {
  /// The defaults in place of one that is not there and need not be; ends the program for any other fault.
  fileprivate static func read(_ path: String, isNeeded: Bool) throws -> Configuration {
    do throws(ConfigurationError) {
      return try read(path)
    } catch {
      if error.isMissing, !isNeeded { return Configuration(path: path) }
      Screen.standardError.print(Finding.all(error), opening: "luaslack: ")
      throw ExitCode(ExitStatus.configuration.rawValue)
    }
  }
}
