internal import Posix

/// What `luaslack init` did, or would not do, with one file or directory.
public struct SetupStep: Sendable, Equatable {
  public enum What: String, Sendable {
    case wrote, replaced, unchanged, removed
    /// Not touched, for the reason given.
    case left
    /// Could not be done.
    case failed
  }

  public let what: What
  public let path: String
  public let why: String?

  public var line: String {
    let word = what.rawValue
    let gap = String(repeating: " ", count: max(1, 10 - word.count))
    return "\(word)\(gap)\(path)" + (why.map { "  (\($0))" } ?? "")
  }

  public var value: Value {
    [
      "what": .string(what.rawValue), "path": .string(path),
      "why": why.map { .string($0) } ?? .null,
    ]
  }
}

/// Writes the files of `luaslack init` and remembers which, so that they can be removed again. Never
/// touches a file that it did not write, nor one that was changed since.
public struct SetupFiles: Sendable {
  /// One file or directory that was written.
  struct Entry: Sendable, Equatable {
    var path: String
    /// Of the content; nil for a directory.
    var hash: String?
  }

  public private(set) var steps: [SetupStep] = []
  private(set) var entries: [Entry]
  private let manifest: String

  /// Bytes; none of these files is near that.
  private static let limit = 1 << 20

  /// `manifest`: where what was written is remembered. A damaged one, and one
  /// that somebody else may have written, counts as none: then nothing is believed to be ours.
  public init(manifest: String) {
    self.manifest = manifest
    entries = Self.entries(in: manifest)
  }

  private static func entries(in manifest: String) -> [Entry] {
    // Whoever else can write it could have root remove any file.
    let bytes = try? TrustedFile.read(manifest, limit: limit)
    let value = bytes.flatMap { try? JSONReader.read($0) }
    return (value?["written"]?.array ?? []).compactMap { item in
      item["path"]?.string.map { Entry(path: $0, hash: item["hash"]?.string) }
    }
  }

  /// What another run has remembered since; to be called when no other can.
  public mutating func reread() {
    let written = Self.entries(in: manifest)
    entries.removeAll { entry in written.contains { $0.path == entry.path } }
    entries += written
  }

  public var hasFailed: Bool { steps.contains { $0.what == .failed } }
  public var isEmpty: Bool { entries.isEmpty }

  /// The content of a file; nil if there is none that can be read.
  public static func read(_ path: String) -> [UInt8]? {
    guard let file = try? FileDescriptor.open(reading: path),
      (try? file.status())?.kind == .file
    else { return nil }
    return try? file.readAll(limit: limit)
  }

  public mutating func note(_ what: SetupStep.What, _ path: String, _ why: String? = nil) {
    steps.append(SetupStep(what: what, path: path, why: why))
  }

  // MARK: - Writing

  /// Makes a directory that others may look into, with those above it.
  public mutating func makeDirectory(_ path: String) {
    guard (try? FileStatus.of(path)) == nil else { return }
    let parent = path.directoryPart
    if !parent.isEmpty { makeDirectory(parent) }
    do throws(SystemError) {
      try Directory.make(path, permissions: 0o755)
      entries.append(Entry(path: path))
      note(.wrote, path + "/")
    } catch {
      note(.failed, path + "/", "\(error)")
    }
  }

  /// True if the file is now as wanted. `mayReplace`: even one that nothing is known of.
  @discardableResult
  public mutating func place(
    _ content: [UInt8], at path: String, permissions: UInt32 = 0o644, group: UInt32? = nil,
    mayReplace: Bool = false
  ) -> Bool {
    let present = Self.read(path)
    if present == content {
      if entry(path) != nil { remember(path, content) }
      note(.unchanged, path)
      return true
    }
    let isThere = present != nil || (try? FileStatus.of(path)) != nil
    if isThere, !mayReplace {
      guard let entry = entry(path) else {
        note(.left, path, "it is there, and luaslack init did not write it")
        return false
      }
      guard let present, entry.hash == StableHash.text(present) else {
        note(.left, path, "it was changed since luaslack init wrote it")
        return false
      }
    }
    let known = entries
    do throws(SystemError) {
      // A new file is remembered before it is there: whatever cuts this off, undo finds it.
      if !isThere {
        remember(path, content)
        try writeManifest()
      }
      try Self.write(content, to: path, permissions, group)
    } catch {
      entries = known
      note(.failed, path, "\(error)")
      return false
    }
    remember(path, content)
    note(isThere ? .replaced : .wrote, path)
    save()
    return true
  }

  /// Puts back what was there before `place`; nil: nothing.
  public mutating func takeBack(_ path: String, to before: [UInt8]?) {
    steps.removeAll { $0.path == path }
    do throws(SystemError) {
      if let before {
        try Self.write(before, to: path, 0o644, nil)
        remember(path, before)
      } else {
        try Self.remove(path)
        entries.removeAll { $0.path == path }
      }
      save()
      note(.left, path, "taken back")
    } catch {
      note(.failed, path, "cannot be taken back: \(error)")
    }
  }

