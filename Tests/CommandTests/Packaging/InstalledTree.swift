import Foundation
import TestSupport

/// What `make install DESTDIR=…` makes, in a directory of the test's own. Made of the programs under
/// test, so that nothing is built for it.
final class InstalledTree: Sendable {
  struct Failure: Error, CustomStringConvertible {
    let description: String
  }

  let directory: TemporaryDirectory
  let prefix: String

  init(prefix: String = "/usr") async throws {
    self.prefix = prefix
    directory = try TemporaryDirectory("tree")
    try await make("install")
  }

  /// The path of something under the prefix.
  func file(_ name: String) -> String { directory.path + prefix + "/" + name }

  func make(_ target: String) async throws {
    let made = try await run(
      "/usr/bin/make",
      [
        "-s", "-C", Self.checkout, target, "DESTDIR=\(directory.path)", "PREFIX=\(prefix)",
        "RELEASE=\(Programs.directory)", "PAGES=\(try await pages())",
      ], environment: ["PATH": "/usr/sbin:/usr/bin:/sbin:/bin"])
    guard made.status == 0 else { throw Failure(description: made.errors) }
  }

  /// Every file and link below, by its path in the tree.
  func files() throws -> [String] {
    try FileManager.default.subpathsOfDirectory(atPath: directory.path).filter { path in
      var isDirectory: ObjCBool = false
      let exists = FileManager.default.fileExists(
        atPath: directory.file(path), isDirectory: &isDirectory)
      return !(exists && isDirectory.boolValue) && !path.hasPrefix("pages/")
    }.sorted()
  }

  private func pages() async throws -> String {
    let pages = directory.file("pages")
    guard !FileManager.default.fileExists(atPath: pages) else { return pages }
    let made = try await run(
      Self.checkout + "/tools/make-pages", [Programs.directory, pages],
      environment: ["PATH": "/usr/bin:/bin"])
    guard made.status == 0 else { throw Failure(description: made.errors) }
    return pages
  }

  static let checkout = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()
    .path().trimmingSlash
}

extension String {
  fileprivate var trimmingSlash: String { hasSuffix("/") ? String(dropLast()) : self }
}
