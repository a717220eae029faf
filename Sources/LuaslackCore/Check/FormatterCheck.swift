internal import Posix

/// Runs formatters on every sample, through the code and the limits that messages go through, and says
/// what is wrong with them. Needs no secret and no network.
public struct FormatterCheck: Sendable {
  public private(set) var findings: [Finding] = []
  /// What is wrong with the lists of the config.
  public private(set) var listFindings: [Finding] = []
  /// What is worth knowing and no fault: printed output, files that are passed over.
  public private(set) var notes: [String] = []
  /// Formatters that were run.
  public private(set) var fileCount = 0
  public static var sampleCount: Int { Sample.all.count }

  private let configuration: Configuration
  private var context: EventContext
  /// Whether the config says which lists there are.
  private let knowsLists: Bool
  /// What findings call a file, by its name in the chain.
  private var shown: [String: String] = [:]

  /// `now` is in microseconds since 1970.
  /// Without a config, the lists are those that the formatters ask for.
  public init(_ configuration: Configuration, isRead: Bool, now: Int64) {
    var lists = Lists()
    self.configuration = configuration
    knowsLists = isRead
    let (context, problems) = lists.context(of: configuration, now: now)
    self.context = context
    for (name, problem) in problems.sorted(by: { $0.key < $1.key }) {
      // `path:line: what`; one whose line is wrong is in use all the same.
      let place = Place(problem)
      let path = place.file ?? configuration.path
      let finding = Finding(
        file: path, line: place.line, problem: "\(place.rest) (list \"\(name)\")")
      let source = place.line == nil ? nil : Self.source(path, limit: Lists.sizeLimit)
      listFindings.append(finding.explained(by: source, isConfig: true))
    }
  }

  private static func source(_ path: String, limit: Int) -> String? {
    (try? TrustedFile.read(path, limit: limit)).map { String(decoding: $0, as: UTF8.self) }
  }

  /// Where the config names a formatter that is not there.
  private func isNamed(_ name: String, by finding: Finding) -> Finding {
    let source = Self.source(configuration.path, limit: 256 << 10)
    var finding = finding
    finding.file = configuration.path
    finding.line = source.flatMap { SourceLine.of("\"\(name)\"", in: $0) }
    return finding.explained(by: source, word: "\"\(name)\"", isConfig: true)
  }

  /// All formatters that the configuration names.
  public mutating func checkAll() {
    let directory = configuration.formattersDirectory
    let chain = FormatterChain.load(configuration)
    fileCount += chain.files.count
    check(chain, directory: directory) { _ in true }
    notePassedOver(directory)
    for destination in configuration.destinations.values.sorted(by: { $0.name < $1.name }) {
      guard let formatter = destination.formatter else { continue }
      var own = configuration
      own.formatters = [formatter]
      for problem in FormatterChain.load(own).problems {
        let finding = Finding(
          file: configuration.path, line: nil,
          problem: "destination.\(destination.name): \(problem.error)")
        findings.append(isNamed(formatter, by: finding))
      }
    }
  }

  /// A file, or all of a directory as `local` would run them; each after the shipped ones that the
  /// configuration has before `local`.
  public mutating func check(path given: String) {
    let trimmed = given.hasSuffix("/") && given.utf8.count > 1 ? String(given.dropLast()) : given
    let path = FormatterChain.path(of: trimmed, configuration)
    var chain = FormatterChain.shippedBeforeLocal(configuration)
    let shippedCount = chain.files.count
    chain.problems = []
    shown = [:]
    let isDirectory = FormatterChain.isDirectory(path)
    if isDirectory {
      if let problem = FormatterChain.unreadable(path) ?? FormatterChain.nothing(in: path) {
        findings.append(Finding(file: path, line: nil, problem: problem))
      }
      chain.addLocal(path, limit: configuration.limits.sourceBytes)
    } else {
      let name = chain.add(
        file: path, limit: configuration.limits.sourceBytes,
        formatters: configuration.formattersDirectory)
      shown[name] = path
    }
    // One of its own may have a shipped one's name.
    let own = chain.files[shippedCount...].map(\.name)
    fileCount += own.count
    check(chain, directory: isDirectory ? path : path.directoryPart) { own.contains($0) }
    if isDirectory { notePassedOver(path) }
  }

