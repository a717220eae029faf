// The configuration in effect, for `config show`: every setting, given or not, and where things are.
// It names files with secrets and shows none.
extension Configuration {
  public func value(_ locations: Locations) -> Value {
    [
      "config": .string(path), "database": .string(locations.database),
      "spool": .string(locations.spool), "overflow": .string(locations.overflow),
      "formatters": .array(formatters.map { .string($0) }),
      "post": .array(post.map { .string($0.rawValue) }), "linger": .int(Int64(linger)),
      "destination": .object(
        destinations.mapValues { ["webhook_file": .string($0.webhookFile)] }),
    ]
  }

  /// TOML: what it prints may be used as a config.
  public func text(_ locations: Locations) -> String {
    // A basic string of TOML: its escapes are JSON's.
    func quoted(_ text: String) -> String { JSONWriter.compact(.string(text)) }
    func list(_ items: [String]) -> String {
      "[" + items.map(quoted).joined(separator: ", ") + "]"
    }
    var lines = [
      "# \(path)", "# spool:    \(locations.spool)", "# database: \(locations.database)",
      "# overflow: \(locations.overflow)", "",
      "formatters = \(list(formatters))", "post = \(list(post.map(\.rawValue)))",
      "linger = \"\(linger)s\"",
    ]
    for (name, destination) in destinations.sorted(by: { $0.key < $1.key }) {
      lines += [
        "", "[destination.\(quoted(name))]", "webhook_file = \(quoted(destination.webhookFile))",
      ]
    }
    return lines.joined(separator: "\n") + "\n"
  }
}
