/// How many bans a jail had in each five minutes of the last days and in each hour of the last weeks. One jail may have all
/// bans there are, so that they are not counted one by one. Pure.
struct Pulses {
  /// Seconds of the slots that windows up to a day are counted by, and of the others.
  static let (short, long): (Int64, Int64) = (300, 3_600)

  struct Slot {
    /// Seconds since 1970.
    let start: Int64
    var count = History.Count()
  }

  /// In the order of their times.
  private(set) var slots: [Int64: [Slot]]
  /// When the first began that is known.
  private(set) var first: Int64?

  /// The last hour before those that are here.
  private let before: Int64?
  /// Before when nothing is here, by length.
  private let since: [Int64: Int64]

  /// Slots by their length, each in the order of its times: all that reach to `at`.
  init(_ slots: [Int64: [Slot]], first: Int64?, before: Int64?, at: Int64) {
    self.slots = slots
    self.first = first
    self.before = before
    since = Dictionary(
      uniqueKeysWithValues: [Self.short, Self.long].map { ($0, at - Self.reach($0)) })
  }

  /// False: it begins too late for figures up to then, as after a clock was set back.
  func knows(_ at: Int64) -> Bool {
    since.allSatisfy { length, since in at - Self.window(length) - length >= since }
  }

  private static func window(_ length: Int64) -> Int64 {
    (length == short ? History.Window.day : .month).seconds
  }

  static func start(of length: Int64, at: Int64) -> Int64 { at - at % length }

  /// Seconds of slots of one length that any figure is counted from, with some for events that come late.
  static func reach(_ length: Int64) -> Int64 {
    window(length) * 5 / 4
  }

  mutating func add(failures: Int64, at: Int64) {
    for length in [Self.short, Self.long] {
      let start = Self.start(of: length, at: at)
      var all = slots[length] ?? []
      slots[length] = nil
      var index = all.endIndex
      while index > 0, all[index - 1].start > start { index -= 1 }
      if index == 0 || all[index - 1].start < start {
        all.insert(Slot(start: start), at: index)
        index += 1
      }
      all[index - 1].count.bans += 1
      all[index - 1].count.failures += failures
      // What no figure is counted from any more. Not one by one: all the others move.
      let most = Int(2 * Self.reach(length) / length)
      if all.count > 2 * most { all.removeFirst(all.count - most) }
      slots[length] = all
    }
    first = min(first ?? .max, Self.start(of: Self.long, at: at))
  }

  /// To five minutes up to a day, to an hour beyond.
  func figures(until at: Int64) -> History.Figures {
    var figures = History.Figures()
    for window in History.Window.allCases {
      let length = window.seconds > History.Window.day.seconds ? Self.long : Self.short
      var count = History.Count()
      for slot in (slots[length] ?? []).reversed() where slot.start <= at {
        guard slot.start > at - window.seconds - length else { break }
        count.bans += slot.count.bans
        count.failures += slot.count.failures
      }
      figures[window] = count
    }
    figures.first = first
    let oldest = at - Self.window(Self.short) - Self.short
    let minutes = slots[Self.short]?.last { $0.start <= at }?.start
    let hour = slots[Self.long]?.last { $0.start <= at }?.start ?? before
    figures.last = [minutes.flatMap { $0 > oldest ? $0 : nil }, hour].compactMap { $0 }.max()
    return figures
  }
}
