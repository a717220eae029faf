public import Posix

/// Takes an event from its caller and does not return before it cannot be lost. Opens no socket, no
/// database and no config; waits for nothing but one flush to disk.
public struct Acceptor: Sendable {
  public enum Place: Sendable, Equatable {
    /// Under this name in `incoming/`.
    case spool(name: String)
    /// The spool could not be written; in memory, until luaslackd collects it.
    case overflow(name: String, SystemError)
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
    let content = SpoolFile.Content.event(record)
    do throws(SystemError) {
      return .spool(name: try deliver(content, now: record.acceptedAt))
    } catch {
      let reason = error
      do throws(SystemError) {
        let name = try overflow(SpoolFile.bytes(content), now: record.acceptedAt)
        return .overflow(name: name, reason)
      } catch {
        throw refuse(record, reason)
      }
    }
  }

  /// Asks luaslackd for something, by the same door as an event.
  public func request(_ content: SpoolFile.Content, now: Int64) throws(SystemError) {
    _ = try deliver(content, now: now)
  }

  private func deliver(_ content: SpoolFile.Content, now: Int64) throws(SystemError) -> String {
    let spool = try Spool.open(locations, creating: true)
    return try spool.incoming().deliver(SpoolFile.bytes(content), now: now)
  }

  private func overflow(_ bytes: [UInt8], now: Int64) throws(SystemError) -> String {
    let drop = Maildrop(try Spool.openOverflow(locations, creating: true))
    guard try drop.names(limit: Self.overflowLimit).count < Self.overflowLimit else {
      throw SystemError("the overflow is full", code: 28)
    }
    return try drop.deliver(bytes, now: now)
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
