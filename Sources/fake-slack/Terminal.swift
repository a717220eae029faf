import Foundation
import Glibc

/// The few looks that a terminal lends to text; none of them when stdout is a file or a pipe.
struct Terminal {
  enum Look: String {
    case bold = "1"
    case dim = "2"
    case italic = "3"
    case underline = "4"
    case reverse = "7"
    case strike = "9"
    case code = "38;5;210"
  }

  let colours: Bool

  static var stdoutHasColours: Bool {
    isatty(STDOUT_FILENO) == 1 && ProcessInfo.processInfo.environment["NO_COLOR"] == nil
  }

  func styled(_ text: String, _ look: Look) -> String {
    // Ends the one look only, so that looks nest: 22 ends bold and dim, 2n ends n, 39 a colour.
    let end =
      switch look {
      case .bold, .dim: "22"
      case .code: "39"
      default: "2" + look.rawValue
      }
    return colours ? "\u{1B}[\(look.rawValue)m\(text)\u{1B}[\(end)m" : text
  }

  /// The bar at the left of an attachment, in its colour: `good`, `warning`, `danger` or `#d64545`.
  func bar(_ colour: String?) -> String {
    let named = ["good": "#2eb886", "warning": "#daa038", "danger": "#a30200"]
    let digits = (colour.map { named[$0] ?? $0 } ?? "#dddddd").drop { $0 == "#" }
    guard colours, digits.count == 6, let rgb = UInt32(digits, radix: 16) else { return "▌" }
    return "\u{1B}[38;2;\(rgb >> 16);\(rgb >> 8 & 255);\(rgb & 255)m▌\u{1B}[39m"
  }

  /// What came over the network must not steer the terminal: controls and invisible format
  /// characters are shown by number, but the joiner that emoji need.
  static func harmless(_ text: String) -> String {
    var shown = ""
    for scalar in text.unicodeScalars {
      let category = scalar.properties.generalCategory
      let hidden = category == .control || category == .format
      if hidden, scalar != "\n", scalar != "\u{200D}" {
        shown += "⟨U+\(String(scalar.value, radix: 16, uppercase: true))⟩"
      } else {
        shown.unicodeScalars.append(scalar)
      }
    }
    return shown
  }
}
