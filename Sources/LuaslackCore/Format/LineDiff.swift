/// What changed between two texts, line by line and byte for byte, with a few lines around it: the
/// form of `diff -u`. Pure, and quick whatever the texts are.
struct LineDiff {
  enum Kind: Equatable { case place, same, old, new, note }

  struct Line: Equatable {
    let kind: Kind
    /// As it may go to a terminal.
    let text: String
  }

  /// Empty if the texts are equal; else at most `limit` lines, and how many more there are.
  let lines: [Line]

  init(from old: [UInt8], to new: [UInt8], limit: Int = 100) {
    let steps = Self.steps(from: Self.lines(of: old), to: Self.lines(of: new))
    let lines = Self.hunks(of: steps)
    let rest = lines.count - limit
    self.lines =
      rest > 0
      ? lines.prefix(limit) + [Line(kind: .note, text: "… and \(rest) more lines")] : lines
  }

  private typealias Bytes = [UInt8]
  private typealias Step = (kind: Kind, line: Bytes)

  /// Lines around a change.
  private static let around = 3
  /// Finding the shortest difference takes memory and time in the square of this.
  private static let mostLines = 1_000

  private static func lines(of text: Bytes) -> [Bytes] {
    var lines = text.split(separator: 0x0a, omittingEmptySubsequences: false).map(Array.init)
    if lines.last == [] {
      lines.removeLast()
    } else {
      lines[lines.count - 1] += Array(" (no line end)".utf8)
    }
    return lines
  }

  private static func steps(from old: [Bytes], to new: [Bytes]) -> [Step] {
    let head = zip(old, new).prefix { $0 == $1 }.count
    let tail = zip(old.dropFirst(head).reversed(), new.dropFirst(head).reversed())
      .prefix { $0 == $1 }.count
    let (before, after) = (old[head..<old.count - tail], new[head..<new.count - tail])
    let middle: [Step] =
      max(before.count, after.count) > mostLines
      ? before.map { (.old, $0) } + after.map { (.new, $0) }
      : changes(from: Array(before), to: Array(after))
    return old.prefix(head).map { (.same, $0) } + middle + old.suffix(tail).map { (.same, $0) }
  }

  private static func changes(from old: [Bytes], to new: [Bytes]) -> [Step] {
    let difference = new.difference(from: old)
    func offset(_ change: CollectionDifference<Bytes>.Change) -> Int {
      switch change {
      case .remove(let offset, _, _), .insert(let offset, _, _): offset
      }
    }
    let removed = Set(difference.removals.map(offset))
    let inserted = Set(difference.insertions.map(offset))
    var steps: [Step] = []
    var (i, j) = (0, 0)
    while i < old.count || j < new.count {
      if i < old.count, removed.contains(i) {
        steps.append((.old, old[i]))
        i += 1
      } else if j < new.count, inserted.contains(j) {
        steps.append((.new, new[j]))
        j += 1
      } else {
        steps.append((.same, old[i]))
        (i, j) = (i + 1, j + 1)
      }
    }
    return steps
  }

  private static func hunks(of steps: [Step]) -> [Line] {
    var lines: [Line] = []
    var (oldLine, newLine, end) = (1, 1, 0)
    for (index, step) in steps.enumerated() {
      if index >= end, let last = lastNear(index, steps) {
        let hunk = steps[index..<last]
        let (oldCount, newCount) = (hunk.count { $0.kind != .new }, hunk.count { $0.kind != .old })
        let place =
          "@@ -\(place(oldLine, oldCount)) +\(place(newLine, newCount)) @@"
        lines.append(Line(kind: .place, text: place))
        end = last
      }
      if index < end {
        let text = PlainText.marked(String(decoding: step.line, as: UTF8.self))
        lines.append(Line(kind: step.kind, text: text))
      }
      if step.kind != .new { oldLine += 1 }
      if step.kind != .old { newLine += 1 }
    }
    return lines
  }

  /// Where the hunk ends that begins at a step; nil: none begins there.
  private static func lastNear(_ index: Int, _ steps: [Step]) -> Int? {
    func change(within range: Range<Int>) -> Int? {
      steps[range.clamped(to: steps.indices)].firstIndex { $0.kind != .same }
    }
    guard var last = change(within: index..<index + around + 1) else { return nil }
    // Two changes with no more than the lines around them in between are one hunk.
    while let next = change(within: last + 1..<last + 2 * around + 2) { last = next }
    return min(last + around + 1, steps.count)
  }

  private static func place(_ line: Int, _ count: Int) -> String {
    count == 0 ? "\(line - 1),0" : "\(line),\(count)"
  }
}
