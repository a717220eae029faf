import Foundation
import TestSupport
import Testing

/// What luaslack-failure@.service runs when a unit failed: the script as it is installed, with a journal of the test's.
@Suite struct FailureUnitTests {
  /// A `journalctl` that prints its arguments and hostile lines, and a `systemctl`, before the host's own.
  private func failure(
    _ installation: Installation, _ unit: String, _ options: [String] = [],
    environment: [String: String] = [:]
  ) async throws -> Finished {
    let place = installation.directory
    try place.write(
      "#!/bin/sh\necho \"$*\" >>\"$ASKED\"\nprintf '%s\\n' '$(touch \"$CANARY\") <!channel> `x`' '--to=else'\n"
        + "seq \"$LINES\"\necho the end\n", to: "bin/journalctl", mode: 0o755)
    try place.write(
      "#!/bin/sh\necho \"of $*\"\n", to: "bin/systemctl", mode: 0o755)
    return try await run(
      Page.root.appending(path: "packaging/libexec/luaslack-failure").path(), [unit] + options,
      environment: installation.environment.merging([
        "PATH": "\(place.file("bin")):\(Programs.directory):/usr/bin:/bin",
        "CANARY": place.file("canary"), "ASKED": place.file("asked"), "LINES": "3",
      ]) { $1 }.merging(environment) { $1 })
  }

  @Test func `a failed unit is told of with its result and the end of its lines`() async throws {
    let installation = try await Installation(config: RunTests.quiet)
    let told = try await failure(
      installation, "backup.service", ["--wait=20s", "--host=web1"],
      environment: [
        "MONITOR_SERVICE_RESULT": "exit-code", "LINES": "9000",
      ])
    #expect(told.status == 0, "\(told.errors)")
    let message = try #require(try await installation.slack.messages().first)
    #expect(message.text == ":warning: *backup.service failed* on web1")
    let details = message.bodyJSON["attachments"][0]
    #expect(details["fields"][0]["value"].string == "exit-code")
    #expect(details["text"].string?.hasPrefix("```\n") == true)
    #expect(details["text"].string?.hasSuffix("\n9000\nthe end\n```") == true)
    #expect(!FileManager.default.fileExists(atPath: installation.directory.file("canary")))
  }

  @Test(arguments: [
    "a\\x24\\x28touch\\x20x\\x29.service", "--to=else.service", "x@$(touch canary).service", "*",
    "<!channel>.service", "a b;c.service",
  ])
  func `a unit's name and lines are data`(_ unit: String) async throws {
    let installation = try await Installation(config: RunTests.quiet)
    let told = try await failure(installation, unit, ["--wait=20s"])
    #expect(told.status == 0, "\(told.errors)")
    let message = try #require(try await installation.slack.messages().first)
    #expect(message.accepted && message.bodyJSON.liveMarkup.isEmpty)
    let fields = message.bodyJSON["attachments"][0]["fields"].array
    #expect(fields.count == 1 && fields.first?["title"].string == "result")
    #expect(fields.first?["value"].string?.hasPrefix("of show --property=Result") == true)
    #expect(!FileManager.default.fileExists(atPath: installation.directory.file("canary")))
  }

  @Test func `which run it was is asked of the journal, or else the unit`() async throws {
    let installation = try await Installation(config: RunTests.quiet)
    try installation.directory.write("", to: "spool/managed")
    for environment in [["MONITOR_INVOCATION_ID": "abc"], [:]] {
      _ = try await failure(installation, "x.service", environment: environment)
    }
    let asked = try installation.directory.read("asked").split(separator: "\n")
    #expect(asked.count == 2 && installation.incoming.count == 2)
    let matches = " _SYSTEMD_INVOCATION_ID=abc + _PID=1 INVOCATION_ID=abc"
    #expect(asked.first?.hasSuffix(matches) == true)
    #expect(asked.last?.hasSuffix(" --unit=x.service") == true)
  }
}
