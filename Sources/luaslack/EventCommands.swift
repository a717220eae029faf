import ArgumentParser
import LuaslackCore

/// A command that records an event: all of them but for `ban` differ in the kind alone.
protocol EventCommand: ParsableCommand {
  static var kind: EventKind { get }
  var options: EventOptions { get }
  var ban: BanOptions { get }
  var jail: String { get }
  /// Empty for an event of a jail.
  var ip: String { get }
  var failures: String? { get }
}

extension EventCommand {
  var ip: String { "" }
  var failures: String? { nil }

  func run() throws {
    var record = options.record(Self.kind, jail: jail, ip: ip, failures: failures)
    ban.add(to: &record)
    try RecordEvent.run(record, options)
  }

  fileprivate static func described(
    _ name: String, _ abstract: String, examples: String...
  ) -> CommandConfiguration {
    let lines = examples.map { "\n  luaslack \(name) \($0)" }.joined()
    return CommandConfiguration(
      commandName: name, abstract: abstract,
      discussion: """
        \(examples.count > 1 ? "Examples" : "Example"):\(lines)

        Keeps the event on the disk and returns; luaslackd words and sends it. What stands behind -- is \
        never taken for an option.

        Exit status: 0 the event is safe, 64 the command line is wrong, 69 --wait: it was given up, \
        75 it could not be kept; --wait: it is not delivered yet.
        """)
  }
}

struct Ban: EventCommand {
  static let kind = EventKind.ban
  static let configuration = described(
    "ban", "An address was banned.",
    examples: "-- sshd 203.0.113.7 5",
    "--dry-run -- sshd 203.0.113.7 5    print it, send nothing",
    "--user=root --bantime=600 --wait -- sshd 203.0.113.7 5")

  @OptionGroup var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
  @Argument(help: "How many failures led to it; 0 if not given.") var failures: String?
}

struct Unban: EventCommand {
  static let kind = EventKind.unban
  static let configuration = described(
    "unban", "A ban is over.", examples: "-- sshd 203.0.113.7")

  @OptionGroup var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
}

struct Prolong: EventCommand {
  static let kind = EventKind.prolong
  static let configuration = described(
    "prolong", "A ban was made longer.", examples: "--bantime=3600 -- sshd 203.0.113.7")

  @OptionGroup var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
}

struct JailStart: EventCommand {
  static let kind = EventKind.jailStart
  static let configuration = described("jail-start", "A jail was started.", examples: "sshd")

  @OptionGroup(visibility: .private) var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}

struct JailStop: EventCommand {
  static let kind = EventKind.jailStop
  static let configuration = described("jail-stop", "A jail was stopped.", examples: "sshd")

  @OptionGroup(visibility: .private) var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}

struct JailFlush: EventCommand {
  static let kind = EventKind.jailFlush
  static let configuration = described(
    "jail-flush", "A jail lifted all its bans at once.", examples: "sshd")

  @OptionGroup(visibility: .private) var ban: BanOptions
  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}
