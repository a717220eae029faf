public import Posix

/// The open spool directory: who owns it, its parts, and the protocol that wakes luaslackd.
public struct Spool: ~Copyable {
  let directory: Directory

  static let triggerName = "trigger"
  static let lockName = "lock"
  /// Put there by the service's unit: somebody else starts luaslackd.
  static let managedName = "managed"

  /// Opens the spool and, as root, becomes its owner for good: whatever follows can reach no more
  /// than that user can. Root itself owns it only in trials and containers.
  static func open(_ locations: Locations, creating: Bool) throws(SystemError) -> Spool {
    let directory = try openOrMake(locations.spool, creating: creating)
    if Process.user == 0 { giveOverflow(to: try directory.descriptor.status(), locations) }
    return Spool(directory: try asOwner(directory, locations.spool))
  }

  /// The directory in memory for events that the spool cannot take.
  static func openOverflow(
    _ locations: Locations, creating: Bool
  ) throws(SystemError) -> Directory {
    try asOwner(openOrMake(locations.overflow, creating: creating), locations.overflow)
  }

  /// While the spool could not even be opened, root kept events under its own name; its owner shall
  /// collect them.
  private static func giveOverflow(to spool: FileStatus, _ locations: Locations) {
    guard spool.owner != 0 else { return }
    try? Directory.open(locations.overflow).give(user: spool.owner, group: spool.group)
  }

  /// As root, becomes the spool's owner, so that a command sees and touches what that user may.
  /// False if there is no spool yet.
  public static func enter(_ locations: Locations) throws(SystemError) -> Bool {
    do throws(SystemError) {
      _ = try open(locations, creating: false)
      return true
    } catch {
      if error.isMissing { return false }
      throw error
    }
  }

  private static func asOwner(
    _ directory: consuming Directory, _ path: String
  ) throws(SystemError) -> Directory {
    let status = try directory.descriptor.status()
    guard status.owner == 0 || status.group != 0 else {
      throw SystemError("use \(path), whose group is root's; chgrp it to its owner's", code: 1)
    }
    if Process.user == 0, status.owner != 0 {
      try Process.become(user: status.owner, group: status.group)
    }
    guard status.owner == Process.user else {
      throw SystemError("use \(path), which belongs to another user; run this as root", code: 1)
    }
    guard status.permissions & 0o022 == 0 else {
      throw SystemError("use \(path), which others can write; chmod 0700", code: 1)
    }
    return directory
  }

  private static func openOrMake(_ path: String, creating: Bool) throws(SystemError) -> Directory {
    do throws(SystemError) {
      return try Directory.open(path)
    } catch {
      guard creating, error.isMissing else { throw error }
    }
    try makeParents(of: path)
    try Directory.make(path)
    // The names of new directories have to be on the disk like the files in them.
    let parent = try Directory.open(path.directoryPart.isEmpty ? "/" : path.directoryPart)
    try parent.sync()
    return try Directory.open(path)
  }

  /// A new user's home has no `.local/state`. Others may pass through what is made here: another
  /// user's directory may come to lie in it.
  private static func makeParents(of path: String) throws(SystemError) {
    let parent = path.directoryPart
    guard !parent.isEmpty, (try? FileStatus.of(parent)) == nil else { return }
    try makeParents(of: parent)
    try Directory.make(parent, permissions: 0o711)
  }

  func incoming() throws(SystemError) -> Maildrop {
    do throws(SystemError) {
      return try openIncoming()
    } catch {
      guard error.isMissing else { throw error }
    }
    try directory.makeDirectory("incoming")
    try directory.sync()
    return try openIncoming()
  }

  /// Others may add to it, by a group, but only where they cannot take away or replace what is ours: the
  /// sticky bit.
  private func openIncoming() throws(SystemError) -> Maildrop {
    let incoming = try directory.directory("incoming")
    let status = try incoming.descriptor.status()
    guard status.owner == Process.user else {
      throw SystemError("use incoming, which belongs to user \(status.owner)", code: 1)
    }
    let isSafe = status.permissions & (status.permissions & 0o1000 == 0 ? 0o022 : 0o002) == 0
    guard isSafe else {
      throw SystemError("use incoming, which others can change; chmod 0700 or 1730", code: 1)
    }
    return Maildrop(incoming)
  }

  /// Somebody else than an event starts luaslackd.
  var isManaged: Bool { directory.exists(Self.managedName) }
}

extension Spool {
  /// Whether events can be kept here now: writes a file as an event would be, and removes it.
  public static func tryWriting(_ locations: Locations) throws(SystemError) {
    let incoming = try open(locations, creating: true).incoming()
    let name = Maildrop.unfinished + Maildrop.newName(now: Clock.now())
    let file = try incoming.directory.create(name)
    do throws(SystemError) {
      try file.write([0x0a])
      try file.sync()
    } catch {
      try? incoming.directory.remove(name)
      throw error
    }
    try incoming.directory.remove(name)
  }
}
