import LuaslackCore

// Where messages go, and over which network.
extension ConfigurationReader {
  func network(_ root: Value) -> Configuration.Network {
    var network = Configuration.Network()
    each { () throws(ConfigurationError) in
      if let value = root["https_proxy"] { network.httpsProxy = try proxy(value) }
    }
    each { () throws(ConfigurationError) in
      guard let value = root["no_proxy"] else { return }
      network.noProxy = try strings(value, "no_proxy")
      for host in network.noProxy where !Self.isHostPattern(host) {
        throw ConfigurationError(
          file: path, line: line(of: "no_proxy", holding: host),
          problem: "\"\(host)\" is not a host, a domain or a network like \"10.0.0.0/8\"")
      }
    }
    each { () throws(ConfigurationError) in
      network.connectTimeout = try timeout(root, "connect_timeout") ?? network.connectTimeout
      network.timeout = try timeout(root, "timeout") ?? network.timeout
      guard network.connectTimeout <= network.timeout else {
        throw error(
          root["connect_timeout"] == nil ? "timeout" : "connect_timeout",
          "timeout (\(network.timeout)s) is shorter than connect_timeout"
            + " (\(network.connectTimeout)s), which is a part of it")
      }
    }
    return network
  }

  private func timeout(_ root: Value, _ key: String) throws(ConfigurationError) -> Int? {
    guard let value = root[key] else { return nil }
    let number = try seconds(value, key)
    let range = Configuration.Network.timeoutRange
    guard range.contains(number) else {
      throw error(key, "\(key) must be \(range.lowerBound)s to \(range.upperBound)s")
    }
    return number
  }

  private func proxy(_ value: Value) throws(ConfigurationError) -> String {
    let form = "https_proxy must be like \"http://proxy.example:3128\""
    guard let text = value.string else { throw error("https_proxy", form) }
    // What stands here can be read by everybody.
    guard !text.contains("@") else {
      throw error("https_proxy", "a proxy that asks for a name and a password cannot be used")
    }
    for scheme in ["http://", "https://"] where text.hasPrefix(scheme) {
      let rest = text.dropFirst(scheme.count)
      let host = rest.hasSuffix("/") ? rest.dropLast() : rest
      guard Self.isServer(String(host)) else { break }
      return text
    }
    throw error("https_proxy", form)
  }

  /// As libcurl takes them: without commas, which part them, stars and brackets.
  private static func isHostPattern(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { isHostByte($0) || "/:".utf8.contains($0) }
  }

  /// A host or an address, with or without a port: `mail.example:25`, `[::1]:25`.
  private static func isServer(_ text: String) -> Bool {
    let isIPv6 = text.hasPrefix("[")
    let host: Substring
    if isIPv6 {
      guard let end = text.firstIndex(of: "]"), Network(String(text[..<end].dropFirst())) != nil
      else { return false }
      host = text[...end]
    } else {
      host = text.prefix { $0 != ":" }
      guard !host.isEmpty, host.utf8.allSatisfy(isHostByte) else { return false }
    }
    let port = text.dropFirst(host.count)
    return port.isEmpty || port.first == ":" && (UInt16(port.dropFirst()) ?? 0) > 0
  }

  private static func isHostByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "."), UInt8(ascii: "-"),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }
}

// MARK: - [destination.NAME]

extension ConfigurationReader {
  private static let kindKeys = ["webhook_file", "token_file", "smtp_to"]
  private static let destinationKeys =
    kindKeys + [
      "channel", "api_url", "smtp_server", "rate", "burst", "fallback", "formatter", "ca_file",
    ]
  /// What people write who have not read that secrets stand in files, and the right key for it.
  private static let secretKeys = [
    ("webhook", "webhook_file"), ("url", "webhook_file"), ("webhook_url", "webhook_file"),
    ("token", "token_file"), ("bot_token", "token_file"),
  ]

  private static func secretAdvice(_ key: String) -> String {
    let what = key == "token_file" ? "a token is" : "a webhook's URL is"
    let file = key == "token_file" ? "token" : "webhook"
    return "\(what) a secret and may not stand here; "
      + "write it to a file of its own and name that: \(key) = \"\(file)\""
  }

  func readDestinations(_ root: Value, into result: inout Configuration) {
    each { () throws(ConfigurationError) in
      let tables = try table(root["destination"] ?? .object([:]), "destination")
      for (name, value) in tables {
        each { () throws(ConfigurationError) in
          result.destinations[name] = try destination(name, value, result.network)
        }
      }
      guard tables[Configuration.defaultDestination] != nil else {
        throw error("destination", "there must be a [destination.default]; events go there")
      }
      // One that is wrong in itself exists all the same.
      let names = tables.keys.sorted()
      checkFallbacks(result.destinations, names)
      result.routes = try routes(root["route"] ?? .array([]), names)
    }
  }

