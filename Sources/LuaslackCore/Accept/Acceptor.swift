public import Posix

/// Takes an event from its caller and does not return before it cannot be lost. Opens no socket, no
/// database and no config; waits for nothing but the disk: the file's flush and the directory's.
public struct Acceptor: Sendable {
  public enum Place: Sendable, Equatable {
    /// Under this name in `incoming/`.
    case spool(name: String)
    /// The spool could not be written; in memory, until luaslackd collects it.
    case overflow(name: String, SystemError)
    /// The same in the spool of somebody else, who takes it when he looks.
    case submitted(name: String)
  }

  /// A notification could not be left in somebody else's spool; nothing was kept.
  public struct NotSubmitted: Error, CustomStringConvertible {
    let spool: String
    let reason: SystemError

    /// Nobody but members may.
    public var isDenied: Bool { reason.isDenied }

    public var description: String {
      isDenied
        ? "you may not leave notifications in \(spool): that may root, its owner and the members of "
          + "the group luaslack-submit (a new member logs in once more)"
        : "cannot leave a notification in \(spool) (\(reason)); nothing was kept"
    }
  }

  /// Nothing could keep the event but the system log, and perhaps not even that.
  public struct Refused: Error, CustomStringConvertible {
    let spool: String
    let reason: SystemError
    let isLogged: Bool

    public var description: String {
      "cannot write the spool \(spool) (\(reason)); "
        + (isLogged
          ? "the event is in the system log instead"
          : "the system log did not take the event either: it is lost")
    }
  }

  /// Files; beyond that the memory that /run takes would hurt the host more than the loss.
  static let overflowLimit = 4_096

  let locations: Locations

  public init(_ locations: Locations) {
    self.locations = locations
  }

  public func accept(_ record: EventRecord) throws(Refused) -> Place {
    let bytes = SpoolFile.bytes(.event(record))
    // One name for both places: if the disk failed after the rename, the copy is recognised.
    let name = Maildrop.newName(now: record.acceptedAt)
    do throws(SystemError) {
      try deliver(bytes, as: name)
      return .spool(name: name)
    } catch {
      let reason = error
      do throws(SystemError) {
        try overflow(bytes, as: name)
        return .overflow(name: name, reason)
      } catch {
        throw refuse(record, reason)
      }
    }
  }

  /// True if the spool is another user's, where this one may leave notifications at most.
  public var isGuest: Bool {
    guard Process.user != 0, let spool = try? Directory.open(passing: locations.spool),
      let owner = try? spool.descriptor.status().owner
    else { return false }
    return owner != Process.user
  }

  /// Leaves a notification in the spool of another user. Who leaves it is told by the file's owner.
  public func submit(_ record: EventRecord) throws(NotSubmitted) -> Place {
    let name = Maildrop.newName(now: record.acceptedAt)
    do throws(SystemError) {
      let spool = try Directory.open(passing: locations.spool)
      try spool.directory(passing: "incoming")
        .leave(SpoolFile.bytes(.event(record)), as: name)
      // Mostly the spool's owner alone may; he looks every few seconds.
      _ = try? spool.openFifoForWriting(Spool.triggerName).write([UInt8(ascii: "!")])
    } catch {
      throw NotSubmitted(spool: locations.spool, reason: error)
    }
    return .submitted(name: name)
  }

  /// Asks luaslackd for something, by the same door as an event. Returns the name under which
  /// `Queue.answer` finds what was done.
  public func request(_ request: QueueRequest, now: Int64) throws(SystemError) -> String {
    let name = Maildrop.newName(now: now)
    try deliver(SpoolFile.bytes(.request(request)), as: name)
    return name
  }

  private func deliver(_ bytes: [UInt8], as name: String) throws(SystemError) {
    try Spool.open(locations, creating: true).incoming().deliver(bytes, as: name)
  }

  private func overflow(_ bytes: [UInt8], as name: String) throws(SystemError) {
    let drop = Maildrop(try Spool.openOverflow(locations, creating: true))
    guard try drop.directory.names(limit: Self.overflowLimit).count < Self.overflowLimit else {
      throw SystemError("the overflow is full", code: 28)
    }
    try drop.deliver(bytes, as: name)
  }

  private func refuse(_ record: EventRecord, _ reason: SystemError) -> Refused {
    var value = record.value
    // The lines are long, and the first thing a reader of the log can do without.
    value["matches"] = nil
    let line = "event not spooled: \(JSONWriter.compact(value))"
    let isLogged = (try? SystemLog.post(line)) != nil
    return Refused(spool: locations.spool, reason: reason, isLogged: isLogged)
  }
}

extension Directory {
  /// As `Maildrop.deliver` does, in a directory that this user may not read, and so not sync.
  fileprivate func leave(_ bytes: [UInt8], as name: String) throws(SystemError) {
    let temporary = Maildrop.unfinished + name
    do throws(SystemError) {
      let file = try create(temporary)
      try file.write(bytes)
      // Another user shall read it; the directory lets nobody else find it.
      try file.setPermissions(0o644)
      try file.sync()
      try rename(temporary, to: name)
      // Once more: on ext4, XFS and Btrfs that takes the file's new name along.
      try file.sync()
    } catch {
      try? remove(temporary)
      throw error
    }
  }
}
