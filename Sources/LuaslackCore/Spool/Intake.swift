internal import Posix
internal import SQLite

/// Takes what callers left in `incoming/` and the overflow into the queue. A file is removed only
/// after the commit that holds its event; one that outlives that is recognised by its name.
struct Intake: Sendable {
  /// Files in one transaction: enough to share its flush, few enough to begin delivering soon.
  static let batch = 256
  /// Files of other users that one look puts aside: a flood of them holds nothing of ours up.
  static let rejectedAtOnce = 1_024
  /// Files of other users that are kept for people to look at.
  static let rejectedLimit = 100

  let locations: Locations

  /// What one look found.
  struct Found: Sendable {
    var name: String
    var isOverflow: Bool
    var content: SpoolFile.Content
  }

  /// The oldest files of the spool, then those of the overflow. What cannot be used is put aside, with
  /// a word in `damaged`.
  func look() throws(SystemError) -> (found: [Found], damaged: [String]) {
    let spool = try Spool.open(locations, creating: true)
    var found: [Found] = []
    var damaged: [String] = []
    try look(spool.incoming(), isOverflow: false, &found, &damaged)
    if let overflow = try? Spool.openOverflow(locations, creating: false) {
      try? look(Maildrop(overflow), isOverflow: true, &found, &damaged)
    }
    return (found, damaged)
  }

  private func look(
    _ drop: borrowing Maildrop, isOverflow: Bool, _ found: inout [Found], _ damaged: inout [String]
  ) throws(SystemError) {
    let names = try drop.directory.names()
    var rejected = Rejected(names)
    let end = found.count + Self.batch
    for name in Maildrop.whole(names) where found.count < end {
      if let status = try? drop.directory.status(name), !Maildrop.isOwn(status) {
        rejected.put(name, of: status.owner, in: drop)
        continue
      }
      do throws(SpoolFile.Damaged) {
        guard let bytes = try bytes(of: name, in: drop) else { continue }
        let content = try SpoolFile.read(bytes)
        found.append(Found(name: name, isOverflow: isOverflow, content: content))
      } catch {
        // Kept under a name that is not read again, but for a later version's by that version.
        let prefix = error.isNewer ? Maildrop.newer : Maildrop.damaged
        try? drop.directory.rename(name, to: prefix + name)
        damaged.append("\(name): \(error.reason)")
      }
    }
    damaged += rejected.words
    rejected.sweep(drop)
  }

  /// What other users left. Members of the group luaslack-submit may put files into `incoming/`; that a
  /// file tells of a ban is believed of root and of the spool's owner alone, and nothing else is
  /// known to this version.
  private struct Rejected {
    private var counts: [UInt32: Int] = [:]
    private var total = 0
    private var kept: Int
    /// Names that no look takes for whole files.
    private let hidden: [String]

    init(_ names: [String]) {
      hidden = names.filter { !Maildrop.isWhole($0) }
      kept = hidden.count { $0.hasPrefix(Maildrop.rejected) }
    }

    mutating func put(_ name: String, of user: UInt32, in drop: borrowing Maildrop) {
      guard total < Intake.rejectedAtOnce else { return }
      total += 1
      counts[user, default: 0] += 1
      if kept >= Intake.rejectedLimit, (try? drop.directory.remove(name)) != nil { return }
      // Not under their own name: it may be too long for a prefix, or that of something here.
      let own = "\(user)-\(Maildrop.newName(now: Clock.now()))"
      try? drop.directory.rename(name, to: Maildrop.rejected + own)
      kept += 1
    }

    var words: [String] {
      counts.sorted { $0.key < $1.key }.map { user, count in
        "user \(user) left \(count == 1 ? "a file" : "\(count) files") in incoming/, and may leave "
          + "notifications only, which this version does not know"
      }
    }

