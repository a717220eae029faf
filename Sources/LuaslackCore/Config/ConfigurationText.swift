// The configuration in effect, for `config show`: every setting, given or not, and where things are.
// It names files with secrets and shows none.
extension Configuration {
  public func value(_ locations: Locations) -> Value {
    [
      "config": .string(path), "database": .string(locations.database),
      "spool": .string(locations.spool), "overflow": .string(locations.overflow),
      "formatters": Self.array(formatters), "post": Self.array(post.map(\.rawValue)),
      "linger": .int(Int64(linger)), "valid_users": Self.array(validUsers),
      "friendly_networks": Self.array(friendlyNetworks),
      "timezone": timezone.map { .string($0) } ?? .null, "zone": .string(zone),
      "mute": ["lists": Self.array(mutedLists)], "list": .object(lists.mapValues(\.value)),
      "limits": .object(
        Dictionary(
          uniqueKeysWithValues: LimitSetting.allCases.map { ($0.rawValue, $0.value(limits)) })),
      "destination": .object(
        destinations.mapValues { ["webhook_file": .string($0.webhookFile)] }),
    ]
  }

  fileprivate static func array(_ texts: [String]) -> Value { .array(texts.map { .string($0) }) }

  /// TOML: what it prints may be used as a config.
  public func text(_ locations: Locations) -> String {
    func toml(_ texts: [String]) -> String { Self.toml(Self.array(texts)) }
    var lines = [
      "# \(path)", "# spool:    \(locations.spool)", "# database: \(locations.database)",
      "# overflow: \(locations.overflow)", "",
      "formatters = \(toml(formatters))", "post = \(toml(post.map(\.rawValue)))",
      "linger = \"\(linger)s\"", "valid_users = \(toml(validUsers))",
      "friendly_networks = \(toml(friendlyNetworks))",
      timezone.map { "timezone = \(Self.toml(.string($0)))  # \(zone)" }
        ?? "# timezone: this host's, \(zone)",
      "", "[mute]", "lists = \(toml(mutedLists))", "", "[limits]",
    ]
    lines += LimitSetting.allCases.map { "\($0.rawValue) = \(Self.toml($0.value(limits)))" }
    if !lists.isEmpty { lines += ["", "[list]"] }
    for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
      lines.append("\(Self.toml(.string(name))) = \(Self.toml(list.value))")
    }
    for (name, destination) in destinations.sorted(by: { $0.key < $1.key }) {
      lines += [
        "", "[destination.\(Self.toml(.string(name)))]",
        "webhook_file = \(Self.toml(.string(destination.webhookFile)))",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }

  /// A value on one line. The escapes of TOML's basic strings are JSON's.
  private static func toml(_ value: Value) -> String {
    switch value {
    case .array(let items): "[" + items.map(toml).joined(separator: ", ") + "]"
    case .object(let members):
      "{ "
        + members.sorted { $0.key < $1.key }.map { "\($0.key) = \(toml($0.value))" }
        .joined(separator: ", ") + " }"
    default: JSONWriter.compact(value)
    }
  }
}

extension Configuration.List {
  fileprivate var value: Value {
    switch self {
    case .file(let path): ["file": .string(path)]
    case .inline(let entries): Configuration.array(entries)
    }
  }
}
