/// A key of `[limits]`: which limit it sets, how it is written, and how far it may go.
public enum LimitSetting: String, Sendable, CaseIterable {
  case memory, file, chain, deadline, source, result, nodes, depth

  private enum Unit { case bytes, milliseconds, none }

  private var unit: Unit {
    switch self {
    case .memory, .source, .result: .bytes
    case .file, .chain, .deadline: .milliseconds
    case .nodes, .depth: .none
    }
  }

  /// At the floors the shipped formatters still do an ordinary event. The ceilings keep one event's
  /// formatters from holding up the alerts behind it, and a hostile one from hurting the host.
  public var range: ClosedRange<Int> {
    switch self {
    case .memory: 4 << 20...128 << 20
    case .file: 10...5_000
    case .chain: 10...10_000
    case .deadline: 100...15_000
    case .source: 16 << 10...256 << 10
    case .result: 32 << 10...1 << 20
    case .nodes: 1_000...100_000
    case .depth: 8...60
    }
  }

  public var member: WritableKeyPath<SandboxLimits, Int> {
    switch self {
    case .memory: \.heapBytes
    case .file: \.fileMilliseconds
    case .chain: \.chainMilliseconds
    case .deadline: \.wallMilliseconds
    case .source: \.sourceBytes
    case .result: \.resultBytes
    case .nodes: \.resultNodes
    case .depth: \.resultDepth
    }
  }

  /// What a value looks like, for who has written something else.
  public var form: String {
    switch unit {
    case .bytes: "a size like \"512 KiB\" or \"16 MiB\""
    case .milliseconds: "a time like \"250ms\" or \"2s\""
    case .none: "a number"
    }
  }

  /// The value as the config has it: `"16 MiB"`, `"250ms"`, `32`.
  public func value(_ limits: SandboxLimits) -> Value {
    let number = limits[keyPath: member]
    return unit == .none ? .int(Int64(number)) : .string(text(number))
  }

  public func text(_ number: Int) -> String {
    switch unit {
    case .bytes where number % (1 << 20) == 0: "\(number >> 20) MiB"
    case .bytes where number % (1 << 10) == 0: "\(number >> 10) KiB"
    case .bytes: "\(number) B"
    case .milliseconds where number % 1_000 == 0: "\(number / 1_000)s"
    case .milliseconds: "\(number)ms"
    case .none: String(number)
    }
  }

  /// Nil for what has another form. A bare number has no unit to be mistaken, so only counts may be
  /// written as one.
  public func number(_ value: Value) -> Int? {
    guard unit != .none else { return value.int.map { Int(clamping: $0) } }
    guard let text = value.string else { return nil }
    let units =
      unit == .bytes ? [("MiB", 1 << 20), ("KiB", 1 << 10), ("B", 1)] : [("ms", 1), ("s", 1_000)]
    guard let (name, factor) = units.first(where: { text.hasSuffix($0.0) }) else { return nil }
    var digits = text.dropLast(name.count)
    if digits.last == " " { digits.removeLast() }
    // Without a sign, and short enough that no factor takes it over the edge.
    guard (1...9).contains(digits.utf8.count), digits.utf8.allSatisfy({ 0x30...0x39 ~= $0 }) else {
      return nil
    }
    return Int(digits).map { $0 * factor }
  }
}