    /// Others can give such names too. They may have some; when there are many, all go that can.
    func sweep(_ drop: borrowing Maildrop) {
      guard hidden.count > Intake.rejectedAtOnce else { return }
      for name in hidden.prefix(4 * Intake.rejectedAtOnce) {
        guard let status = try? drop.directory.status(name), !Maildrop.isOwn(status) else {
          continue
        }
        try? drop.directory.remove(name)
      }
    }
  }

  /// Nil if the file is gone, or cannot be read just now; what is no file at all is damage.
  private func bytes(
    of name: String, in drop: borrowing Maildrop
  ) throws(SpoolFile.Damaged) -> [UInt8]? {
    do throws(SystemError) {
      return try drop.read(name)
    } catch {
      guard error.isNoOrdinaryFile else { return nil }
      throw SpoolFile.Damaged(reason: "no ordinary file of one name")
    }
  }

  /// False if one could not be removed; it is recognised by its name when it is found again.
  func remove(_ files: [Found]) -> Bool {
    var isComplete = true
    func remove(_ file: Found, from directory: borrowing Directory) {
      do throws(SystemError) {
        try directory.remove(file.name)
      } catch {
        isComplete = isComplete && error.isMissing
      }
    }
    if let incoming = try? Spool.open(locations, creating: false).incoming() {
      for file in files where !file.isOverflow { remove(file, from: incoming.directory) }
    }
    guard files.contains(where: \.isOverflow) else { return isComplete }
    if let overflow = try? Spool.openOverflow(locations, creating: false) {
      for file in files where file.isOverflow { remove(file, from: overflow) }
    }
    return isComplete
  }

  /// Files that are there to be taken in. A place that cannot be looked into counts as empty.
  func waitingFiles() -> Int { waiting().count }

  /// The same, with the time at which the oldest of the spool's was accepted, in microseconds since
  /// 1970.
  func waiting() -> (count: Int, oldestAt: Int64?) {
    var inSpool: (count: Int, oldestAt: Int64?) = (0, nil)
    if let found = try? Spool.open(locations, creating: false).incoming().waiting() {
      inSpool = found
    }
    let overflow = try? Spool.openOverflow(locations, creating: false)
    guard let overflow else { return inSpool }
    return (inSpool.count + ((try? Maildrop(overflow).waiting().count) ?? 0), inSpool.oldestAt)
  }

  /// True while a file that could not be used lies in the spool.
  func hasDamaged() throws(SystemError) -> Bool {
    try Spool.open(locations, creating: false).incoming().directory.names()
      .contains { $0.hasPrefix(Maildrop.damaged) || $0.hasPrefix(Maildrop.newer) }
  }

  /// Clears what killed writers left, and gives what an older version could not read another try.
  func tidy(now: Int64) throws(SystemError) {
    let incoming = try Spool.open(locations, creating: true).incoming()
    try incoming.removeAbandoned(now: now)
    for name in try incoming.directory.names() where name.hasPrefix(Maildrop.newer) {
      try? incoming.directory.rename(name, to: String(name.dropFirst(Maildrop.newer.count)))
    }
  }
}

/// Events that lie in the spool or the overflow and are in no row yet.
public enum NotTakenIn {
  /// Files that are looked at, the newest.
  private static let limit = 2_000

  public static func events(of address: String, _ locations: Locations) -> [EventRecord] {
    var records: [EventRecord] = []
    func look(_ drop: borrowing Maildrop) {
      let names = ((try? drop.names()) ?? []).filter { name in
        (try? drop.directory.status(name)).map(Maildrop.isOwn) ?? false
      }
      for name in names.suffix(limit) {
        guard let bytes = try? drop.read(name), case .event(let record) = try? SpoolFile.read(bytes)
        else { continue }
        if record.ip == address || record.subject == address { records.append(record) }
      }
    }
    if let incoming = try? Spool.open(locations, creating: false).incoming() { look(incoming) }
    if let overflow = try? Spool.openOverflow(locations, creating: false) {
      look(Maildrop(overflow))
    }
    return records
  }
}
