/// An event to look at the message of.
public struct Scene: Sendable {
  /// `ban, sample "ipv6"`.
  public let title: String
  let event: Event
  /// Those that the caller named.
  var destinations: [String] = []
  /// Nothing in it was chosen to look like markup.
  var isOrdinary = false
}

/// Makes previews with the formatters, the lists and the limits that messages are made with.
public struct Previewer {
  private let rehearsal: Rehearsal
  private let now: Int64

  /// `paths`: formatters, or directories of them, in place of those in `formatters/`; none: those. `now` is in
  /// microseconds since 1970.
  public init(_ configuration: Configuration, paths: [String] = [], host: String, now: Int64) {
    rehearsal = Rehearsal(configuration, paths: paths, host: host, now: now)
    self.now = now
  }

  /// What is wrong with the lists of the config.
  public var listProblems: [String] { rehearsal.listProblems }

  public func preview(_ scene: Scene) -> Preview { Preview(scene, rehearsal) }

  // MARK: - Scenes

  public static var sampleNames: [String] { Sample.all.map(\.name) }

  public func scene(_ record: EventRecord, title: String = "") -> Scene {
    Scene(
      title: title, event: rehearsal.event(record, now: now),
      destinations: record.destinations)
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
  public func scene(case text: String, name: String) throws(FormatterCase.Unreadable) -> Scene {
    let formatterCase = try FormatterCase(formatter: "", source: "", event: text)
    var event = formatterCase.event
    for (name, value) in formatterCase.known { event.value[name] = value }
    return Scene(title: name, event: event)
  }
}
