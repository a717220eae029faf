import ArgumentParser
import LuaslackCore
import Posix

struct ReportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "report", abstract: "Post what happened in a day or a week, in figures.",
    discussion: """
      Examples:
        luaslack report                          the last 24 hours
        luaslack report --since 7d --to security
        luaslack report --dry-run                print it, send nothing
        luaslack report --json                   the figures alone, for programs

      Bans, failures and other events against the period before, jails, addresses, networks, countries \
      and users with most bans, who comes again and again, and whether messages arrive. luaslackd counts \
      and sends it, whatever the config's `post` lists; `systemctl enable --now luaslack-report.timer` \
      does so each morning.

      Exit status: 0 luaslackd has made it, or will when it runs, 64 the command line is wrong, 65 there \
      is no such destination, 66 nothing was recorded yet, 69 --wait: it was given up, 75 it could not be \
      asked for; --wait: it is not delivered yet, 77 you may not ask, 78 the config is wrong.
      """)

  @Option(help: ArgumentHelp("What it tells of: 24h, 7d; from 1h to 90d.", valueName: "time"))
  var since = "24h"
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Destinations of the config, instead of its routes.", valueName: "names"),
    completion: Completions.destinations)
  var to: [String] = []
  @Flag(help: "Print the message; send nothing.")
  var dryRun = false
  @Flag(help: "Print the figures as JSON; send nothing.")
  var json = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Wait until it is delivered (30s if no time is given).", valueName: "time"))
  var wait: String?
  @OptionGroup var places: LocationOptions

  func validate() throws {
    _ = try length()
    guard [dryRun, json, wait != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("--dry-run, --json and --wait cannot go together")
    }
    _ = try RecordEvent.waitSeconds(wait)
  }

  /// Seconds.
  private func length() throws -> Int {
    guard let length = ReportPeriod.parse(since) else {
      throw ValidationError("--since takes a time from 1h to 90d, like 24h or 7d, not '\(since)'")
    }
    return length
  }

  func run() throws {
    let locations = locations()
    OwnSpool.require(locations, for: "a report")
    let destinations = to.flatMap(EventOptions.destinations)
    if dryRun || json {
      let options = ["--length=\(try length())"] + destinations.map { "--to=\($0)" }
      throw ExitCode(Delegate.run("report", options + (json ? ["--json"] : []), locations))
    }
    var request = QueueRequest(.report)
    request.period = ReportPeriod(until: Clock.now() / 1_000_000, length: try length())
    request.destinations = destinations
    let name = try Ask.run(request, locations, of: "report", done: "on its way")
    if let seconds = try RecordEvent.waitSeconds(wait) {
      try RecordEvent.wait(for: name, locations, seconds: seconds)
    }
  }

  /// Somebody without a luaslack of his own means the host's.
  private func locations() -> Locations {
    do throws(Locations.Unknown) {
      return try Locations.submitting(spool: places.spool, config: places.config)
    } catch {
      Luaslack.fail(.usage, "\(error)")
    }
  }
}
