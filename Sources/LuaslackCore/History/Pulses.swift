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

  /// Slots by their length, each in the order of its times.
  init(_ slots: [Int64: [Slot]], first: Int64?) {
    self.slots = slots
    self.first = first
  }

  static func start(of length: Int64, at: Int64) -> Int64 { at - at % length }

  /// Seconds of slots of one length that any figure is counted from, with some for events that come late.
  static func reach(_ length: Int64) -> Int64 {
    (length == short ? History.Window.day : .month).seconds * 5 / 4
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
      if let newest = all.last?.start, all[0].start < newest - 2 * Self.reach(length) {
        all.removeAll { $0.start < newest - Self.reach(length) }
      }
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
    figures.last = slots[Self.short]?.last?.start ?? slots[Self.long]?.last?.start
    return figures
  }
}
