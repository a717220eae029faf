import LuaslackCore
import MaxMindDB
import Posix

/// Keeps databases of addresses open, as copies that nobody else can change. libmaxminddb maps its file into memory: one
/// that is shortened or written over meanwhile, as by `curl -o`, would end luaslackd with SIGBUS, or lie to it.
/// A copy is made anew when the file has changed, some of it at a time, and the one before it serves meanwhile.
final class GeoFiles {
  /// One file of the config.
  private final class File {
    /// Of what was last looked at.
    var status: FileStatus?
    /// When what failed by no fault of the file, for want of room perhaps, is tried again; microseconds on a clock that
    /// nobody sets.
    var retryAt: Int64?
    /// Microseconds since 1970.
    var seenAt: Int64 = 0
    /// Which of the paths that the config names.
    var index = 0
    var open: OpenDatabase?
    var copying: Copying?
    /// The copy that is open.
    var copy: String?
    var problem: String?
    /// The last address that was looked up met a damaged part.
    var entryProblem: String?

    /// It was seen so soon after it was written that a second change in the same tick of the file system's clock
    /// would not show.
    var isToBeSeenAgain: Bool {
      guard let status, GeoFiles.isClose(seenAt, status.modified) else { return false }
      return !GeoFiles.isClose(Clock.now(), status.modified)
    }
  }

  /// Less than a second apart.
  private static func isClose(_ one: Int64, _ other: Int64) -> Bool {
    abs(one - other) < 1_000_000
  }

  private final class OpenDatabase {
    let database: Database
    init(_ database: consuming Database) { self.database = database }
  }

  /// A copy that is being made.
  private struct Copying {
    let source: Source
    let status: FileStatus
    let draft: String
    let name: String
    var copied = 0
  }

  private final class Source {
    let descriptor: FileDescriptor
    let target: FileDescriptor
    init(_ descriptor: consuming FileDescriptor, _ target: consuming FileDescriptor) {
      self.descriptor = descriptor
      self.target = target
    }
  }

  /// Where copies lie, a directory of luaslackd's own; nil: in memory, for a trial.
  private let directory: String?
  private var files: [String: File] = [:]
  /// The paths that were last asked for.
  private var last: [String]?

  /// Bytes of a file. The format itself ends at 4 GiB.
  private static let sizeLimit = 2 << 30
  /// Bytes that are copied before an event is looked for again.
  private static let slice = 8 << 20
  /// Bytes that stay free for the queue.
  private static let reserve: Int64 = 128 << 20
  /// Microseconds until what failed is tried again.
  private static let pause: Int64 = 60_000_000
  private static let prefix = "geo-"

  init(directory: String?) {
    self.directory = directory
  }

  var problems: [String: String] { files.compactMapValues { $0.problem ?? $0.entryProblem } }

  /// False: there is more to copy.
  func open(_ paths: [String]) -> Bool {
    files = files.filter { paths.contains($0.key) }
    var isWhole = true
    for (index, path) in paths.enumerated() {
      let file = files[path] ?? File()
      file.index = index
      files[path] = file
      look(at: path, file)
      if file.copying != nil { isWhole = false }
    }
    if last != paths { removeOthers() }
    last = paths
    return isWhole
  }

  /// What a database says of an address.
  func entry(of address: [UInt8], in path: String, keeping keys: Set<String>) -> Entry? {
    guard let file = files[path], let open = file.open else { return nil }
    do throws(DatabaseFileError) {
      let entry = try open.database.entry(of: address, keeping: keys)
      // One entry that is damaged is no reason to call all of it so for good.
      file.entryProblem = nil
      return entry
    } catch {
      file.entryProblem = "\(error); \(Diagnosis.wholeDatabase)"
      return nil
    }
  }

  /// For `doctor`: what it is, and when it was made in seconds since 1970.
  func about(_ path: String) -> (type: String, builtAt: UInt64)? {
    guard let open = files[path]?.open else { return nil }
    return (open.database.type, open.database.builtAt)
  }

  /// Why a file is not used.
  private struct Unusable: Error {
    var words: String
    var isMissing = false
    /// It may well go without any change of the file.
    var isPassing = false

    init(_ words: String) { self.words = words }

    init(_ error: SystemError) {
      isMissing = error.isMissing
      isPassing = !isMissing
      words = isMissing ? "no such file" : "\(error)"
    }

    init(_ error: DatabaseFileError) { words = "\(error); \(Diagnosis.wholeDatabase)" }
  }

