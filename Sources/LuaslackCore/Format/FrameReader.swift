/// Takes frames out of what the sandbox wrote: hostile bytes, since a broken interpreter may have
/// written them. Stops at the first that does not fit.
enum FrameReader {
  /// At most one frame a file, in the order of `files`.
  static func frames(_ bytes: [UInt8], files: [String], limits: SandboxLimits) -> [Sandbox.Frame] {
    var frames: [Sandbox.Frame] = []
    var rest = bytes[...]
    while frames.count < files.count, rest.count >= 8, rest.starts(with: "LSF1".utf8) {
      let count = rest.dropFirst(4).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      let body = rest.dropFirst(8).prefix(count)
      guard body.count == count,
        let tree = try? Tree.read(
          body, nodes: limits.resultNodes + 256, depth: limits.resultDepth + 2),
        let frame = frame(tree), frame.file == files[frames.count]
      else { break }
      frames.append(frame)
      rest = rest.dropFirst(8 + count)
    }
    return frames
  }

  private static func frame(_ tree: Value) -> Sandbox.Frame? {
    guard let file = tree["file"]?.string, let status = tree["status"]?.string,
      let outcome = outcome(status, tree)
    else { return nil }
    return Sandbox.Frame(
      file: file, outcome: outcome, destinations: words(tree["to"]),
      isReply: tree["thread"] == "reply",
      handlers: words(tree["handlers"]), output: PlainText.lines(tree["output"]?.string ?? ""),
      milliseconds: Int(clamping: tree["ms"]?.int ?? 0))
  }

  private static func outcome(_ status: String, _ tree: Value) -> Sandbox.Outcome? {
    switch status {
    case "ok":
      guard let payload = tree["payload"], payload.object != nil else { return nil }
      return .payload(payload, at: line(tree["at"]))
    case "absent": return .absent
    case "muted": return .muted(reason: line(tree["reason"]), at: line(tree["at"]))
    case "digest": return .digest(at: line(tree["at"]))
    case "error": return .failed(line(tree["error"]))
    default: return nil
    }
  }

  /// As many as the sandbox lets a script have.
  private static func words(_ value: Value?) -> [String] {
    (value?.array ?? []).prefix(64).compactMap { $0.string.map { line(.string($0)) } }
  }

  /// What is shown to people is clean and short, whatever a script made of it.
  private static func line(_ value: Value?) -> String {
    String(PlainText.line(value?.string ?? "").prefix(500))
  }
}
