/// What formatters may use. The VM keeps to it for the sake of good error messages; the process's own
/// limits and the deadline stand behind it. The reasons for the values: docs/configuration.md.
public struct SandboxLimits: Sendable, Equatable {
  /// Of one formatter.
  public var heapBytes = 16 << 20
  /// Time of one formatter.
  public var fileMilliseconds = 250
  /// Time of all formatters for one event.
  public var chainMilliseconds = 750
  /// After this the process is killed, whatever it is doing.
  public var wallMilliseconds = 1_000
  /// Of one file: neither compiling nor building an error message can be interrupted.
  public var sourceBytes = 64 << 10
  /// What one formatter may return.
  public var resultBytes = 256 << 10
  public var resultNodes = 20_000
  public var resultDepth = 32
  /// What one formatter may print.
  public var outputBytes = 4 << 10

  public init() {}
}