  private func destination(
    _ name: String, _ value: Value, _ network: Configuration.Network
  ) throws(ConfigurationError) -> Configuration.Destination {
    let section = "destination.\(name)"
    guard value.object != nil else {
      throw error(name, in: "destination", "\(section) must be a table")
    }
    let secrets = Self.secretKeys.filter { value[$0.0] != nil }
    checkKeys(value, Self.destinationKeys + secrets.map(\.0), table: section)
    for (key, right) in secrets {
      each { () throws(ConfigurationError) in
        throw error(key, in: section, Self.secretAdvice(right))
      }
    }
    var result = Configuration.Destination(name: name, webhookFile: "")
    // What it should be is not known where a key is misspelt.
    let isClear = (value.object ?? [:]).keys.allSatisfy(Self.destinationKeys.contains)
    if isClear || Self.kindKeys.contains(where: { value[$0] != nil }) {
      each { () throws(ConfigurationError) in result.kind = try kind(value, section) }
    }
    each { () throws(ConfigurationError) in result.rate = try rate(value, section) }
    each { () throws(ConfigurationError) in
      guard let value = value["burst"] else { return }
      let range = Configuration.Destination.burstRange
      guard let burst = value.int.map({ Int(clamping: $0) }), range.contains(burst) else {
        throw error(
          "burst", in: section,
          "burst must be a number from \(range.lowerBound) to \(range.upperBound)")
      }
      result.burst = burst
    }
    each { () throws(ConfigurationError) in
      result.fallback = try word(value, "fallback", in: section)
    }
    each { () throws(ConfigurationError) in
      result.formatter = try word(value, "formatter", in: section)
    }
    each { () throws(ConfigurationError) in
      result.certificates = try word(value, "ca_file", in: section).map(absolute)
    }
    result.network = network
    return result
  }

  private func rate(_ value: Value, _ section: String) throws(ConfigurationError) -> Rate {
    guard let value = value["rate"] else { return Rate() }
    guard let rate = value.string.flatMap(Rate.init) else {
      throw error(
        "rate", in: section,
        "rate must be like \"1/5s\": messages, then a time, from \"1/1d\" to \"10/1s\"")
    }
    return rate
  }

  private func word(
    _ table: Value, _ key: String, in section: String
  ) throws(ConfigurationError) -> String? {
    guard let value = table[key] else { return nil }
    guard let text = value.string, !text.isEmpty else {
      let what = key.hasSuffix("_file") ? "the name of a file" : "a name"
      throw error(key, in: section, "\(key) must be \(what)")
    }
    return text
  }

  private func kind(
    _ value: Value, _ section: String
  ) throws(ConfigurationError) -> Configuration.Destination.Kind {
    let given = Self.kindKeys.filter { value[$0] != nil }
    guard let key = given.first else {
      throw error(
        section, "[\(section)] needs webhook_file, or token_file and channel, or smtp_to")
    }
    guard given.count == 1 else {
      throw error(
        given[1], in: section,
        "[\(section)] has \(given.joined(separator: " and ")); only one of them can be")
    }
    for (other, owner) in [
      ("channel", "token_file"), ("api_url", "token_file"), ("smtp_server", "smtp_to"),
    ] where value[other] != nil && owner != key {
      let more =
        other == "channel" && key == "webhook_file"
        ? "; a webhook's channel is chosen in Slack, when it is made" : ""
      throw error(other, in: section, "\(other) goes with \(owner), not with \(key)\(more)")
    }
    switch key {
    case "token_file": return try token(value, section)
    case "smtp_to": return try mail(value, section)
    default: return .webhook(file: try secretFile(value, "webhook_file", section))
    }
  }

  private func secretFile(
    _ value: Value, _ key: String, _ section: String
  ) throws(ConfigurationError) -> String {
    let file = try word(value, key, in: section) ?? ""
    guard !file.contains("://"), !file.hasPrefix("xox") else {
      throw error(key, in: section, Self.secretAdvice(key))
    }
    return absolute(file)
  }

  private func token(
    _ value: Value, _ section: String
  ) throws(ConfigurationError) -> Configuration.Destination.Kind {
    let file = try secretFile(value, "token_file", section)
    let form = "channel must be a channel's ID, like \"C0123456789\", or \"#name\""
    guard let given = value["channel"] else {
      throw error("token_file", in: section, "token_file needs channel beside it; \(form)")
    }
    guard let channel = given.string, (2...80).contains(channel.count),
      channel.unicodeScalars.allSatisfy({ $0.value > 0x20 && $0.value != 0x7f })
    else { throw error("channel", in: section, form) }
    let api = try word(value, "api_url", in: section) ?? Configuration.Destination.slackAPI
    do throws(Target.Refused) {
      _ = try WebhookURL(api)
    } catch {
      throw self.error("api_url", in: section, "api_url \(error)")
    }
    return .token(file: file, channel: channel, api: api)
  }

