/// Something that a person should mend, and where.
public struct Finding: Sendable, Hashable {
  /// As the person knows it: the path that was given, or the shipped file's name.
  public var file: String
  public var line: Int?
  public var problem: String
  /// Which event showed it: `ban, sample "ipv6"`; nil if it needs none to be seen.
  public var seenWith: String?
  /// What stands there; nil: it is about no line, or nobody can read it.
  public internal(set) var excerpt: Excerpt?

  public init(file: String, line: Int?, problem: String, seenWith: String? = nil) {
    (self.file, self.line, self.problem, self.seenWith) = (file, line, problem, seenWith)
  }

  /// All that is wrong with a config, as far as it could be read.
  public static func all(_ error: ConfigurationError) -> [Finding] {
    error.all.map { error in
      var finding = Finding(file: error.file, line: error.line, problem: error.problem)
      finding.excerpt = error.excerpt
      return finding
    }
  }

  /// With what stands there. `word`: what of it is meant, if the problem does not say.
  func explained(by source: String?, word: String = "", isConfig: Bool = false) -> Finding {
    guard let source, let line else { return self }
    var finding = self
    finding.excerpt = Excerpt(
      of: source, line: line, words: Excerpt.Word.named(in: problem, or: word),
      opening: Place.opening(of: problem),
      conceal: isConfig ? Secrets.maskedConfig : Secrets.masked)
    return finding
  }

  // MARK: - As it is told

  /// The form that editors and ansible know.
  public var text: String {
    let place = line.map { "\(file):\($0)" } ?? file
    return TerminalText.visible("\(place): \(problem)" + (seenWith.map { " (\($0))" } ?? ""))
  }

  /// What it means and what to do, in one sentence; nil if it says all itself.
  public var advice: String? {
    match.map { TerminalText.visible($0.sentence) }
  }

  private var match: Hint.Match? { Hint.match(problem)?.about(excerpt?.lines.last?.marked ?? "") }

  /// For a person: the problem, the line with a mark, and what to do. No line is wider, but the first, which
  /// programs read.
  public func lines(columns: Int = 100, hasColour: Bool = false) -> [String] {
    func painted(_ code: String, _ text: String) -> String {
      TerminalText.painted(text, code, if: hasColour)
    }
    let shown = (excerpt?.text(columns: columns) ?? []).map { line in
      line.hasSuffix("^") ? painted("31", line) : line
    }
    let mend = advice.map { CellWidth.wrapped($0, to: columns - 2).map { "  " + $0 } } ?? []
    return [painted("1", text)] + shown + mend.map { painted("32", $0) }
  }

  public var value: Value {
    var value: Value = ["file": .string(file), "problem": .string(problem)]
    value["line"] = line.map { .int(Int64($0)) }
    value["seen_with"] = seenWith.map { .string($0) }
    value["excerpt"] = excerpt.map { .string($0.text(columns: 100).joined(separator: "\n")) }
    let match = match
    for (key, text) in [("why", match?.why), ("mend", match?.mend)] where text?.isEmpty == false {
      value[key] = text.map { .string($0) }
    }
    return value
  }
}

extension Excerpt.Word {
  private static let types = [
    "string", "number", "table", "nil", "boolean", "function", "userdata",
  ]

  /// What a message names, the likeliest first.
  static func named(in problem: String, or word: String = "") -> [Excerpt.Word] {
    // What might be meant instead stands nowhere yet.
    let said = problem.prefix(upTo: problem.firstRange(of: "; ")?.lowerBound ?? problem.endIndex)
    if let near = said.ranges(of: " near ").last {
      let quoted = said[near.upperBound...].drop { $0 == "'" }
      let token = quoted.last == "'" ? quoted.dropLast() : quoted
      return [Excerpt.Word(text: sign(String(token)), isBeginning: true, takesOwner: false)]
    }
    let before =
      said.hasPrefix("attempt to index") ? ".[:" : said.contains(" call ") ? "({\"'[" : ""
    let isMember = said.contains("(field '") || said.contains("(method '")
    let after = isMember ? ".:" : "\"'"
    var names = Hint.match(problem)?.name.map { [$0] } ?? []
    for quote in ["'", "\""] {
      let parts = said.split(separator: quote, omittingEmptySubsequences: false)
      names += parts.enumerated().filter { $0.offset % 2 == 1 }.map { String($0.element) }
    }
    let dotted = said.split(whereSeparator: { " :();".contains($0) }).filter { $0.contains(".") }
    let own = [word].filter { !$0.isEmpty }.map { Excerpt.Word(text: $0, takesOwner: false) }
    return names.filter { !types.contains($0) }.map {
      Excerpt.Word(text: $0, isBefore: before, isAfter: after)
    }
      + dotted.map { Excerpt.Word(text: String($0), takesOwner: false) } + own
  }

  /// Lua writes a byte that is no sign of its own as `<\226>`.
  private static func sign(_ token: String) -> String {
    guard token.hasPrefix("<\\"), token.hasSuffix(">"),
      let byte = UInt8(token.dropFirst(2).dropLast())
    else { return token }
    // The first of a row of bytes; which sign it was is not said.
    return byte == 0xe2 ? "“" : token
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

/// `50-colours.lua:12: what` taken apart.
struct Place {
  var file: String?
  var line: Int?
  var rest: String

  init(_ text: String) {
    rest = text
    guard let colon = text.firstIndex(of: ":") else { return }
    file = String(text[..<colon])
    rest = String(text[text.index(after: colon)...])
    let number = rest.prefix { $0.isASCII && $0.isNumber }
    if let line = Int(number) {
      self.line = line
      rest = String(rest.dropFirst(number.count + 1))
    }
    rest = String(rest.drop { $0 == " " })
  }

  /// The line in which began what has no end, as syntax errors name it.
  static func opening(of problem: String) -> Int? {
    let parts = problem.split(separator: "at line ", maxSplits: 1)
    return parts.count > 1 ? Int(parts[1].prefix { $0.isASCII && $0.isNumber }) : nil
  }
}
