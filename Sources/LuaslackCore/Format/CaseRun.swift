internal import Posix

/// What became of one case, as it is told.
public struct CaseReport: Sendable {
  /// `50-own/ban`.
  let name: String
  /// Nil: the formatter makes what `payload.json` holds.
  let failure: String?
  var diff: [LineDiff.Line] = []
  /// What went wrong in the formatter, and what it printed.
  var remarks: [String] = []
  /// How many cases this tells of.
  public var count = 1
  public var isRecorded = false

  public var hasFailed: Bool { failure != nil }

  /// Nothing of a case that is as it should be.
  public func text(hasColour: Bool) -> String {
    guard let failure else { return "" }
    func painted(_ text: String, _ code: String) -> String {
      TerminalText.painted(text, code, if: hasColour)
    }
    var lines = [painted(PlainText.marked("\(name): \(failure)"), "1")]
    lines += remarks.map { "  " + PlainText.marked($0) }
    if !diff.isEmpty {
      lines += [painted("--- payload.json", "31"), painted("+++ made now", "32")]
    }
    lines += diff.map { line in
      switch line.kind {
      case .place: painted(line.text, "36")
      case .same: " " + line.text
      case .old: painted("-" + line.text, "31")
      case .new: painted("+" + line.text, "32")
      case .note: line.text
      }
    }
    return lines.joined(separator: "\n") + "\n" + (diff.isEmpty ? "" : "\n")
  }
}

/// Runs the cases of a suite and compares, byte for byte; where it is told to, records. Below the
/// suite's root it follows no symbolic link, and writes nothing but `payload.json`.
public struct CaseRun {
  private let suite: FormatterSuite
  /// Of new files; nil: nothing is recorded.
  private let recording: UInt32?
  /// What is worth knowing and no failure.
  public private(set) var notes: [String] = []

  /// Bytes; of more there is no event, and no payload.
  private static let limit = 4 << 20

  private struct Problem: Error {
    let text: String

    init(text: String) { self.text = text }

    init(_ error: SystemError) {
      text = "\(error)" + (error.isNoDirectory ? " (links are not followed)" : "")
    }
  }

  /// `permissions` of the files that are written anew; nil: none is.
  public init(_ suite: FormatterSuite, recordingWith permissions: UInt32?) {
    self.suite = suite
    recording = permissions
  }

  public mutating func run(_ tell: (CaseReport) -> Void) {
    for formatter in suite.formatters {
      let names: [String]
      do throws(Problem) {
        names = try self.names(of: formatter.cases)
        for name in names { tell(report(name, of: formatter)) }
      } catch {
        tell(CaseReport(name: formatter.name, failure: error.text))
        continue
      }
      guard names.isEmpty else { continue }
      let folder = formatter.cases.joined(separator: "/")
      notes.append("\(formatter.name) has no case: \(folder)/<case>/event.json would be one")
    }
    for (cases, why) in suite.orphans {
      let count = (try? names(of: cases))?.count ?? 0
      let name = cases.joined(separator: "/")
      tell(CaseReport(name: name, failure: why, count: max(1, count)))
    }
  }

  // MARK: - A case

  private func report(_ name: String, of formatter: FormatterSuite.Tested) -> CaseReport {
    let title = "\(formatter.name)/\(name)"
    do throws(Problem) {
      if let problem = formatter.chain.problems.first { throw Problem(text: problem.error) }
      let folder = try open(formatter.cases + [name])
      let made = try made(in: folder, formatter)
      let new = Array(made.payload.utf8)
      let old = try read("payload.json", in: folder)
      guard old != new else { return CaseReport(name: title, failure: nil) }
      var report = CaseReport(name: title, failure: failure(old, new))
      report.remarks =
        made.problems.flatMap { $0.lines() }
        + made.output.split(separator: "\n").prefix(20).map {
          "printed: \($0)"
        }
      if let old { report.diff = LineDiff(from: old, to: new).lines }
      if let recording {
        try record(new, in: folder, permissions: recording)
        report.isRecorded = true
      }
      return report
    } catch {
      return CaseReport(name: title, failure: error.text)
    }
  }

  private func failure(_ old: [UInt8]?, _ new: [UInt8]) -> String {
    let done = recording == nil ? "" : "; written anew, look at it"
    guard let old else {
      return "there is no payload.json" + (recording == nil ? " yet; --record writes it" : done)
    }
    let isSame = (try? JSONReader.read(old)).map { Array(JSONWriter.pretty($0).utf8) == new }
    return
      (isSame == true
      ? "payload.json holds the same, not written as luaslack does"
      : "payload.json holds something else") + done
  }

