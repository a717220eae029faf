/// Makes a message that is ready to be sent fit into Slack's limits, and says what did not. What fits
/// already stays byte for byte; what was made to fit fits. Pure, and never fails.
struct Fit {
  private var violations: [Violation] = []
  private var path: [Step] = []
  private var blockNames: Set<String> = []
  /// Attachments that may come on top of the message's own.
  private let room: Int
  /// Of the row of buttons that was just fitted: nothing can stand among them that says so.
  private var buttonsLeftOut = 0

  private enum Step {
    case key(String)
    case index(Int)
  }

  /// What became of a part.
  private enum Outcome {
    case asIs
    case changed(Value)
    case gone
  }

  /// `room` is how many attachments will be added; it counts only in a message that has no room left.
  static func fitted(
    _ message: Value, room: Int = 0
  ) -> (message: Value, violations: [Violation]) {
    var fit = Fit(room: room)
    var message = message
    if case .changed(let fitted) = fit.part(message, "message") { message = fitted }
    if let total = FitTotal(message) {
      let pointer = message["blocks"] == nil ? "/attachments" : "/blocks"
      let problem = Violation.Problem.total(total.count, most: SlackParts.mostBlockText)
      fit.violations.append(Violation(pointer, problem))
      message = total.fitted
    }
    return (message, fit.violations)
  }

  private init(room: Int) {
    self.room = room
  }

  private mutating func violate(_ problem: Violation.Problem) {
    let pointer = path.map { step in
      switch step {
      case .key(let key):
        "/" + key.replacing("~", with: "~0").replacing("/", with: "~1")
      case .index(let index): "/\(index)"
      }
    }
    violations.append(Violation(pointer.joined(), problem))
  }

  // MARK: - Parts

  private mutating func part(_ value: Value, _ name: String) -> Outcome {
    guard case .object(var members) = value else { return .asIs }
    let type = members["type"]?.string
    guard let part = SlackParts.part(name, type: type) else { return .asIs }
    var isChanged = false
    let told = violations.count
    for (key, member) in part.limited {
      guard let old = members[key], old != .null else { continue }
      path.append(.key(key))
      let outcome = self.member(old, member, type == "plain_text" ? .plain : .markup)
      path.removeLast()
      switch outcome {
      case .asIs: continue
      case .changed(let new): members[key] = new
      case .gone:
        if case .address = member { return .gone }
        members[key] = nil
      }
      isChanged = true
    }
    for key in part.dash where isMissing(members[key]) {
      path.append(.key(key))
      violate(.empty)
      path.removeLast()
      members[key] = "-"
      isChanged = true
    }
    if !part.needs.isEmpty, part.needs.allSatisfy({ isMissing(members[$0]) }) {
      // If what it needs was there and did not fit, that is said already.
      if violations.count == told {
        violate(.missing("a \(type ?? name) needs \(part.needs.joined(separator: " or "))"))
      }
      return .gone
    }
    return isChanged ? .changed(.object(members)) : .asIs
  }

  private func isMissing(_ value: Value?) -> Bool {
    switch value {
    case nil, .null, .string(""), .array([]): true
    default: false
    }
  }

  private mutating func member(
    _ value: Value, _ member: SlackParts.Member, _ sort: FitText.Sort
  ) -> Outcome {
    switch member {
    case .anything, .colour, .text(most: nil): return .asIs
    case .text(let most?):
      guard let text = value.string, FitText.isLonger(text, than: most) else { return .asIs }
      violate(.characters(FitText.count(text), most: most))
      return .changed(.string(FitText.cut(text, to: most, sort)))
    case .address(let most):
      guard let text = value.string, FitText.isLonger(text, than: most) else { return .asIs }
      violate(.characters(FitText.count(text), most: most))
      return .gone
    case .identifier(let most): return identifier(value, most: most)
    case .part(let name): return part(value, name)
    case .parts(let name, let least, let most):
      return parts(value, name, least: least, most: most)
    }
  }

  private mutating func identifier(_ value: Value, most: Int) -> Outcome {
    guard let name = value.string else { return .asIs }
    guard !FitText.isLonger(name, than: most) else {
      violate(.characters(FitText.count(name), most: most))
      return .gone
    }
    guard case .key("block_id") = path.last, !blockNames.insert(name).inserted else { return .asIs }
    violate(.repeated)
    return .gone
  }

  // MARK: - Lists

  private mutating func parts(_ value: Value, _ name: String, least: Int, most: Int?) -> Outcome {
    // What Lua's {} became.
    if value == [:] { return least == 0 ? .gone : empty() }
    guard case .array(let items) = value else { return .asIs }
    if items.count < least { return empty() }
    if let most, items.count > most { violate(.parts(items.count, most: most)) }
    var isChanged = false
    var result: [Value] = []
    for (index, item) in items.enumerated() {
      path.append(.index(index))
      switch part(item, name) {
      case .asIs: result.append(item)
      case .changed(let new):
        isChanged = true
        result.append(new)
      case .gone: isChanged = true
      }
      path.removeLast()
      if buttonsLeftOut > 0 {
        result.append(Folded.part("block", buttonsLeftOut))
        buttonsLeftOut = 0
        isChanged = true
      }
    }
    let limit = most.map { name == "attachment" ? $0 - room : $0 }
    if let limit, result.count > limit {
      fold(&result, name, to: limit)
      isChanged = true
    }
    guard isChanged else { return .asIs }
    return result.isEmpty ? .gone : .changed(.array(result))
  }

  private mutating func empty() -> Outcome {
    violate(.empty)
    return .gone
  }

  private mutating func fold(_ parts: inout [Value], _ name: String, to most: Int) {
    if name == "action" {
      buttonsLeftOut = parts.count - most
      parts.removeLast(buttonsLeftOut)
    } else {
      let kept = most - 1
      let leftOut = parts[kept...].map { Folded.number(in: $0) ?? 1 }.reduce(0, +)
      parts = parts[..<kept] + [Folded.part(name, leftOut)]
    }
  }
}

/// The part that stands for those that were left out.
enum Folded {
  /// More than any of these has.
  static let mostCharacters = 40

  static func part(_ name: String, _ count: Int) -> Value {
    let text = Value.string("… and \(count) more left out")
    let plain: Value = ["type": "plain_text", "text": text]
    return switch name {
    case "attachment": ["fallback": text, "text": text]
    case "block": ["type": "context", "elements": [plain]]
    default: plain
    }
  }

  /// How many a part stands for; nil for an ordinary one.
  static func number(in part: Value) -> Int? {
    let text = part["elements"]?.array?.first?["text"]?.string ?? part["text"]?.string
    guard let text, text.utf8.count < mostCharacters, text.hasPrefix("… and ") else { return nil }
    guard let number = text.split(separator: " ").dropFirst(2).first.flatMap({ Int($0) }),
      number > 0,
      ["attachment", "block", "column"].contains(where: { self.part($0, number) == part })
    else { return nil }
    return number
  }
}
