import LuaslackCore

// [geo] and [rdns]: what is looked up about addresses.
extension ConfigurationReader {
  func readAddressSettings(_ root: Value, into result: inout Configuration) {
    if let value = root["geo"] {
      each { () throws(ConfigurationError) in _ = try table(value, "geo") }
      checkKeys(value, ["databases", "language"], table: "geo")
      each { () throws(ConfigurationError) in result.geo.databases = try databases(value) }
      each { () throws(ConfigurationError) in
        guard let given = value["language"] else { return }
        guard let language = given.string, (2...8).contains(language.utf8.count),
          language.utf8.allSatisfy(Self.isLanguageByte)
        else {
          throw error("language", in: "geo", "language must be like \"en\", \"de\" or \"pt-BR\"")
        }
        result.geo.language = language
      }
    }
    guard let value = root["rdns"] else { return }
    each { () throws(ConfigurationError) in _ = try table(value, "rdns") }
    checkKeys(value, ["enabled", "timeout_ms", "server"], table: "rdns")
    each { () throws(ConfigurationError) in result.reverseNames = try reverseNames(value) }
  }

  private static func isLanguageByte(_ byte: UInt8) -> Bool {
    (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte) || byte == 0x2d
  }

  private func databases(_ table: Value) throws(ConfigurationError) -> [String] {
    guard let value = table["databases"] else { return [] }
    let files = try strings(value, "databases", in: "geo")
    guard !files.contains("") else {
      throw error("databases", in: "geo", "databases must name files")
    }
    guard files.count <= Configuration.Geo.most else {
      throw error(
        "databases", in: "geo", "databases may be \(Configuration.Geo.most) at most")
    }
    return files.map(absolute)
  }

  /// Nil where it is not enabled.
  private func reverseNames(
    _ table: Value
  ) throws(ConfigurationError) -> Configuration.ReverseNames? {
    var result = Configuration.ReverseNames()
    if let value = table["timeout_ms"] {
      let range = Configuration.ReverseNames.millisecondsRange
      guard let number = value.int.map({ Int(clamping: $0) }), range.contains(number) else {
        throw error(
          "timeout_ms", in: "rdns",
          "timeout_ms must be a number of milliseconds from \(range.lowerBound) to \(range.upperBound)"
        )
      }
      result.milliseconds = number
    }
    if let value = table["server"] {
      guard let server = value.string, Self.isResolver(server) else {
        throw error(
          "server", in: "rdns", "server must be an address like \"127.0.0.1:53\" or \"[::1]:53\"")
      }
      result.server = server
    }
    guard let value = table["enabled"] else { return nil }
    guard let isEnabled = value.bool else {
      throw error("enabled", in: "rdns", "enabled must be true or false")
    }
    return isEnabled ? result : nil
  }

  /// `192.0.2.1`, `192.0.2.1:53`, `2001:db8::1` or `[2001:db8::1]:53`: c-ares is to look up no name for it.
  private static func isResolver(_ text: String) -> Bool {
    if Network(text)?.addressBytes != nil, !text.contains("/") { return true }
    let isBracketed = text.hasPrefix("[")
    guard let end = isBracketed ? text.firstIndex(of: "]") : text.firstIndex(of: ":"),
      let address = Network(String(text[..<end].drop { $0 == "[" })), !text.contains("/"),
      address.addressBytes != nil
    else { return false }
    let port = isBracketed ? text[end...].dropFirst() : text[end...]
    return port.first == ":" && port.dropFirst().utf8.allSatisfy { (0x30...0x39).contains($0) }
      && (UInt16(port.dropFirst()) ?? 0) > 0
  }
}
