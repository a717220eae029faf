import LuaslackCore
import Posix

/// An event command in the form in which fail2ban's action calls it, `ban --name=value … -- operands`,
/// read without the argument parser: that takes 2 ms of the call's 3.5, most of it reflection
/// (docs/decisions/0007). Anything else is not read here, and the parser decides and finds the words.
/// Never reads a call differently from the parser: a test holds the two against each other.
struct QuickEvent {
  private var record: EventRecord
  private var spool: String?
  private var config: String?
  private var fields: [String] = []

  /// Nil for a call that is the parser's business.
  init?(_ arguments: [String]) {
    guard let command = arguments.first, let kind = Self.kind(command),
      let separator = arguments.firstIndex(of: "--")
    else { return nil }
    let operands = arguments[(separator + 1)...]
    let needed = kind.hasAddress ? 2 : 1
    guard operands.count == needed || kind == .ban && operands.count == 3 else { return nil }

    let ip = kind.hasAddress ? operands[separator + 2] : ""
    record = EventRecord(
      kind: kind, jail: operands[separator + 1], ip: ip, acceptedAt: Clock.now())
    if operands.count == 3 { record.setFailures(operands.last) }
    for argument in arguments[1..<separator] {
      guard read(argument) else { return nil }
    }
    // After the lists of them, as the parser's options have it.
    for text in fields { record.setField(text) }
  }

  func run() {
    do throws(Locations.Unknown) {
      _ = RecordEvent.accept(record, try Locations.current(spool: spool, config: config))
    } catch {
      Luaslack.fail(.usage, "\(error)")
    }
  }

  /// A `switch`: a dictionary would cost more than all of this.
  private static func kind(_ command: String) -> EventKind? {
    switch command {
    case "ban": .ban
    case "unban": .unban
    case "prolong": .prolong
    case "jail-start": .jailStart
    case "jail-stop": .jailStop
    case "jail-flush": .jailFlush
    default: nil
    }
  }

  /// False for an argument that is the parser's business. An empty value counts as not given.
  private mutating func read(_ argument: String) -> Bool {
    let text = argument.utf8
    guard text.starts(with: "--".utf8), let separator = text.firstIndex(of: UInt8(ascii: "="))
    else { return false }
    let name = String(argument[text.index(text.startIndex, offsetBy: 2)..<separator])
    let value = String(argument[text.index(after: separator)...])
    switch name {
    case "spool": if !value.isEmpty { spool = value }
    case "config": if !value.isEmpty { config = value }
    case "matches": if !value.isEmpty { record.setMatches(value) }
    case "fields": if !value.isEmpty { record.setFields(value) }
    case "field": if !value.isEmpty { fields.append(value) }
    case "to": record.destinations += EventOptions.destinations(value)
    default:
      guard let option = EventRecord.Option(rawValue: name) else { return false }
      record.set(option, value)
    }
    return true
  }
}
