import ArgumentParser
import LuaslackCore

struct HistoryCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "history", abstract: "What is kept of events that were told.",
    discussion: "Example:\n  luaslack history forget 203.0.113.7", subcommands: [HistoryForget.self]
  )
}

struct HistoryForget: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "forget", abstract: "Remove what is known of an address.",
    discussion: """
      Example:
        luaslack history forget 203.0.113.7

      Its events go, with their messages, attempts and what formatters did; what Slack was told stays \
      there. Refused while one of its messages is still to be sent.
      """)

  @Argument(
    help: ArgumentHelp("The address, or fail2ban's id.", valueName: "ip"),
    completion: Completions.addresses)
  var address: String
  @OptionGroup var places: LocationOptions

  func run() throws {
    var request = QueueRequest(.forget)
    request.address = Network(address) == nil ? address : address.lowercased()
    try Ask.run(request, places.locations(), of: "event", done: "forgotten")
  }
}
