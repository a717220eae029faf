internal import CPosix
internal import Glibc
public import Posix

/// Owns a program that runs in this one's place, as far as others can tell: its input is this one's, what it
/// writes comes out of this one at once, and what this one is told by a signal it is told. Never leaves it
/// behind: it is waited for, and killed if its owner goes first.
public struct PassingProcess: ~Copyable {
  private let child: ChildProcess
  private let signals: FileDescriptor
  private let streams: [Stream]

  /// Milliseconds for which what a program left running, and that still holds its output, is listened to after its
  /// end. What the program itself wrote is passed on whatever time that takes.
  public static let patience: Int64 = 1_000

  /// Starts the program that the first of the arguments names, sought in PATH; bytes without a NUL. Signals
  /// wait for it from now on, until `endSignals`.
  public init(_ arguments: [[UInt8]]) throws(SystemError) {
    var mask = sigset_t()
    let descriptor = unsafe cposix_passed_signals(&mask)
    guard descriptor >= 0 else { throw SystemError.last("receive signals") }
    let signals = FileDescriptor(owning: descriptor)
    let output = try Pipe()
    let errors = try Pipe()
    // Where both go to the same place one pipe keeps their order.
    let isOne = Stream.areSame(1, 2)
    let child = try Self.start(
      arguments, output.writing.raw, isOne ? output.writing.raw : errors.writing.raw, mask)
    let both = [Stream(output.takeReading(), to: 1), Stream(errors.takeReading(), to: 2)]
    streams = isOne ? [both[0]] : both
    self.child = child
    self.signals = signals
  }

  private static func start(
    _ arguments: [[UInt8]], _ output: Int32, _ errors: Int32, _ mask: sigset_t
  ) throws(SystemError) -> ChildProcess {
    let copies = unsafe arguments.map { bytes in
      unsafe strdup(bytes.map { CChar(bitPattern: $0) } + [0])
    }
    defer { unsafe copies.forEach { unsafe free($0) } }
    var mask = mask
    let id = unsafe cposix_spawn_passing(
      copies + [nil], output, errors, &mask, Process.callersMask)
    guard id > 0 else { throw SystemError.last("run it") }
    return ChildProcess(id)
  }

  /// How a run ended.
  public struct Outcome: Sendable {
    public let ending: ChildProcess.Ending
    /// When, monotonic: what it left running may have been listened to for longer.
    public let endedAt: Int64
    /// Why not all of its output could be passed on, but for a reader who had enough.
    public let loss: SystemError?
  }

  /// Returns after the program's end, when its output has been passed on. `seen` gets each part of that.
  public consuming func run(_ seen: ([UInt8]) -> Void) -> Outcome {
    var endedAt: Int64?
    var deadline = Int64.max
    while true {
      if endedAt != nil, streams.allSatisfy({ $0.isDone(isLate: Clock.monotonic() >= deadline) }) {
        break
      }
      wait(until: deadline)
      // One that comes after the end is for nobody but this program: it stops waiting.
      if passSignals(isRunning: endedAt == nil), endedAt != nil { break }
      if endedAt == nil, child.hasEnded {
        let now = Clock.monotonic()
        (endedAt, deadline) = (now, now + Self.patience * 1_000)
        for stream in streams { stream.noteEnd() }
      }
      for stream in streams { stream.move(seen) }
    }
    let loss = streams.lazy.compactMap(\.loss).first
    let ending = child.wait()
    return Outcome(ending: ending, endedAt: endedAt ?? Clock.monotonic(), loss: loss)
  }

  /// Signals end this program again, or whatever they did; those that came meanwhile are forgotten.
  public static func endSignals() {
    cposix_end_passed_signals()
  }

  /// True if there was one. What the terminal tells all of its processes the program knows already.
  private func passSignals(isRunning: Bool) -> Bool {
    var any = false
    var byKernel: Int32 = 0
    while true {
      let signal = unsafe cposix_next_passed_signal(signals.raw, &byKernel)
      if signal == 0 { return any }
      if signal == SIGCHLD { continue }
      any = true
      if isRunning, byKernel == 0 { child.send(signal) }
    }
  }

