import Foundation
public import Testing

/// Compares a text with a committed file, byte for byte. The path is relative to the folder of the
/// calling test's source. With `RECORD_GOLDEN=1` in the environment the file is written anew AND
/// the test fails, so that a recording never passes unseen.
public func expectGolden(
  _ actual: String, file name: String, from source: String = #filePath,
  sourceLocation: SourceLocation = #_sourceLocation
) {
  let folder = (source as NSString).deletingLastPathComponent
  let url = URL(filePath: name.hasPrefix("/") ? name : "\(folder)/\(name)")
  let golden = (try? Data(contentsOf: url)).map { String(decoding: $0, as: UTF8.self) }
  let problem: String
  if ProcessInfo.processInfo.environment["RECORD_GOLDEN"] == "1" {
    // An unchanged file is no recording.
    if golden.map({ $0.utf8.elementsEqual(actual.utf8) }) ?? false { return }
    problem = recording(actual, at: url)
  } else if let golden {
    if golden.utf8.elementsEqual(actual.utf8) { return }
    problem = "differs from \(name) (RECORD_GOLDEN=1 rewrites it):\n" + difference(golden, actual)
  } else {
    problem = "no file \(url.path) yet; RECORD_GOLDEN=1 writes it"
  }
  Issue.record(Comment(rawValue: problem), sourceLocation: sourceLocation)
}

private func recording(_ text: String, at url: URL) -> String {
  do {
    try FileManager.default.createDirectory(
      at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
    try Data(text.utf8).write(to: url, options: .atomic)
    return "recorded \(url.path); look at it, then run again"
  } catch {
    return "could not record \(url.path): \(error)"
  }
}

/// The changed lines, `-` as committed and `+` as now, with their numbers.
func difference(_ golden: String, _ actual: String) -> String {
  func lines(_ text: String) -> [String] { text.components(separatedBy: "\n") }
  let changes = lines(actual).difference(from: lines(golden)).map { change in
    switch change {
    case .remove(let line, let text, _): (line, 0, "-\(line + 1): \(text)")
    case .insert(let line, let text, _): (line, 1, "+\(line + 1): \(text)")
    }
  }
  let shown = changes.sorted { ($0.0, $0.1) < ($1.0, $1.1) }.map(\.2)
  // Lines may be equal as Swift compares text, and yet not byte for byte.
  guard !shown.isEmpty else { return "other bytes, equal text" }
  let rest = shown.count > 40 ? ["… and \(shown.count - 40) more"] : []
  return (shown.prefix(40) + rest).joined(separator: "\n")
}
