/// The text of all blocks of a message together: what Slack refuses as msg_blocks_too_long. The
/// longest texts are cut first. Where there are so many that little would be left of each, blocks
/// before the last one go.
struct FitTotal {
  /// Characters in all blocks.
  let count: Int
  private let message: Value
  private var blocks: [Block]
  /// Characters that there may be.
  private let most: Int

  fileprivate struct Block {
    var value: Value
    /// In which of the message's lists: 0 is its own, then one for each attachment.
    let list: Int
    /// The lengths of its texts.
    var sizes: [Int]
    /// Rich text, tables and the like: not text by text, but as a whole.
    let isBulk: Bool

    /// What would be left of it if its texts were cut to the least.
    var least: Int { sizes.reduce(0) { $0 + min($1, FitTotal.leastText) } }
  }

  /// Shorter than this a text says nothing.
  fileprivate static let leastText = Folded.mostCharacters
  /// Its texts at their least are far from what there is room for.
  fileprivate static let mostTexts = 50

  /// Nil if there is room enough, also for `spare` characters more.
  init?(_ message: Value, spare: Int = 0) {
    most = SlackParts.mostBlockText - spare
    let lists = Self.lists(of: message)
    guard !lists.isEmpty, lists.contains(where: { !$0.isEmpty }) else { return nil }
    // There are never more code points than bytes, and those are counted faster.
    let bytes = lists.joined().reduce(0) { $0 + Self.sizes(of: $1) { $0.utf8.count }.reduce(0, +) }
    guard bytes > most else { return nil }
    blocks = lists.enumerated().flatMap { list, values in values.map { Block($0, list: list) } }
    count = blocks.reduce(0) { $0 + $1.sizes.reduce(0, +) }
    guard count > most else { return nil }
    self.message = message
  }

  var fitted: Value {
    var copy = self
    if copy.blocks.reduce(0, { $0 + $1.least }) > most { copy.leaveOut() }
    let level = level(copy.blocks.flatMap(\.sizes))
    for index in copy.blocks.indices { copy.blocks[index].cut(to: level) }
    return copy.assembled
  }

  private static func lists(of message: Value) -> [[Value]] {
    let attachments = (message["attachments"]?.array ?? []).map { $0["blocks"]?.array ?? [] }
    return [message["blocks"]?.array ?? []] + attachments
  }

  private var assembled: Value {
    var result = message
    let lists = Dictionary(grouping: blocks, by: \.list).mapValues { $0.map(\.value) }
    if let own = lists[0] { result["blocks"] = .array(own) }
    guard var attachments = message["attachments"]?.array else { return result }
    for (list, values) in lists where list > 0 {
      attachments[list - 1]["blocks"] = .array(values)
    }
    result["attachments"] = .array(attachments)
    return result
  }

  // MARK: - Which

  /// Keeps as many of the first as there is room for, and the last.
  private mutating func leaveOut() {
    // A last one that only says how many are missing is counted in.
    let last = blocks.last.flatMap { Folded.number(in: $0.value) == nil ? $0 : nil }
    let lists = (blocks.last?.list ?? 0) + 1
    var room = most - lists * Folded.mostCharacters - (last?.least ?? 0)
    let candidates = last == nil ? blocks[...] : blocks.dropLast()
    let kept = candidates.prefix { block in
      room -= block.least
      return room >= 0
    }
    var result = Array(kept)
    let gone = Dictionary(grouping: candidates[kept.endIndex...], by: \.list)
    for (list, missing) in gone.sorted(by: { $0.key < $1.key }) {
      let number = missing.reduce(0) { $0 + (Folded.number(in: $1.value) ?? 1) }
      result.append(Block(Folded.part("block", number), list: list))
    }
    blocks = result + (last.map { [$0] } ?? [])
  }

  // MARK: - How long

  /// To what length the longest have to come down for all to have room.
  private func level(_ sizes: [Int]) -> Int {
    var room = most
    for (index, size) in sizes.sorted().enumerated() {
      let share = room / (sizes.count - index)
      guard size <= share else { return share }
      room -= size
    }
    return .max
  }

  /// The lengths of all strings named `text` in a block, at any depth.
  fileprivate static func sizes(of value: Value, _ size: (String) -> Int) -> [Int] {
    var result: [Int] = []
    visit(value) { text in result.append(size(text)) }
    return result
  }

  fileprivate static func visit(_ value: Value, _ see: (String) -> Void) {
    switch value {
    case .array(let items): for item in items { visit(item, see) }
    case .object(let members):
      // Sorted, since the texts of a whole block are strung together.
      for (key, value) in members.sorted(by: { $0.key < $1.key }) {
        if key == "text", let text = value.string { see(text) } else { visit(value, see) }
      }
    default: break
    }
  }
}

extension FitTotal.Block {
  fileprivate init(_ value: Value, list: Int) {
    self.value = value
    self.list = list
    let sizes = FitTotal.sizes(of: value, FitText.count)
    let type = value["type"]?.string ?? ""
    isBulk =
      SlackParts.blocks[type] == nil || ["rich_text", "table"].contains(type)
      || sizes.count > FitTotal.mostTexts
    self.sizes = isBulk ? [sizes.reduce(0, +)] : sizes
  }

  fileprivate mutating func cut(to level: Int) {
    guard sizes.contains(where: { $0 > level }) else { return }
    value = isBulk ? Self.section(value, level) : Self.cut(value, level)
  }

  private static func cut(_ value: Value, _ level: Int) -> Value {
    switch value {
    case .array(let items): return .array(items.map { cut($0, level) })
    case .object(var members):
      for (key, part) in members {
        guard key == "text", let text = part.string else {
          members[key] = cut(part, level)
          continue
        }
        guard FitText.isLonger(text, than: level) else { continue }
        let sort: FitText.Sort = members["type"] == "plain_text" ? .plain : .markup
        members[key] = .string(FitText.cut(text, to: level, sort))
      }
      return .object(members)
    default: return value
    }
  }

  /// The words alone, the beginning of them.
  private static func section(_ value: Value, _ level: Int) -> Value {
    var words = ""
    FitTotal.visit(value) { words += $0 }
    let text = FitText.cut(words, to: min(level, 3_000), .plain)
    return ["type": "section", "text": ["type": "plain_text", "text": .string(text)]]
  }
}