  private func wait(until deadline: Int64) {
    var requests = [pollfd(fd: signals.raw, events: Int16(POLLIN), revents: 0)]
    requests += streams.map(\.request)
    var timeout: Int32 = -1
    if deadline != .max {
      timeout = Int32(clamping: max(0, deadline - Clock.monotonic()) / 1_000 + 1)
      // The reader of what is left to pass on may take his time.
      if streams.contains(where: \.isWaitingForReader) { timeout = -1 }
    }
    _ = unsafe poll(&requests, nfds_t(requests.count), timeout)
    for (stream, request) in zip(streams, requests.dropFirst()) {
      stream.isReady = request.revents != 0
    }
  }
}

/// One of the two: a pipe of the program's, and where it leads.
private final class Stream {
  /// -1 when there is nothing more to come.
  private var source: Int32
  private let target: Int32
  private var pending: ArraySlice<UInt8> = []
  /// A file takes all at once; what may block gets no more than it takes without (pipe(7), PIPE_BUF).
  private let most: Int
  /// Bytes that the program wrote before its end and that were not read yet.
  private var owed = 0
  private var isTargetGone = false
  private(set) var loss: SystemError?

  private static let chunk = 64 * 1024

  init(_ source: consuming FileDescriptor, to target: Int32) {
    self.source = source.release()
    self.target = target
    var status = stat()
    let isFile = unsafe fstat(target, &status) == 0 && status.st_mode & S_IFMT == S_IFREG
    most = isFile ? Self.chunk : 4_096
  }

  deinit { close() }

  private func close() {
    if source >= 0 { _ = Glibc.close(source) }
    source = -1
  }

  /// Whether two descriptors lead to the same file, pipe, socket or terminal.
  static func areSame(_ one: Int32, _ other: Int32) -> Bool {
    var (first, second) = (stat(), stat())
    return unsafe fstat(one, &first) == 0 && fstat(other, &second) == 0
      && first.st_dev == second.st_dev && first.st_ino == second.st_ino
  }

  var isWaitingForReader: Bool { !pending.isEmpty }

  /// What is waited for next: room, or something to pass on; nothing, which is -1, at the end.
  var request: pollfd {
    if !pending.isEmpty { return pollfd(fd: target, events: Int16(POLLOUT), revents: 0) }
    return pollfd(fd: source, events: Int16(POLLIN), revents: 0)
  }

  /// That is there. Asked of both streams at once, and the first is read first, all that a pipe holds: so an error
  /// that was written after it stays behind it.
  var isReady = false

  func isDone(isLate: Bool) -> Bool {
    pending.isEmpty && (source < 0 || isLate && owed <= 0)
  }

  /// The program has ended: what the pipe holds now may be its own.
  func noteEnd() {
    owed = source < 0 ? 0 : Int(cposix_bytes_in_pipe(source))
  }

  /// Does what can be done without waiting.
  func move(_ seen: ([UInt8]) -> Void) {
    if pending.isEmpty, isReady { read(seen) }
    while !pending.isEmpty, hasRoom, write() {}
  }

  private func read(_ seen: ([UInt8]) -> Void) {
    guard source >= 0 else { return }
    let descriptor = FileDescriptor(owning: source)
    let part = (try? descriptor.read(upTo: Self.chunk)) ?? []
    _ = descriptor.release()
    guard !part.isEmpty else { return close() }
    owed -= part.count
    seen(part)
    if !isTargetGone { pending = part[...] }
  }

  /// False if more must wait. A reader that has gone is ready too, and says so when it is written to.
  private func write() -> Bool {
    let count = unsafe pending.prefix(most).withUnsafeBytes { buffer in
      unsafe Glibc.write(target, buffer.baseAddress, buffer.count)
    }
    if count > 0 {
      pending = pending.dropFirst(count)
      return true
    }
    if count < 0, [EAGAIN, EINTR].contains(errno) { return false }
    let problem = SystemError.last("pass its output on")
    pending = []
    isTargetGone = true
    // The program shall learn that nobody reads it, as it would without this one. A full disk is no such thing:
    // it may have more to do than to talk.
    if problem.code == EPIPE { close() } else { loss = problem }
    return false
  }

  private var hasRoom: Bool {
    var request = pollfd(fd: target, events: Int16(POLLOUT), revents: 0)
    return unsafe poll(&request, 1, 0) > 0
  }
}
