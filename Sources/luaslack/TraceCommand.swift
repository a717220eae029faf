import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct TraceCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "trace", abstract: "What became of an event: from fail2ban to Slack.",
    discussion: """
      Examples:
        luaslack trace 203.0.113.7     the newest events of an address
        luaslack trace 12              one message, as `queue list` numbers it

      When it was accepted and whether it came again, what each formatter did, where it goes, which \
      message tells of it, each attempt with Slack's word, and the next one. Where nothing is known of \
      an address, what fail2ban's log and its configuration (`fail2ban-client -d`) say about it.
      """)

  @Argument(
    help: ArgumentHelp("An address, fail2ban's id, or a message's number.", valueName: "ip|id"),
    completion: Completions.addressesAndMessages)
  var what: String
  @Flag(help: "Print JSON, for programs.")
  var json = false
  @Option(help: ArgumentHelp("fail2ban's log.", valueName: "file"))
  var fail2banLog = "/var/log/fail2ban.log"
  @Option(help: ArgumentHelp("fail2ban's client.", valueName: "file"))
  var fail2banClient = "/usr/bin/fail2ban-client"
  @OptionGroup var places: LocationOptions

  func run() throws {
    let locations = places.locations()
    // Before root becomes the spool's owner, who may not read it.
    let log = try? FileDescriptor.open(reading: fail2banLog)
    let queue = OpenQueue.reading(locations, for: "a trace")
    if what.allSatisfy(\.isASCII), let id = Int64(what) {
      let trace = OpenQueue.read { () throws(DatabaseError) in try queue?.trace(delivery: id) }
      guard let trace = trace ?? nil else { Luaslack.fail(.data, "there is no message \(id)") }
      return report(Answer(events: [trace], total: 1))
    }
    var answer = Answer()
    if let queue {
      answer = OpenQueue.read { () throws(DatabaseError) in
        Answer(
          events: try queue.trace(address: what),
          total: try queue.eventCount(address: what))
      }
    }
    answer.notTakenIn = NotTakenIn.events(of: what, locations)
    if answer.events.isEmpty, answer.notTakenIn.isEmpty {
      // As the log has it.
      let address = Network(what)?.description ?? what
      let bytes = try? log?.readTail(limit: Fail2banLog.tail)
      answer.unknown = Unknown(
        address: address, path: fail2banLog, log: bytes.map { Fail2banLog($0, address: address) },
        setup: setup())
    }
    report(answer)
  }

  private struct Answer {
    var events: [EventTrace] = []
    var total = 0
    var notTakenIn: [EventRecord] = []
    var unknown: Unknown?
  }

  private func report(_ answer: Answer) {
    if json {
      let value: Value = [
        "total": .int(Int64(answer.total)), "events": .array(answer.events.map(\.value)),
        "not_taken_in": .array(answer.notTakenIn.map(\.value)),
        "fail2ban": answer.unknown?.value ?? .null,
      ]
      return Process.print(JSONWriter.pretty(value), to: 1)
    }
    if answer.total > answer.events.count {
      Process.print("the newest \(answer.events.count) of \(answer.total) events\n", to: 1)
    }
    for event in answer.events { Process.print(event.text(withPayloads: false), to: 1) }
    for record in answer.notTakenIn {
      Process.print(
        "\(record.kind.rawValue) \(PlainText.line(record.jail)) \(PlainText.line(record.subject)): "
          + "accepted \(Timestamp.text(record.acceptedAt)), luaslackd has not taken it in yet\n",
        to: 1)
    }
    if let unknown = answer.unknown {
      Process.print("nothing is known of \(PlainText.line(what))\n\(unknown.text)", to: 1)
    }
  }

  /// Microseconds that fail2ban-client may take; it starts a Python.
  private static let patience: Int64 = 5_000_000

  /// Asks fail2ban for its configuration, which changes nothing. Nil if it does not answer in time.
  private func setup() -> Fail2banSetup? {
    let dump = Captured.run(
      fail2banClient, ["-d"], patience: Self.patience, withErrors: false)
    // What failed may have said half of it.
    guard let dump, dump.status == 0 else { return nil }
    return Fail2banSetup(dump: dump.output)
  }
}