  private mutating func check(
    _ chain: FormatterChain, directory: String, isWanted: (String) -> Bool
  ) {
    show(chain, directory)
    if !knowsLists {
      context.add(listsNamed: chain.files.flatMap { SourceLine.lists(in: $0.source) })
    }
    for problem in chain.problems { add(problem, chain, seenWith: nil) }
    var settings = Sandbox.Settings(configuration)
    settings.namesHandlers = true
    settings.isStrict = true
    var formatting = Formatting(chain, settings)
    var suspensions = Suspensions()
    var outputs: [String: String] = [:]
    for sample in Sample.all {
      for event in sample.events(context) {
        let result = formatting.tried(event)
        let seenWith = "\(event.kind.rawValue), sample \"\(sample.name)\""
        for problem in result.problems.dropFirst(chain.problems.count)
        where isWanted(problem.file) {
          add(problem, chain, seenWith: seenWith)
        }
        // As in earnest, one that loops does not hold up the others for long.
        let suspended = suspensions.observe(result, of: chain, now: 0)
        if !suspended.isEmpty {
          formatting = Formatting(suspensions.applied(to: chain, now: 0), settings)
        }
        for problem in suspended where isWanted(problem.file) && result.isWell(problem.file) {
          add(problem, chain, seenWith: seenWith)
        }
        payloads(result, chain, isWanted, sample, event, seenWith)
        for finding in result.uncalled(chain) where isWanted(finding.file) {
          var finding = finding
          finding.file = shown[finding.file] ?? finding.file
          findings.append(finding)
        }
        for frame in result.frames where isWanted(frame.file) {
          if !frame.output.isEmpty { outputs[frame.file] = outputs[frame.file] ?? frame.output }
        }
      }
    }
    noteUnused(chain)
    for (file, output) in outputs.sorted(by: { $0.key < $1.key }) {
      let lines = output.split(separator: "\n").prefix(5).joined(separator: "\n  ")
      notes.append("\(shown[file] ?? file) printed:\n  \(lines)")
    }
    findings = findings.inOrder()
  }

  /// What findings call the files of a chain; of two with one name the last, since the shipped ones
  /// come first.
  private mutating func show(_ chain: FormatterChain, _ directory: String) {
    for file in chain.files.reversed() where shown[file.name] == nil {
      shown[file.name] = file.path
    }
    for library in chain.libraries { shown["lib/\(library.name).lua"] = library.path }
    // One that could not be read lies there all the same, but a shipped one that does not exist.
    for problem in chain.problems where shown[problem.file] == nil {
      let path = directory + "/" + problem.file
      if (try? FileStatus.of(path)) != nil { shown[problem.file] = path }
    }
  }

  /// What a file made, without what it was handed.
  private mutating func payloads(
    _ result: Formatting.Result, _ chain: FormatterChain, _ isWanted: (String) -> Bool,
    _ sample: Sample, _ event: Event, _ seenWith: String
  ) {
    let findings = result.findings(
      chain, looksForMarkup: !sample.isHostile, limitsFor: event)
    for finding in findings where isWanted(finding.file) {
      var finding = finding
      finding.file = shown[finding.file] ?? finding.file
      finding.seenWith = seenWith
      self.findings.append(finding)
    }
  }

  /// A library that nobody asks for is mostly a misspelt name.
  private mutating func noteUnused(_ chain: FormatterChain) {
    let sources = (chain.files + chain.libraries).map(\.source)
    let settings = FormatterChain.shippedNames
    for library in chain.libraries {
      let isUsed = sources.contains { source in
        ["\"", "'"].contains { source.contains($0 + library.name + $0) }
      }
      guard !isUsed, !settings.contains(library.name) else { continue }
      let hint = Nearest.hint(library.name, settings)
      notes.append("lib/\(library.name).lua is required by no formatter" + hint)
    }
  }

  /// What the sandbox says, with what it cannot know.
  private func completed(_ problem: String, of kind: EventKind) -> String {
    let known: [(String, [String])] = [
      ("there is no event.lists.", Array(context.lists.keys)),
      ("there is no event.", Event.members(kind)),
    ]
    for (opening, names) in known where problem.hasPrefix(opening) {
      return problem + Nearest.hint(String(problem.dropFirst(opening.count)), names)
    }
    return problem
  }

