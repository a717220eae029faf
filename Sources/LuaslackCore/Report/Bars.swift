/// Numbers as pictures of text. Pure. Zero looks like nothing, and what is not zero never does.
enum Bars {
  private static let heights = Array("▁▂▃▄▅▆▇█")
  private static let widths = Array("▏▎▍▌▋▊▉█")
  static let zero: Character = "."

  /// One character a number, the largest as high as can be: `..▁▃█▂`.
  static func line(_ counts: [Int64]) -> String {
    let most = counts.max() ?? 0
    return String(counts.map { $0 <= 0 ? zero : heights[eighths($0, of: most) - 1] })
  }

  /// A bar that lies, `width` characters long where `count` is `most`: `███▌`. Nothing for zero.
  static func bar(_ count: Int64, of most: Int64, width: Int) -> String {
    guard count > 0, most > 0, width > 0 else { return "" }
    // In Double: the counts are a database's, and may be anything.
    let share = min(1, Double(count) / Double(most))
    let eighths = max(1, Int((share * Double(8 * width)).rounded()))
    let full = String(repeating: widths[7], count: eighths / 8)
    return full + (eighths % 8 == 0 ? "" : String(widths[eighths % 8 - 1]))
  }

  /// 1 to 8 of what is not zero.
  private static func eighths(_ count: Int64, of most: Int64) -> Int {
    min(8, max(1, Int((Double(count) / Double(most) * 8).rounded(.up))))
  }
}
