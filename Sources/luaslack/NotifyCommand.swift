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
        luaslack notify --title 'Backup done' --field job=nightly --wait < /dev/null
        df -h | luaslack notify --title Disks --to ops --dry-run

      Reads the text from standard input, keeps its first 16 KiB, and returns once the event is safe on \
      the disk; luaslackd words and sends it. Colours and other control sequences of a terminal go. \
      Without a text a title is enough, and with --title nothing is read from a terminal.

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
    help: ArgumentHelp("A field of your own; may be repeated.", valueName: "name=text"))
  var field: [String] = []
  @OptionGroup var sending: SendingOptions
  @OptionGroup var places: LocationOptions

  func validate() throws {
    guard severity == nil || severity.flatMap(Severity.init(rawValue:)) != nil else {
      throw ValidationError("--severity takes info, warning or critical, not '\(severity ?? "")'")
    }
  }

  func run() throws {
    let waitSeconds = try RecordEvent.waitSeconds(sending.wait)
    var record = EventRecord(kind: .notify, jail: "", acceptedAt: Clock.now())
    record.setTitle(title.map(TerminalText.plain))
    record.severity = severity.flatMap(Severity.init(rawValue:))
    record.set(.host, sending.host)
    for text in field { record.setField(text) }
    record.destinations = sending.destinations
    setText(&record)
    guard record.hasWords else {
      Self.fail(.usage, "nothing to send: the text on standard input is empty, and no --title")
    }
    try RecordEvent.run(
      record, locations(), isDryRun: sending.dryRun, waitSeconds: waitSeconds)
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
