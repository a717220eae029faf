extension Formatting.Result {
  /// What `trace` tells of each formatter, one line a file in the order in which they ran; those
  /// that did not run come last.
  func outcomes(of chain: FormatterChain) -> [(file: String, outcome: String)] {
    var lines: [(file: String, outcome: String)] = []
    // One's own may have a shipped one's name.
    func add(_ file: String, _ outcome: String) {
      if let index = lines.firstIndex(where: { $0.file == file }) {
        lines[index].outcome += (lines[index].outcome.isEmpty ? "" : "; ") + outcome
      } else {
        lines.append((file, outcome))
      }
    }
    for frame in frames {
      switch frame.outcome {
      case .payload:
        let isKept = succeeded.contains(frame.file)
        let outcome = unchanged.contains(frame.file) ? "no change" : "changed it"
        add(frame.file, isKept ? outcome : Self.itsProblem)
      case .absent: add(frame.file, "no handler")
      case .muted(let reason, let at): add(frame.file, Self.muted(reason, at))
      case .digest: add(frame.file, "for the digest")
      case .failed: add(frame.file, Self.itsProblem)
      }
    }
    for problem in problems { add(problem.file, "failed: \(problem.error)") }
    for file in chain.leftOut { add(file, "left out (too slow)") }
    return lines
  }

  /// Keeps the place of what is among the problems; so is what the sink refused.
  private static let itsProblem = ""

  static func muted(_ reason: String, _ place: String) -> String {
    "muted by \(place)" + (reason.isEmpty ? "" : ": \(reason)")
  }
}
