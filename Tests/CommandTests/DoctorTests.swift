import Foundation
import TestSupport
import Testing

/// `luaslack doctor` on a real fail2ban-server, and on what is broken.
@Suite(
  .enabled(
    if: FileManager.default.isExecutableFile(atPath: "/usr/bin/fail2ban-server"),
    "fail2ban is not installed"))
struct DoctorTests {
  private func examine(
    _ place: SetUpPlace, _ arguments: [String] = []
  ) async throws -> (call: Finished, findings: [JSON]) {
    let call = try await run(
      Programs.luaslack,
      ["doctor", "--json", "--fail2ban-dir", place.fail2ban, "--fail2ban-socket"]
        + [place.directory.file("socket")] + place.places + arguments)
    #expect(!call.output.contains(Installation.secret))
    return (call, try JSON(parsing: call.output)["findings"].array)
  }

  private func of(_ subject: String, _ findings: [JSON]) -> JSON {
    findings.first { $0["subject"].string == subject } ?? .null
  }

  /// What is wrong but for the clock, which is the host's.
  private func wrong(_ findings: [JSON]) -> [String] {
    findings.filter { $0["state"].string != "ok" }.compactMap { $0["subject"].string }
      .filter { $0 != "clock" }
  }

  @Test func `what init set up is well, and Slack sees nothing of the examination`() async throws {
    let slack = try await FakeSlack()
    let place = try SetUpPlace()
    let url = slack.webhookURL("/services/T/B/\(Installation.secret)")
    let set = try await place.initialize("--jails", "sshd", secret: url)
    #expect(set.status == 0, "\(set.output)")
    let server = try await SetUpServer(place)
    var last: (call: Finished, findings: [JSON])?
    // The jail's start lies in the spool for a moment.
    try await eventually("the jail's start is known", timeout: .seconds(20)) {
      last = try await examine(place)
      return of("events of sshd", last?.findings ?? [])["state"].string == "ok"
    }
    let findings = last?.findings ?? []
    #expect(wrong(findings) == [])
    #expect([0, 1].contains(last?.call.status ?? -1))
    #expect(of("jail sshd", findings)["found"].string == "wall, luaslack")
    #expect(of("jails", findings)["found"].string == "without luaslack: recidive")
    #expect(
      of("destination default", findings)["found"].string
        == "answers as it should (400 no_text, refused)")
    #expect(try await slack.messages(acceptedOnly: true).isEmpty)

    let sending = try await examine(place, ["--send"])
    #expect(wrong(sending.findings) == [])
    #expect(try await slack.messages(acceptedOnly: true).count == 1)
    try await server.stop()
    let stopped = try await examine(place)
    #expect(stopped.call.status == 2)
    #expect(wrong(stopped.findings) == ["fail2ban's server"])
  }

  @Test func `a jail that runs and is not heard of is found`() async throws {
    let slack = try await FakeSlack()
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: slack.webhookURL())
    _ = try await run(Programs.luaslack, ["send-test"] + place.places)
    let action = try place.directory.read("fail2ban/action.d/luaslack.conf")
    try place.directory.write(
      action.replacing("\nluaslack = \(SetUpPlace.program)\n", with: "\nluaslack = /nonexistent\n"),
      to: "fail2ban/action.d/luaslack.conf")
    let server = try await SetUpServer(place)
    let (call, findings) = try await examine(place)
    #expect(call.status == 2)
    #expect(wrong(findings) == ["program of the action", "events of sshd"])
    #expect(
      of("events of sshd", findings)["found"].string?.hasPrefix("none since fail2ban started at ")
        == true)
    #expect(of("events of sshd", findings)["mend"].string != nil)
    try await server.stop()
  }

  @Test func `a jail that was set up and runs without it is found`() async throws {
    let slack = try await FakeSlack()
    let place = try SetUpPlace()
    let server = try await SetUpServer(place)
    _ = try await place.initialize("--jails", "sshd", secret: slack.webhookURL())
    _ = try await run(Programs.luaslack, ["send-test"] + place.places)
    let before = try await examine(place)
    #expect(
      of("jail sshd", before.findings.reversed())["mend"].string?.contains("reload --restart")
        == true)
    // A reload alone does not do it.
    try await server.client("reload")
    #expect(
      wrong(try await examine(place).findings).contains("jail sshd"))
    try await server.client("reload", "--restart")
    try await eventually("all is well after the restart", timeout: .seconds(20)) {
      wrong(try await examine(place).findings) == []
    }
    try await server.stop()
  }

  @Test func `each thing that is broken is named with its mend`() async throws {
    let slack = try await FakeSlack()
    let place = try SetUpPlace()
    _ = try await place.initialize("--jails", "sshd", secret: slack.webhookURL())
    _ = try await run(Programs.luaslack, ["send-test"] + place.places)
    try place.directory.write(
      "[sshd]\naction = luaslack\n   luaslack\n[recidive]\naction = luaslack\n   %(action_)s\n",
      to: "fail2ban/jail.d/zz-luaslack.local")
    try place.directory.write("return {\n", to: "etc/formatters/60-broken.lua")
    chmod(place.directory.file("etc/webhook"), 0o644)
    let (call, findings) = try await examine(place)
    #expect(call.status == 2)
    #expect(of("jail sshd", findings)["mend"].string?.contains("luaslack twice") == true)
    #expect(of("jail recidive", findings)["state"].string == "warning")
    #expect(of("formatters", findings)["found"].string?.contains("60-broken.lua") == true)
    #expect(of("secret", findings)["mend"].string?.contains("chmod o=") == true)
    #expect(
      of("destination default", findings)["found"].string?.contains("can be read by everybody")
        == true)
    for finding in findings where finding["state"].string != "ok" {
      #expect(finding["mend"].string?.isEmpty == false, "\(finding)")
    }
    chmod(place.directory.file("etc/webhook"), 0o600)
    try await slack.control(#"{"mode":"status","status":404,"body":"no_service"}"#)
    let dead = try await examine(place).findings
    #expect(of("destination default", dead)["state"].string == "problem")
    #expect(of("destination default", dead)["found"].string?.hasPrefix("404 no_service") == true)
  }

  @Test func `where there is nothing yet, that is said, one line first`() async throws {
    let place = try SetUpPlace()
    let call = try await run(
      Programs.luaslack,
      ["doctor", "--fail2ban-client", "/nonexistent/client"] + place.places)
    #expect(call.status == 2)
    let lines = call.output.split(separator: "\n")
    #expect(lines.first == "NOT WORKING: 2 to mend")
    #expect(call.output.contains("mend: apt-get install fail2ban"))
    #expect(call.output.contains("there is no \(place.spool) yet"))
    #expect(!FileManager.default.fileExists(atPath: place.spool))
  }
}
