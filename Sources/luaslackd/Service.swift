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
  /// What an event or a timer started: it ends when nothing is left to do, or when a service comes.
  private let isPassing: Bool
  /// A timer's does not stay until an incident of early warning is over: the next one ends it.
  private let staysForIncidents: Bool
  private let manager = ServiceManager()
  private let lastConfiguration: LastConfiguration
  private let host = Process.hostName
  private var queue: Queue?
  private let enrichment: Enrichment
  /// What the log was told of it.
  private var enrichmentProblems: [String: String] = [:]
  private var journal = JournalPace()
  /// When the service manager last got a sign of life, monotonic.
  private var lastSign: Int64 = 0
  private var watch: Watch
  private var configurationFile: FileStatus?
  private var configurationProblem: String?
  /// A copy of a database that somebody has taken away, to be put in its place.
  private var copyOfDatabase: String?
  /// Monotonic.
  private var nextCopyAt: Int64 = 0
  /// What was last written to the log, so that it is not written every two seconds.
  private var lastProblem = ""
  private var shouldReload = true
  private var shouldStop = false
  /// When the spool was last taken in to the end, monotonic.
  private var lastIntake: Int64 = 0

  /// Milliseconds. The overflow rings no bell when the spool's disk is broken: look now and then.
  private static let longestPause: Int32 = 5_000
  private static let pauseAfterFailure: Int32 = 2_000
  /// Microseconds.
  private static let shortestStay: Int64 = 100_000
  /// Microseconds from one intake to the next while so much waits that nothing new goes out sooner for being
  /// taken in at once. What comes in between shares a start of the sandbox and a commit: in a storm
  /// half of the work, on processors that fail2ban wants for itself.
  private static let gathering: Int64 = 100_000
  private static let manyWaiting = 8

  /// Nil if another luaslackd has the spool.
  init?(
    _ locations: Locations, hasInheritedLock: Bool, untilIdle: Bool, _ log: Log
  ) throws(SystemError) {
    isPassing = hasInheritedLock || untilIdle
    staysForIncidents = !untilIdle
    guard
      let watch = try Watch.begin(
        locations, hasInheritedLock: hasInheritedLock, isService: !isPassing)
    else { return nil }
    self.watch = watch
    self.locations = locations
    self.log = log
    lastConfiguration = LastConfiguration(locations)
    // Beside the database: nobody else may write there.
    enrichment = Enrichment(AddressLookup(directory: locations.database.directoryPart))
    signals = try Signals()
    if Process.user == 0 {
      log.write("\(locations.spool) belongs to root, so this runs as root: for trials only")
    }
  }

  /// Returns when it was asked to stop or nothing has been left to do for a while.
  func run() throws(SystemError) {
    try makeDatabaseDirectory()
    manager.isReady()
    defer { manager.isStopping() }
    var hasLeft = false
    while !shouldStop, !hasLeft {
      do throws(DatabaseError) {
        let pipeline = try open()
        hasLeft = try serve(pipeline)
      } catch {
        saveDatabase()
        queue = nil
        if error.isCorrupt { try putDatabaseAside() }
        // A full or broken disk: the events stay in their files until it is mended.
        if lastProblem != error.description { log.write("\(error); trying again") }
        lastProblem = error.description
        pause()
      }
    }
    // Somebody took it away a moment ago.
    if copyOfDatabase != nil { _ = try putDatabaseBack() }
  }

  /// The open files are the only ones that hold what was in a database that is gone: they are not closed
  /// before there is a copy, however long there is no room for one.
  private func saveDatabase() {
    while placeOfDatabase() == .lost, !shouldStop { pause() }
  }

  private func open() throws(DatabaseError) -> Pipeline<CurlTransport> {
    let wasPutBack: Bool
    do throws(SystemError) {
      wasPutBack = try putDatabaseBack()
    } catch {
      throw DatabaseError(code: 1, message: "cannot be put back: \(error)")
    }
    let queue = try Queue(writing: locations.database)
    let transport: CurlTransport
    do throws(CurlError) {
      transport = try CurlTransport()
    } catch {
      throw DatabaseError(code: 1, message: "\(error)")
    }
    let courier = Courier(queue, transport, host: host) { Double.random(in: 0...1) }
    let pipeline = Pipeline(locations, queue, courier, host: host)
    pipeline.enrichment = enrichment
    try pipeline.recover(now: Clock.now())
    try saveFromDamaged(queue)
    if wasPutBack {
      try queue.announce(
        "somebody deleted or replaced its database in use; it was put back, nothing is lost",
        host: host, now: Clock.now())
    }
    try queue.beginJournal()
    self.queue = queue
    shouldReload = true
    return pipeline
  }

  /// True when it has left.
  private func serve(_ pipeline: Pipeline<CurlTransport>) throws(DatabaseError) -> Bool {
    var idleSince: Int64?
    while true {
      heed()
      showLife()
      if shouldStop {
        try keepHouse(pipeline, isBusy: true)
        nextCopyAt = 0
        _ = placeOfDatabase()
        return true
      }
      try reload(pipeline)
      watch.drain()
      // What was settled since; a signal to end would take the lines along.
      try keepHouse(pipeline, isBusy: true)
      let hasSpool = hasSpool()
      let place = placeOfDatabase()
      if !hasSpool, place != .lost {
        sayGoodbye()
        return true
      }
      if place == .copied { return false }
      let gathersFor = try restOfGathering()
      let isMore = try signals.endingAtOnce { () throws(DatabaseError) in
        guard place == .own, gathersFor == 0 else { return false }
        return try pipeline.takeIn(now: Clock.now())
      }
      if gathersFor == 0 { lastIntake = isMore ? 0 : Clock.monotonic() }
      let isIdle =
        isMore ? false : try pipeline.isIdle(now: staysForIncidents ? nil : Clock.now())
      let now = Clock.monotonic()
      idleSince = isIdle ? idleSince ?? now : nil
      try keepHouse(pipeline, isBusy: isMore)
      if let since = idleSince, isPassing, now - since >= linger(pipeline) {
        if leave() { return true }
        // Something came while it was leaving; if it cannot be taken in, this must not spin.
        idleSince = now + Self.shortestStay
      }
      let gathered = try (restOfGathering() + 999) / 1_000
      let pause = pause(
        isMore: isMore, gathered: gathered,
        // A service has no time to leave at.
        leavesIn: isPassing ? idleSince.map { $0 + linger(pipeline) - now } : nil)
      let wakeIn = try signals.endingAtOnce { () throws(DatabaseError) in
        try pipeline.dispatch(now: Clock.now())
      }
      // What rings the bell meanwhile is looked at when the time has come.
      try pipeline.wait(
        others: (gathered > 0 ? [] : [watch.descriptor]) + [signals.descriptor.raw],
        milliseconds: min(pause, wakeIn ?? pause), now: Clock.now)
    }
  }

  /// Milliseconds until something is to be done for which nobody rings. `gathered` is in milliseconds, `leavesIn` in
  /// microseconds.
  private func pause(isMore: Bool, gathered: Int64, leavesIn: Int64?) -> Int32 {
    guard !isMore else { return 0 }
    let leaves = leavesIn.map { max(0, ($0 + 999) / 1_000) } ?? .max
    return min(longestPause, Int32(clamping: min(leaves, gathered > 0 ? gathered : .max)))
  }

  /// False: somebody has deleted or replaced the spool in use, and another luaslackd has the new one.
  private func hasSpool() -> Bool {
    guard !watch.isInPlace else { return true }
    // Where there is none now, nobody else can have it.
    return (try? watch.move()) ?? true
  }

  /// The database that is in place is another's.
  private func sayGoodbye() {
    var words =
      "\(locations.spool) was deleted or replaced in use, and another luaslackd has it now; leaving"
    if let copy = copyOfDatabase {
      words += ", with a copy of the database, \(copy), that the next one takes its messages from"
    }
    log.write(words)
    copyOfDatabase = nil
  }

  /// Microseconds until the spool is to be looked into again.
  private func restOfGathering() throws(DatabaseError) -> Int64 {
    let since = Clock.monotonic() - lastIntake
    guard since < Self.gathering, let queue, try queue.isBacklogged(from: Self.manyWaiting)
    else { return 0 }
    return Self.gathering - since
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
    // A service begins, and waits for the lock.
    if isPassing, watch.isManaged { shouldStop = true }
  }

  private func pause() {
    _ = try? Readiness.wait(
      for: signals.descriptor.raw, milliseconds: min(longestPause, Self.pauseAfterFailure))
    heed()
    showLife()
  }

  /// Milliseconds until the service manager wants to see life, if it does.
  private var longestPause: Int32 {
    min(Self.longestPause, manager.signOfLife.map { Int32(clamping: $0 / 1_000) } ?? .max)
  }

  private func showLife() {
    let now = Clock.monotonic()
    guard let interval = manager.signOfLife, now - lastSign >= interval / 2 else { return }
    lastSign = now
    manager.isAlive()
  }

  /// What is done beside delivering: the log's lines, and what has served its time goes.
  private func keepHouse(
    _ pipeline: Pipeline<CurlTransport>, isBusy: Bool
  ) throws(DatabaseError) {
    guard let queue else { return }
    for alarm in pipeline.takeAlarms() {
      log.alarm(alarm.line, alarm.isRelief ? .information : .error)
    }
    let problems = pipeline.enrichmentProblems
    for (subject, problem) in problems.sorted(by: { $0.key < $1.key })
    where enrichmentProblems[subject] != problem { log.write("\(subject): \(problem)") }
    enrichmentProblems = problems
    let count = try queue.settledCount()
    let (lines, leftOut) = journal.admit(count, now: Clock.monotonic())
    if leftOut > 0 { log.write("and \(leftOut) more, left out here", .information) }
    if count > 0 {
      for line in try queue.takeSettled(lines: lines) { log.write(line, .information) }
    }
    guard !isBusy, let retention = pipeline.configuration?.retention else { return }
    try queue.prune(retention, now: Clock.now())
    try queue.cleanUp()
  }

  /// Reads the configuration when its file has changed; a wrong one leaves the last that worked, of a
  /// luaslackd before this one if need be.
  private func reload(_ pipeline: Pipeline<CurlTransport>) throws(DatabaseError) {
    let file = try? FileStatus.of(locations.config)
    guard shouldReload || file != configurationFile else { return }
    manager.isReloading()
    defer { manager.isReady() }
    shouldReload = false
    configurationFile = file
    do throws(ConfigurationError) {
      let text = try ConfigurationReader.text(of: locations.config)
      pipeline.configuration = try ConfigurationReader.read(text, path: locations.config)
      configurationProblem = nil
      do throws(SystemError) { try lastConfiguration.save(text) } catch { log.write("\(error)") }
    } catch {
      try useLast(pipeline, error)
    }
    if configurationProblem == nil { try queue?.isOver("configuration") }
    try pipeline.noteConfiguration(problem: configurationProblem, now: Clock.now())
  }

  private func useLast(
    _ pipeline: Pipeline<CurlTransport>, _ error: ConfigurationError
  ) throws(DatabaseError) {
    if pipeline.configuration == nil, let text = lastConfiguration.read() {
      pipeline.configuration = try? ConfigurationReader.read(text, path: locations.config)
    }
    let goesOn = pipeline.configuration != nil
    let problem = error.description + (goesOn ? " (the last that worked is in use)" : "")
    if configurationProblem != problem { log.write(problem) }
    configurationProblem = problem
    guard goesOn else { return }
    try queue?.announceOnce(
      "configuration", "its configuration is wrong, the last that worked is in use: \(error)",
      host: host, now: Clock.now())
  }

  /// A new database is begun; the damaged one is kept for whoever wants to save something from it.
  private func putDatabaseAside() throws(SystemError) {
    let directory = try Directory.open(locations.database.directoryPart)
    let name = nameOfDatabase
    let aside = "\(name).corrupt-\(Clock.now() / 1_000_000)"
    for suffix in ["", "-wal", "-shm"] where directory.exists(name + suffix) {
      try directory.rename(name + suffix, to: aside + suffix)
    }
    log.write("the database was damaged; it is now \(directoryOfDatabase)/\(aside)")
  }

  private enum Place {
    case own
    /// Somebody took its files away; all that was in them is in a copy.
    case copied
    /// The same, and there is no room for a copy yet.
    case lost
  }

  /// What is committed to files that somebody has deleted is lost when this ends, so nothing more is
  /// taken in there. What they held can still be read.
  private func placeOfDatabase() -> Place {
    guard let queue, !queue.isInPlace else { return .own }
    guard Clock.monotonic() >= nextCopyAt else { return .lost }
    nextCopyAt = Clock.monotonic() + Self.copyInterval
    let copy = nameOfDatabase + Self.copySuffix + "\(Clock.now() / 1_000_000)"
    do throws(DatabaseError) {
      try queue.copy(to: "\(directoryOfDatabase)/\(copy)")
      copyOfDatabase = copy
      nextCopyAt = 0
      self.queue = nil
      log.write("\(locations.database) was deleted or replaced in use; putting it back")
      return .copied
    } catch {
      try? Directory.open(directoryOfDatabase).remove(copy)
      let problem =
        "\(locations.database) was deleted or replaced in use, and cannot be put back: \(error)"
      if lastProblem != problem { log.write(problem) }
      lastProblem = problem
      return .lost
    }
  }

  /// Microseconds between two tries to copy: each may write much before it fails.
  private static let copyInterval: Int64 = 60_000_000
  private static let copySuffix = ".copy-"

  /// True if there was a copy to be put in place. What lies there instead is kept.
  private func putDatabaseBack() throws(SystemError) -> Bool {
    guard let copy = copyOfDatabase else { return false }
    let directory = try Directory.open(directoryOfDatabase)
    let aside = "\(nameOfDatabase).replaced-\(Clock.now() / 1_000_000)"
    for suffix in ["", "-wal", "-shm"] where directory.exists(nameOfDatabase + suffix) {
      try directory.rename(nameOfDatabase + suffix, to: aside + suffix)
    }
    try directory.rename(copy, to: nameOfDatabase)
    copyOfDatabase = nil
    return true
  }

  private var nameOfDatabase: String {
    String(locations.database.dropFirst(directoryOfDatabase.count + 1))
  }

  private var directoryOfDatabase: String { locations.database.directoryPart }

  /// Saves what waited in databases that were put aside, once each, also if that was cut off before.
  private func saveFromDamaged(_ queue: Queue) throws(DatabaseError) {
    // A copy that lies here was not put in place: the end came in between.
    let prefixes = [nameOfDatabase + ".corrupt-", nameOfDatabase + Self.copySuffix]
    let names = ((try? Directory.open(directoryOfDatabase).names()) ?? [])
      .filter { name in prefixes.contains { name.hasPrefix($0) } }
      .filter { !$0.hasSuffix("-wal") && !$0.hasSuffix("-shm") && !$0.hasSuffix("-journal") }
    guard let newest = names.max() else { return try queue.clear("spool database") }
    for name in names.sorted() {
      try queue.recover(from: "\(directoryOfDatabase)/\(name)", host: host, now: Clock.now())
    }
    try queue.note(
      "spool database",
      "was damaged; it is \(directoryOfDatabase)/\(newest), remove it when it is "
        + "of no more use", now: Clock.now())
  }

  /// The directory of a database elsewhere than in the spool; made only where its parent exists.
  private func makeDatabaseDirectory() throws(SystemError) {
    try Directory.make(locations.database.directoryPart)
  }
}
