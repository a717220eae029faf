/// Which destinations an event goes to that neither its caller nor a formatter sent elsewhere. Pure:
/// the first route that fits, else the default.
public enum Routing {
  public static func destinations(
    kind: EventKind, jail: String, severity: Severity, _ configuration: Configuration
  ) -> [String] {
    func fits(_ patterns: [String], _ text: String) -> Bool {
      patterns.isEmpty || patterns.contains { Glob.matches($0, text) }
    }
    let route = configuration.routes.first { route in
      fits(route.jails, jail) && fits(route.kinds, kind.rawValue)
        && fits(route.severities, severity.rawValue)
    }
    return route?.to ?? [Configuration.defaultDestination]
  }
}
