/// Which formatters are left out for a while because they cost too much: in a storm, a script that
/// loops would otherwise hold up every event by its whole time limit. Lives in memory; a changed
/// script begins anew.
struct Suspensions {
  /// Costly runs in a row.
  static let patience = 3
  /// Microseconds.
  static let length: Int64 = 60_000_000

  private struct Record {
    var version: String
    var inARow = 0
    var until: Int64 = 0
  }

  private var records: [String: Record] = [:]

  /// The chain without what is left out now. `now` is in microseconds on a clock that never jumps.
  func applied(to chain: FormatterChain, now: Int64) -> FormatterChain {
    var chain = chain
    chain.leftOut = chain.files.map(\.name).filter { file in
      guard let record = records[file], record.until > now else { return false }
      return record.version == chain.version(of: file)
    }
    chain.files.removeAll { chain.leftOut.contains($0.name) }
    return chain
  }

  /// Takes note of what an event cost; says which formatters are left out from now on. After the
  /// pause one costly run is enough.
  mutating func observe(
    _ result: Formatting.Result, of chain: FormatterChain, now: Int64
  ) -> [FormatterProblem] {
    for file in result.cheap { records[file] = nil }
    var suspended: [FormatterProblem] = []
    for file in result.costly {
      let version = chain.version(of: file)
      var record =
        records[file].flatMap { $0.version == version ? $0 : nil } ?? Record(version: version)
      record.inARow += 1
      if record.inARow >= Self.patience {
        record.until = now + Self.length
        let what = "too slow \(record.inARow) times in a row; left out for a minute"
        suspended.append(FormatterProblem(file: file, error: "\(file): \(what)"))
      }
      records[file] = record
    }
    return suspended
  }
}
