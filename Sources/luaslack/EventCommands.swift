import ArgumentParser
import LuaslackCore

struct Ban: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "ban", abstract: "An address was banned.",
    discussion: "Example:\n  luaslack ban --user=root -- sshd 203.0.113.7 5")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String
  @Argument(help: "How many failures led to it.") var failures: String = "0"

  func run() throws {
    try RecordEvent.run(options.record(.ban, jail: jail, ip: ip, failures: failures), options)
  }
}

struct Unban: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "unban", abstract: "A ban is over.")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String

  func run() throws {
    try RecordEvent.run(options.record(.unban, jail: jail, ip: ip, failures: nil), options)
  }
}

struct Prolong: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "prolong", abstract: "A ban was made longer.")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String
  @Argument(help: "The address.") var ip: String

  func run() throws {
    try RecordEvent.run(options.record(.prolong, jail: jail, ip: ip, failures: nil), options)
  }
}

struct JailStart: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jail-start", abstract: "A jail was started.")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String

  func run() throws {
    try RecordEvent.run(options.record(.jailStart, jail: jail, ip: "", failures: nil), options)
  }
}

struct JailStop: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jail-stop", abstract: "A jail was stopped.")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String

  func run() throws {
    try RecordEvent.run(options.record(.jailStop, jail: jail, ip: "", failures: nil), options)
  }
}

struct JailFlush: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "jail-flush", abstract: "A jail lifted all its bans at once.")

  @OptionGroup var options: EventOptions
  @Argument(help: "The jail.") var jail: String

  func run() throws {
    try RecordEvent.run(options.record(.jailFlush, jail: jail, ip: "", failures: nil), options)
  }
}
