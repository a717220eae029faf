internal import ChildProcess
internal import Posix

/// Runs a chain of formatters on one event in `luaslack-sandbox`, a process of its own that may do
/// nothing but compute. Believes nothing it says beyond its form, and always ends it.
struct Sandbox: Sendable {
  /// What the VM is told to keep; the process's own limits and the deadline stand behind them.
  struct Limits: Sendable, Equatable {
    var heapBytes = 16 << 20
    var fileMilliseconds = 250
    var chainMilliseconds = 750
    /// After this the process is killed, whatever it is doing.
    var wallMilliseconds = 1_000
    var resultBytes = 256 << 10
    var resultNodes = 20_000
    var resultDepth = 32
    var outputBytes = 4 << 10
  }

  /// What one file answered.
  struct Frame: Equatable {
    var file: String
    var outcome: Outcome
    var destinations: [String] = []
    /// What the script printed.
    var output = ""

    /// It had a handler, and that did its part.
    var isSuccess: Bool {
      switch outcome {
      case .payload, .muted, .digest: true
      case .absent, .failed: false
      }
    }
  }

  enum Outcome: Equatable {
    case payload(Value)
    /// The file has no handler for this kind.
    case absent
    case muted(reason: String, at: String)
    case digest(at: String)
    case failed(String)
  }

  var limits = Limits()

  /// One frame a file, as many as came whole and in order before the chain ended or was ended;
  /// `problem` says why there are no more.
  func run(
    _ chain: FormatterChain, on event: Event, payload: Value, destinations: [String]
  ) -> (frames: [Frame], problem: FormatterProblem?) {
    guard !chain.files.isEmpty else { return ([], nil) }
    do throws(SystemError) {
      let job = self.job(chain, event, payload, destinations)
      return try exchange(job, expecting: chain.files.map(\.name))
    } catch {
      let error = "the sandbox did not start: \(error)"
      return ([], FormatterProblem(file: chain.files[0].name, error: error))
    }
  }

  private func job(
    _ chain: FormatterChain, _ event: Event, _ payload: Value, _ destinations: [String]
  ) -> [UInt8] {
    let now = event.value["now"] ?? 0
    let tree = Tree.bytes([
      "prelude": .string(String(decoding: PackageResources.prelude_lua, as: UTF8.self)),
      "files": .array(
        chain.files.map { ["name": .string($0.name), "source": .string($0.source)] }),
      "libs": .object(
        Dictionary(chain.libraries.map { ($0.name, .string($0.source)) }) { first, _ in first }),
      "handlers": .array(event.kind.handlers.map { .string($0) }),
      "event": event.value, "payload": payload,
      "destinations": .array(destinations.map { .string($0) }),
      "now": now, "seed": now,
      "limits": [
        "heap_bytes": .int(Int64(limits.heapBytes)),
        "file_ms": .int(Int64(limits.fileMilliseconds)),
        "chain_ms": .int(Int64(limits.chainMilliseconds)),
        "wall_ms": .int(Int64(limits.wallMilliseconds)),
        "result_bytes": .int(Int64(limits.resultBytes)),
        "result_nodes": .int(Int64(limits.resultNodes)),
        "result_depth": .int(Int64(limits.resultDepth)),
        "output_bytes": .int(Int64(limits.outputBytes)),
      ],
    ])
    var bytes = Array("LSJ1".utf8)
    Tree.append(UInt32(tree.count), to: &bytes)
    return bytes + tree
  }

  private func exchange(
    _ job: [UInt8], expecting files: [String]
  ) throws(SystemError) -> (frames: [Frame], problem: FormatterProblem?) {
    let program = try Programs.path(of: "luaslack-sandbox")
    let input = try FileDescriptor.sealed("luaslack-job", job)
    let pipe = try Pipe()
    let child = try ChildProcess(
      program, descriptors: [input.raw, pipe.writing.raw, -1])
    let output = pipe.takeReading()

    var bytes: [UInt8] = []
    let deadline = Clock.monotonic() + Int64(limits.wallMilliseconds) * 1_000
    let most = files.count * (limits.resultBytes + limits.outputBytes + 4_096)
    var isComplete = false
    while bytes.count <= most {
      let left = (deadline - Clock.monotonic() + 999) / 1_000
      guard left > 0 else { break }
      guard try Readiness.wait(for: output.raw, milliseconds: Int32(left)) else { continue }
      let part = try output.read(upTo: 64 * 1024)
      isComplete = part.isEmpty
      if isComplete { break }
      bytes += part
    }
    let ending = child.finish()
    return Self.judge(
      frames: FrameReader.frames(bytes, files: files, limits: limits), files: files,
      isComplete: isComplete, ending: ending, limits: limits)
  }

  private static func judge(
    frames: [Frame], files: [String], isComplete: Bool, ending: ChildProcess.Ending, limits: Limits
  ) -> (frames: [Frame], problem: FormatterProblem?) {
    let chainEnded =
      switch frames.last?.outcome {
      case .muted, .digest: true
      default: frames.count == files.count
      }
    if chainEnded { return (frames, nil) }
    let file = files[frames.count]
    func problem(_ what: String) -> FormatterProblem {
      FormatterProblem(file: file, error: "\(file): \(what)")
    }
    guard isComplete else {
      return (frames, problem("stopped after \(limits.wallMilliseconds) ms"))
    }
    switch ending {
    // The sandbox's own word for "no confinement here" (EX_UNAVAILABLE).
    case .exited(69): return (frames, problem("scripts do not run here: no seccomp filter"))
    case .exited(let status): return (frames, problem("the sandbox ended early (exit \(status))"))
    case .killed(let signal): return (frames, problem("the script crashed (signal \(signal))"))
    }
  }
}

/// Takes the frames out of what the sandbox wrote. Stops at the first byte that does not fit.
private enum FrameReader {
  static func frames(_ bytes: [UInt8], files: [String], limits: Sandbox.Limits) -> [Sandbox.Frame] {
    var frames: [Sandbox.Frame] = []
    var rest = bytes[...]
    while frames.count < files.count, rest.count >= 8, rest.starts(with: "LSF1".utf8) {
      let count = rest.dropFirst(4).prefix(4).reversed().reduce(0) { $0 << 8 | Int($1) }
      let body = rest.dropFirst(8).prefix(count)
      guard body.count == count,
        let tree = try? Tree.read(
          body, nodes: limits.resultNodes + 64, depth: limits.resultDepth + 2),
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
      file: file, outcome: outcome, destinations: (tree["to"]?.array ?? []).compactMap(\.string),
      output: PlainText.lines(tree["output"]?.string ?? ""))
  }

  private static func outcome(_ status: String, _ tree: Value) -> Sandbox.Outcome? {
    switch status {
    case "ok":
      guard let payload = tree["payload"], payload.object != nil else { return nil }
      return .payload(payload)
    case "absent": return .absent
    case "muted": return .muted(reason: line(tree["reason"]), at: line(tree["at"]))
    case "digest": return .digest(at: line(tree["at"]))
    case "error": return .failed(line(tree["error"]))
    default: return nil
    }
  }

  /// What is shown to people is clean and short, whatever a script made of it.
  private static func line(_ value: Value?) -> String {
    String(PlainText.line(value?.string ?? "").prefix(500))
  }
}
