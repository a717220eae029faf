import LuaslackCore

/// A time of the config, `"90s"`, `"10m"`, `"1h"` or a bare number of seconds, and what is said of one that is
/// wrong. Does not know where it stands.
struct TimeSetting {
  struct Wrong: Error {
    let problem: String
  }

  let key: String
  /// Seconds; nil: any time.
  var range: ClosedRange<Int>?

  func read(_ value: Value?) throws(Wrong) -> Int {
    let text = value?.string ?? value?.int.map(String.init) ?? ""
    switch Seconds.read(text) {
    case .seconds(let seconds):
      guard let range, !range.contains(seconds) else { return seconds }
      throw Wrong(problem: wrong(seconds < range.lowerBound ? "short" : "long"))
    case .tooMany: throw Wrong(problem: wrong("long"))
    case .severalUnits:
      throw Wrong(problem: "\(key) must be a time with one unit, like \"90m\"")
    case .noTime:
      let form = limits.map { "from \($0)" } ?? "like \"60s\", \"10m\" or \"1h\""
      throw Wrong(problem: "\(key) must be a time \(form)")
    }
  }

  /// As somebody would write them.
  private var limits: String? {
    range.map { "\"\(Self.text($0.lowerBound))\" to \"\(Self.text($0.upperBound))\"" }
  }

  private static func text(_ seconds: Int) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("m", 60)]
    let unit = units.first { seconds >= $0.1 && seconds % $0.1 == 0 } ?? ("s", 1)
    return "\(seconds / unit.1)\(unit.0)"
  }

  private func wrong(_ how: String) -> String {
    limits.map { "\(key) is too \(how); it goes from \($0)" } ?? "\(key) is more than ten years"
  }
}
