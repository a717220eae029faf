import ArgumentParser
import ChildProcess
import LuaslackCore
import Posix

/// What every event command does once its arguments are read.
enum RecordEvent {
  static func run(_ record: EventRecord, _ options: EventOptions) throws {
    try run(
      record, options.places.locations(), isDryRun: options.sending.dryRun,
      waitSeconds: try waitSeconds(options.sending.wait))
  }

  static func run(
    _ record: EventRecord, _ locations: Locations, isDryRun: Bool, waitSeconds: Int?
  ) throws {
    if isDryRun { throw ExitCode(dryRun(record, locations)) }
    let acceptor = Acceptor(locations)
    if record.kind == .notify, acceptor.isGuest {
      // What became of it is in a database that others may not read.
      if waitSeconds != nil {
        Luaslack.fail(.usage, "--wait is for root and the owner of \(locations.spool)")
      }
      return submit(record, acceptor)
    }
    let name = accept(record, locations)
    if let waitSeconds { try wait(for: name, locations, seconds: waitSeconds) }
  }

  /// Until it is delivered; else says why not, and ends.
  static func wait(for name: String, _ locations: Locations, seconds: Int) throws {
    do throws(DeliveryReport.NotDelivered) {
      try DeliveryReport.wait(for: name, locations, seconds: seconds)
    } catch {
      if let reason = error.reason { Luaslack.fail(error.status, reason) }
      throw ExitCode(error.status.rawValue)
    }
  }

  private static func submit(_ record: EventRecord, _ acceptor: Acceptor) {
    do throws(Acceptor.NotSubmitted) {
      _ = try acceptor.submit(record)
    } catch {
      Luaslack.fail(error.isDenied ? .noPermission : .temporary, "\(error)")
    }
  }

  /// Returns the name under which the event is kept.
  static func accept(_ record: EventRecord, _ locations: Locations) -> String {
    do throws(Acceptor.Refused) {
      return try keep(record, locations)
    } catch {
      Luaslack.fail(.temporary, "\(error)")
    }
  }

  /// The same for who goes on if it cannot be kept.
  static func keep(
    _ record: EventRecord, _ locations: Locations
  ) throws(Acceptor.Refused) -> String {
    let acceptor = Acceptor(locations)
    let place = try acceptor.accept(record)
    // From here on the event cannot be lost, so nothing below is this call's failure.
    let name = report(place)
    do throws(SystemError) {
      _ = try acceptor.wake(mayStart: Self.mayStart)
    } catch {
      Process.print("luaslack: the event is safe, but luaslackd did not start: \(error)\n", to: 2)
    }
    return name
  }

  /// False where somebody else starts luaslackd.
  static var mayStart: Bool { Process.variable("LUASLACK_SPAWN") != "0" }

  static func waitSeconds(_ text: String?) throws -> Int? {
    guard let text else { return nil }
    guard let seconds = Seconds.parse(text) else {
      throw ValidationError("--wait takes a time like 30s or 2m, not '\(text)'")
    }
    return seconds
  }

  private static func report(_ place: Acceptor.Place) -> String {
    switch place {
    case .spool(let name), .submitted(let name): return name
    case .overflow(let name, let reason):
      Process.print(
        "luaslack: the spool cannot be written (\(reason)); the event is kept in memory\n", to: 2)
      return name
    }
  }

  /// luaslackd reads the config and runs the formatters; only it knows both.
  private static func dryRun(_ record: EventRecord, _ locations: Locations) -> Int32 {
    Delegate.run("render", [], locations, input: SpoolFile.bytes(.event(record)))
  }
}

/// Has luaslackd answer in this program's place, with its output and its exit status; as root, with
/// the rights of the spool's owner, so that a trial sees what a delivery would.
enum Delegate {
  /// What says how a terminal is to be written to; nothing else of the environment is passed on.
  private static var ofTerminal: [String] {
    ["NO_COLOR", "TERM", "COLORTERM"].compactMap { name in
      Process.variable(name).map { "\(name)=\($0)" }
    }
  }

  static func run(
    _ command: String, _ options: [String], _ locations: Locations, input: [UInt8] = [],
    output: Int32 = 1, asOwner: Bool = true
  ) -> Int32 {
    let arguments = [command] + locations.arguments + options
    do throws(SystemError) {
      if asOwner, Process.user == 0 { _ = try Spool.enter(locations) }
      let file = try FileDescriptor.sealed("luaslack-input", input)
      let child = try ChildProcess(
        try Programs.path(of: "luaslackd"), arguments, environment: ofTerminal,
        descriptors: [file.raw, output, 2])
      switch child.wait() {
      case .exited(let status): return status
      // Whoever read it has enough: `| head`.
      case .killed(signal: 13): return 128 + 13
      case .killed: break
      }
      Luaslack.fail(.software, "luaslackd was killed")
    } catch {
      Luaslack.fail(.unavailable, "\(error)")
    }
  }
}
