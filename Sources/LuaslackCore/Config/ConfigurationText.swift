// The configuration in effect, for `config show`: every setting, given or not, and where things are.
// It names files with secrets and shows none.
extension Configuration {
  public func value(_ locations: Locations) -> Value {
    [
      "config": .string(path), "database": .string(locations.database),
      "spool": .string(locations.spool), "overflow": .string(locations.overflow),
      "formatters": Self.array(formatters), "post": Self.array(post.map(\.rawValue)),
      "linger": .int(Int64(linger)), "mention_max_age": .int(Int64(mentionMaxAge)),
      "history": .int(Int64(retention.history)),
      "history_events": .int(Int64(retention.events)),
      "digest_within": .int(Int64(digestWithin)),
      "valid_users": Self.array(validUsers), "unknown_users": .string(unknownUsers.rawValue),
      "friendly_networks": Self.array(friendlyNetworks),
      "timezone": timezone.map { .string($0) } ?? .null, "zone": .string(zone),
      "https_proxy": network.httpsProxy.map { .string($0) } ?? .null,
      "no_proxy": Self.array(network.noProxy),
      "connect_timeout": .int(Int64(network.connectTimeout)),
      "timeout": .int(Int64(network.timeout)),
      "mute": ["lists": Self.array(mutedLists)], "list": .object(lists.mapValues(\.value)),
      "geo": .object(Dictionary(geo.members) { $1 }),
      "rdns": .object(Dictionary(Self.members(reverseNames)) { $1 }),
      "limits": .object(
        Dictionary(
          uniqueKeysWithValues: LimitSetting.allCases.map { ($0.rawValue, $0.value(limits)) })),
      "destination": .object(destinations.mapValues { .object(Dictionary($0.members) { $1 }) }),
      "route": .array(routes.map { .object(Dictionary($0.members) { $1 }) }),
      "warnings": .bool(warnsEarly),
      "warning": .array(warnings.map(\.value)),
    ]
  }

  fileprivate static func array(_ texts: [String]) -> Value { .array(texts.map { .string($0) }) }

  fileprivate static func members(_ names: ReverseNames?) -> [(String, Value)] {
    let settings = names ?? ReverseNames()
    let members: [(String, Value)] = [
      ("enabled", .bool(names != nil)), ("timeout_ms", .int(Int64(settings.milliseconds))),
    ]
    return members + (settings.server.map { [("server", .string($0))] } ?? [])
  }

  /// TOML: what it prints may be used as a config.
  public func text(_ locations: Locations) -> String {
    func toml(_ texts: [String]) -> String { Self.toml(Self.array(texts)) }
    var lines = [
      "# \(path)", "# spool:    \(locations.spool)", "# database: \(locations.database)",
      "# overflow: \(locations.overflow)", "",
      "formatters = \(toml(formatters))", "post = \(toml(post.map(\.rawValue)))",
      "linger = \"\(linger)s\"", "mention_max_age = \"\(mentionMaxAge)s\"",
      "history = \"\(retention.history)s\"",
      "history_events = \(retention.events)", "digest_within = \"\(digestWithin)s\"",
      "warnings = \(warnsEarly)",
      "valid_users = \(toml(validUsers))", "unknown_users = \"\(unknownUsers.rawValue)\"",
      "friendly_networks = \(toml(friendlyNetworks))",
      timezone.map { "timezone = \(Self.toml(.string($0)))  # \(zone)" }
        ?? "# timezone: this host's, \(zone)",
      network.httpsProxy.map { "https_proxy = \(Self.toml(.string($0)))" } ?? "# https_proxy: none",
      "no_proxy = \(toml(network.noProxy))",
      "connect_timeout = \"\(network.connectTimeout)s\"", "timeout = \"\(network.timeout)s\"",
      "", "[mute]", "lists = \(toml(mutedLists))", "", "[limits]",
    ]
    lines += LimitSetting.allCases.map { "\($0.rawValue) = \(Self.toml($0.value(limits)))" }
    lines += ["", "[geo]"] + geo.members.map { "\($0.0) = \(Self.toml($0.1))" }
    lines += ["", "[rdns]"] + Self.members(reverseNames).map { "\($0.0) = \(Self.toml($0.1))" }
    if !lists.isEmpty { lines += ["", "[list]"] }
    for (name, list) in lists.sorted(by: { $0.key < $1.key }) {
      lines.append("\(Self.toml(.string(name))) = \(Self.toml(list.value))")
    }
    for (name, destination) in destinations.sorted(by: { $0.key < $1.key }) {
      lines += ["", "[destination.\(Self.toml(.string(name)))]"]
      lines += destination.members.map { "\($0.0) = \(Self.toml($0.1))" }
    }
    for route in routes {
      lines += ["", "[[route]]"] + route.members.map { "\($0.0) = \(Self.toml($0.1))" }
    }
    // Where `post` lacks the kind, rules would be a mistake, and the shipped ones are in nobody's config.
    let areShown = post.contains(.warning) || warnings != WarningRule.defaults
    for rule in areShown ? warnings : [] {
      lines += ["", "[[warning]]"] + rule.members.map { "\($0.0) = \(Self.toml($0.1))" }
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

extension Configuration.Destination {
  /// As the config has them, in the order of docs/configuration.md.
  fileprivate var members: [(String, Value)] {
    var members: [(String, Value)]
    switch kind {
    case .webhook(let file): members = [("webhook_file", .string(file))]
    case .token(let file, let channel, let api):
      members = [
        ("token_file", .string(file)), ("channel", .string(channel)), ("api_url", .string(api)),
      ]
    case .mail(let to, let server):
      members = [("smtp_to", .string(to)), ("smtp_server", .string(server))]
    }
    members += [("rate", .string(rate.description)), ("burst", .int(Int64(burst)))]
    let others = [("fallback", fallback), ("formatter", formatter), ("ca_file", certificates)]
    return members + others.compactMap { key, text in text.map { (key, .string($0)) } }
  }
}

extension Configuration.Geo {
  fileprivate var members: [(String, Value)] {
    [("databases", Configuration.array(databases)), ("language", .string(language))]
  }
}

extension Configuration.Route {
  fileprivate var members: [(String, Value)] {
    let patterns = [("jail", jails), ("kind", kinds), ("severity", severities)]
    return (patterns.filter { !$0.1.isEmpty } + [("to", to)])
      .map { ($0.0, Configuration.array($0.1)) }
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
