import Foundation

/// A folder of a test's own under /tmp, for its owner only, removed with all it holds when the
/// value goes. Paths below it may go stale with it: keep the value alive as long as they are used.
public final class TemporaryDirectory: Sendable {
  public let path: String

  public init(_ name: String = "test") throws {
    path = "/tmp/luaslack-\(name)-\(UUID().uuidString.prefix(13))"
    try FileManager.default.createDirectory(
      atPath: path, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
    // The umask may have taken bits away, never given any; ask for all three.
    try FileManager.default.setAttributes([.posixPermissions: 0o700], ofItemAtPath: path)
  }

  deinit {
    do {
      try FileManager.default.removeItem(atPath: path)
    } catch {
      print("left behind: \(path): \(error)")
    }
  }

  /// The path of something in it, whether it exists or not.
  public func file(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file in it, folders on the way included, and returns its path.
  @discardableResult
  public func write(_ text: String, to name: String, mode: Int = 0o644) throws -> String {
    let path = file(name)
    try FileManager.default.createDirectory(
      atPath: (path as NSString).deletingLastPathComponent, withIntermediateDirectories: true)
    // Renamed into place, as editors do: nobody reads half a file.
    let draft = path + ".draft"
    try Data(text.utf8).write(to: URL(filePath: draft))
    try FileManager.default.setAttributes([.posixPermissions: mode], ofItemAtPath: draft)
    guard rename(draft, path) == 0 else { throw CocoaError(.fileWriteUnknown) }
    return path
  }

  public func read(_ name: String) throws -> String {
    String(decoding: try Data(contentsOf: URL(filePath: file(name))), as: UTF8.self)
  }

  /// The names in it or in a folder of it, sorted.
  public func names(in folder: String = ".") throws -> [String] {
    try FileManager.default.contentsOfDirectory(atPath: file(folder)).sorted()
  }
}
