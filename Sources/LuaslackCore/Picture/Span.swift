/// A stretch of text that Slack shows in one way.
public struct Span: Sendable, Equatable {
  public enum Kind: Sendable, Equatable {
    case text
    case code
    /// Leads somewhere; the span's text is what it says.
    case link(url: String)
    /// Names a person, a group or a channel, and calls them.
    case mention
    /// The span's text is its name, without colons.
    case emoji
    /// Worded for each reader, in Slack alone; the span's text is what others get.
    case date(shown: String)
  }

  public struct Style: OptionSet, Sendable, Hashable {
    public let rawValue: UInt8

    public init(rawValue: UInt8) { self.rawValue = rawValue }

    public static let bold = Style(rawValue: 1)
    public static let italic = Style(rawValue: 2)
    public static let struck = Style(rawValue: 4)
  }

  public var kind: Kind
  public var style: Style
  public var text: String

  public init(_ text: String, _ kind: Kind = .text, _ style: Style = []) {
    (self.kind, self.style, self.text) = (kind, style, text)
  }

  public typealias Line = [Span]
}

/// Lines that belong together.
public enum Passage: Sendable, Equatable {
  case lines([Span.Line])
  /// With a bar at the left.
  case quote([Span.Line])
  /// As it is, in characters of one width.
  case fence([String])
}

extension [Passage] {
  /// Its beginning.
  func prefix(lines most: Int) -> [Passage] {
    var room = most
    var result: [Passage] = []
    for passage in self where room > 0 {
      switch passage {
      case .lines(let lines):
        result.append(.lines(Array<Span.Line>(lines.prefix(room))))
        room -= lines.count
      case .quote(let lines):
        result.append(.quote(Array<Span.Line>(lines.prefix(room))))
        room -= lines.count
      case .fence(let lines):
        result.append(.fence(Array<String>(lines.prefix(room))))
        room -= lines.count
      }
    }
    return result
  }
}
