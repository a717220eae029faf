import ArgumentParser
import LuaslackCore
import Posix

struct PreviewCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "preview", abstract: "See what Slack would show, before it does.",
    discussion: """
      Examples:
        luaslack preview                          a ban, as your formatters word it
        luaslack preview 50-colours.lua           as this file does, not yet in place
        luaslack preview --sample recidive        another event
        luaslack preview --last 3                 the newest, as they would look now
        luaslack preview --all --html all.html    everything, for a browser

      Runs the formatters as production does, in the same sandbox under the same limits, and sends \
      nothing. What Slack would not take, what a script printed and where the message would go is said \
      below it. Without a terminal, or with NO_COLOR set, it is plain text.
      """)

  @Option(help: ArgumentHelp("A built-in event.", valueName: "name"))
  var sample: String?
  @Option(help: ArgumentHelp("An event as in a formatter's cases.", valueName: "file"))
  var event: String?
  @Option(help: ArgumentHelp("The newest events of the spool.", valueName: "count"))
  var last: Int?
  @Flag(help: "Every kind of event with every sample.")
  var all = false
  @Flag(help: "Print the payload.")
  var json = false
  @Option(help: ArgumentHelp("Write a page for a browser.", valueName: "file"))
  var html: String?
  @Argument(help: "Formatters, or directories of formatters, in place of yours.")
  var formatters: [String] = []
  @OptionGroup var places: LocationOptions

  func validate() throws {
    let sources = [sample != nil, event != nil, last != nil, all].count { $0 }
    guard sources <= 1 else {
      throw ValidationError("one of --sample, --event, --last and --all is enough")
    }
    guard !json || html == nil else { throw ValidationError("either --json or --html") }
    if let last, !(1...1_000).contains(last) {
      throw ValidationError("--last takes a number from 1 to 1000")
    }
    if sample == "help" {
      throw ValidationError("samples: " + Previewer.sampleNames.joined(separator: ", "))
    }
  }

  func run() throws {
    let (source, bytes) = input()
    var options = source
    let isTerminal = Terminal.isTerminal(1) && html == nil
    if isTerminal, Process.variable("NO_COLOR") ?? "" == "", Process.variable("TERM") != "dumb" {
      options.append("--colour")
    }
    if let columns = Terminal.columns(1) { options.append("--columns=\(columns)") }
    options.append("--form=\(json ? "json" : html == nil ? "picture" : "page")")
    let page = html.map(Self.open)
    let status = Delegate.run(
      "preview", options + ["--"] + formatters, places.locations(), input: bytes,
      output: page?.descriptor.raw ?? 1,
      // The events of the spool are its owner's; everything else is whoever's asks.
      asOwner: last != nil)
    throw ExitCode(status)
  }

  /// Opened before root becomes the spool's owner.
  private static func open(_ path: String) -> Page {
    do throws(SystemError) {
      return Page(try FileDescriptor.open(writing: path))
    } catch {
      Luaslack.fail(.temporary, "\(error)")
    }
  }

  private final class Page {
    let descriptor: FileDescriptor

    init(_ descriptor: consuming FileDescriptor) { self.descriptor = descriptor }
  }

  private func input() -> (options: [String], bytes: [UInt8]) {
    if all { return (["--all"], []) }
    if let sample { return (["--sample=\(sample)"], []) }
    if let last { return (["--last=\(last)"], []) }
    guard let event else { return ([], []) }
    do throws(SystemError) {
      let bytes = try FileDescriptor.open(reading: event).readAll(limit: SpoolFile.limit)
      return (["--event=\(event)"], bytes)
    } catch {
      Luaslack.fail(.noInput, "\(error)")
    }
  }
}