  private func made(
    in folder: borrowing Directory, _ formatter: FormatterSuite.Tested
  ) throws(Problem) -> FormatterCase.Made {
    guard let event = try read("event.json", in: folder) else {
      throw Problem(text: "there is no event.json")
    }
    var chain = formatter.chain
    for library in try libraries(in: folder, limit: formatter.settings.limits.sourceBytes) {
      chain.libraries.removeAll { $0.name == library.name }
      chain.libraries.append(library)
    }
    do throws(FormatterCase.Unreadable) {
      return try FormatterCase(event: event).made(by: chain, formatter.settings)
    } catch {
      throw Problem(text: "event.json: \(error)")
    }
  }

  /// Settings that this case alone has, in place of those beside the formatter.
  private func libraries(
    in folder: borrowing Directory, limit: Int
  ) throws(Problem) -> [FormatterFile] {
    guard folder.exists("lib") else { return [] }
    let lib = try open("lib", in: folder)
    let names = try self.names(in: lib).filter(FormatterChain.isFormatter)
    var files: [FormatterFile] = []
    for name in names {
      guard let source = try read(name, in: lib, limit: limit) else { continue }
      files.append(
        FormatterFile(
          name: String(name.dropLast(4)), source: String(decoding: source, as: UTF8.self)))
    }
    return files
  }

  // MARK: - Files

  /// From the root on, name by name, so that nobody can put a link in between.
  private func open(_ names: [String]) throws(Problem) -> Directory {
    do throws(SystemError) {
      // The root itself may be a link: it was named by who runs this.
      var directory = try Directory.open(suite.root + "/.")
      for name in names { directory = try directory.directory(name) }
      return directory
    } catch {
      throw Problem(error)
    }
  }

  private func open(
    _ name: String, in directory: borrowing Directory
  ) throws(Problem) -> Directory {
    do throws(SystemError) {
      return try directory.directory(name)
    } catch {
      throw Problem(error)
    }
  }

  /// The cases in a folder; none if it is not there.
  private func names(of cases: [String]) throws(Problem) -> [String] {
    var directory = try open([])
    for name in cases {
      guard directory.exists(name) else { return [] }
      directory = try open(name, in: directory)
    }
    return try names(in: directory).filter { (try? directory.status($0).kind) != .file }
  }

  /// Sorted, without hidden ones.
  private func names(in directory: borrowing Directory) throws(Problem) -> [String] {
    do throws(SystemError) {
      return try directory.names().filter { !$0.hasPrefix(".") }.sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
    } catch {
      throw Problem(error)
    }
  }

  /// Nil: it is not there.
  private func read(
    _ name: String, in directory: borrowing Directory, limit: Int = limit
  ) throws(Problem) -> [UInt8]? {
    guard directory.exists(name) else { return nil }
    var bytes: [UInt8]?
    do throws(SystemError) {
      if try directory.status(name).kind == .file {
        bytes = try directory.openForReading(name).readAll(limit: limit + 1)
      }
    } catch {
      throw Problem(error)
    }
    guard let bytes else { throw Problem(text: "\(name) is no ordinary file") }
    guard bytes.count <= limit else {
      throw Problem(text: "\(name) is larger than \(limit / 1024) KiB")
    }
    return bytes
  }

  private func record(
    _ bytes: [UInt8], in folder: borrowing Directory, permissions: UInt32
  ) throws(Problem) {
    do throws(SystemError) {
      let present = try? folder.status("payload.json").permissions & 0o777
      try folder.write(bytes, to: "payload.json", permissions: present ?? permissions)
    } catch {
      throw Problem(error)
    }
  }
}

extension Directory {
  /// Whole or not at all: a draft, then its name.
  func write(
    _ bytes: [UInt8], to name: String, permissions: UInt32, mayReplace: Bool = true
  ) throws(SystemError) {
    // Hidden, so that it is taken neither for a case nor for a formatter.
    let draft = ".\(name).luaslack-new"
    try? remove(draft)
    let file = try create(draft)
    do throws(SystemError) {
      try file.write(bytes)
      try file.setPermissions(permissions)
      try file.sync()
      if mayReplace { try rename(draft, to: name) } else { try publish(draft, as: name) }
    } catch {
      try? remove(draft)
      throw error
    }
    try sync()
  }
}
