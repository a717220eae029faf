public import LuaslackCore
internal import TOMLKit

/// Reads `config.toml` strictly: an unknown key, a wrong type or an unsafe file is an error that
/// names the line and the nearest thing that would be right.
public struct ConfigurationReader {
  static let sizeLimit = 256 * 1024

  public static func read(_ path: String) throws(ConfigurationError) -> Configuration {
    let text = try text(of: path)
    return try read(text, path: path)
  }

  public static func text(of path: String) throws(ConfigurationError) -> String {
    do throws(TrustedFile.Refused) {
      return String(decoding: try TrustedFile.read(path, limit: sizeLimit), as: UTF8.self)
    } catch {
      throw ConfigurationError(
        file: path,
        problem: error.isMissing
          ? "no such file; it must name at least [destination.default] with a webhook_file"
          : error.problem,
        isMissing: error.isMissing)
    }
  }

  public static func read(_ text: String, path: String) throws(ConfigurationError) -> Configuration
  {
    let root: Value
    do {
      root = Value(try TOMLTable(string: text))
    } catch let error as TOMLParseError {
      var problem = ConfigurationError(
        file: path, line: error.source.begin.line, problem: error.description)
      problem.column = error.source.begin.column
      // Nothing behind it could be read.
      throw ConfigurationError([problem], in: text) ?? problem
    } catch {
      throw ConfigurationError(file: path, problem: "\(error)")
    }
    // To Swift a line end of Windows is one character, and no line would be found.
    let reader = ConfigurationReader(path: path, text: text.replacing("\r\n", with: "\n"))
    let configuration = reader.configuration(root)
    if let error = ConfigurationError(reader.problems.all, in: text) { throw error }
    return configuration
  }

  let path: String
  let text: String
  /// What is wrong with it; all of it is told at once.
  private let problems = Problems()

  private final class Problems {
    var all: [ConfigurationError] = []
  }

  /// Reads one part. What is wrong with it is noted, and the others are read all the same.
  func each(_ read: () throws(ConfigurationError) -> Void) {
    do throws(ConfigurationError) { try read() } catch { problems.all.append(error) }
  }

  static let keys = [
    "formatters", "post", "linger", "valid_users", "friendly_networks", "timezone", "https_proxy",
    "no_proxy", "connect_timeout", "timeout", "list", "mute", "limits", "destination", "route",
    "history", "history_events", "digest_within", "mention_max_age", "unknown_users",
    "warning", "warnings", "geo", "rdns",
  ]

  private func configuration(_ root: Value) -> Configuration {
    var result = Configuration(path: path)
    checkKeys(root, Self.keys, table: nil)
    each { () throws(ConfigurationError) in
      if let value = root["formatters"] { result.formatters = try strings(value, "formatters") }
    }
    each { () throws(ConfigurationError) in
      if let value = root["post"] { result.post = try kinds(value) }
    }
    readTimes(root, into: &result)
    readKnowledge(root, into: &result)
    readAddressSettings(root, into: &result)
    result.limits = limits(root["limits"] ?? .object([:]))
    result.network = network(root)
    readDestinations(root, into: &result)
    readWarnings(root, into: &result)
    return result
  }

  private func readTimes(_ root: Value, into result: inout Configuration) {
    each { () throws(ConfigurationError) in
      if let value = root["linger"] { result.linger = try seconds(value, "linger") }
    }
    each { () throws(ConfigurationError) in
      guard let value = root["digest_within"] else { return }
      result.digestWithin = try seconds(
        value, TimeSetting(key: "digest_within", range: Configuration.digestRange))
    }
    each { () throws(ConfigurationError) in
      guard let value = root["mention_max_age"] else { return }
      result.mentionMaxAge = try seconds(value, "mention_max_age")
    }
    each { () throws(ConfigurationError) in
      guard let value = root["history"] else { return }
      result.retention.history = try seconds(value, "history")
      guard result.retention.history >= 86_400 else {
        throw error("history", "history must be a day at least, like \"90d\"")
      }
    }
    each { () throws(ConfigurationError) in
      guard let value = root["history_events"] else { return }
      guard let number = value.int, number >= 1_000 else {
        throw error("history_events", "history_events must be a number, 1000 at least")
      }
      result.retention.events = Int(number)
    }
  }

