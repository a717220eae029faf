import CPosix
import Foundation
import Glibc

/// A real program in a process of its own, started without a shell. It is killed with this object;
/// only ever it, never what it started. Its stdin is a pipe, as with fail2ban; its output goes to
/// unlinked files, so that nothing blocks however much it writes, and a daemon that it leaves
/// behind keeps nobody waiting.
public final class RunningProgram: Sendable {
  public struct StartFailure: Error, CustomStringConvertible {
    public let description: String
  }

  /// It ran longer than allowed and was killed; what it had written so far.
  public struct TimedOut: Error, CustomStringConvertible {
    public let description: String
  }

  public let path: String
  public let processID: Int32
  private let output: OutputFile
  private let errors: OutputFile
  private let life: Life

  /// The environment given is the whole environment. Without stdin it reads /dev/null. A new
  /// session takes it off this process's terminal and group. `terminal`: where its output goes instead.
  public init(
    _ path: String, rawArguments: [[UInt8]], stdin: [UInt8]? = nil,
    environment: [String: String] = [:], newSession: Bool = false, terminal: Int32? = nil
  ) throws {
    self.path = path
    (output, errors) = (try OutputFile(), try OutputFile())
    var ends: [Int32] = [-1, -1]
    if stdin != nil, cposix_pipe(&ends) < 0 { throw StartFailure(description: "pipe: \(errno)") }

    let words = [Array(path.utf8)] + rawArguments
    let variables = environment.map { Array("\($0.key)=\($0.value)".utf8) }
    let descriptors = [ends[0], terminal ?? output.descriptor, errors.descriptor]
    let started = ContinuousClock.now
    processID = withCStrings(words) { arguments in
      withCStrings(variables) { environment in
        cposix_spawn(path, arguments, environment, descriptors, 3, newSession ? 1 : 0)
      }
    }
    let reason = errno
    if ends[0] >= 0 { close(ends[0]) }
    guard processID > 0 else {
      if ends[1] >= 0 { close(ends[1]) }
      throw StartFailure(description: "\(path): \(String(cString: strerror(reason)))")
    }
    life = Life(processID: processID, started: started)
    life.watch()
    if let stdin { feed(stdin, into: ends[1]) }
  }

  public convenience init(
    _ path: String, _ arguments: [String] = [], stdin: [UInt8]? = nil,
    environment: [String: String] = [:], newSession: Bool = false
  ) throws {
    try self.init(
      path, rawArguments: arguments.map { Array($0.utf8) }, stdin: stdin,
      environment: environment, newSession: newSession)
  }

  deinit { life.signal(SIGKILL) }

  public var isRunning: Bool { life.isRunning }

  /// What it has written so far.
  public var standardOutput: String { String(decoding: output.contents, as: UTF8.self) }
  public var standardError: String { String(decoding: errors.contents, as: UTF8.self) }

  /// Sends it a signal; nothing happens if it has ended.
  public func signal(_ number: Int32) { life.signal(number) }

  /// Waits for its end. If that does not come in time, kills it and throws `TimedOut`.
  public func wait(timeout: Duration = .seconds(60)) async throws -> Finished {
    let timer = Task { [life] in
      try await Task.sleep(for: timeout)
      life.signal(SIGKILL)
      return true
    }
    let end = await life.end()
    timer.cancel()
    if (try? await timer.value) == true, end.signal == SIGKILL {
      throw TimedOut(
        description: """
          \(path) ran longer than \(timeout) and was killed
          stdout: \(standardOutput)
          stderr: \(standardError)
          """)
    }
    return Finished(
      status: end.status, signal: end.signal, duration: end.duration, cpuTime: end.cpuTime,
      outputBytes: output.contents, errorBytes: errors.contents)
  }
}

/// How a program ended, and what it had to say.
public struct Finished: Sendable {
  /// Its exit status; nil if a signal ended it.
  public let status: Int32?
  public let signal: Int32?
  /// From just before the start to the end.
  public let duration: Duration
  /// User and system time, its own and that of children it waited for.
  public let cpuTime: Duration
  public let outputBytes: [UInt8]
  public let errorBytes: [UInt8]

  public var output: String { String(decoding: outputBytes, as: UTF8.self) }
  public var errors: String { String(decoding: errorBytes, as: UTF8.self) }
}

/// Runs a program to its end: see `RunningProgram` for how.
public func run(
  _ program: String, _ arguments: [String] = [], stdin: [UInt8]? = nil,
  environment: [String: String] = [:], timeout: Duration = .seconds(60)
) async throws -> Finished {
  try await RunningProgram(program, arguments, stdin: stdin, environment: environment)
    .wait(timeout: timeout)
}

/// The same with arguments that need not be UTF-8.
public func run(
  _ program: String, rawArguments: [[UInt8]], stdin: [UInt8]? = nil,
  environment: [String: String] = [:], timeout: Duration = .seconds(60)
) async throws -> Finished {
  try await RunningProgram(
    program, rawArguments: rawArguments, stdin: stdin, environment: environment
  ).wait(timeout: timeout)
}

/// Writes all of it from a thread of its own, so that neither side waits for the other. A reader
/// that has gone is no failure: it had read enough.
private func feed(_ bytes: [UInt8], into descriptor: Int32) {
  Thread.detachNewThread {
    var broken = sigset_t()
    sigemptyset(&broken)
    sigaddset(&broken, SIGPIPE)
    pthread_sigmask(SIG_BLOCK, &broken, nil)
    var rest = bytes[...]
    while !rest.isEmpty {
      let written = rest.withUnsafeBytes { write(descriptor, $0.baseAddress, $0.count) }
      if written < 0, errno == EINTR { continue }
      if written <= 0 { break }
      rest = rest.dropFirst(written)
    }
    close(descriptor)
  }
}

/// Lends C a NULL-terminated array of NUL-terminated copies.
private func withCStrings<Result>(
  _ strings: [[UInt8]], _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> Result
) -> Result {
  var pointers: [UnsafeMutablePointer<CChar>?] = strings.map { bytes in
    let copy = UnsafeMutablePointer<CChar>.allocate(capacity: bytes.count + 1)
    for (index, byte) in bytes.enumerated() { copy[index] = CChar(bitPattern: byte) }
    copy[bytes.count] = 0
    return copy
  }
  pointers.append(nil)
  defer { for pointer in pointers { pointer?.deallocate() } }
  return body(pointers)
}
