import ArgumentParser
import LuaslackCore
import Posix

struct Notify: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "notify", abstract: "Send any program's text, by the same way as a ban.",
    discussion: """
      Examples:
        df -h | luaslack notify --title 'Disks of this host'
        luaslack notify --title 'Backup failed' --severity critical < backup.log
        luaslack notify --run -- backup.sh --all      a message if it fails
        luaslack notify --run --on always --to ops --title Backup -- backup.sh
        echo 'Back at 9' | luaslack notify --plain --title 'Maintenance'
        df -h | luaslack notify --title Disks --to ops --dry-run

      Reads the text from standard input, keeps its first 16 KiB, and returns once the event is safe on \
      the disk; luaslackd words and sends it. Colours and other control sequences of a terminal go. \
      Without a text a title is enough, and with --title nothing is read from a terminal.

      --run runs the program behind -- with its input and output as they are, and sends the last 16 KiB of what \
      it wrote, as a warning, if it fails. The message has its name, not its arguments. The exit status is \
      the program's, 128 and the signal's number if one ended it, 127 if it is not found, 126 if it cannot \
      be run; so it is where no message can be sent, which standard error says.

      Root, the spool's owner and members of the group luaslack-submit may. What a member sends says from \
      whom it is, is a warning at most, and is sent when luaslackd looks next, within seconds.
      """)

  @Option(
    parsing: .unconditional, help: ArgumentHelp("One line, shown in bold.", valueName: "text"))
  var title: String?
  @Option(
    help: ArgumentHelp("info, warning or critical.", valueName: "severity"),
    completion: Completions.severities)
  var severity: String?
  @Option(
    parsing: .unconditionalSingleValue,
    help: ArgumentHelp(
      "A field of your own; may be repeated. Without a name it is called field.",
      valueName: "name=text"))
  var field: [String] = []
  @Flag(help: "The text is words: show it as such, not as code.")
  var plain = false
  @Flag(name: .customLong("run"), help: "Run the program behind --, and tell how it ended.")
  var runsProgram = false
  @Option(
    help: ArgumentHelp(
      "--run: when to tell: failure (if not given), success or always.", valueName: "when"),
    completion: .list(When.allCases.map(\.rawValue)))
  var on: When?
  @OptionGroup var sending: SendingOptions
  @OptionGroup var places: LocationOptions
  @Argument(
    parsing: .postTerminator,
    help: ArgumentHelp("--run: the program and its arguments.", valueName: "program"))
  var command: [String] = []

  /// Of a program that was run.
  enum When: String, ExpressibleByArgument, CaseIterable {
    case failure, success, always

    func includes(_ run: ProgramRun) -> Bool {
      self == .always || (self == .failure) == run.hasFailed
    }
  }

  func validate() throws {
    guard severity == nil || severity.flatMap(Severity.init(rawValue:)) != nil else {
      throw ValidationError("--severity takes info, warning or critical, not '\(severity ?? "")'")
    }
    _ = try RecordEvent.waitSeconds(sending.wait)
    guard runsProgram else {
      if on != nil { throw ValidationError("--on says when --run tells") }
      if !command.isEmpty { throw ValidationError("--run runs what stands behind --") }
      return
    }
    if command.isEmpty { throw ValidationError("--run needs a program: --run -- backup.sh") }
    if command[0].isEmpty {
      throw ValidationError(
        "the name of the program behind -- is empty, perhaps a variable that is not set")
    }
    if sending.dryRun {
      throw ValidationError(
        "--dry-run runs nothing; try the message with a text: "
          + "echo text | luaslack notify --dry-run")
    }
  }

  func run() throws {
    if runsProgram { return try runProgram() }
    var record = record()
    setText(&record)
    guard record.hasWords else {
      Self.fail(.usage, "nothing to send: the text on standard input is empty, and no --title")
    }
    try RecordEvent.run(
      record, locations(), isDryRun: sending.dryRun,
      waitSeconds: try RecordEvent.waitSeconds(sending.wait))
  }

  private func record() -> EventRecord {
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: Clock.now())
    record.setTitle(title.map(TerminalText.plain))
    record.severity = severity.flatMap(Severity.init(rawValue:))
    record.set(.host, sending.host)
    record.isPlain = plain
    for text in field { record.setField(text) }
    if field.count > record.fields.count, record.fields.count == EventRecord.fieldCountLimit {
      Process.print("luaslack: of the fields the first \(record.fields.count) are kept\n", to: 2)
    }
    record.destinations = sending.destinations
    return record
  }

  private func runProgram() throws {
    // As they were given: text of the parser's would be another where they are not UTF-8.
    let arguments = Process.arguments
    let separator = arguments.firstIndex(of: Array("--".utf8)) ?? arguments.endIndex - 1
    let (run, output) = RunProgram.run(Array(arguments[(separator + 1)...]))
    if (on ?? .failure).includes(run.ended) {
      var record = record()
      record.run = run.ended
      if title == nil { record.setTitle(run.ended.title) }
      if severity == nil { record.severity = run.ended.hasFailed ? .warning : .info }
      let (text, leftOut) = output.text()
      if !text.isEmpty { record.setMatches(text, leftOut: leftOut) }
      RunProgram.tell(
        record, spool: places.spool, config: places.config,
        waitSeconds: try RecordEvent.waitSeconds(sending.wait))
    }
    throw ExitCode(run.status)
  }

  private func locations() -> Locations {
    do throws(Locations.Unknown) {
      return try Locations.submitting(spool: places.spool, config: places.config)
    } catch {
      Luaslack.fail(.usage, "\(error)")
    }
  }

  private func setText(_ record: inout EventRecord) {
    // Somebody who types has said what there is to say.
    if title != nil, Terminal.isTerminal(0) { return }
    let (text, leftOut) = StandardInput.lines(limit: EventRecord.matchesLimit)
    let plain = TerminalText.plain(text)
    guard !plain.isEmpty else { return }
    record.setMatches(plain, leftOut: leftOut)
    if record.matchesLeftOut > 0 {
      Process.print(
        "luaslack: of the text the first 16 KiB are kept, \(record.matchesLeftOut) bytes are left out\n",
        to: 2)
    }
  }
}
