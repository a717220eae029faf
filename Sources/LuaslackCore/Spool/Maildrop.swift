internal import Posix

/// A directory in which files appear whole or not at all: written under a name that readers pass
/// over, synced, renamed. The rename is the point of no return.
struct Maildrop: ~Copyable {
  let directory: Directory

  /// Prefix of a file that is being written.
  static let unfinished = "."
  /// Prefix of a file that could not be read; kept for people, never read again.
  static let damaged = "damaged-"
  /// Prefix of a file that a later version has written.
  static let newer = "newer-"
  /// Prefix of what another user left and may not leave, followed by that user's number.
  static let rejected = damaged + "by-"
  /// Microseconds after which an unfinished file has lost its writer.
  static let unfinishedLifetime: Int64 = 3_600 * 1_000_000

  init(_ directory: consuming Directory) {
    self.directory = directory
  }

  /// `<realtime in microseconds>.<process>.<random>`: the order of the names is that of the events.
  static func newName(now: Int64) -> String {
    "\(now).\(Process.id).\(String(UInt64.random(in: .min ... .max), radix: 16))"
  }

  /// Returns once the file is on the disk under that name.
  func deliver(_ bytes: [UInt8], as name: String) throws(SystemError) {
    let temporary = Self.unfinished + name
    do throws(SystemError) {
      let file = try directory.create(temporary)
      try file.write(bytes)
      try file.sync()
      try directory.rename(temporary, to: name)
    } catch {
      try? directory.remove(temporary)
      throw error
    }
    try directory.sync()
  }

  /// Names of whole files, oldest first.
  func names(limit: Int = .max) throws(SystemError) -> [String] {
    Self.whole(try directory.names(limit: limit))
  }

  /// Those of whole files, oldest first.
  static func whole(_ names: [String]) -> [String] {
    let names = names.filter(isWhole)
    return names.map { (time: time(of: $0), name: $0) }.sorted { $0 < $1 }.map(\.name)
  }

  /// A name that is not UTF-8 could not be opened by what is known of it, so that it does not count.
  static func isWhole(_ name: String) -> Bool {
    ![unfinished, damaged, newer].contains { name.hasPrefix($0) }
      && !name.unicodeScalars.contains("\u{FFFD}")
  }

  /// How many whole files there are, and the time of the oldest: without the cost of their order.
  func waiting() throws(SystemError) -> (count: Int, oldestAt: Int64?) {
    let names = try directory.names().filter(Self.isWhole)
    return (names.count, names.lazy.map(Self.time(of:)).min())
  }

  static func time(of name: String) -> Int64 {
    Int64(name.prefix { $0 != "." }) ?? .max
  }

  /// Removes what writers that were killed have left behind.
  func removeAbandoned(now: Int64) throws(SystemError) {
    for name in try directory.names() where name.hasPrefix(Self.unfinished) {
      guard let status = try? directory.status(name) else { continue }
      if now - status.changed > Self.unfinishedLifetime { try? directory.remove(name) }
    }
  }

  /// The content of one file. Nothing is read of what is a link, a FIFO or has a second name somewhere,
  /// nor of what another user left.
  func read(_ name: String) throws(SystemError) -> [UInt8] {
    let file = try directory.openForReading(name)
    let status = try file.status()
    guard status.kind == .file, status.links == 1, Self.isOwn(status) else {
      throw SystemError("use \(name)", code: 40)
    }
    return try file.readAll(limit: SpoolFile.limit + 1)
  }

  /// The same of another user's, with whose it is and since when.
  func readSubmitted(_ name: String) throws(SystemError) -> (bytes: [UInt8], FileStatus) {
    let file = try directory.openForReading(name)
    let status = try file.status()
    guard status.kind == .file, status.links == 1, !Self.isOwn(status) else {
      throw SystemError("use \(name)", code: 40)
    }
    return (try file.readAll(limit: SpoolFile.limit + 1), status)
  }

  /// Root's, or the spool owner's: only these may tell of bans.
  static func isOwn(_ status: FileStatus) -> Bool {
    status.owner == 0 || status.owner == Process.user
  }
}
