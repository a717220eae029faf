internal import Posix

/// A formatter to begin with and a first case of it, among the config's own formatters. Never touches
/// what is there.
public struct NewFormatter {
  public struct Refused: Error, CustomStringConvertible {
    public let status: ExitStatus
    public let description: String
  }

  private let file: String
  private let source: [UInt8]
  private let event: [UInt8]
  private let configuration: Configuration
  /// Bytes; nothing shipped is near that.
  private static let limit = 1 << 20
  private static let caseName = "ban"

  /// `shipped`: the formatter that is copied; nil: one that changes nothing yet.
  public init(
    _ name: String, from shipped: String?, _ configuration: Configuration
  ) throws(Refused) {
    file = name.hasSuffix(".lua") ? name : name + ".lua"
    guard FormatterChain.isFormatter(file) else {
      throw Refused(
        status: .usage,
        description: "\"\(name)\" is no name for a formatter; take letters, digits, - and _, and "
          + "begin with a letter or a digit: 50-colours")
    }
    let known = FormatterChain.shippedNames
    if let shipped, !known.contains(shipped) {
      throw Refused(
        status: .usage,
        description: "no shipped formatter is called \"\(shipped)\"" + Nearest.hint(shipped, known))
    }
    self.configuration = configuration
    source =
      try shipped.map { name throws(Refused) in
        try Self.read([name + "/formatter.lua"])
      } ?? SetupTexts.starter
    event = try Self.read(
      [shipped ?? "minimal", "minimal"].map { "\($0)/cases/\(Self.caseName)/event.json" })
  }

  /// The first of these shipped files that is there.
  private static func read(_ names: [String]) throws(Refused) -> [UInt8] {
    do throws(SystemError) {
      let paths = try Programs.scripts()
      let there = names.map { paths + "/" + $0 }.first { (try? FileStatus.of($0)) != nil }
      return try FileDescriptor.open(reading: there ?? paths + "/" + names[0])
        .readAll(limit: limit)
    } catch {
      throw Refused(status: .unavailable, description: "\(error)")
    }
  }

  /// Where the formatters are.
  private var directory: String { configuration.formattersDirectory }
  private var folder: String { "cases/\(file.dropLast(4))/\(Self.caseName)" }
  public var path: String { "\(directory)/\(file)" }
  public var eventPath: String { "\(directory)/\(folder)/event.json" }
  /// Whether the config has the formatters of its directory run.
  public var runs: Bool { configuration.formatters.contains("local") }

  /// Returns the paths of what was written. `mask`: permissions that the case is not to have. The formatter is for
  /// everybody to read, as `init` writes one: luaslackd is another user.
  public func write(mask: UInt32) throws(Refused) -> [String] {
    do throws(SystemError) {
      try Directory.make(directory, permissions: 0o755)
    } catch {
      throw Refused(status: .temporary, description: "\(error)")
    }
    if let problem = FormatterChain.complaint(aboutDirectory: directory) {
      throw Refused(status: .configuration, description: problem)
    }
    var isPlaced = false
    do throws(SystemError) {
      isPlaced = try place(mask: mask)
    } catch {
      guard error.exists else { throw Refused(status: .temporary, description: "\(error)") }
    }
    guard isPlaced else {
      throw Refused(
        status: .usage,
        description: "\(path), or its case, is there already; nothing was written")
    }
    try record(mask: mask)
    return [path, eventPath, "\(directory)/\(folder)/payload.json"]
  }

  /// False if it is there already.
  private func place(mask: UInt32) throws(SystemError) -> Bool {
    let directory = try Directory.open(directory + "/.")
    guard !directory.exists(file) else { return false }
    let cases = try Self.folder("cases", in: directory, mask)
    let own = try Self.folder(String(file.dropLast(4)), in: cases, mask)
    let first = try Self.folder(Self.caseName, in: own, mask)
    guard !first.exists("payload.json") else { return false }
    // The event first: as soon as the formatter has its name, it counts.
    try first.write(event, to: "event.json", permissions: 0o644 & ~mask, mayReplace: false)
    do throws(SystemError) {
      try directory.write(source, to: file, permissions: 0o644, mayReplace: false)
    } catch {
      try? first.remove("event.json")
      throw error
    }
    return true
  }

  private static func folder(
    _ name: String, in parent: borrowing Directory, _ mask: UInt32
  ) throws(SystemError) -> Directory {
    let isNew = !parent.exists(name)
    try parent.makeDirectory(name)
    let folder = try parent.directory(name)
    if isNew { try folder.descriptor.setPermissions(0o755 & ~mask) }
    return folder
  }

  /// What it makes of the event, as `formatter test --record` writes it.
  private func record(mask: UInt32) throws(Refused) {
    do throws(FormatterSuite.Nothing) {
      var run = CaseRun(try FormatterSuite(path, configuration), recordingWith: 0o644 & ~mask)
      var failure: String?
      run.run { report in
        if !report.isRecorded { failure = report.failure }
      }
      if let failure { throw FormatterSuite.Nothing(description: failure) }
    } catch {
      throw Refused(status: .data, description: "\(path): \(error)")
    }
  }
}
