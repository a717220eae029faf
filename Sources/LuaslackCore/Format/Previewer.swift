public import SQLite

/// An event to look at the message of.
public struct Scene: Sendable {
  /// `ban, sample "ipv6"`.
  public fileprivate(set) var title: String
  let event: Event
  /// Those that the caller named.
  var destinations: [String] = []
  /// Nothing in it was chosen to look like markup.
  var isOrdinary = false
}

/// Makes previews with the formatters, the lists, the routes and the limits that messages are made with.
public struct Previewer {
  private let rehearsal: Rehearsal
  private let host: String
  private let now: Int64
  private let paths: [String]
  private var isOfPaths: Bool { !paths.isEmpty }

  /// `paths`: formatters, or directories of them, in place of those in `formatters/`; none: those. `now` is in
  /// microseconds since 1970.
  public init(
    _ configuration: Configuration, paths: [String] = [], host: String, now: Int64,
    lookup: (any Lookup)? = nil
  ) {
    rehearsal = Rehearsal(configuration, paths: paths, host: host, now: now, lookup: lookup)
    self.paths = paths
    (self.host, self.now) = (host, now)
  }

  private var configuration: Configuration { rehearsal.configuration }

  /// What is wrong with the lists of the config.
  public var listProblems: [String] { rehearsal.listProblems + neverRun }

  /// Files that look like formatters and are none.
  private var neverRun: [String] {
    guard !isOfPaths, configuration.formatters.contains("local") else { return [] }
    return FormatterChain.passedOver(configuration.formattersDirectory)
      .filter { $0.lowercased().hasSuffix(".lua") }
      .map {
        "\(PlainText.line($0)) never runs: a formatter's name is letters, digits, - and _, then .lua"
      }
  }

  /// Formatters that were asked for by name and cannot be read.
  public var unreadable: [Finding] {
    isOfPaths ? rehearsal.chain.problems.map(rehearsal.chain.finding) : []
  }

  /// What it was made of, as far as it is in files; some may not be there.
  public var sources: [String] {
    let chain = rehearsal.chain
    let lists = configuration.lists.values.compactMap { list in
      if case .file(let path) = list { path } else { nil }
    }
    let directory = configuration.formattersDirectory
    let given = paths.flatMap { [$0, $0 + "/lib", $0.directoryPart + "/lib"] }
    return [configuration.path, directory, directory + "/lib"] + lists + given
      + (chain.files + chain.libraries).compactMap(\.path)
  }

  /// First what `formatters` make of it, then what is sent in its place where a destination has a formatter of its
  /// own.
  public func previews(_ scene: Scene) -> [Preview] {
    let result = rehearsal.result(scene.event)
    var preview = Preview(scene, result, rehearsal.chain)
    let destinations = rehearsal.destinations(
      named: scene.destinations, scene.event, result
    ).map { name in
      configuration.destinations[name] ?? Configuration.Destination(name: name, webhookFile: "")
    }
    preview.add(fate(result, scene, destinations))
    guard case .message(let message) = result.outcome else { return [preview] }
    var own: [Preview] = []
    for destination in destinations {
      guard !isOfPaths, let formatting = rehearsal.ownFormatting(destination.name) else {
        preview.add(Ignored.remarks(message, for: destination))
        continue
      }
      preview.add(["\(destination.name) has a formatter of its own, and is sent what that makes"])
      own.append(self.preview(scene, formatting, destination))
    }
    return [preview] + own
  }

  private func preview(
    _ scene: Scene, _ formatting: Formatting, _ destination: Configuration.Destination
  ) -> Preview {
    var scene = scene
    scene.title += ", for \(destination.name)"
    let result = formatting.tried(scene.event)
    var preview = Preview(scene, result, formatting.chain)
    switch result.outcome {
    case .message(let message): preview.add(Ignored.remarks(message, for: destination))
    case .muted(let reason): preview.add(["no message: \(reason)"])
    }
    return preview
  }

  /// What becomes of the message, in the usual case nothing that needs to be said.
  private func fate(
    _ result: Formatting.Result, _ scene: Scene, _ destinations: [Configuration.Destination]
  ) -> [String] {
    let event = scene.event
    if case .muted(let reason) = result.outcome { return ["no message: \(reason)"] }
    // A digest is told wherever its events are.
    guard event.kind == .digest || configuration.posts(event.kind) else {
      let known = configuration.post.map(\.rawValue).joined(separator: ", ")
      return [
        "the config's `post` does not list \(event.kind.rawValue) (it lists: \(known)), "
          + "so this event would be recorded and not sent"
      ]
    }
    let named = scene.destinations.isEmpty ? result.destinations : scene.destinations
    let known = Array(configuration.destinations.keys)
    let unknown = named.filter { !known.contains($0) }.map {
      "there is no [destination.\($0)]" + Nearest.hint($0, known) + "; it would go to default"
    }
    let wish = result.wantsDigest ? ["it would be told in the next digest only"] : []
    let goal = destinations.map(\.name)
    let isUsual = goal == [Configuration.defaultDestination]
    return unknown + wish + thread(result, destinations)
      + (isUsual ? [] : ["to: " + goal.joined(separator: ", ")])
  }

  private func thread(
    _ result: Formatting.Result, _ destinations: [Configuration.Destination]
  ) -> [String] {
    guard result.isReply else { return [] }
    let without = destinations.filter { !Ignored.hasThreads($0) }.map(\.name)
    let some = without.joined(separator: ", ")
    return [
      "it goes into the thread of its ban's message"
        + (without.isEmpty ? "" : ", but not in \(some): only a bot's channel has threads")
    ]
  }

  // MARK: - Scenes

  public static var sampleNames: [String] { Sample.all.map(\.name) }

  public func scene(_ record: EventRecord, title: String = "") -> Scene {
    Scene(
      title: title, event: rehearsal.event(record, now: now),
      destinations: record.destinations)
  }

  /// The same, of an event that would come now, after all that the queue knows.
  public func scene(_ record: EventRecord, after queue: Queue) throws(DatabaseError) -> Scene {
    var record = record
    record.known["history"] = try queue.history(before: record)?.value
    return scene(record)
  }

  /// What luaslackd would report now, and its figures.
  public func report(
    of period: ReportPeriod, to destinations: [String], _ queue: Queue
  ) throws(DatabaseError) -> (scene: Scene, figures: Value) {
    let report = try queue.report(of: period, rehearsal.context, now: now)
    return (
      scene(EventRecord(report, to: destinations, at: now), title: "report"),
      report.value(host: host)
    )
  }

  /// One for each kind of event that the sample fits; nil: there is no sample of that name.
  public func scenes(sample name: String) -> [Scene]? {
    Sample.all.first { $0.name == name }.map(scenes)
  }

  /// Every kind of event with every sample that fits it.
  public func allScenes() -> [Scene] { Sample.all.flatMap(scenes) }

  private func scenes(_ sample: Sample) -> [Scene] {
    sample.events(rehearsal.context).map { event in
      Scene(
        title: "\(event.kind.rawValue), sample \"\(sample.name)\"", event: event,
        isOrdinary: !sample.isHostile)
    }
  }

  /// The event of a case's `event.json`.
  public func scene(case text: [UInt8], name: String) throws(FormatterCase.Unreadable) -> Scene {
    let event = try FormatterCase(event: text, host: host, now: now).event
    return Scene(title: name, event: rehearsal.enriched(event))
  }
}
