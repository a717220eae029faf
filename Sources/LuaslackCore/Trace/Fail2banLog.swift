/// What fail2ban itself wrote of an address. Only reads lines that it is given.
public struct Fail2banLog: Sendable, Equatable {
  public struct Line: Sendable, Equatable {
    /// As the log has it, without the fraction: `2026-11-21 12:00:00`.
    public let time: String
    public let jail: String?
    /// `Ban 203.0.113.7`, `Found …`.
    public let message: String
  }

  /// Bytes of the log's end that are looked through.
  public static let tail = 4 << 20
  /// Lines that are kept, the last ones.
  static let limit = 10

  public let lines: [Line]

  public init(_ bytes: [UInt8], address: String) {
    let needle = Array(address.utf8)
    var lines: [Line] = []
    for line in bytes.split(separator: UInt8(ascii: "\n")).reversed() {
      guard lines.count < Self.limit else { break }
      guard Self.names(line, needle) else { continue }
      if let line = Line(String(decoding: line, as: UTF8.self)) { lines.append(line) }
    }
    self.lines = lines.reversed()
  }

  /// The address stands in the line, and not as a part of a longer one.
  private static func names(_ line: ArraySlice<UInt8>, _ needle: [UInt8]) -> Bool {
    guard let first = needle.first, line.count >= needle.count else { return false }
    for start in line.startIndex...(line.endIndex - needle.count) where line[start] == first {
      let end = start + needle.count
      guard line[start..<end].elementsEqual(needle) else { continue }
      let isBegun = start > line.startIndex && isAddressByte(line[start - 1])
      let goesOn = end < line.endIndex && isAddressByte(line[end])
      if !isBegun, !goesOn { return true }
    }
    return false
  }

  private static func isAddressByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2e, 0x3a, 0x2f: true
    default: false
    }
  }

  /// The last line that says that it was banned, newly or again after a restart.
  var lastBan: Line? {
    lines.last { $0.message.hasPrefix("Ban ") || $0.message.hasPrefix("Restore Ban ") }
  }

  var lastFound: Line? { lines.last { $0.message.hasPrefix("Found ") } }
}

extension Fail2banLog.Line {
  /// `DATE TIME,ms MODULE [PID]: LEVEL [JAIL] MESSAGE`.
  init?(_ text: String) {
    let words = text.split(separator: " ", omittingEmptySubsequences: true)
    guard words.count >= 5, let end = words.firstIndex(where: { $0.hasSuffix("]:") }),
      end + 2 < words.count
    else { return nil }
    time = "\(words[0]) \(words[1].prefix { $0 != "," })"
    let rest = words[(end + 2)...]
    let isJail = rest.first.map { $0.hasPrefix("[") && $0.hasSuffix("]") } ?? false
    jail = isJail ? rest.first.map { PlainText.line(String($0.dropFirst().dropLast())) } : nil
    message = PlainText.line((isJail ? rest.dropFirst() : rest).joined(separator: " "))
  }
}

/// What `fail2ban-client -d` says: which jails there are, and which of them call luaslack.
public struct Fail2banSetup: Sendable, Equatable {
  public private(set) var jails: Set<String> = []
  public private(set) var calling: Set<String> = []
  /// The names of each jail's actions, in the order in which they run.
  public private(set) var actions: [String: [String]] = [:]

  public init(dump: String) {
    for line in dump.split(separator: "\n") {
      if let jail = Self.quoted(line, after: "['add', '") { jails.insert(jail) }
      if let jail = Self.quoted(line, after: "['set', '"),
        let action = Self.quoted(line, after: "['set', '\(jail)', 'addaction', '")
      {
        actions[jail, default: []].append(action)
      }
      let isAction = line.contains("', 'addaction', '") || line.contains("', 'action', '")
      guard isAction, line.contains("luaslack") else { continue }
      let jail =
        Self.quoted(line, after: "['set', '") ?? Self.quoted(line, after: "['multi-set', '")
      if let jail { calling.insert(jail) }
    }
  }

  private static func quoted(_ line: Substring, after start: String) -> String? {
    line.hasPrefix(start) ? String(line.dropFirst(start.count).prefix { $0 != "'" }) : nil
  }
}

/// Why luaslack knows nothing of an address, as far as fail2ban's own words tell.
public struct Unknown: Sendable {
  public var address: String
  /// Where the log is.
  public var path: String
  /// Nil: it cannot be read.
  public var log: Fail2banLog?
  /// Nil: fail2ban-client is not there or did not answer.
  public var setup: Fail2banSetup?

  public init(address: String, path: String, log: Fail2banLog?, setup: Fail2banSetup?) {
    self.address = address
    self.path = path
    self.log = log
    self.setup = setup
  }

  public var sentence: String {
    guard let log else { return "\(path) cannot be read; as root, `trace` looks there too" }
    guard let ban = log.lastBan else {
      guard let found = log.lastFound else {
        return "\(path) does not name it either (its last \(Fail2banLog.tail >> 20) MiB)"
      }
      return
        "fail2ban saw it last at \(found.time) in jail \(found.jail ?? "?"), and did not ban it"
    }
    let jail = ban.jail ?? "?"
    let what = ban.message.hasPrefix("Restore") ? "restored its ban" : "banned it"
    let start = "fail2ban \(what) at \(ban.time) in jail \(jail), but luaslack was not called: "
    guard let setup else { return start + "see whether jail \(jail) uses action luaslack" }
    guard setup.calling.contains(jail) else {
      return start
        + (setup.jails.contains(jail)
          ? "jail \(jail) does not use action luaslack"
          : "jail \(jail) is not in fail2ban's configuration any more")
    }
    return start
      + "jail \(jail) uses luaslack now; it may not have then (restart fail2ban), the call "
      + "may have failed (look for errors in \(path)), or the history has forgotten it"
  }

  public var value: Value {
    [
      "explanation": .string(sentence),
      "log": .array(
        (log?.lines ?? []).map {
          [
            "time": .string($0.time), "jail": $0.jail.map(Value.string) ?? .null,
            "message": .string($0.message),
          ]
        }),
    ]
  }

  public var text: String {
    let lines = (log?.lines ?? []).map { line in
      "    \(line.time)  \(line.jail.map { "[\($0)] " } ?? "")\(line.message)"
    }
    return (["  " + sentence] + lines).joined(separator: "\n") + "\n"
  }
}
