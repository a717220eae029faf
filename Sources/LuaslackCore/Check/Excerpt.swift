/// The line of a script or a config that a problem is about, with the one that leads to it, and where in it
/// the problem is. What a file holds is hostile text: what is shown is plain and no wider than asked for.
public struct Excerpt: Sendable, Hashable {
  /// A line in three parts; the middle one is what is marked.
  struct Line: Sendable, Hashable {
    let number: Int
    var before = ""
    var marked = ""
    var after = ""
  }

  /// The last is the one that the problem is about.
  let lines: [Line]

  /// Characters of each part that are kept: more than fits on any screen.
  private static let longest = 400

  /// Nil if the source has no such line. `words`: what the problem names; the first that stands in the line is
  /// marked, or else what stands in `column`, which counts from 1. `opening`: the line that began what the
  /// problem is about; nil: the one before it. `conceal` takes away what nobody may see.
  init?(
    of source: String, line number: Int, words: [Word] = [], column: Int? = nil,
    opening: Int? = nil,
    conceal: (String) -> String = Secrets.masked
  ) {
    guard number > 0 else { return nil }
    // By scalars: to Swift a line end of Windows is one character.
    let lines = source.unicodeScalars.split(
      separator: "\n", maxSplits: number, omittingEmptySubsequences: false
    ).map { $0.last == "\r" ? $0.dropLast() : $0 }
    // At the end of a file, behind its last newline, nothing stands.
    guard number <= lines.count else { return nil }
    func text(_ number: Int) -> String {
      PlainText.tamed(conceal(String(lines[number - 1])))
    }
    func isBlank(_ number: Int) -> Bool { lines[number - 1].allSatisfy(\.properties.isWhitespace) }
    var shown = (1..<number).last { !isBlank($0) }
    if let opening, 1..<number ~= opening { shown = opening }
    let context = shown.map { [Line(number: $0, after: Self.plain(text($0).prefix(Self.longest)))] }
    // In a line that something was taken out of, a column is another one.
    let column = text(number).unicodeScalars.elementsEqual(lines[number - 1]) ? column : nil
    self.lines = (context ?? []) + [Self.line(number, text(number), words, column)]
  }

  private static func line(
    _ number: Int, _ text: String, _ words: [Word], _ column: Int?
  ) -> Line {
    let named = words.lazy.compactMap { $0.range(in: text) }.first
    guard let range = named ?? column.flatMap({ sign($0, of: text) }) else {
      return Line(number: number, after: plain(text.prefix(longest)))
    }
    return Line(
      number: number, before: plain(text[..<range.lowerBound].suffix(longest)),
      marked: plain(text[range].prefix(longest)),
      after: plain(text[range.upperBound...].prefix(longest)))
  }

  private static func sign(_ column: Int, of text: String) -> Range<String.Index>? {
    let scalars = text.unicodeScalars
    guard column > 0,
      let start = scalars.index(
        scalars.startIndex, offsetBy: column - 1, limitedBy: scalars.endIndex),
      start < scalars.endIndex
    else { return nil }
    return start..<scalars.index(after: start)
  }

  /// A tab has the same width wherever it stands, so that the marks are under what they mark.
  private static func plain(_ text: Substring) -> String {
    TerminalText.visible(String(text).replacing("\t", with: "  "))
  }

  // MARK: - As it is shown

  /// In so many columns; marks stand on a line of their own.
  func text(columns: Int) -> [String] {
    let gutter = max(5, String(lines.map(\.number).max() ?? 0).count + 2)
    let room = max(20, columns - gutter - 3)
    var result: [String] = []
    for line in lines {
      let (text, start, width) = Self.cut(line, to: room)
      let number = String(line.number)
      result.append(Self.spaces(gutter - number.count) + number + " | " + text)
      if width > 0 {
        result.append(
          Self.spaces(gutter + 1) + "| " + Self.spaces(start) + String(repeating: "^", count: width)
        )
      }
    }
    // A blank line ends with its bar.
    return result.map { $0.hasSuffix("| ") ? String($0.dropLast()) : $0 }
  }

  /// The part of the line around what is marked, and where in it the marks stand.
  private static func cut(_ line: Line, to room: Int) -> (text: String, start: Int, width: Int) {
    let marked = CellWidth.cut(line.marked, to: room / 2)
    let width = CellWidth.of(marked)
    let after = CellWidth.of(line.after)
    let left = max(room / 2 - width, room - width - after)
    let before = CellWidth.cutFront(line.before, to: max(left, 0))
    let start = CellWidth.of(before)
    let text = before + marked + CellWidth.cut(line.after, to: room - start - width)
    return (text, start, width)
  }

  private static func spaces(_ count: Int) -> String {
    String(repeating: " ", count: max(0, count))
  }
}

extension Excerpt {
  /// What to look for in a line: a name, not a part of a longer one, or signs.
  struct Word: Sendable, Hashable {
    var text: String
    /// Which one is meant if it stands there more than once: what one of these follows, else what follows one.
    var isBefore = ""
    var isAfter = "\"'"
    /// It may go on: Lua names only the beginning.
    var isBeginning = false
    /// A name is marked with what it is a member of: `event.geo`.
    var takesOwner = true

    func range(in line: String) -> Range<String.Index>? {
      guard !text.isEmpty, text.utf8.count <= longest else { return nil }
      let found = line.ranges(of: text).filter { isWhole($0, in: line) }
      let isName = Self.isPart(text.last)
      // Of two equal signs nobody can say which one is meant.
      guard isName || found.count == 1 else { return nil }
      let fitting = found.first { range in
        line[range.upperBound...].first { $0 != " " }.map(isBefore.contains) ?? false
      }
      let following = found.first { line[..<$0.lowerBound].last.map(isAfter.contains) ?? false }
      guard let range = fitting ?? following ?? found.first else { return nil }
      guard takesOwner, isName else { return range }
      let owner = line[..<range.lowerBound].reversed().prefix {
        Self.isPart($0) || ".:".contains($0)
      }
      // `..` joins texts, and owns nothing.
      let dots = String(owner.reversed()).split(separator: "..", omittingEmptySubsequences: false)
      return line.index(range.lowerBound, offsetBy: -(dots.last?.count ?? 0))..<range.upperBound
    }

    private var longest: Int { 200 }

    private func isWhole(_ range: Range<String.Index>, in line: String) -> Bool {
      let before = Self.isPart(text.first) && Self.isPart(line[..<range.lowerBound].last)
      let after =
        !isBeginning && Self.isPart(text.last) && Self.isPart(line[range.upperBound...].first)
      return !before && !after
    }

    private static func isPart(_ character: Character?) -> Bool {
      character.map { $0.isLetter || $0.isNumber || $0 == "_" } ?? false
    }
  }
}
