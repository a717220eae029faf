import TestSupport
import Testing

/// fail2ban runs a failed command twice, repeats restored bans with rounded times and gives an
/// unban its ban's time. What is one event to people is one message.
@Suite struct IdentityTests {
  struct Case: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let calls: [[String]]
    let messages: Int
    let muted: Int

    init(_ what: String, _ calls: [[String]], messages: Int, muted: Int = 0) {
      (testDescription, self.calls, self.messages, self.muted) = (what, calls, messages, muted)
    }
  }

  static let who = ["--", "sshd", "203.0.113.7"]

  static let cases: [Case] = [
    Case(
      "the same ban twice",
      [
        ["ban", "--time=1795231644.5"] + who + ["5"], ["ban", "--time=1795231644.5"] + who + ["5"],
      ],
      messages: 1),
    Case(
      "a restored ban, its time rounded",
      [
        ["ban", "--time=1795231644.0"] + who + ["5"],
        ["ban", "--time=1795231644", "--restored=1", "--bancount=2"] + who + ["5"],
      ], messages: 1),
    Case(
      "another time",
      [["ban", "--time=1795231644"] + who + ["5"], ["ban", "--time=1795231999"] + who + ["5"]],
      messages: 2),
    Case("no time", [["ban"] + who + ["5"], ["ban"] + who + ["5"]], messages: 2),
    Case(
      "another jail",
      [
        ["ban", "--time=1795231644", "--", "sshd", "203.0.113.7", "5"],
        ["ban", "--time=1795231644", "--", "recidive", "203.0.113.7", "5"],
      ], messages: 2),
    Case(
      "the same id, seen under two addresses",
      [
        ["ban", "--time=1795231644", "--id=eve", "--", "sshd", "203.0.113.7", "5"],
        ["ban", "--time=1795231644", "--id=eve", "--", "sshd", "203.0.113.8", "5"],
      ], messages: 1),
    Case(
      "two ids under one address",
      [
        ["ban", "--time=1795231644", "--id=eve"] + who + ["5"],
        ["ban", "--time=1795231644", "--id=mallory"] + who + ["5"],
      ], messages: 2),
    Case(
      "the unban of a ban with its ban's time",
      [["ban", "--time=1795231644"] + who + ["5"], ["unban", "--time=1795231644"] + who],
      messages: 2),
    Case(
      "the same unban twice in a moment",
      [["unban", "--time=1795231644"] + who, ["unban", "--time=1795231644.0"] + who],
      messages: 1),
    Case(
      "the same prolongation twice",
      [
        ["prolong", "--time=1795231644", "--bantime=600"] + who,
        ["prolong", "--time=1795231644", "--bantime=600.0"] + who,
      ], messages: 0, muted: 1),
    Case(
      "a prolongation to another bantime",
      [
        ["prolong", "--time=1795231644", "--bantime=600"] + who,
        ["prolong", "--time=1795231644", "--bantime=1200"] + who,
      ], messages: 0, muted: 2),
    Case(
      // Two events, and the first one's message tells both.
      "a jail that starts twice at one time",
      [["jail-start", "--time=1795231644", "sshd"], ["jail-start", "--time=1795231644", "sshd"]],
      messages: 1, muted: 1),
  ]

  @Test(arguments: cases)
  func `what is one event to people is one message`(_ one: Case) async throws {
    let installation = try await Installation()
    for call in one.calls {
      let result = try await installation.luaslack(call)
      #expect(result.status == 0)
      #expect(result.output + result.errors == "")
    }
    // Gone means that all of it was taken in and delivered.
    await installation.settle()
    #expect(try await installation.slack.messages().count == one.messages)
    #expect(try await installation.deliveries().count == one.messages + one.muted)
  }

  /// Taken in together, they are one transaction: the second must be recognised within it.
  @Test func `a repeat in the same batch is recognised as well`() async throws {
    let installation = try await Installation()
    for _ in 1...3 {
      _ = try await installation.banUndelivered("203.0.113.7", ["--time=1795231644"])
    }
    #expect(installation.incoming.count == 3)
    _ = try await installation.luaslack(["queue", "flush"])
    await installation.settle()
    #expect(try await installation.slack.messages().count == 1)
  }

  @Test func `the same event for another destination is delivered there only`() async throws {
    let installation = try await Installation(
      config: Installation.config(more: "[destination.other]\nwebhook_file = \"webhook2\""))
    let path = "/services/T000/B222/other"
    try installation.directory.write(
      installation.slack.webhookURL(path), to: "webhook2", mode: 0o600)
    let ban = ["ban", "--time=1795231644"]
    let rest = Self.who + ["5"]
    for options in [[], ["--to=other"], ["--to", "other,other"], ["--to=default"]] {
      let result = try await installation.luaslack(ban + options + rest)
      #expect(result.status == 0)
      await installation.settle()
    }
    let paths = try await installation.slack.messages().map(\.path)
    #expect(paths == ["/services/T000/B000/\(Installation.secret)", path])
  }

  @Test func `an unknown destination means the default one, and status says so`() async throws {
    let installation = try await Installation()
    _ = try await installation.luaslack(["ban", "--to=nowhere"] + Self.who + ["5"])
    await installation.settle()
    #expect(try await installation.slack.messages(acceptedOnly: true).count == 1)
    #expect(try await installation.luaslack(["status"]).output.contains("[destination.nowhere]"))
  }
}
