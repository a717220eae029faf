import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "How often an address, a network or a jail had bans.",
    discussion: """
      Examples:
        luaslack history 203.0.113.7           bans of an address, and when
        luaslack history 203.0.113.0/24        of a network
        luaslack history sshd                  of a jail
        luaslack history forget 203.0.113.7    remove what is known of an address
      """,
    subcommands: [HistoryShow.self, HistoryForget.self], defaultSubcommand: HistoryShow.self)
}

struct HistoryShow: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "show", abstract: "Bans and failures in 1 h, 24 h, 7 and 30 days (the default).",
    discussion: """
      Examples:
        luaslack history 203.0.113.7         an address
        luaslack history 203.0.113.0/24      a network
        luaslack history sshd                a jail

      First and last seen, in which jails, and the newest bans. It counts what luaslack was told, as \
      long as it is kept: 90 days, or what the config's `history` says.

      Exit status: 0 something is known, 66 nothing is, 77 you may not ask.
      """)

  @Argument(
    help: ArgumentHelp("An address, a network or a jail.", valueName: "ip|cidr|jail"),
    completion: Completions.addresses)
  var subject: String
  @Flag(help: "Print JSON.")
  var json = false
  @OptionGroup var places: LocationOptions

  func validate() throws {
    if subject.isEmpty { throw ValidationError("name an address, a network or a jail") }
  }

  func run() throws {
    let wanted = Network(subject).map(HistoryView.Subject.network) ?? .name(subject)
    let queue = OpenQueue.reading(places.locations(), for: "the history")
    let view = OpenQueue.read { () throws(DatabaseError) in
      try queue?.history(of: wanted, now: Clock.now() / 1_000_000)
    }
    guard let view = view ?? nil else {
      let isAlmost = subject.contains("/") && Network(subject) == nil
      Luaslack.fail(
        .noInput,
        "nothing is known of \(PlainText.line(subject))"
          + (isAlmost ? ", which is no network and no jail's name" : ""))
    }
    Process.print(json ? JSONWriter.pretty(view.value) : view.text, to: 1)
  }
}

struct HistoryForget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Remove what is known of an address.",
    discussion: """
      Example:
        luaslack history forget 203.0.113.7

      Its events go, with their messages, attempts and what formatters did; what Slack was told stays \
      there. Refused while one of its messages is still to be sent. Of a network goes what was banned as \
      such; the addresses in it are forgotten one by one.
      """)

  @Argument(
    help: ArgumentHelp("The address, or fail2ban's id.", valueName: "ip"),
    completion: Completions.addresses)
  var address: String
  @OptionGroup var places: LocationOptions

  func run() throws {
    var request = QueueRequest(.forget)
    request.address = address
    try Ask.run(request, places.locations(), of: "event", done: "forgotten")
  }
}
