/// What the pace of one destination makes of many events: which of them have their own message, and which
/// are told in a digest. Pure: times in, times out. As if luaslackd ran all the time, and Slack
/// took each message at once.
struct PacePlay {
  struct Item {
    /// Microseconds since 1970.
    var at: Int64
    var isCritical = false
    /// A formatter left it to the next digest.
    var forDigest = false
  }

  enum Fate: Equatable {
    case alone
    /// In the digest of that number.
    case digest(Int)
  }

  /// Of each item.
  private(set) var fates: [Fate]
  /// When each digest goes out.
  private(set) var digests: [Int64] = []

  private let items: [Item]
  private let limit: Pace.Limit
  private let digestWithin: Int64
  private var pace: Pace
  private var arrived = 0
  private var ordinary = Line()
  private var critical = Line()
  private var forDigest = Line()
  /// When critical ones went alone.
  private var alarms: [Int64] = []

  /// Items in order, of which the first is taken without moving the others.
  private struct Line {
    private(set) var items: [Int] = []
    private var start = 0

    var first: Int? { start < items.count ? items[start] : nil }
    var second: Int? { start + 1 < items.count ? items[start + 1] : nil }
    var count: Int { items.count - start }
    var all: ArraySlice<Int> { items[start...] }

    mutating func append(_ item: Int) { items.append(item) }
    mutating func takeFirst() { start += 1 }
    mutating func clear() { (items, start) = ([], 0) }
  }

  /// `items` in the order of their times; `digestWithin` in microseconds.
  init(_ items: [Item], _ limit: Pace.Limit, digestWithin: Int64) {
    (self.items, self.limit, self.digestWithin) = (items, limit, digestWithin)
    fates = Array(repeating: .alone, count: items.count)
    pace = Pace(limit, now: items.first?.at ?? 0)
    var now = items.first?.at ?? 0
    while arrived < items.count || ordinary.count + critical.count + forDigest.count > 0 {
      takeIn(now)
      guard let wakeAt = step(now) else { continue }
      // What arrives in between may be critical.
      let next = arrived < items.count ? items[arrived].at : .max
      now = max(now + 1, min(wakeAt, next))
    }
  }

  private mutating func takeIn(_ now: Int64) {
    while arrived < items.count, items[arrived].at <= now {
      if items[arrived].forDigest {
        forDigest.append(arrived)
      } else if items[arrived].isCritical {
        critical.append(arrived)
      } else {
        ordinary.append(arrived)
      }
      arrived += 1
    }
  }

  /// Sends something, or says when to look again: the order of `Courier.choose`.
  private mutating func step(_ now: Int64) -> Int64? {
    let overdueAt = forDigest.first.map { items[$0].at + digestWithin } ?? .max
    guard ordinary.count + critical.count > 0 || overdueAt <= now else { return overdueAt }
    pace = pace.reckoned(limit, now: now)
    let mayAt = pace.nextAt(limit)
    guard mayAt <= now else { return mayAt }
    alarms.removeAll { $0 <= now - 60_000_000 }
    if alarms.count < Fold.criticalAMinute, let urgent = critical.first,
      items[urgent].at >= now - Fold.lateAfter
    {
      critical.takeFirst()
      alarms.append(now)
      return send()
    }
    let backlog = Fold.Backlog(
      count: ordinary.count + critical.count, late: late(now), hasOverdue: overdueAt <= now)
    let recent = Array(digests.suffix(Self.mostDigests).drop { $0 < now - Fold.memory })
    switch Fold.decision(
      backlog, capacity: Fold.capacity(pace, limit), digests: recent, now: now)
    {
    case .wait(let until): return until
    case .fold: return fold(now)
    case .apart: break
    }
    switch (ordinary.first, critical.first) {
    case (let one?, let other?) where one < other: ordinary.takeFirst()
    case (_, .some): critical.takeFirst()
    case (.some, nil): ordinary.takeFirst()
    case (nil, nil): return overdueAt
    }
    return send()
  }

  /// The shortest distance between two lets no more of them be remembered.
  private static let mostDigests = 200

  private mutating func send() -> Int64? {
    pace.take()
    return nil
  }

  /// Two are as good as many.
  private func late(_ now: Int64) -> Int {
    [ordinary.first, ordinary.second, critical.first, critical.second].compactMap { $0 }
      .count { items[$0].at < now - Fold.lateAfter }
  }

  private mutating func fold(_ now: Int64) -> Int64? {
    for line in [ordinary, critical, forDigest] {
      for item in line.all { fates[item] = .digest(digests.count) }
    }
    ordinary.clear()
    critical.clear()
    forDigest.clear()
    digests.append(now)
    return send()
  }
}
