import LuaslackCore

// MARK: - [[warning]]

extension ConfigurationReader {
  func readWarnings(_ root: Value, into result: inout Configuration) {
    each { () throws(ConfigurationError) in
      guard let value = root["warnings"] else { return }
      guard let flag = value.bool else {
        throw error("warnings", "warnings must be true or false; rules are written [[warning]]")
      }
      result.warnsEarly = flag
    }
    guard let value = root["warning"] else { return }
    each { () throws(ConfigurationError) in
      guard let items = value.array, !items.isEmpty, items.allSatisfy({ $0.object != nil }) else {
        throw error("warning", "a warning is written [[warning]], with two brackets")
      }
      guard items.count <= WarningRule.mostRules else {
        throw error("warning", "there may be \(WarningRule.mostRules) [[warning]] at most")
      }
      let destinations = Array((root["destination"]?.object ?? [:]).keys)
      var rules: [WarningRule] = []
      for (index, item) in items.enumerated() {
        each { () throws(ConfigurationError) in
          let rule = try rule(item, index, destinations)
          guard !rules.contains(where: { $0.name == rule.name }) else {
            throw mistake("name", index, "there is a warning \"\(rule.name)\" already")
          }
          rules.append(rule)
        }
      }
      result.warnings = rules
      guard result.post.contains(.warning) || !result.warnsEarly || rules.isEmpty else {
        throw error("post", "post does not list \"warning\", so that no [[warning]] would be told")
      }
    }
  }

  private static let warningKeys = [
    "name", "bans", "within", "by", "jail", "mention", "to", "severity",
  ]

  private func mistake(_ key: String, _ index: Int, _ problem: String) -> ConfigurationError {
    ConfigurationError(
      file: path, line: line(of: key, in: "warning", number: index), problem: problem, word: key)
  }

  private func rule(
    _ value: Value, _ index: Int, _ destinations: [String]
  ) throws(ConfigurationError) -> WarningRule {
    let keys = Self.warningKeys
    for key in (value.object ?? [:]).keys.sorted() where !keys.contains(key) {
      throw mistake(key, index, "unknown key \"\(key)\"" + Nearest.hint(key, keys))
    }
    guard let name = value["name"]?.string, (1...64).contains(name.utf8.count),
      name.utf8.allSatisfy(Self.isNameByte)
    else {
      throw mistake("name", index, "a warning needs a name of letters, digits, _ and -, 64 at most")
    }
    let most = WarningRule.bansRange
    guard let bans = value["bans"]?.int, most.contains(Int(clamping: bans)) else {
      throw mistake(
        "bans", index, "bans must be a number from \(most.lowerBound) to \(most.upperBound)")
    }
    var rule = WarningRule(name: name, bans: Int(bans), within: try within(value, index))
    if let value = value["by"] { rule.by = try grouping(value, index) }
    rule.jails = try names(value, "jail", index, without: "every jail counts")
    rule.mention = try names(value, "mention", index, without: "nobody is called")
    for who in rule.mention where !Self.isMention(who) {
      throw mistake(
        "mention", index,
        "mention must be \"here\", \"channel\", \"everyone\" or an ID like \"U012AB3CD\" or "
          + "\"S012AB3CD\"")
    }
    rule.to = try names(value, "to", index, without: "the routes decide")
    for name in rule.to where !destinations.contains(name) {
      throw mistake(
        "to", index, "there is no [destination.\(name)]" + Nearest.hint(name, destinations))
    }
    if let value = value["severity"] {
      guard let severity = value.string.flatMap(Severity.init(rawValue:)) else {
        throw mistake(
          "severity", index, "severity must be \"info\", \"warning\" or \"critical\"")
      }
      rule.severity = severity
    }
    return rule
  }

  private func within(_ value: Value, _ index: Int) throws(ConfigurationError) -> Int {
    do throws(TimeSetting.Wrong) {
      return try TimeSetting(key: "within", range: WarningRule.withinRange).read(value["within"])
    } catch {
      throw mistake("within", index, error.problem)
    }
  }

  private func grouping(
    _ value: Value, _ index: Int
  ) throws(ConfigurationError) -> WarningRule.Grouping {
    let text = value.string ?? ""
    guard let by = WarningRule.Grouping(text) else {
      throw mistake(
        "by", index,
        "by must be \"all\", \"jail\", \"subnet\", \"country\", \"user\" or \"field:NAME\""
          + (Nearest.of(text, WarningRule.Grouping.names).map { "; did you mean \"\($0)\"?" } ?? "")
      )
    }
    return by
  }

  /// `without`: what comes of leaving it out, for who meant that.
  private func names(
    _ table: Value, _ key: String, _ index: Int, without: String
  ) throws(ConfigurationError) -> [String] {
    guard let value = table[key] else { return [] }
    let names = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
    guard value.string != nil || value.array.map({ $0.count == names.count }) == true else {
      throw mistake(key, index, "\(key) must be a string or a list of strings")
    }
    guard names.contains(where: { !$0.isEmpty }) else {
      throw mistake(key, index, "\(key) is empty; without it \(without)")
    }
    guard !names.contains("") else {
      throw mistake(key, index, "\(key) has an empty text in its list")
    }
    return names.enumerated().filter { names.firstIndex(of: $1) == $0 }.map(\.1)
  }

  private static func isMention(_ text: String) -> Bool {
    if ["here", "channel", "everyone"].contains(text) { return true }
    let bytes = Array(text.utf8)
    return (2...32).contains(bytes.count) && "USW".utf8.contains(bytes[0])
      && bytes.allSatisfy { (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) }
  }
}
