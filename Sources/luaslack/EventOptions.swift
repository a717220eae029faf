import ArgumentParser
import LuaslackCore
import Posix

/// The options of every command that records an event, as raw text: nothing that fail2ban fills in
/// can be wrong enough to lose the event.
struct EventOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("When it happened, in seconds since 1970.", valueName: "seconds"))
  var time: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A field of your own; may be repeated. Without a name it is called field.",
      valueName: "name=text"))
  var field: [String] = []
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Several, separated by commas.", valueName: "name=text,…"))
  var fields: [String] = []
  @OptionGroup var sending: SendingOptions
  @Option(parsing: .unconditionalSingleValue, help: .private)
  var unknownOption: [String] = []
  @OptionGroup var places: LocationOptions

  func record(_ kind: EventKind, jail: String, ip: String, failures: String?) -> EventRecord {
    var record = EventRecord(kind: kind, jail: jail, ip: ip, acceptedAt: Clock.now())
    record.setFailures(failures)
    record.set(.time, time)
    record.set(.host, sending.host)
    for text in fields { record.setFields(text) }
    for text in field { record.setField(text) }
    for text in unknownOption {
      record.unknownOptions.append(record.setField(text))
    }
    record.destinations = sending.destinations
    return record
  }

  /// The names in one `--to`.
  static func destinations(_ names: String) -> [String] {
    names.split(separator: ",").map(String.init)
  }
}

/// What is known of a ban. Events of a jail take these too, as any action file may name them, and have
/// no use for them.
struct BanOptions: ParsableArguments {
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("What fail2ban bans by, if it is not the address.", valueName: "text"))
  var id: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How long the ban lasts; -1 is for good.", valueName: "seconds"))
  var bantime: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("How often the address has been banned.", valueName: "n"))
  var bancount: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("inet4 or inet6; found out if not given.", valueName: "family"),
    completion: .list(["inet4", "inet6"]))
  var family: String?
  @Option(
    parsing: .unconditional, help: ArgumentHelp("The user name that was tried.", valueName: "name"))
  var user: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("1 if fail2ban repeats a ban after a restart.", valueName: "0|1"),
    completion: .list(["0", "1"]))
  var restored: String?
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("The log lines; 16 KiB are kept.", valueName: "text"))
  var matches: String?
  @Flag(help: "Read the log lines from standard input.")
  var matchesStdin = false
  @Option(parsing: .unconditional, help: .private)
  var lines: String?

  func add(to record: inout EventRecord) {
    let values: [(EventRecord.Option, String?)] = [
      (.id, id), (.bantime, bantime), (.bancount, bancount), (.family, family), (.user, user),
      (.restored, restored), (.lines, lines),
    ]
    for (option, text) in values { record.set(option, text) }
    if let matches { record.setMatches(matches) }
    guard matchesStdin else { return }
    let (text, leftOut) = StandardInput.lines(limit: EventRecord.matchesLimit)
    record.setMatches(text, leftOut: leftOut)
  }
}

/// Where an event goes and what is done besides, for everything that records one.
struct SendingOptions: ParsableArguments {
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp("Destinations of the config, instead of its routes.", valueName: "names"),
    completion: Completions.destinations)
  var to: [String] = []
  @Option(
    parsing: .unconditional, help: ArgumentHelp("This host's name in messages.", valueName: "name"))
  var host: String?
  @Flag(help: "Print the message; send nothing.")
  var dryRun = false
  @Option(
    parsing: .unconditional,
    help: ArgumentHelp("Wait until it is delivered (30s if no time is given).", valueName: "time"))
  var wait: String?

  var destinations: [String] { to.flatMap(EventOptions.destinations) }
}

/// Standard input, of which only the beginning is kept.
enum StandardInput {
  /// Bytes read before giving up: what sends more than this does not mean to end.
  private static let most = 64 << 20

  /// `leftOut` is in bytes.
  static func lines(limit: Int) -> (text: String, leftOut: Int) {
    // A few bytes more than the limit: the last character may stand across it.
    var kept: [UInt8] = []
    var total = 0
    guard let input = try? FileDescriptor.standardInput() else { return ("", 0) }
    while total < most, let part = try? input.read(upTo: 64 * 1024), !part.isEmpty {
      total += part.count
      kept += part.prefix(max(0, limit + 4 - kept.count))
    }
    return (String(decoding: kept, as: UTF8.self), total - kept.count)
  }
}
