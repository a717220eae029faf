internal import Posix
internal import SQLite

/// Takes what callers left in `incoming/` and the overflow into the queue. A file is removed only
/// after the commit that holds its event; one that outlives that is recognised by its name.
struct Intake: Sendable {
  /// Files in one transaction: enough to share its flush, few enough to begin delivering soon.
  static let batch = 64

  let locations: Locations

  /// What one look found.
  struct Found: Sendable {
    var name: String
    var isOverflow: Bool
    var content: SpoolFile.Content
  }

  /// The oldest files, spool and overflow together. Damaged ones are put aside, with a word in
  /// `damaged`.
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
    for name in try drop.names().prefix(Self.batch) {
      do throws(SpoolFile.Damaged) {
        guard let bytes = try bytes(of: name, in: drop) else { continue }
        let content = try SpoolFile.read(bytes)
        found.append(Found(name: name, isOverflow: isOverflow, content: content))
      } catch {
        // Kept for whoever wants to look, under a name that is not read again.
        try? drop.directory.rename(name, to: Maildrop.damaged + name)
        damaged.append("\(name): \(error.reason)")
      }
    }
  }

  /// Nil if the file is gone already.
  private func bytes(
    of name: String, in drop: borrowing Maildrop
  ) throws(SpoolFile.Damaged) -> [UInt8]? {
    do throws(SystemError) {
      return try drop.read(name)
    } catch {
      if error.isMissing { return nil }
      throw SpoolFile.Damaged(reason: "\(error)")
    }
  }

  func remove(_ files: [Found]) throws(SystemError) {
    let incoming = try Spool.open(locations, creating: false).incoming()
    for file in files where !file.isOverflow { try incoming.directory.remove(file.name) }
    guard files.contains(where: \.isOverflow) else { return }
    let overflow = try Spool.openOverflow(locations, creating: false)
    for file in files where file.isOverflow { try overflow.remove(file.name) }
  }

  /// Files that are there to be taken in.
  func waitingFiles() throws(SystemError) -> Int {
    let inSpool = try Spool.open(locations, creating: false).incoming().names().count
    guard let overflow = try? Spool.openOverflow(locations, creating: false) else {
      return inSpool
    }
    return inSpool + (try Maildrop(overflow).names().count)
  }

  func removeAbandoned(now: Int64) throws(SystemError) {
    try Spool.open(locations, creating: true).incoming().removeAbandoned(now: now)
  }
}