  private func mail(
    _ value: Value, _ section: String
  ) throws(ConfigurationError) -> Configuration.Destination.Kind {
    guard let to = value["smtp_to"]?.string, MailAddress.isAddress(to) else {
      throw error(
        "smtp_to", in: section, "smtp_to must be one address, like \"root@example.org\"")
    }
    let server = try word(value, "smtp_server", in: section)
    guard server.map(Self.isServer) != false else {
      throw error(
        "smtp_server", in: section, "smtp_server must be like \"mail.example:25\", or \"127.0.0.1\""
      )
    }
    return .mail(to: to, server: server ?? Configuration.Destination.mailServer)
  }
}

// MARK: - fallback and [[route]]

extension ConfigurationReader {
  /// Each names a destination, and none leads back to where it began: an alarm would go in circles.
  private func checkFallbacks(
    _ destinations: [String: Configuration.Destination], _ names: [String]
  ) {
    for name in names {
      guard let next = destinations[name]?.fallback else { continue }
      each { () throws(ConfigurationError) in
        guard names.contains(next) else {
          throw error("fallback", in: "destination.\(name)", Self.unknown(next, names))
        }
      }
    }
    // Of a circle one is told, where it closes.
    each { () throws(ConfigurationError) in
      for name in names { try followFallbacks(destinations, from: name) }
    }
  }

  private func followFallbacks(
    _ destinations: [String: Configuration.Destination], from name: String
  ) throws(ConfigurationError) {
    var passed = [name]
    while let last = passed.last, let next = destinations[last]?.fallback {
      guard !passed.contains(next) else {
        throw error(
          "fallback", in: "destination.\(last)",
          "fallback leads back to \(next): " + (passed + [next]).joined(separator: " > "))
      }
      passed.append(next)
    }
  }

  private static func unknown(_ name: String, _ known: [String]) -> String {
    "there is no [destination.\(name)]" + Nearest.hint(name, known)
  }

  private func routes(
    _ value: Value, _ destinations: [String]
  ) throws(ConfigurationError) -> [Configuration.Route] {
    guard let items = value.array else {
      throw error("route", "a route is written [[route]], with two brackets")
    }
    var routes: [Configuration.Route] = []
    for (index, item) in items.enumerated() {
      each { () throws(ConfigurationError) in
        routes.append(try route(item, index, destinations))
      }
    }
    return routes
  }

  private func route(
    _ value: Value, _ index: Int, _ destinations: [String]
  ) throws(ConfigurationError) -> Configuration.Route {
    func error(_ key: String, _ problem: String) -> ConfigurationError {
      ConfigurationError(
        file: path, line: line(of: key, in: "route", number: index), problem: problem, word: key)
    }
    let keys = ["jail", "kind", "severity", "to"]
    guard let members = value.object else {
      throw error("", "a route is written [[route]], with two brackets")
    }
    for key in members.keys.sorted() where !keys.contains(key) {
      throw error(key, "unknown key \"\(key)\"" + Nearest.hint(key, keys))
    }
    func names(_ key: String) throws(ConfigurationError) -> [String] {
      guard let value = members[key] else { return [] }
      let names = value.string.map { [$0] } ?? value.array?.compactMap(\.string) ?? []
      guard value.string != nil || value.array.map({ $0.count == names.count }) == true else {
        throw error(key, "\(key) must be a string or a list of strings")
      }
      guard !names.isEmpty || key == "to" else {
        throw error(key, "\(key) is empty; without it the route fits every one")
      }
      return names
    }
    func patterns(_ key: String, of known: [String]) throws(ConfigurationError) -> [String] {
      let patterns = try names(key)
      for pattern in patterns where !known.contains(where: { Glob.matches(pattern, $0) }) {
        throw error(key, "no \(key) is \"\(pattern)\"" + Nearest.hint(pattern, known))
      }
      return patterns
    }
    let to = try names("to")
    guard !to.isEmpty else {
      throw error(
        members["to"] == nil ? "" : "to", "a route needs to = [\"name\"], where it leads")
    }
    for name in to where !destinations.contains(name) {
      throw error("to", Self.unknown(name, destinations))
    }
    return Configuration.Route(
      jails: try names("jail"),
      kinds: try patterns("kind", of: EventKind.recorded.map(\.rawValue)),
      severities: try patterns("severity", of: Severity.allCases.map(\.rawValue)),
      to: to.enumerated().filter { to.firstIndex(of: $1) == $0 }.map(\.1))
  }

  /// The line of a key in the `[[list]]` of that number, or of its own header.
  func line(of key: String, in list: String, number index: Int) -> Int? {
    var seen = -1
    var header: Int?
    for (number, line) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let words = line.filter { $0 != " " && $0 != "\t" && $0 != "\"" }
      if words.hasPrefix("[") {
        if header != nil { break }
        if words.hasPrefix("[[\(list)]]") { seen += 1 }
        if seen == index { header = number + 1 }
      } else if header != nil, !key.isEmpty, words.hasPrefix(key + "=") {
        return number + 1
      }
    }
    // They may stand on one line, in braces.
    return header ?? line(of: list, in: nil)
  }
}
