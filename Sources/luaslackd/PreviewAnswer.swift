import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix
import SQLite

/// Answers for `luaslack preview`.
struct PreviewAnswer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Show what messages look like.", shouldDisplay: false)

  enum Form: String, ExpressibleByArgument { case picture, json, page, watch }

  @OptionGroup var options: LocationOptions
  @Option var form = Form.picture
  @Option var sample: String?
  /// A case's `event.json`.
  @Option var event: String?
  @Option var last: Int?
  @Flag var all = false
  /// With --form=watch: the process that waits for this one.
  @Option var parent: Int32 = 0
  @Argument var paths: [String] = []

  func run() throws {
    let locations = try options.locations()
    if form == .watch {
      return try PreviewWatch(hasColour: hasColour, parent: parent) {
        drawing(locations, columns: $0)
      }.run()
    }
    let configuration = try Trial.configuration(locations.config)
    let previewer = previewer(configuration)
    for problem in previewer.listProblems { Process.print("luaslack: \(problem)\n", to: 2) }
    Screen.standardError.print(previewer.unreadable, opening: "luaslack: ")
    guard previewer.unreadable.isEmpty else { throw ExitCode(ExitStatus.noInput.rawValue) }
    let previews: [Preview]
    do throws(Unavailable) {
      previews = try scenes(previewer, locations).flatMap { previewer.previews($0) }
    } catch {
      Process.print("luaslack: \(error.problem)\n", to: 2)
      throw ExitCode(error.status.rawValue)
    }
    switch form {
    case .picture, .watch: Process.print(picture(previews, columns: columns) + "\n", to: 1)
    case .json: printJSON(previews)
    case .page: try printPage(previews)
    }
  }

  private func previewer(_ configuration: Configuration) -> Previewer {
    Previewer(
      configuration, paths: paths, host: Process.hostName, now: Clock.now(),
      lookup: AddressLookup(directory: nil))
  }

  private var columns: Int { Terminal.size(1)?.columns ?? 80 }
  private var hasColour: Bool { Screen.standardOutput.hasColour }

  // MARK: - Events

  private struct Unavailable: Error {
    let problem: String
    let status: ExitStatus
  }

  private func scenes(
    _ previewer: Previewer, _ locations: Locations
  ) throws(Unavailable) -> [Scene] {
    if all { return previewer.allScenes() }
    if let last { return try newest(last, previewer, locations) }
    if let event { return [try scene(event, previewer)] }
    if let scenes = sample.flatMap(previewer.scenes) { return scenes }
    return Array(previewer.scenes(sample: "details")?.prefix(1) ?? [])
  }

  private func scene(_ path: String, _ previewer: Previewer) throws(Unavailable) -> Scene {
    let bytes: [UInt8]
    do throws(SystemError) {
      bytes = try FileDescriptor.open(reading: path).readAll(limit: SpoolFile.limit)
    } catch {
      throw Unavailable(problem: "\(path): \(error)", status: .noInput)
    }
    do throws(FormatterCase.Unreadable) {
      return try previewer.scene(case: bytes, name: PlainText.line(path))
    } catch {
      throw Unavailable(problem: "\(path): \(error)", status: .data)
    }
  }

  private func newest(
    _ count: Int, _ previewer: Previewer, _ locations: Locations
  ) throws(Unavailable) -> [Scene] {
    let nothing = Unavailable(
      problem: "nothing was recorded yet; --sample shows a built-in event", status: .noInput)
    guard (try? FileStatus.of(locations.database)) != nil else { throw nothing }
    do throws(DatabaseError) {
      let records = try Queue(reading: locations.database).newestRecords(count)
      guard records.isEmpty else { return records.map { previewer.scene($0, title: $0.title) } }
    } catch {
      throw Unavailable(problem: "\(locations.database): \(error)", status: .noInput)
    }
    throw nothing
  }

  // MARK: - Forms

  private func picture(_ previews: [Preview], columns: Int) -> String {
    let screen = TerminalPicture(
      width: columns, hasColour: hasColour, palette: Screen.standardOutput.palette)
    return previews.map { preview in
      let text = screen.text(
        title: previews.count > 1 ? preview.title : nil, preview.message.map { Picture($0) },
        remarks: preview.notes + preview.outputLines)
      let findings = (form == .watch ? [] : preview.problems) + preview.findings
      return ([text] + findings.flatMap { $0.lines(columns: columns, hasColour: hasColour) })
        .joined(separator: "\n")
    }.joined(separator: "\n\n")
  }

  /// One payload, or a list of all with what is said of them.
  private func printJSON(_ previews: [Preview]) {
    if previews.count == 1, let preview = previews.first {
      Screen.standardError.print(preview.problems + preview.findings, opening: "luaslack: ")
      for note in preview.notes { Process.print("luaslack: \(note)\n", to: 2) }
      return Process.print(JSONWriter.pretty(preview.message ?? .null), to: 1)
    }
    let list = previews.map { preview -> Value in
      [
        "event": .string(preview.title), "payload": preview.message ?? .null,
        "remarks": .array(preview.notes.map { .string($0) }), "output": .string(preview.output),
        "problems": .array((preview.problems + preview.findings).map(\.value)),
      ]
    }
    Process.print(JSONWriter.pretty(.array(list)), to: 1)
  }

  private func printPage(_ previews: [Preview]) throws {
    let entries = previews.map { preview in
      PagePicture.Entry(
        title: preview.title, picture: preview.message.map { Picture($0) },
        remarks: (preview.problems + preview.findings).map { $0.lines().joined(separator: "\n") }
          + preview.notes + preview.outputLines)
    }
    let page = PagePicture.page(entries, title: "luaslack preview")
    let file = try FileDescriptor.standardOutput()
    do throws(SystemError) {
      try file.empty()
      try file.write(Array(page.utf8))
    } catch {
      Process.print("luaslack: the page cannot be written: \(error)\n", to: 2)
      throw ExitCode(ExitStatus.temporary.rawValue)
    }
  }

  // MARK: - Watching

  private func lines(_ finding: Finding, _ columns: Int) -> [String] {
    finding.lines(columns: columns, hasColour: hasColour)
  }

  private func drawing(_ locations: Locations, columns: Int) -> PreviewWatch.Drawing {
    var configuration = Configuration(path: locations.config)
    var drawing = PreviewWatch.Drawing()
    do throws(ConfigurationError) {
      configuration = try ConfigurationReader.read(locations.config)
    } catch {
      // Until it is right again, luaslackd too goes on with the last one that was.
      guard error.isMissing else {
        return PreviewWatch.Drawing(
          problems: Finding.all(error).flatMap { lines($0, columns) }, sources: [locations.config])
      }
    }
    let previewer = previewer(configuration)
    drawing.sources = previewer.sources + (event.map { [$0] } ?? [])
    do throws(Unavailable) {
      var previews: [Preview] = []
      for scene in try scenes(previewer, locations) { previews += previewer.previews(scene) }
      var told: Set<Finding> = []
      for problem in previews.flatMap(\.problems) where told.insert(problem).inserted {
        drawing.problems += lines(problem, columns)
      }
      let notes = previewer.listProblems.map { "! \($0)" }
      drawing.picture = (notes + [picture(previews, columns: columns)]).joined(separator: "\n")
    } catch {
      drawing.problems.append(PlainText.line(error.problem))
    }
    return drawing
  }
}

extension Preview {
  /// What the scripts printed, as it is told beside the message.
  fileprivate var outputLines: [String] {
    output.split(separator: "\n").prefix(20).map { "printed: \($0)" }
  }
}

extension EventRecord {
  fileprivate var title: String { "\(kind.rawValue), \(Timestamp.text(acceptedAt))" }
}
