import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix
import SQLite

/// Answers for `luaslack report --dry-run` and `--json`: counts in a database that it only reads.
struct ReportAnswer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Print what a report would say.", shouldDisplay: false)

  @OptionGroup var options: LocationOptions
  /// Seconds.
  @Option var length = 86_400
  @Option(parsing: .unconditionalSingleValue) var to: [String] = []
  @Flag var json = false

  func run() throws {
    let locations = try options.locations()
    let configuration = try Trial.configuration(locations.config)
    let known = configuration.destinations.keys.sorted()
    for name in to where !known.contains(name) {
      throw fail(.data, "there is no destination \(name)" + Nearest.hint(name, known))
    }
    let now = Clock.now()
    let previewer = Previewer(configuration, host: Process.hostName, now: now)
    let period = ReportPeriod(until: now / 1_000_000, length: length)
    do throws(SystemError) {
      _ = try FileStatus.of(locations.database)
    } catch {
      throw error.isMissing
        ? fail(.noInput, "nothing was recorded yet: there is no \(locations.database)")
        : fail(.noPermission, "\(locations.database): \(error)")
    }
    do throws(DatabaseError) {
      let report = try previewer.report(
        of: period, to: to, try Queue(reading: locations.database))
      if json { return Process.print(JSONWriter.pretty(report.figures), to: 1) }
      Trial.show(previewer, report.scene)
    } catch {
      throw fail(.unavailable, "\(locations.database): \(error)")
    }
  }

  private func fail(_ status: ExitStatus, _ problem: String) -> ExitCode {
    Process.print("luaslack: \(PlainText.line(problem))\n", to: 2)
    return ExitCode(status.rawValue)
  }
}
