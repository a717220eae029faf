import Curl
import LuaslackConfig
import LuaslackCore
import Posix
import SQLite

/// luaslackd's life: holds the spool's lock, opens the database, turns the pipeline, watches the
/// configuration, and leaves when nothing is left to do.
final class Service {
  private let locations: Locations
  private let log: Log
  private let signals: Signals
  private let isManaged: Bool
  private var watch: Watch
  private var configurationFile: FileStatus?
  private var configurationProblem: String?
  /// What was last written to the log, so that it is not written every two seconds.
  private var lastProblem = ""
  /// Where a damaged database went, to be told once there is a new one.
  private var putAside: String?
  private var shouldReload = true
  private var shouldStop = false

  /// Milliseconds. The overflow rings no bell when the spool's disk is broken: look now and then.
  private static let longestPause: Int32 = 5_000
  private static let pauseAfterFailure: Int32 = 2_000
  /// Microseconds.
  private static let shortestStay: Int64 = 100_000

  /// Nil if another luaslackd has the spool.
  init?(_ locations: Locations, hasInheritedLock: Bool, _ log: Log) throws(SystemError) {
    guard let watch = try Watch.begin(locations, hasInheritedLock: hasInheritedLock) else {
      return nil
    }
    self.watch = watch
    self.locations = locations
    self.log = log
    isManaged = !hasInheritedLock
    signals = try Signals()
    if Process.user == 0 {
      log.write("\(locations.spool) belongs to root, so this runs as root: for trials only")
    }
  }

  /// Returns when it was asked to stop or nothing has been left to do for a while.
  func run() throws(SystemError) {
    try makeDatabaseDirectory()
    while !shouldStop {
      do throws(DatabaseError) {
        let pipeline = try open()
        if try serve(pipeline) { return }
      } catch {
        if error.isCorrupt { try putDatabaseAside() }
        // A full or broken disk: the events stay in their files until it is mended.
        if lastProblem != error.description { log.write("\(error); trying again") }
        lastProblem = error.description
        pause()
      }
    }
  }

  private func open() throws(DatabaseError) -> Pipeline<CurlTransport> {
    let queue = try Queue(writing: locations.database)
    let transport: CurlTransport
    do throws(CurlError) {
      transport = try CurlTransport()
    } catch {
      throw DatabaseError(code: 1, message: "\(error)")
    }
    let host = Process.hostName
    let courier = Courier(queue, transport, host: host) { Double.random(in: 0...1) }
    let pipeline = Pipeline(locations, queue, courier, host: host)
    try pipeline.recover(now: Clock.now())
    if let putAside {
      try queue.note("spool database", "was damaged; it is \(putAside)", now: Clock.now())
    }
    shouldReload = true
    return pipeline
  }

  /// True when it has left.
  private func serve(_ pipeline: Pipeline<CurlTransport>) throws(DatabaseError) -> Bool {
    var idleSince: Int64?
    while true {
      heed()
      if shouldStop { return true }
      try reload(pipeline)
      watch.drain()
      let isMore = try signals.endingAtOnce { () throws(DatabaseError) in
        try pipeline.takeIn(now: Clock.now())
      }
      let isIdle = isMore ? false : try pipeline.isIdle()
      let now = Clock.monotonic()
      idleSince = isIdle ? idleSince ?? now : nil
      if let since = idleSince, !isManaged, now - since >= linger(pipeline) {
        if leave() { return true }
        // Something came while it was leaving; if it cannot be taken in, this must not spin.
        idleSince = now + Self.shortestStay
      }
      let rest = idleSince.map { ($0 + linger(pipeline) - now + 999) / 1_000 }
      let pause = isMore ? 0 : min(Self.longestPause, Int32(clamping: max(0, rest ?? .max)))
      try pipeline.deliver(
        others: [watch.descriptor, signals.descriptor.raw], milliseconds: pause, now: Clock.now)
    }
  }

  /// Microseconds to stay when there is nothing left to do.
  private func linger(_ pipeline: Pipeline<CurlTransport>) -> Int64 {
    Int64(pipeline.configuration?.linger ?? 60) * 1_000_000
  }

  private func leave() -> Bool {
    do throws(SystemError) {
      return try watch.leave()
    } catch {
      log.write("\(error)")
      return true
    }
  }

  private func heed() {
    while let signal = signals.next() {
      switch signal {
      case .stop: shouldStop = true
      case .reload: shouldReload = true
      }
    }
  }

  private func pause() {
    _ = try? Readiness.wait(
      for: signals.descriptor.raw, milliseconds: Self.pauseAfterFailure)
    heed()
  }

  /// Reads the configuration when its file has changed; a wrong one leaves the last that worked.
  private func reload(_ pipeline: Pipeline<CurlTransport>) throws(DatabaseError) {
    let file = try? FileStatus.of(locations.config)
    guard shouldReload || file != configurationFile else { return }
    shouldReload = false
    configurationFile = file
    do throws(ConfigurationError) {
      pipeline.configuration = try ConfigurationReader.read(locations.config)
      configurationProblem = nil
    } catch {
      if configurationProblem != error.description { log.write("\(error)") }
      configurationProblem = error.description
    }
    try pipeline.noteConfiguration(problem: configurationProblem, now: Clock.now())
  }

  /// A new database is begun; the damaged one is kept for whoever wants to save something from it.
  private func putDatabaseAside() throws(SystemError) {
    let directory = try Directory.open(locations.database.directoryPart)
    let name = String(locations.database.dropFirst(locations.database.directoryPart.count + 1))
    let aside = "\(name).corrupt-\(Clock.now() / 1_000_000)"
    for suffix in ["", "-wal", "-shm"] where directory.exists(name + suffix) {
      try directory.rename(name + suffix, to: aside + suffix)
    }
    putAside = locations.database.directoryPart + "/" + aside
    log.write("the database was damaged; it is now \(putAside ?? aside)")
  }

  /// The directory of a database elsewhere than in the spool; made only where its parent exists.
  private func makeDatabaseDirectory() throws(SystemError) {
    try Directory.make(locations.database.directoryPart)
  }
}
