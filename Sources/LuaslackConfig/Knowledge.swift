import LuaslackCore

// What the config knows of users, addresses and the time.
extension ConfigurationReader {
  func readKnowledge(_ root: Value, into result: inout Configuration) {
    each { () throws(ConfigurationError) in
      if let value = root["valid_users"] { result.validUsers = try strings(value, "valid_users") }
    }
    each { () throws(ConfigurationError) in
      guard let value = root["unknown_users"] else { return }
      guard let rule = value.string.flatMap(UnknownUsers.init(rawValue:)) else {
        throw error("unknown_users", "unknown_users must be \"short\", \"full\" or \"hidden\"")
      }
      result.unknownUsers = rule
    }
    each { () throws(ConfigurationError) in
      guard let value = root["friendly_networks"] else { return }
      result.friendlyNetworks = try strings(value, "friendly_networks")
      try checkNetworks(result.friendlyNetworks) { network in
        line(of: "friendly_networks", holding: network)
      }
    }
    each { () throws(ConfigurationError) in
      if let value = root["timezone"] {
        let (name, rule) = try timezone(value)
        (result.timezone, result.zone) = (name, rule)
      } else {
        result.zone = TimeZoneRule.ofHost()
      }
    }
    each { () throws(ConfigurationError) in
      let lists = try table(root["list"] ?? .object([:]), "list")
      for (name, value) in lists {
        each { () throws(ConfigurationError) in result.lists[name] = try list(name, value) }
      }
      result.mutedLists = try mutedLists(root["mute"] ?? .object([:]), lists.keys.sorted())
    }
  }

  private func checkNetworks(
    _ networks: [String], line: (String) -> Int?
  ) throws(ConfigurationError) {
    for network in networks where Network(network) == nil {
      throw ConfigurationError(
        file: path, line: line(network),
        problem: "\"\(network)\" is not an address or network like \"198.51.100.0/24\"")
    }
  }

  private func timezone(
    _ value: Value
  ) throws(ConfigurationError) -> (name: String, rule: String) {
    guard let name = value.string else {
      throw error("timezone", "timezone must be a name like \"Europe/Berlin\"")
    }
    do throws(TimeZoneRule.Unknown) {
      return (name, try TimeZoneRule.named(name))
    } catch {
      throw self.error("timezone", error.description)
    }
  }

  private func list(
    _ name: String, _ value: Value
  ) throws(ConfigurationError) -> Configuration.List {
    // `[list.NAME]` or a key of `[list]`.
    let line = line(of: "list.\(name)", in: nil) ?? line(of: name, in: "list")
    func error(_ problem: String) -> ConfigurationError {
      ConfigurationError(file: path, line: line, problem: problem, word: name)
    }
    // Formatters say event.lists.NAME, and `status` names it.
    guard (1...64).contains(name.utf8.count), name.utf8.allSatisfy(Self.isNameByte) else {
      throw error(
        "the name of a list must be letters, digits, _ and -, 64 at most, not \"\(name)\"")
    }
    guard !Self.keys.contains(name) else {
      throw error("\(name) belongs above the first [table]; here it is a list of that name")
    }
    if value.array != nil {
      guard let entries = value.array?.compactMap(\.string), entries.count == value.array?.count
      else { throw error("list \(name) must hold strings") }
      try checkNetworks(entries) { self.line(of: name, in: "list", holding: $0) }
      return .inline(entries)
    }
    for key in (value.object ?? [:]).keys.sorted() where key != "file" {
      throw error("unknown key \"\(key)\" of list \(name)" + Nearest.hint(key, ["file"]))
    }
    guard let file = value["file"]?.string, !file.isEmpty else {
      throw error("list \(name) must be { file = \"\(name).txt\" } or [\"198.51.100.0/24\"]")
    }
    return .file(absolute(file))
  }

  static func isNameByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, 0x2d, 0x5f: true
    default: false
    }
  }

  private func mutedLists(
    _ value: Value, _ known: [String]
  ) throws(ConfigurationError) -> [String] {
    _ = try table(value, "mute")
    checkKeys(value, ["lists"], table: "mute")
    guard let value = value["lists"] else { return [] }
    let names = try strings(value, "lists", in: "mute")
    for name in names where !known.contains(name) {
      throw ConfigurationError(
        file: path, line: line(of: "lists", in: "mute", holding: name),
        problem: known.isEmpty
          ? "there is no list \"\(name)\"; add [list] with \(name) = { file = \"\(name).txt\" }"
          : "there is no list \"\(name)\"" + Nearest.hint(name, known))
    }
    return names
  }
}

// How much formatters may use.
extension ConfigurationReader {
  func limits(_ value: Value) -> SandboxLimits {
    var limits = SandboxLimits()
    each { () throws(ConfigurationError) in _ = try table(value, "limits") }
    checkKeys(value, LimitSetting.allCases.map(\.rawValue), table: "limits")
    for setting in LimitSetting.allCases {
      guard let value = value[setting.rawValue] else { continue }
      each { () throws(ConfigurationError) in
        limits[keyPath: setting.member] = try number(value, setting)
      }
    }
    each { () throws(ConfigurationError) in
      try check(.file, isNotOver: .chain, limits, in: value)
      try check(.chain, isNotOver: .deadline, limits, in: value)
    }
    return limits
  }

  private func number(_ value: Value, _ setting: LimitSetting) throws(ConfigurationError) -> Int {
    let key = setting.rawValue
    guard let number = setting.number(value) else {
      throw error(key, in: "limits", "\(key) must be \(setting.form)")
    }
    let (floor, ceiling) = (setting.range.lowerBound, setting.range.upperBound)
    guard number <= ceiling else {
      throw error(key, in: "limits", "\(key) may be \(setting.text(ceiling)) at most")
    }
    guard number >= floor else {
      throw error(key, in: "limits", "\(key) must be \(setting.text(floor)) at least")
    }
    return number
  }

  private func check(
    _ small: LimitSetting, isNotOver large: LimitSetting, _ limits: SandboxLimits, in table: Value
  ) throws(ConfigurationError) {
    let (part, whole) = (limits[keyPath: small.member], limits[keyPath: large.member])
    guard part > whole else { return }
    // One of them may be the default; the line is that of the one that was given.
    let key = table[large.rawValue] == nil ? small : large
    throw error(
      key.rawValue, in: "limits",
      "\(large.rawValue) (\(large.text(whole))) is shorter than \(small.rawValue)"
        + " (\(small.text(part))); set \(large.rawValue) = \"\(small.text(part))\" or more")
  }
}
