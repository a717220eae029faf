internal import Posix
internal import SQLite

/// Takes what callers left in `incoming/` and the overflow into the queue. A file is removed only
/// after the commit that holds its event; one that outlives that is recognised by its name.
struct Intake {
  /// Files in one transaction: enough to share its flush, few enough to begin delivering soon.
  static let batch = 256

  let locations: Locations
  private let submitters = Submitters()

  init(locations: Locations) {
    self.locations = locations
  }

  /// A file that can be taken in.
  struct Found: Sendable {
    var name: String
    var isOverflow: Bool
    var content: SpoolFile.Content

    /// Nil of a request.
    var event: EventRecord? { if case .event(let record) = content { record } else { nil } }
  }

  /// What one look found.
  struct Look: Sendable {
    var found: [Found] = []
    /// What could not be used and was put aside, a word each.
    var damaged: [String] = []
    /// The same of what other users left.
    var refused: [String] = []
    /// Other users who left more than there is room for.
    var exceeding: [String] = []
  }

  /// The oldest files of the spool, then those of the overflow.
  func look() throws(SystemError) -> Look {
    let spool = try Spool.open(locations, creating: true)
    var look = Look()
    try self.look(spool.incoming(), isOverflow: false, &look)
    if let overflow = try? Spool.openOverflow(locations, creating: false) {
      try? self.look(Maildrop(overflow), isOverflow: true, &look)
    }
    return look
  }

  private func look(
    _ drop: borrowing Maildrop, isOverflow: Bool, _ look: inout Look
  ) throws(SystemError) {
    let names = try drop.directory.names()
    var guests: [Submitters.File] = []
    let end = look.found.count + Self.batch
    for name in Maildrop.whole(names) where look.found.count < end {
      if let status = try? drop.directory.status(name), !Maildrop.isOwn(status) {
        guests.append(Submitters.File(name: name, status: status))
        continue
      }
      do throws(SpoolFile.Damaged) {
        guard let bytes = try bytes(of: name, in: drop) else { continue }
        let content = try SpoolFile.read(bytes)
        look.found.append(Found(name: name, isOverflow: isOverflow, content: content))
      } catch {
        // Kept under a name that is not read again, but for a later version's by that version.
        let prefix = error.isNewer ? Maildrop.newer : Maildrop.damaged
        try? drop.directory.rename(name, to: prefix + name)
        look.damaged.append("\(name): \(error.reason)")
      }
    }
    // Ours go first, whatever time the names of others tell.
    guard !isOverflow else { return }
    submitters.take(guests, among: names, in: drop, &look)
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
    let network = Network(address)
    func look(_ drop: borrowing Maildrop) {
      let names = ((try? drop.names()) ?? []).filter { name in
        (try? drop.directory.status(name)).map(Maildrop.isOwn) ?? false
      }
      for name in names.suffix(limit) {
        guard let bytes = try? drop.read(name), case .event(let record) = try? SpoolFile.read(bytes)
        else { continue }
        if record.ip == address || record.subject == address
          || network.map({ [Network(record.ip), Network(record.subject)].contains($0) }) ?? false
        {
          records.append(record)
        }
      }
    }
    if let incoming = try? Spool.open(locations, creating: false).incoming() { look(incoming) }
    if let overflow = try? Spool.openOverflow(locations, creating: false) {
      look(Maildrop(overflow))
    }
    return records
  }
}
