import ArgumentParser
import LuaslackCore
import Posix

struct ReplayCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "replay", abstract: "What formatters would have made of last night's bans.",
    discussion: """
      Examples:
        luaslack replay                       the last 24 hours
        luaslack replay --since 2026-11-20 --jail 'nginx-*'
        luaslack replay --from copy.sqlite3 --since 7d --json
        luaslack replay --config new.toml     with a config that is not in effect yet

      Reads fail2ban's own database, which goes back one day unless fail2ban's dbpurgeage says more, and \
      prints each ban's message, where it would have gone and, as far as the pace decides it, which \
      digest would have told of it; then the counts. Nothing is sent or recorded, and the \
      database is only read, fail2ban running or not. Times are UTC.

      With --json a line each: {event, payload, destinations}, {digest, payload, destinations} and \
      at last {summary}.

      Exit status: 0, 65 the database is not one of fail2ban's, 66 it cannot be read, 75 it is being \
      written, 78 the config is wrong.
      """)

  @Option(help: ArgumentHelp("fail2ban's database.", valueName: "file"))
  var from = Fail2banDatabase.usualPath
  @Option(
    help: ArgumentHelp("From when on: 24h, 7d, 2026-11-20 or 2026-11-20T22:00.", valueName: "time"))
  var since = "24h"
  @Option(help: ArgumentHelp("Until when; all that is there if not given.", valueName: "time"))
  var until: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("These jails alone; * and ? are patterns.", valueName: "names"))
  var jail: [String] = []
  @Option(help: ArgumentHelp("The newest so many; 1 to 50000.", valueName: "n"))
  var limit = 10_000
  @Flag(help: "With the log lines, as the action luaslack-lines hands them over.")
  var lines = false
  @Flag(help: "Print JSON, a line each.")
  var json = false
  @OptionGroup var places: LocationOptions

  func validate() throws {
    guard (1...50_000).contains(limit) else {
      throw ValidationError("--limit takes a number from 1 to 50000")
    }
    _ = try time(since, "--since")
    _ = try until.map { try time($0, "--until") }
  }

  /// Seconds since 1970: a span before now, or a date.
  private func time(_ text: String, _ option: String) throws -> Int64 {
    if let seconds = Seconds.parse(text) { return Clock.now() / 1_000_000 - Int64(seconds) }
    guard let date = Timestamp.seconds(of: text) else {
      throw ValidationError(
        "\(option) takes a time like 24h, 7d, 2026-11-20 or 2026-11-20T22:00, not '\(text)'")
    }
    return date
  }

  func run() throws {
    let wanted = Fail2banDatabase.Wanted(
      since: try time(since, "--since"), until: try until.map { try time($0, "--until") },
      jails: jail.flatMap(EventOptions.destinations), limit: limit, withLines: lines)
    // Before root becomes the spool's owner, who may not read it.
    let bans: Fail2banDatabase.Bans
    do throws(Fail2banDatabase.Unusable) {
      bans = try Fail2banDatabase.bans(from, wanted)
    } catch {
      Luaslack.fail(error.status, "\(error)")
    }
    throw ExitCode(
      Delegate.run(
        "replay", json ? ["--json"] : [], places.locations(), input: bans.bytes))
  }
}
