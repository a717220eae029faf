import LuaslackCore
import Posix

/// Where findings are told to a person: in the colours and the width of a terminal, if it is one.
struct Screen {
  private let descriptor: Int32
  private let columns: Int
  let hasColour: Bool
  let palette = TerminalPicture.Palette(
    term: Process.variable("TERM"), colorterm: Process.variable("COLORTERM"))

  static let standardOutput = Screen(1)
  static let standardError = Screen(2)

  private init(_ descriptor: Int32) {
    self.descriptor = descriptor
    // A file is read anywhere.
    columns = Terminal.size(descriptor)?.columns ?? 100
    hasColour =
      Terminal.isTerminal(descriptor) && (Process.variable("NO_COLOR") ?? "").isEmpty
      && Process.variable("TERM") != "dumb"
  }

  func print(_ findings: [Finding], opening: String = "") {
    for finding in findings {
      let lines = finding.lines(columns: columns, hasColour: hasColour)
      Process.print(opening + lines.joined(separator: "\n") + "\n", to: descriptor)
    }
  }
}
