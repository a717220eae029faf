/// Something that a person should mend, and where.
public struct Finding: Sendable, Hashable {
  /// As the person knows it: the path that was given, or the shipped file's name.
  public var file: String
  public var line: Int?
  public var problem: String
  /// Which event showed it: `ban, sample "ipv6"`; nil if it needs none to be seen.
  public var seenWith: String?

  public init(file: String, line: Int?, problem: String, seenWith: String? = nil) {
    (self.file, self.line, self.problem, self.seenWith) = (file, line, problem, seenWith)
  }

  /// The form that editors and ansible know.
  public var text: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return "\(place): \(problem)" + (seenWith.map { " (\($0))" } ?? "")
  }

  public var value: Value {
    var value: Value = ["file": .string(file), "problem": .string(problem)]
    value["line"] = line.map { .int(Int64($0)) }
    value["seen_with"] = seenWith.map { .string($0) }
    return value
  }
}

extension Sequence where Element == Finding {
  /// By file and line, each problem once, with the first event that showed it.
  func inOrder() -> [Finding] {
    var seen: Set<[String]> = []
    let once = filter { finding in
      // Numbers and quoted text come from the sample: the problem is the same without.
      let parts = finding.problem.split(separator: "'", omittingEmptySubsequences: false)
      let words = parts.enumerated().filter { $0.offset % 2 == 0 }.map(\.element).joined()
        .filter { !$0.isNumber }
      return seen.insert([finding.file, finding.line.map { String($0) } ?? "", words]).inserted
    }
    return once.sorted { left, right in
      if left.file != right.file { return left.file < right.file }
      return (left.line ?? 0, left.problem) < (right.line ?? 0, right.problem)
    }
  }
}
