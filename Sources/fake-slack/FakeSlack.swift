import ArgumentParser
import Foundation

/// The loopback Slack of the demo and the tests: listens on 127.0.0.1 only, keeps what it is sent
/// in memory, and fails on request. Development only; never installed, never a real network.
@main
struct FakeSlack: AsyncParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "fake-slack",
    abstract: "A Slack on loopback, for the demo and the tests.",
    discussion: """
      POST /services/…            an incoming webhook, answered as Slack does
      POST /api/chat.postMessage  the same with a bot token
      GET  /messages[?accepted=1] every request so far, as a JSON array
      POST /control               a rule, such as {"mode":"hang","seconds":9}
      POST /reset[?rules=1]       forget the requests (and the rules)
      GET  /health                is it there?

      Modes, each with its keys:
        ok, close, reset_before, reset_after, truncated, html, redirect
        status (status, body, headers), rate (per_second, burst)
        hang, delay, trickle (seconds)
        mixed (of: an array of rules, share: how many of 1 get one of them, seed)
      Keys of every rule:
        path    this path only; "/services/T1/*" for all below it
        times   after so many requests back to ok
        accept  the message counts as posted, whatever the answer says
      A rule lasts until one for the same path replaces it.
      """)

  @Option(help: "The port to listen on; 0 takes a free one.")
  var port: UInt16 = 0

  @Option(help: "Where to write the port number once requests are answered.")
  var portFile: String?

  @Option(help: "Append every request to this file, one line of JSON each.")
  var record: String?

  @Flag(help: "Print each accepted message on stdout, for people.")
  var pretty = false

  @Option(help: "End by itself after this many seconds.")
  var maxSeconds: Double = 600

  func validate() throws {
    // Beyond a day nothing is a test any more, and the sleep must not overflow.
    guard maxSeconds > 0, maxSeconds <= 86_400 else {
      throw ValidationError("--max-seconds must be between 0 and 86400.")
    }
  }

  func run() async throws {
    Lifetime.begin(maximum: .seconds(maxSeconds))
    let transcript =
      pretty ? Transcript(terminal: Terminal(colours: Terminal.stdoutHasColours)) : nil
    let workspace = try Workspace(log: record.map(RequestLog.init(path:)), transcript: transcript)
    // Foundation's first JSON costs some 20 ms, which must not be measured as somebody else's.
    _ = try JSON(parsing: Array(#"{"text":"warm"}"#.utf8)).jsonLine()
    let server = try await Server(port: port, workspace: workspace)
    try await server.run { port in
      guard let portFile else { return print("listening on 127.0.0.1:\(port)") }
      try Data("\(port)\n".utf8).write(to: URL(filePath: portFile), options: .atomic)
    }
  }
}
