import ArgumentParser
import LuaslackCore
import Posix

struct SendTestCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "send-test", abstract: "Send one message marked TEST, and print Slack's word.",
    discussion: """
      Examples:
        luaslack send-test                 to the destination "default"
        luaslack send-test --to security

      luaslackd sends it the way of every other message, at the pace of its destination; it is no \
      event and does not stand in the history. Tried once. Where it arrives, what waits for a \
      destination that failed goes out too.

      Exit status: 0 it arrived, 65 there is no such destination, 69 Slack refused it, 75 not now \
      (the network, Slack's limit, no luaslackd), 78 the config or the secret is wrong.
      """)

  @Option(
    name: .customLong("to"), help: ArgumentHelp("The destination.", valueName: "name"),
    completion: Completions.destination)
  var destination = Configuration.defaultDestination
  @Flag(help: "Print JSON, for programs.")
  var json = false
  @OptionGroup var places: LocationOptions

  func run() throws {
    let result = TestMessage.send(to: destination, places.locations())
    let isDelivered = result.exit == .success
    if json {
      let value: Value = [
        "destination": .string(destination), "delivered": .bool(isDelivered),
        "word": .string(result.word),
      ]
      Process.print(JSONWriter.pretty(value), to: 1)
    } else {
      let word = PlainText.line(result.word)
      let end = isDelivered ? "delivered (\(word))" : "not delivered: \(word)"
      Process.print("\(PlainText.line(destination)): \(end)\n", to: 1)
    }
    throw ExitCode(result.exit.rawValue)
  }
}

/// Has luaslackd send a test message, and waits for what came of it.
enum TestMessage {
  typealias Result = QueueRequest.Answer.Trial

  /// Microseconds: luaslackd gives up what may not go out within a minute; the rest is for the answer.
  private static let patience: Int64 = 100_000_000
  /// The same for a luaslackd that has no config to go by, and so takes nothing in.
  private static let patienceWithoutConfig: Int64 = 2_000_000
  private static let interval: UInt32 = 5_000

  /// `isHarmless`: with nothing in it, so that Slack says only whether it would take a message.
  static func send(
    to destination: String, isHarmless: Bool = false, _ locations: Locations
  ) -> Result {
    var request = QueueRequest(isHarmless ? .probe : .sendTest)
    request.destination = destination
    let (name, wake) = Ask.send(request, locations)
    guard wake != .managed else {
      return Result(
        exit: .temporary,
        word: "no luaslackd runs, and none may be started from here; systemctl start luaslackd")
    }
    let start = Clock.monotonic()
    var queue: Queue?
    while Clock.monotonic() - start < patience {
      if queue == nil { queue = try? Queue(reading: locations.database) }
      let answer = (try? queue?.answer(to: name)) ?? nil
      if let trial = answer?.trial { return trial }
      if answer == nil, Clock.monotonic() - start > patienceWithoutConfig,
        let problem = configurationProblem(queue)
      {
        return Result(exit: .configuration, word: problem)
      }
      Clock.sleep(microseconds: interval)
    }
    return Result(
      exit: .temporary, word: "no answer within 100 s; `luaslack status` may say why")
  }

  private static func configurationProblem(_ queue: Queue?) -> String? {
    ((try? queue?.notices()) ?? nil)?.first { $0.subject == "configuration" }?.text
  }
}