  private mutating func add(
    _ problem: FormatterProblem, _ chain: FormatterChain, seenWith: String?
  ) {
    var finding = chain.finding(problem)
    let kind = seenWith.flatMap { EventKind(rawValue: String($0.prefix { $0 != "," })) }
    finding.problem = completed(finding.problem, of: kind ?? .ban)
    finding.seenWith = seenWith
    if problem.isUnknownName {
      return findings.append(isNamed(String(problem.file.dropLast(4)), by: finding))
    }
    finding.file = shown[finding.file] ?? shown[problem.file] ?? problem.file
    findings.append(finding)
  }

  /// Files in the directory that look as if they should run and do not.
  private mutating func notePassedOver(_ directory: String) {
    for name in FormatterChain.passedOver(directory) {
      if name.hasSuffix(".lua") {
        findings.append(
          Finding(
            file: directory + "/" + name, line: nil,
            problem: "never runs: a formatter's name is letters, digits, - and _, then .lua"))
      } else {
        notes.append("\(directory)/\(name) is no formatter and does not run")
      }
    }
    findings = findings.inOrder()
  }
}

extension FormatterChain {
  /// What a formatter did wrong, with what stands there.
  func finding(_ problem: FormatterProblem) -> Finding {
    let place = Place(Secrets.masked(problem.error))
    let file = place.file ?? problem.file
    return Finding(file: file, line: place.line, problem: place.rest).explained(
      by: source(of: file))
  }

  /// The source of a formatter or a library, by the name that errors give it.
  func source(of name: String) -> String? {
    (files.last { $0.name == name } ?? libraries.first { "lib/\($0.name).lua" == name })?.source
  }
}

extension Formatting.Result {
  /// What Slack would not understand in what each file made, without what it was handed. With the
  /// event also what does not fit; for the message itself `violations` say that.
  func findings(
    _ chain: FormatterChain, looksForMarkup: Bool, limitsFor event: Event? = nil
  ) -> [Finding] {
    var inherited = Set(event.map { PayloadCheck.limits(BuiltIn.payload($0)) } ?? [])
    var findings: [Finding] = []
    for frame in frames {
      guard case .payload(let payload, let at) = frame.outcome else { continue }
      var remarks = PayloadCheck.remarks(payload, looksForMarkup: looksForMarkup)
      if event != nil { remarks += PayloadCheck.limits(payload) }
      let source = chain.files.first { $0.name == frame.file }?.source ?? ""
      for remark in remarks where !inherited.contains(remark) {
        let line = SourceLine.of(remark.word, in: source) ?? Place(at).line
        let finding = Finding(file: frame.file, line: line, problem: remark.problem)
        findings.append(finding.explained(by: source, word: remark.word))
      }
      inherited.formUnion(remarks)
    }
    return findings
  }

  /// Functions that no event calls, mostly misspelt.
  func uncalled(_ chain: FormatterChain) -> [Finding] {
    let known = EventKind.allCases.map(\.rawValue) + ["any"]
    return frames.flatMap { frame in
      let source = chain.files.first { $0.name == frame.file }?.source ?? ""
      return frame.handlers.filter { !known.contains($0) }.map { name in
        Finding(
          file: frame.file, line: SourceLine.of(name, in: source),
          problem: "no event calls \"\(name)\"" + Nearest.hint(name, known)
        ).explained(by: source)
      }
    }
  }
}

/// Where in a script something stands that was only seen in what the script made.
enum SourceLine {
  /// The names in `event.lists.NAME`.
  static func lists(in source: String) -> [String] {
    source.split(separator: "lists.").dropFirst().map { rest in
      String(rest.prefix { $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_") })
    }.filter { !$0.isEmpty }
  }

  /// The first line, but comments, that holds the word and not only as a part of a longer one.
  static func of(_ word: String, in source: String) -> Int? {
    guard !word.isEmpty else { return nil }
    func isPart(_ character: Character?) -> Bool {
      character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
    }
    // To Swift a line end of Windows is one character.
    let lines = source.replacing("\r\n", with: "\n").split(
      separator: "\n", omittingEmptySubsequences: false)
    let found = lines.firstIndex { line in
      guard !line.drop(while: { $0 == " " || $0 == "\t" }).hasPrefix("--"),
        let range = line.firstRange(of: word)
      else { return false }
      let before = isPart(word.first) && isPart(line[..<range.lowerBound].last)
      let after = isPart(word.last) && isPart(line[range.upperBound...].first)
      return !before && !after
    }
    return found.map { $0 + 1 }
  }
}
