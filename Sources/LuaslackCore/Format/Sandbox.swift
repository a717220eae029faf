internal import Posix

/// Runs a chain of formatters on events in `luaslack-sandbox`, where each event has a process of its
/// own that may do nothing but compute. Believes nothing it says beyond its form. The program is
/// started with the first event and ends with this object.
final class Sandbox {
  /// What one file answered.
  struct Frame: Equatable {
    var file: String
    var outcome: Outcome
    var destinations: [String] = []
    /// The message belongs into the thread of its ban.
    var isReply = false
    /// The functions that the file's table held, by name.
    var handlers: [String] = []
    /// What the script printed.
    var output = ""
    /// Of processor time; of real time if it met a limit.
    var milliseconds = 0

    /// It had a handler, and that did its part.
    var isSuccess: Bool {
      switch outcome {
      case .payload, .muted, .digest: true
      case .absent, .failed: false
      }
    }
  }

  /// `at` is `file:line`: where the handler begins, or where it decided.
  enum Outcome: Equatable {
    case payload(Value, at: String)
    /// The file has no handler for this kind.
    case absent
    case muted(reason: String, at: String)
    case digest(at: String)
    case failed(String)
  }

  /// What stays the same for all events.
  struct Settings: Sendable {
    var limits = SandboxLimits()
    /// Destinations that a formatter may name; none: any.
    var destinations: [String] = []
    /// A zone's rule as in the variable TZ.
    var zone = "UTC0"
    /// Whether frames tell the names of the handlers.
    var namesHandlers = false
    /// Whether it is an error to read what an event never has, or to forget `return slack.mute()`.
    var isStrict = false
    /// Another build of the program, with arguments that only it knows: for tests.
    var program: String?
    var arguments: [String] = []
  }

  private let chain: FormatterChain
  private let settings: Settings
  private let files: [String]
  private var process: SandboxProcess?

  /// Milliseconds after the deadline at which the sandbox stops a child: if it has not by then, it is
  /// ended itself.
  private static let grace = 250

  init(_ chain: FormatterChain, _ settings: Settings) {
    self.chain = chain
    self.settings = settings
    files = chain.files.map(\.name)
  }

  /// One frame a file, as many as came whole and in order before the chain ended or was ended;
  /// `problem` says why there are no more, `isLate` that it was for the deadline.
  func run(
    _ event: Event, payload: Value
  ) -> (frames: [Frame], problem: FormatterProblem?, isLate: Bool) {
    guard !files.isEmpty else { return ([], nil, false) }
    let limits = settings.limits
    let running: SandboxProcess
    do throws(SystemError) {
      if let process { running = process } else { running = try start() }
    } catch {
      let error = "the sandbox did not start: \(error)"
      return ([], FormatterProblem(file: files[0], error: error), false)
    }
    let start = Clock.monotonic()
    let (bytes, ending) = running.exchange(
      request(event, payload),
      limit: files.count * (limits.resultBytes + limits.outputBytes + 16_384),
      milliseconds: limits.wallMilliseconds + Self.grace)
    process = ending == .lost ? nil : running
    let frames = FrameReader.frames(bytes, files: files, limits: limits)
    let isLate = Clock.monotonic() - start >= Int64(limits.wallMilliseconds) * 1_000
    return (frames, problem(after: frames, ending), isLate)
  }

  private func start() throws(SystemError) -> SandboxProcess {
    if let program = settings.program {
      return try SandboxProcess(program, settings.arguments, job: job())
    }
    return try SandboxProcess(Programs.path(of: "luaslack-sandbox"), [], job: job())
  }

  private func problem(after frames: [Frame], _ ending: SandboxProcess.Ending) -> FormatterProblem?
  {
    switch frames.last?.outcome {
    case .muted where !settings.isStrict: return nil
    default: if frames.count == files.count { return nil }
    }
    let file = files[frames.count]
    let what =
      switch ending {
      // The sandbox's own word for "no confinement here" (EX_UNAVAILABLE).
      case .exited(69): "scripts do not run here: no seccomp filter"
      case .exited(let status): "the sandbox ended early (exit \(status))"
      case .killed(let signal): "the script crashed (signal \(signal))"
      case .stopped: "stopped after \(settings.limits.wallMilliseconds) ms"
      case .lost: "the sandbox was lost"
      }
    return FormatterProblem(file: file, error: "\(file): \(what)")
  }
}

// What the sandbox is told.
extension Sandbox {
  private func job() -> [UInt8] {
    let limits = settings.limits
    return Self.message(
      "LSJ2",
      [
        "prelude": .string(String(decoding: PackageResources.prelude_lua, as: UTF8.self)),
        "files": .array(
          chain.files.map { ["name": .string($0.name), "source": .string($0.source)] }),
        "libs": .object(
          Dictionary(chain.libraries.map { ($0.name, .string($0.source)) }) { first, _ in first }),
        "destinations": .array(settings.destinations.map { .string($0) }),
        "zone": .string(settings.zone),
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
  }

  private func request(_ event: Event, _ payload: Value) -> [UInt8] {
    // A formatter's clock stands at the event, so that a late one is worded like one in time.
    let time = Value.int(event.second ?? event.value["now"]?.int ?? 0)
    var request: Value = [
      "handlers": .array(event.kind.handlers.map { .string($0) }),
      "event": event.value, "payload": payload, "now": time, "seed": time,
      "names_handlers": .bool(settings.namesHandlers),
    ]
    if settings.isStrict {
      request["known"] = .array(event.members.map { .string($0) })
      request["lists"] = .array(
        (event.value["lists"]?.object ?? [:]).keys.sorted().map { .string($0) })
    }
    return Self.message("LSE1", request)
  }

  private static func message(_ mark: String, _ value: Value) -> [UInt8] {
    let tree = Tree.bytes(value)
    var bytes = Array(mark.utf8)
    Tree.append(UInt32(tree.count), to: &bytes)
    return bytes + tree
  }
}

extension Sandbox.Settings {
  init(_ configuration: Configuration) {
    limits = configuration.limits
    destinations = configuration.destinations.keys.sorted()
    zone = configuration.zone
  }
}
