/// How a program that `luaslack notify --run` ran has ended, in a notification. Its arguments are not in it: they may
/// hold secrets.
public struct ProgramRun: Sendable, Equatable {
  /// Its name without the directories, at most so many bytes: the title has room for the rest of the sentence.
  static let nameLimit = 128

  public let program: String
  /// As `wait` gives it, 0 to 255; nil if a signal ended it.
  public private(set) var exit: Int?
  /// `SIGTERM`; nil if it ended by itself.
  public private(set) var signal: String?
  /// Why it could not be run: `No such file or directory`.
  public private(set) var problem: String?
  /// Whole ones, from its start to its end.
  public let seconds: Int

  /// `arguments[0]` as it was given.
  public init(_ name: [UInt8], exit: Int, seconds: Int) {
    self.init(name, seconds)
    self.exit = exit
  }

  public init(_ name: [UInt8], signal: Int32, seconds: Int) {
    self.init(name, seconds)
    self.signal = Self.name(of: signal)
  }

  /// It could not be run; the exit status is the one a shell gives then.
  public init(_ name: [UInt8], notRun problem: String, exit: Int) {
    self.init(name, 0)
    self.exit = exit
    self.problem = problem
  }

  private init(_ name: [UInt8], _ seconds: Int) {
    let base = name.lastIndex(of: UInt8(ascii: "/")).map { name[($0 + 1)...] } ?? name[...]
    let text = PlainText.line(String(decoding: base.isEmpty ? name[...] : base, as: UTF8.self))
    program = EventRecord.bounded(text, Self.nameLimit)
    self.seconds = max(0, seconds)
  }

  public var hasFailed: Bool { exit != 0 }

  /// `backup.sh failed with exit 2 after 14 min`.
  public var title: String { "\(program) \(outcome)" }

  /// `failed with exit 2 after 14 min`.
  var outcome: String { outcome { $0 } }

  /// `mark`: what a file may hold as free text, made fit for where it stands.
  func outcome(mark: (String) -> String) -> String {
    if let problem { return "could not be run: \(mark(problem))" }
    let span = seconds == 0 ? "" : " after \(Seconds.describe(seconds))"
    if let signal { return "was killed by \(signal)\(span)" }
    return exit == 0 ? "succeeded\(span)" : "failed with exit \(exit ?? 0)\(span)"
  }

  /// signal(7), of the architectures that Debian's kernels count alike.
  private static let signals = [
    "HUP", "INT", "QUIT", "ILL", "TRAP", "ABRT", "BUS", "FPE", "KILL", "USR1", "SEGV", "USR2",
    "PIPE", "ALRM", "TERM", "STKFLT", "CHLD", "CONT", "STOP", "TSTP", "TTIN", "TTOU", "URG",
    "XCPU", "XFSZ", "VTALRM", "PROF", "WINCH", "IO", "PWR", "SYS",
  ]

  private static func name(of signal: Int32) -> String {
    let index = Int(signal) - 1
    return signals.indices.contains(index) ? "SIG" + signals[index] : "signal \(signal)"
  }

  /// One of the kernel's 64 as `name` has it.
  private static func isSignal(_ text: String) -> Bool {
    (1...64).contains { name(of: $0) == text }
  }
}

extension ProgramRun {
  /// As the spool keeps it.
  var value: Value {
    var value: Value = ["program": .string(program), "seconds": .int(Int64(seconds))]
    value["exit"] = exit.map { .int(Int64($0)) }
    value["signal"] = signal.map(Value.string)
    value["problem"] = problem.map(Value.string)
    return value
  }

  /// Nil for what is none: whoever may leave notifications writes such files.
  init?(_ value: Value?) {
    guard let name = value?["program"]?.string, let seconds = value?["seconds"]?.int else {
      return nil
    }
    self.init(Array(name.utf8), Int(min(max(seconds, 0), 1 << 53)))
    exit = value?["exit"]?.int.map { Int(min(max($0, 0), 255)) }
    signal = value?["signal"]?.string.flatMap { Self.isSignal($0) ? $0 : nil }
    problem = value?["problem"]?.string.map {
      PlainText.line(EventRecord.bounded($0, Self.nameLimit))
    }
    guard !program.isEmpty, (exit == nil) != (signal == nil) else { return nil }
  }
}

/// The end of what a program writes, however much that is: bounded, and only of what has passed. Pure.
public struct OutputTail: Sendable {
  /// Bytes that are kept as they came. More than the text may have: a line that was drawn over again and again
  /// becomes short.
  private static let most = 8 * EventRecord.matchesLimit

  private var bytes: [UInt8] = []
  private var total = 0

  public init() {}

  public mutating func add(_ part: [UInt8]) {
    total += part.count
    if part.count >= Self.most {
      bytes = Array(part.suffix(Self.most))
    } else {
      bytes += part
      // Seldom, so that what is kept is not moved for each part.
      if bytes.count > 4 * Self.most { bytes.removeFirst(bytes.count - Self.most) }
    }
  }

  /// As a terminal would show it in the end: at most `limit` bytes, from the beginning of a line if there is one in
  /// it. `leftOut`: bytes before that.
  public func text(limit: Int = EventRecord.matchesLimit) -> (text: String, leftOut: Int) {
    let kept = bytes.suffix(Self.most)
    var leftOut = total - kept.count
    var text = TerminalText.plain(PlainText.tamed(String(decoding: kept, as: UTF8.self)))
    if text.utf8.count > limit || leftOut > 0 {
      let all = text.utf8.count
      text = Self.end(of: text, limit)
      leftOut += all - text.utf8.count
    }
    return (text, leftOut)
  }

  /// Cut between characters, and behind a line's end where the rest is half of it at least.
  static func end(of text: String, _ limit: Int) -> String {
    var size = 0
    let scalars = text.unicodeScalars
    let start = scalars.indices.reversed().prefix { index in
      size += UTF8.width(scalars[index])
      return size <= limit
    }.last
    return String(FitText.fromLine(text[(start ?? scalars.endIndex)...]))
  }
}
