import ChildProcess
import LuaslackCore
import Posix

/// `notify --run`: a program run in luaslack's place, and what is told of it. Nothing that goes wrong with telling changes
/// how it ran or how it ended.
enum RunProgram {
  struct Run {
    let ended: ProgramRun
    /// As a shell has it: 128 and the number of the signal that ended it, 127 not found, 126 not to be run.
    let status: Int32
  }

  private static let notFound: Int32 = 127
  private static let cannotRun: Int32 = 126

  /// `command` is not empty.
  static func run(_ command: [[UInt8]]) -> (Run, OutputTail) {
    let name = command[0]
    let begin = Clock.monotonic()
    var output = OutputTail()
    let outcome: PassingProcess.Outcome
    do throws(SystemError) {
      outcome = try PassingProcess(command).run { output.add($0) }
    } catch {
      let status = error.isMissing ? notFound : cannotRun
      let reason = error.reason
      say("cannot run \(TerminalText.visible(name)): \(reason)")
      return (
        Run(ended: ProgramRun(name, notRun: reason, exit: Int(status)), status: status), output
      )
    }
    if let loss = outcome.loss { say("\(loss); the program ran on") }
    let seconds = Int((outcome.endedAt - begin) / 1_000_000)
    switch outcome.ending {
    case .exited(let status):
      return (
        Run(ended: ProgramRun(name, exit: Int(status), seconds: seconds), status: status), output
      )
    case .killed(let signal):
      return (
        Run(ended: ProgramRun(name, signal: signal, seconds: seconds), status: 128 + signal), output
      )
    }
  }

  /// Says on standard error why it could not be told, if so.
  static func tell(_ record: EventRecord, spool: String?, config: String?, waitSeconds: Int?) {
    do {
      let locations = try Locations.submitting(spool: spool, config: config)
      let acceptor = Acceptor(locations)
      guard !acceptor.isGuest else {
        _ = try acceptor.submit(record)
        if waitSeconds != nil { say("--wait is for root and the owner of \(locations.spool)") }
        return
      }
      let name = try RecordEvent.keep(record, locations)
      guard let waitSeconds else { return }
      // Whoever waits may be told to stop.
      PassingProcess.endSignals()
      try DeliveryReport.wait(for: name, locations, seconds: waitSeconds, to: 2)
    } catch let error as DeliveryReport.NotDelivered {
      if let reason = error.reason { say(reason) }
    } catch {
      say("\(error)")
    }
  }

  private static func say(_ problem: String) {
    Process.print("luaslack: \(problem)\n", to: 2)
  }
}
