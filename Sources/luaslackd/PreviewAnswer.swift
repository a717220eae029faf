import ArgumentParser
import LuaslackConfig
import LuaslackCore
import Posix
import SQLite

/// Answers for `luaslack preview`.
struct PreviewAnswer: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "Show what messages look like.", shouldDisplay: false)

  enum Form: String, ExpressibleByArgument { case picture, json, page }

  @OptionGroup var options: LocationOptions
  @Option var form = Form.picture
  @Option var columns = 80
  @Flag var colour = false
  @Option var sample: String?
  /// The text of a case's `event.json` is on standard input; this is its name.
  @Option var event: String?
  @Option var last: Int?
  @Flag var all = false
  @Argument var paths: [String] = []

  func run() throws {
    let locations = try options.locations()
    let configuration = try Trial.configuration(locations.config)
    let previewer = Previewer(
      configuration, paths: paths, host: Process.hostName, now: Clock.now())
    for problem in previewer.listProblems { Process.print("luaslack: \(problem)\n", to: 2) }
    let scenes = try scenes(previewer, locations)
    let previews = scenes.map { ($0, previewer.preview($0)) }
    switch form {
    case .picture: show(previews)
    case .json: printJSON(previews)
    case .page:
      let entries = previews.map { scene, preview in
        PagePicture.Entry(
          title: scene.title, picture: preview.message.map { Picture($0) },
          remarks: preview.remarks + preview.outputLines)
      }
      Process.print(PagePicture.page(entries, title: "luaslack preview"), to: 1)
    }
  }

  private func scenes(_ previewer: Previewer, _ locations: Locations) throws -> [Scene] {
    if all { return previewer.allScenes() }
    if let last { return try newest(last, previewer, locations) }
    if let event {
      let bytes = try FileDescriptor.standardInput().readAll(limit: SpoolFile.limit)
      do throws(FormatterCase.Unreadable) {
        return [try previewer.scene(case: String(decoding: bytes, as: UTF8.self), name: event)]
      } catch {
        Process.print("luaslack: \(event): \(error)\n", to: 2)
        throw ExitCode(ExitStatus.data.rawValue)
      }
    }
    if let sample {
      guard let scenes = previewer.scenes(sample: sample) else {
        Process.print(
          "luaslack: there is no sample \"\(sample)\""
            + Nearest.hint(sample, Previewer.sampleNames) + "\n", to: 2)
        throw ExitCode(ExitStatus.usage.rawValue)
      }
      return scenes
    }
    return Array(previewer.scenes(sample: "details")?.prefix(1) ?? [])
  }

  private func newest(
    _ count: Int, _ previewer: Previewer, _ locations: Locations
  ) throws -> [Scene] {
    do throws(DatabaseError) {
      return try Queue(reading: locations.database).newestRecords(count).map {
        previewer.scene($0, title: "\($0.kind.rawValue), \(Timestamp.text($0.acceptedAt))")
      }
    } catch {
      Process.print("luaslack: \(locations.database): \(error)\n", to: 2)
      throw ExitCode(ExitStatus.noInput.rawValue)
    }
  }

  private func show(_ previews: [(Scene, Preview)]) {
    let screen = TerminalPicture(width: columns, hasColour: colour)
    let texts = previews.map { scene, preview in
      screen.text(
        title: previews.count > 1 ? scene.title : nil, preview.message.map { Picture($0) },
        remarks: preview.remarks + preview.outputLines)
    }
    Process.print(texts.joined(separator: "\n\n") + "\n", to: 1)
  }

  /// One payload, or a list of all with what is said of them.
  private func printJSON(_ previews: [(Scene, Preview)]) {
    guard previews.count != 1 else {
      for remark in previews[0].1.remarks { Process.print("luaslack: \(remark)\n", to: 2) }
      return Process.print(JSONWriter.pretty(previews[0].1.message ?? .null), to: 1)
    }
    let list = previews.map { scene, preview -> Value in
      [
        "event": .string(scene.title), "payload": preview.message ?? .null,
        "remarks": .array(preview.remarks.map { .string($0) }), "output": .string(preview.output),
      ]
    }
    Process.print(JSONWriter.pretty(.array(list)), to: 1)
  }
}

extension Preview {
  /// What the scripts printed, as it is told beside the message.
  fileprivate var outputLines: [String] {
    output.split(separator: "\n").prefix(20).map { "printed: \($0)" }
  }
}
