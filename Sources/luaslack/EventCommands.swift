import ArgumentParser
import LuaslackCore

/// A command that records an event: all of them but for `ban` differ in the kind alone.
protocol EventCommand: ParsableCommand {
  static var kind: EventKind { get }
  var options: EventOptions { get }
  var jail: String { get }
  /// Empty for an event of a jail.
  var ip: String { get }
  var failures: String? { get }
}

extension EventCommand {
  var ip: String { "" }
  var failures: String? { nil }

  func run() throws {
    let record = options.record(Self.kind, jail: jail, ip: ip, failures: failures)
    try RecordEvent.run(record, options)
  }

  fileprivate static func described(
    _ name: String, _ abstract: String, example: String
  ) -> CommandConfiguration {
    CommandConfiguration(
      commandName: name, abstract: abstract, discussion: "Example:\n  luaslack \(name) \(example)")
  }
}

struct Ban: EventCommand {
  static let kind = EventKind.ban
  static let configuration = described(
    "ban", "An address was banned.", example: "--user=root -- sshd 203.0.113.7 5")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
  @Argument(help: "How many failures led to it; 0 if not given.") var failures: String?
}

struct Unban: EventCommand {
  static let kind = EventKind.unban
  static let configuration = described(
    "unban", "A ban is over.", example: "-- sshd 203.0.113.7")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
}

struct Prolong: EventCommand {
  static let kind = EventKind.prolong
  static let configuration = described(
    "prolong", "A ban was made longer.", example: "--bantime=3600 -- sshd 203.0.113.7")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
}

struct JailStart: EventCommand {
  static let kind = EventKind.jailStart
  static let configuration = described("jail-start", "A jail was started.", example: "sshd")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}

struct JailStop: EventCommand {
  static let kind = EventKind.jailStop
  static let configuration = described("jail-stop", "A jail was stopped.", example: "sshd")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}

struct JailFlush: EventCommand {
  static let kind = EventKind.jailFlush
  static let configuration = described(
    "jail-flush", "A jail lifted all its bans at once.", example: "sshd")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
}
