import LuaslackCore
import Posix

/// Shows a picture anew whenever a file that it was made of is saved. While something is wrong, it shows what,
/// above the last good picture. Runs until it is stopped, or the program that started it is gone.
struct PreviewWatch {
  struct Drawing: Equatable {
    /// As a terminal shows them, a line each.
    var problems: [String] = []
    /// Nil: there is none.
    var picture: String?
    /// Files and directories that it was made of.
    var sources: [String] = []
  }

  /// Milliseconds for which nothing more may change before it looks: some editors save in several steps.
  private static let settling: Int32 = 15
  /// Milliseconds after which it looks all the same.
  private static let patience: Int64 = 200
  /// Milliseconds after which it asks for the terminal's size and for the program that started it.
  private static let interval: Int32 = 500

  private let hasColour: Bool
  /// The program that started this one.
  private let parent: Int32
  private let draw: (_ columns: Int) -> Drawing

  init(hasColour: Bool, parent: Int32, draw: @escaping (_ columns: Int) -> Drawing) {
    (self.hasColour, self.parent) = (hasColour, parent)
    self.draw = draw
  }

  func run() throws {
    var watch = try DirectoryWatch()
    var good: String?
    var shown: String?
    var size = Terminal.size(1)
    while Process.parent == parent {
      var drawing: Drawing
      repeat {
        drawing = draw(size?.columns ?? 80)
        // What was saved before it was watched is looked for once more.
      } while try add(drawing.sources, to: &watch)
      if drawing.problems.isEmpty { good = drawing.picture }
      let screen = self.screen(drawing, good, size)
      if screen != shown, !show(screen, size) { return }
      shown = screen
      guard try wait(&watch, &size) else { return }
    }
  }

  /// True if one of them is new. A file is seen through its directory, since most editors put another in its
  /// place; that of a symbolic link also where it leads.
  private func add(
    _ sources: [String], to watch: inout DirectoryWatch
  ) throws(SystemError) -> Bool {
    var isNew = false
    for source in sources {
      for path in [source, resolvedPath(source) ?? source] {
        let isDirectory = (try? FileStatus.of(path))?.kind == .directory
        if isDirectory, try watch.add(path) { isNew = true }
        if try watch.add(path.directoryPart.isEmpty ? "/" : path.directoryPart) { isNew = true }
      }
    }
    return isNew
  }

  /// Returns once something changed, or may have; false if nobody looks any more.
  private func wait(
    _ watch: inout DirectoryWatch, _ size: inout Terminal.Size?
  ) throws(SystemError) -> Bool {
    // What is at the other end of a pipe can leave; a terminal takes its programs along, and a file stays.
    let isPipe = (try? FileDescriptor.standardOutput().status().kind) == .fifo
    var isTold = false
    while !isTold, Terminal.size(1) == size, Process.parent == parent {
      let descriptors = [watch.descriptor.raw] + (isPipe ? [1] : [])
      let ready = try Readiness.wait(for: descriptors, milliseconds: Self.interval)
      if isPipe, ready[1] { return false }
      isTold = ready[0] || watch.isBlind
    }
    let deadline = Clock.monotonic() + Self.patience * 1_000
    while watch.drain(), Clock.monotonic() < deadline {
      _ = try Readiness.wait(for: watch.descriptor.raw, milliseconds: Self.settling)
    }
    size = Terminal.size(1)
    return true
  }

  private func screen(_ drawing: Drawing, _ good: String?, _ size: Terminal.Size?) -> String {
    var lines = drawing.problems
    if let picture = good ?? drawing.picture {
      if !drawing.problems.isEmpty {
        lines += ["", styled("2", good == nil ? "Without it:" : "As it was before:")]
      }
      lines += picture.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    }
    guard let size, size.rows > 3 else { return lines.joined(separator: "\n") }
    // What is wrong stands on top, and must not leave the screen there.
    let room = size.rows - 3
    if lines.count > room {
      lines = lines.prefix(room - 1) + [styled("2", "… \(lines.count - room + 1) more lines")]
    }
    return lines.joined(separator: "\n") + "\n\n"
      + styled("2", "Save a file to see it change; Ctrl-C ends.")
  }

  private func styled(_ codes: String, _ text: String) -> String {
    TerminalText.painted(text, codes, if: hasColour)
  }

  /// On a terminal in place of the screen before, else below it. False if nobody reads it.
  private func show(_ screen: String, _ size: Terminal.Size?) -> Bool {
    let text = size == nil ? screen + "\n\n" : "\u{1b}[H\u{1b}[2J" + screen + "\n"
    return (try? FileDescriptor.standardOutput().write(Array(text.utf8))) != nil
  }
}