  /// Written here, and by nobody since.
  public func isUnchanged(_ path: String) -> Bool {
    guard let entry = entry(path), let content = Self.read(path) else { return false }
    return entry.hash == StableHash.text(content)
  }

  private func entry(_ path: String) -> Entry? { entries.first { $0.path == path } }

  private mutating func remember(_ path: String, _ content: [UInt8]) {
    let new = Entry(path: path, hash: StableHash.text(content))
    if let index = entries.firstIndex(where: { $0.path == path }) {
      entries[index] = new
    } else {
      entries.append(new)
    }
  }

  /// Whole or not at all, under its final name with its final rights.
  private static func write(
    _ content: [UInt8], to path: String, _ permissions: UInt32, _ group: UInt32?
  ) throws(SystemError) {
    let directory = try Directory.open(path.directoryPart)
    let name = path.fileName
    // Of no kind that fail2ban or luaslackd reads.
    let draft = ".\(name).luaslack-new"
    try? directory.remove(draft)
    let file = try directory.create(draft)
    do throws(SystemError) {
      try file.write(content)
      if let group { try file.setGroup(group) }
      try file.setPermissions(permissions)
      try file.sync()
      try directory.rename(draft, to: name)
    } catch {
      try? directory.remove(draft)
      throw error
    }
    try directory.sync()
  }

  private static func remove(_ path: String) throws(SystemError) {
    try Directory.open(path.directoryPart).remove(path.fileName)
  }

  /// Remembers what was written; to be called even if something failed.
  public mutating func save() {
    do throws(SystemError) {
      try writeManifest()
    } catch {
      note(.failed, manifest, "\(error)")
    }
  }

  private func writeManifest() throws(SystemError) {
    guard !entries.isEmpty else { return }
    let value: Value = [
      "schema": 1,
      "written": .array(
        entries.map { ["path": .string($0.path), "hash": $0.hash.map { .string($0) } ?? .null] }),
    ]
    let content = Array(JSONWriter.pretty(value).utf8)
    guard Self.read(manifest) != content else { return }
    try Self.write(content, to: manifest, 0o600, nil)
  }

  // MARK: - Undoing

  /// Removes what was written, the last first, but what was changed since and what `mustStay` has a
  /// reason for. Returns the contents of what went.
  public mutating func undo(mustStay: (String) -> String?) -> [(path: String, content: [UInt8])] {
    var removed: [(path: String, content: [UInt8])] = []
    for entry in entries.reversed() where entry.hash != nil {
      if let content = withdraw(entry.path, mustStay: mustStay) {
        removed.append((entry.path, content))
      }
    }
    return removed
  }

  /// The same for one file; nil if it is still there, or was not.
  public mutating func withdraw(
    _ path: String, mustStay: (String) -> String? = { _ in nil }
  ) -> [UInt8]? {
    guard let entry = entry(path) else { return nil }
    guard let content = Self.read(path) else {
      if (try? FileStatus.of(path)) == nil {
        forget(entry)
      } else {
        note(.left, path, "it cannot be read")
      }
      return nil
    }
    if entry.hash != StableHash.text(content) {
      note(.left, path, "it was changed since luaslack init wrote it; it is yours")
      forget(entry)
      return nil
    }
    if let why = mustStay(path) {
      note(.left, path, why)
      return nil
    }
    do throws(SystemError) {
      try Self.remove(path)
    } catch {
      note(.failed, path, "\(error)")
      return nil
    }
    note(.removed, path)
    forget(entry)
    save()
    return content
  }

  /// Brings back what `undo` removed.
  public mutating func restore(_ files: [(path: String, content: [UInt8])], why: String?) {
    for (path, content) in files {
      steps.removeAll { $0.path == path }
      do throws(SystemError) {
        try Self.write(content, to: path, 0o644, nil)
        remember(path, content)
        note(why == nil ? .unchanged : .left, path, why)
      } catch {
        note(.failed, path, "\(error)")
      }
    }
    save()
  }

  /// The last of `undo`: the directories that are empty now, and the memory of what was written unless
  /// something of it has to stay.
  public mutating func finishUndo() {
    let directories = entries.filter { $0.hash == nil }
    guard directories.count == entries.count else { return save() }
    try? Self.remove(manifest)
    for entry in directories.reversed() {
      forget(entry)
      do throws(SystemError) {
        let parent = entry.path.directoryPart
        try Directory.open(parent.isEmpty ? "/" : parent).removeDirectory(entry.path.fileName)
        note(.removed, entry.path + "/")
      } catch {
        if !error.isMissing {
          note(.left, entry.path + "/", "it holds what is not luaslack init's")
        }
      }
    }
  }

  private mutating func forget(_ entry: Entry) { entries.removeAll { $0 == entry } }
}

extension String {
  /// What stands behind the last `/`.
  var fileName: String { split(separator: "/").last.map(String.init) ?? self }
}
