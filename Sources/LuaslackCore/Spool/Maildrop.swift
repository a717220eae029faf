internal import Posix

/// A directory in which files appear whole or not at all: written under a name that readers pass
/// over, synced, renamed. The rename is the point of no return.
struct Maildrop: ~Copyable {
  let directory: Directory

  /// Prefix of a file that is being written.
  static let unfinished = "."
  /// Prefix of a file that could not be read; kept for people, never read again.
  static let damaged = "damaged-"
  /// Microseconds after which an unfinished file has lost its writer.
  static let unfinishedLifetime: Int64 = 3_600 * 1_000_000

  init(_ directory: consuming Directory) {
    self.directory = directory
  }

  /// Returns the file's name once it is on the disk under that name.
  func deliver(_ bytes: [UInt8], now: Int64) throws(SystemError) -> String {
    let random = String(UInt64.random(in: .min ... .max), radix: 16)
    let name = "\(now).\(Process.id).\(random)"
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
    return name
  }

  /// Names of whole files, oldest first.
  func names(limit: Int = .max) throws(SystemError) -> [String] {
    let names = try directory.names(limit: limit).filter {
      !$0.hasPrefix(Self.unfinished) && !$0.hasPrefix(Self.damaged)
    }
    return names.sorted { (Self.time(of: $0), $0) < (Self.time(of: $1), $1) }
  }

  private static func time(of name: String) -> Int64 {
    Int64(name.prefix { $0 != "." }) ?? .max
  }

  /// Removes what writers that were killed have left behind.
  func removeAbandoned(now: Int64) throws(SystemError) {
    for name in try directory.names() where name.hasPrefix(Self.unfinished) {
      guard let status = try? directory.status(name) else { continue }
      if now - status.modified > Self.unfinishedLifetime { try? directory.remove(name) }
    }
  }

  /// The content of one file; nothing about a file that somebody made a link or a FIFO is believed.
  func read(_ name: String) throws(SystemError) -> [UInt8] {
    try directory.openForReading(name).readAll(limit: SpoolFile.limit + 1)
  }
}