  /// Relative names are beside the config.
  func absolute(_ file: String) -> String {
    file.hasPrefix("/") ? file : path.directoryPart + "/" + file
  }

  private func kinds(_ value: Value) throws(ConfigurationError) -> [EventKind] {
    var kinds: [EventKind] = []
    for name in try strings(value, "post") {
      guard let kind = EventKind.recorded.first(where: { $0.rawValue == name }) else {
        throw error(
          "post",
          "unknown kind \"\(name)\"" + Nearest.hint(name, EventKind.recorded.map(\.rawValue)))
      }
      kinds.append(kind)
    }
    return kinds
  }

  /// `"90s"`, `"10m"`, `"1h"` or a bare number of seconds.
  func seconds(_ value: Value, _ key: String) throws(ConfigurationError) -> Int {
    try seconds(value, TimeSetting(key: key))
  }

  private func seconds(_ value: Value, _ setting: TimeSetting) throws(ConfigurationError) -> Int {
    do throws(TimeSetting.Wrong) {
      return try setting.read(value)
    } catch {
      throw self.error(setting.key, error.problem)
    }
  }

  func strings(
    _ value: Value, _ key: String, in table: String? = nil
  ) throws(ConfigurationError) -> [String] {
    guard let items = value.array, items.allSatisfy({ $0.string != nil }) else {
      throw error(key, in: table, "\(key) must be a list of strings")
    }
    return items.compactMap(\.string)
  }

  func table(
    _ value: Value, _ name: String
  ) throws(ConfigurationError) -> [String: Value] {
    guard let members = value.object else { throw error(name, "\(name) must be a table") }
    return members
  }

  func checkKeys(_ value: Value, _ known: [String], table: String?) {
    for key in (value.object ?? [:]).keys.sorted() where !known.contains(key) {
      each { () throws(ConfigurationError) in
        // What is appended to a file lands in its last table.
        if let table, Self.keys.contains(key), Nearest.of(key, known) == nil {
          throw error(
            key, in: table, "\(key) stands in [\(table)]; put it above the first [table]")
        }
        throw error(key, in: table, "unknown key \"\(key)\"" + Nearest.hint(key, known))
      }
    }
  }

  func error(
    _ key: String, in table: String? = nil, _ problem: String
  ) -> ConfigurationError {
    ConfigurationError(file: path, line: line(of: key, in: table), problem: problem, word: key)
  }

  /// TOMLKit does not say where a key stands, so the text is asked: the first line in that table
  /// that begins with the key, or the table's own header or line.
  func line(of key: String, in table: String?) -> Int? {
    var current: String?
    for (index, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
      if words.hasPrefix("[") {
        current = String(words.dropFirst().prefix { $0 != "]" }).replacing("[", with: "")
        if current == key || current?.hasPrefix(key + ".") == true { return index + 1 }
      } else if words.hasPrefix(key + "=") || words.hasPrefix(key + ".") {
        if table == nil || current == table { return index + 1 }
      } else if let table, current == nil, words.hasPrefix("\(table).\(key)=") {
        return index + 1
      }
    }
    // The table may stand on one line, in braces.
    return table.flatMap { line(of: $0, in: nil) }
  }

  /// The line of a key, or the one after it on which this text of its value stands.
  func line(of key: String, in table: String? = nil, holding item: String) -> Int? {
    guard let start = line(of: key, in: table) else { return nil }
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).dropFirst(start - 1)
    let found = lines.firstIndex { $0.contains("\"\(item)\"") || $0.contains("'\(item)'") }
    return found.map { $0 + 1 } ?? start
  }
}

extension Value {
  fileprivate init(_ table: TOMLTable) {
    var members: [String: Value] = [:]
    for key in table.keys { members[key] = table[key].map(Value.init) ?? .null }
    self = .object(members)
  }

  fileprivate init(_ value: any TOMLValueConvertible) {
    if let table = value.table {
      self.init(table)
    } else if let array = value.array {
      self = .array(array.map { Value($0) })
    } else if let text = value.string {
      self = .string(text)
    } else if let flag = value.bool {
      self = .bool(flag)
    } else if let number = value.int {
      self = .int(Int64(number))
    } else if let number = value.double {
      self = .float(number)
    } else {
      // Dates: nothing here takes one, and as text the error message can show it.
      self = .string(value.debugDescription)
    }
  }
}
