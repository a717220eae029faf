public import Posix

/// The text of the last configuration that worked, kept beside the database for a luaslackd that
/// starts while the present one is wrong. It names files with secrets and holds none: a config that
/// holds one does not work.
public struct LastConfiguration: Sendable {
  private static let name = "last-config.toml"
  private let directory: String
  private let heading: String

  public init(_ locations: Locations) {
    directory = locations.database.directoryPart
    // Names in it are relative to where it was.
    heading = "# The last text of \(locations.config) that worked.\n"
  }

  public func save(_ text: String) throws(SystemError) {
    guard read() != text else { return }
    let place = try Directory.open(directory)
    let temporary = "." + Self.name
    try? place.remove(temporary)
    let file = try place.create(temporary)
    try file.write(Array((heading + text).utf8))
    try file.sync()
    try place.rename(temporary, to: Self.name)
  }

  /// Nil if there is none of this configuration.
  public func read() -> String? {
    let path = directory + "/" + Self.name
    guard let bytes = try? TrustedFile.read(path, limit: 1 << 20) else { return nil }
    let text = String(decoding: bytes, as: UTF8.self)
    return text.hasPrefix(heading) ? String(text.dropFirst(heading.count)) : nil
  }
}
