import ArgumentParser
import LuaslackCore
import Posix

struct PreviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "See what Slack would show, before it does.",
    discussion: """
      Examples:
        luaslack preview                          a ban, as your formatters word it
        luaslack preview --watch                  again whenever a file is saved
        luaslack preview 50-colours.lua           as this file does, not yet in place
        luaslack preview --sample recidive        another event
        luaslack preview --last 3                 the newest, as they would look now
        luaslack preview --all --html all.html    everything, for a browser

      Runs the formatters as production does, in the same sandbox under the same limits, and sends \
      nothing. What Slack would not take, what a script printed, where the message would go and what \
      is not shown there is said below it. Without a terminal, or with NO_COLOR set, it is plain text.

      Samples: \(Previewer.sampleNames.joined(separator: " ")).

      Exit status: 0 shown, 64 no such sample, 65 the event is wrong, 66 it or a formatter cannot be \
      read, 78 the config is wrong.
      """)

  @Option(
    help: ArgumentHelp("A built-in event.", valueName: "name"), completion: Completions.samples)
  var sample: String?
  @Option(
    help: ArgumentHelp("An event as in a formatter's cases.", valueName: "file"),
    completion: Completions.events)
  var event: String?
  @Option(help: ArgumentHelp("The newest events that were recorded.", valueName: "count"))
  var last: Int?
  @Flag(help: "Every kind of event with every sample.")
  var all = false
  @Flag(help: "Stay, and show it again whenever a formatter or the config is saved.")
  var watch = false
  @Flag(help: "Print the payload; of several, a list.")
  var json = false
  @Option(
    help: ArgumentHelp(
      "Write a page for a browser; a new one only you can read.", valueName: "file"),
    completion: .file(extensions: ["html"]))
  var html: String?
  @Argument(
    help: "Formatters or directories of them, in place of yours.",
    completion: Completions.formatters)
  var formatters: [String] = []
  @OptionGroup var places: LocationOptions

  func validate() throws {
    let sources = [sample != nil, event != nil, last != nil, all].count { $0 }
    guard sources <= 1 else {
      throw ValidationError("--sample, --event, --last and --all cannot go together")
    }
    guard [watch, json, html != nil].count(where: { $0 }) <= 1 else {
      throw ValidationError("--watch, --json and --html cannot go together")
    }
    if let last, !(1...1_000).contains(last) {
      throw ValidationError("--last takes a number from 1 to 1000")
    }
    if let sample, !Previewer.sampleNames.contains(sample) {
      let names = Previewer.sampleNames
      throw ValidationError(
        "there is no sample \"\(sample)\"\(Nearest.hint(sample, names))")
    }
  }

  func run() throws {
    var options = sample.map { ["--sample=\($0)"] } ?? []
    options += event.map { ["--event=\($0)"] } ?? []
    options += last.map { ["--last=\($0)"] } ?? []
    options += all ? ["--all"] : []
    if watch { options.append("--parent=\(Process.id)") }
    let isNew = html.map { (try? FileStatus.of($0)) == nil } ?? false
    options.append("--form=\(watch ? "watch" : json ? "json" : html == nil ? "picture" : "page")")
    let status = Delegate.run(
      "preview", options + ["--"] + formatters, places.locations(), output: output(),
      // What was recorded is the spool's owner's; all else is whoever's asks.
      asOwner: last != nil)
    if status != 0, isNew, let html { Self.remove(html) }
    throw ExitCode(status)
  }

  private static func remove(_ path: String) {
    let name = path.split(separator: "/").last.map(String.init) ?? path
    try? Directory.open(path.directoryPart).remove(name)
  }

  /// Opened before root becomes the spool's owner; luaslackd empties it once it has something to put there.
  private func output() -> Int32 {
    guard let html else { return 1 }
    do throws(SystemError) {
      return try FileDescriptor.open(writing: html).release()
    } catch {
      Luaslack.fail(.temporary, "\(error)")
    }
  }
}