  private func look(at path: String, _ file: File) {
    do throws(Unusable) {
      if file.copying != nil { return try copyOn(path, file) }
      let status = try calling { () throws(SystemError) in try FileStatus.of(path) }
      let isAgain = file.retryAt.map { $0 <= Clock.sinceBoot() } ?? file.isToBeSeenAgain
      guard status != file.status || isAgain else { return }
      (file.status, file.retryAt) = (status, nil)
      file.seenAt = Clock.now()
      guard status.kind == .file else { throw Unusable("it is no ordinary file") }
      guard status.size <= Self.sizeLimit else { throw Unusable("it is larger than 2 GiB") }
      try begin(path, file, status)
    } catch {
      if let draft = file.copying?.draft, let directory {
        try? Directory.open(directory).remove(draft)
      }
      file.copying = nil
      if error.isPassing { file.retryAt = Clock.sinceBoot() + Self.pause }
      // What was known is better than nothing, but for a file that somebody has taken away.
      if error.isMissing { (file.open, file.status) = (nil, nil) }
      file.problem = error.words
    }
  }

  private func calling<Result: ~Copyable>(
    _ body: () throws(SystemError) -> Result
  ) throws(Unusable) -> Result {
    do throws(SystemError) { return try body() } catch { throw Unusable(error) }
  }

  private func begin(_ path: String, _ file: File, _ status: FileStatus) throws(Unusable) {
    guard let directory else {
      let copy = try calling { () throws(SystemError) in
        let source = try FileDescriptor.open(reading: path)
        return try FileDescriptor.sealed("luaslack-geo", source.readAll(limit: status.size))
      }
      return try use("/proc/self/fd/\(copy.raw)", file)
    }
    let name = Self.name(status, file.index)
    let place = try calling { () throws(SystemError) in try Directory.open(directory) }
    if let copy = try? place.status(name), copy.kind == .file, copy.size == status.size,
      copy.owner == Process.user, copy.links == 1, !Self.isClose(copy.modified, status.modified)
    {
      // One that cannot be used is gone then, and is made anew.
      if (try? use(name, in: directory, file)) != nil { return }
    }
    let free = try calling { () throws(SystemError) in try FileSystem.of(directory).free }
    guard free > Int64(status.size) + Self.reserve else {
      var unusable = Unusable("there is no room for a copy of it in \(directory)")
      unusable.isPassing = true
      throw unusable
    }
    let draft = "." + name
    try? place.remove(draft)
    let source = try calling { () throws(SystemError) in
      Source(try FileDescriptor.open(reading: path), try place.create(draft))
    }
    file.copying = Copying(source: source, status: status, draft: draft, name: name)
    try copyOn(path, file)
  }

  private func copyOn(_ path: String, _ file: File) throws(Unusable) {
    guard var copying = file.copying, let directory else { return }
    let end = min(copying.copied + Self.slice, copying.status.size)
    var isCutOff = false
    while copying.copied < end, !isCutOff {
      let part = try calling { () throws(SystemError) in
        let part = try copying.source.descriptor.read(upTo: min(1 << 20, end - copying.copied))
        try copying.source.target.write(part)
        return part
      }
      copying.copied += part.count
      isCutOff = part.isEmpty
    }
    // A name that outlives a power cut shall not stand for zeros.
    try calling { () throws(SystemError) in try copying.source.target.sync() }
    file.copying = copying
    guard isCutOff || copying.copied == copying.status.size else { return }
    file.copying = nil
    let place = try calling { () throws(SystemError) in try Directory.open(directory) }
    let status = try calling { () throws(SystemError) in
      try copying.source.descriptor.status()
    }
    guard status == copying.status, !isCutOff else {
      try? place.remove(copying.draft)
      file.status = nil
      throw Unusable("it is being written; it is read when that is done")
    }
    try calling { () throws(SystemError) in
      try place.rename(copying.draft, to: copying.name)
    }
    try use(copying.name, in: directory, file)
  }

  private func use(_ name: String, in directory: String, _ file: File) throws(Unusable) {
    do throws(Unusable) {
      try use("\(directory)/\(name)", file)
      file.copy = name
    } catch {
      // A damaged one is not worth its room.
      try? Directory.open(directory).remove(name)
      throw error
    }
    removeOthers()
  }

  private func use(_ copy: String, _ file: File) throws(Unusable) {
    do throws(DatabaseFileError) {
      file.open = OpenDatabase(try Database(path: copy))
      file.problem = nil
    } catch {
      throw Unusable(error)
    }
  }

  /// Copies of what was there before.
  private func removeOthers() {
    guard let directory, let place = try? Directory.open(directory), let names = try? place.names()
    else { return }
    let used = files.values.flatMap { [$0.copy, $0.copying?.draft].compactMap { $0 } }
    for name in names
    where (name.hasPrefix(Self.prefix) || name.hasPrefix("." + Self.prefix))
      && name.hasSuffix(".mmdb") && !used.contains(name)
    {
      try? place.remove(name)
    }
  }

  /// Another file, or the same with something else in it, has another name; so has one that the config names twice.
  private static func name(_ status: FileStatus, _ index: Int) -> String {
    let times = [status.modified, status.changed].map { "\($0)" }
    let parts = ["\(index)", "\(status.device)", "\(status.inode)", "\(status.size)"] + times
    return prefix + parts.joined(separator: "-") + ".mmdb"
  }
}
