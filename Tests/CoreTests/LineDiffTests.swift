import TestSupport
import Testing

@testable import LuaslackCore

/// What changed between two texts, as `formatter test` shows it.
@Suite struct LineDiffTests {
  private func diff(_ old: String, _ new: String, limit: Int = 100) -> [String] {
    LineDiff(from: Array(old.utf8), to: Array(new.utf8), limit: limit).lines.map { line in
      switch line.kind {
      case .place, .note: line.text
      case .same: " " + line.text
      case .old: "-" + line.text
      case .new: "+" + line.text
      }
    }
  }

  @Test func `lines around a change, and where they are`() {
    #expect(diff("a\nb\n", "a\nb\n").isEmpty)
    #expect(diff("", "a\n") == ["@@ -0,0 +1,1 @@", "+a"])
    #expect(
      diff("1\n2\n3\n4\n5\n6\n", "1\n2\n3\n4\nx\n6\n")
        == ["@@ -2,5 +2,5 @@", " 2", " 3", " 4", "-5", "+x", " 6"])
  }

  @Test func `a line end that is missing, and bytes that look the same, are changes`() {
    #expect(diff("a\n", "a") == ["@@ -1,1 +1,1 @@", "-a", "+a (no line end)"])
    #expect(diff("e\u{301}\n", "\u{e9}\n").count == 3)
    #expect(diff("a\r\n", "a\n") == ["@@ -1,1 +1,1 @@", "-a<U+000D>", "+a"])
  }

  @Test func `no text is so large that it takes long or fills the screen`() {
    let old = (0..<50_000).map { "old \($0)\n" }.joined()
    let new = (0..<50_000).map { "new \($0)\n" }.joined()
    let lines = diff(old, new, limit: 10)
    #expect(lines.count == 11)
    #expect(lines.last == "… and 99991 more lines")
  }

  /// Whoever applies it to the old text gets the new one.
  @Test func `the shown lines stand where their numbers say, and the others are equal`() {
    var random = FixedRandom(seed: 7)
    for _ in 0..<500 {
      let old = (0..<Int.random(in: 0...40, using: &random)).map { _ in
        "\(Int.random(in: 0...3, using: &random))"
      }
      var new = old
      for _ in 0..<Int.random(in: 1...6, using: &random) {
        let index = Int.random(in: 0...new.count, using: &random)
        if Bool.random(using: &random) || index == new.count {
          new.insert("n", at: index)
        } else {
          new.remove(at: index)
        }
      }
      let text = { (lines: [String]) in Array(lines.map { $0 + "\n" }.joined().utf8) }
      let lines = LineDiff(from: text(old), to: text(new), limit: 1_000).lines
      #expect(applied(lines, to: old) == new)
    }
  }

  private func applied(_ lines: [LineDiff.Line], to old: [String]) -> [String]? {
    var result: [String] = []
    var next = 0
    for line in lines {
      switch line.kind {
      case .place:
        let numbers = line.text.split(whereSeparator: { !$0.isNumber }).compactMap { Int($0) }
        guard numbers.count == 4 else { return nil }
        let start = numbers[0] - (numbers[1] == 0 ? 0 : 1)
        guard next <= start, start <= old.count else { return nil }
        result += old[next..<start]
        next = start
        guard result.count == numbers[2] - (numbers[3] == 0 ? 0 : 1) else { return nil }
      case .same, .old:
        guard next < old.count, old[next] == line.text else { return nil }
        next += 1
        if line.kind == .same { result.append(line.text) }
      case .new: result.append(line.text)
      case .note: return nil
      }
    }
    return result + old[next...]
  }
}
