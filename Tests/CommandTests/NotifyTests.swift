import Foundation
import Glibc
import TestSupport
import Testing

/// Any program's text as an event: the same spool, formatters, escaping and pace as a ban's.
struct NotifyTests {
  private func notify(
    _ installation: Installation, _ text: String, _ options: [String] = []
  ) async throws -> Finished {
    try await installation.luaslack(["notify"] + options, stdin: Array(text.utf8))
  }

  private static let quiet = """
    linger = "0s"
    [destination.default]
    webhook_file = "webhook"

    """

  @Test func `a program's text becomes a message, as the config is from the start`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let call = try await notify(
      installation, "rsync: closed\nexit 12\n",
      [
        "--title", "Backup failed", "--severity", "critical", "--field", "job=nightly",
        "--host=web1", "--wait",
      ])
    #expect(call.status == 0, "\(call.errors)")
    #expect(call.output == "default: delivered\n")
    let message = try #require(try await installation.slack.messages().last).bodyJSON
    #expect(message["text"].string == ":rotating_light: *Backup failed* on web1")
    let details = message["attachments"][0]
    #expect(details["color"].string == "danger")
    #expect(details["text"].string == "```\nrsync: closed\nexit 12\n```")
    #expect(details["fields"][0]["title"].string == "job")
    #expect(details["fields"][0]["value"].string == "nightly")
    #expect(details["footer"].string == "web1")
  }

  @Test func `a title alone will do, and so will a text`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let titled = try await notify(installation, "", ["--title=Done", "--host=web1"])
    #expect(titled.status == 0 && titled.output + titled.errors == "")
    #expect(try await notify(installation, "one\ntwo\n", ["--host=web1"]).status == 0)
    let texts = Set(try await installation.slack.waitForMessages(2).map(\.text))
    #expect(
      texts == [
        ":information_source: *Done* on web1", ":information_source: notification `one` on web1",
      ])
  }

  @Test(arguments: ["", " \n\t\n", "\0\0", "\u{1b}[0m\r\n", "\u{200b}\u{202e}"])
  func `nothing to say is a mistake and leaves nothing`(_ text: String) async throws {
    let installation = try await Installation()
    let call = try await notify(installation, text)
    #expect(call.status == 64)
    #expect(call.errors.contains("nothing to send"))
    #expect(installation.incoming.isEmpty)
  }

  @Test(arguments: [
    ["--severity=loud"], ["--titel=x"], ["--wait=soon"], ["sshd"], ["--jail=sshd"],
  ])
  func `a call that means nothing is refused`(_ options: [String]) async throws {
    let installation = try await Installation()
    let call = try await notify(installation, "text", options)
    #expect(call.status == 64)
    #expect(installation.incoming.isEmpty)
  }

  @Test func `nothing in it is live, breaks out or steers a terminal`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let evil = "<!channel> <@U012AB3CD> <https://evil.example|bank> *b* `c` & \u{202e}x\u{1b}[31m"
    var text = Array(
      "\(evil)\n```\n<!here>\nred: \u{1b}[1;31mno\u{1b}[0m\u{1b}]0;t\u{7}.\n10%\r99%\n".utf8)
    text += [0xff, 0xfe, 0, 0xc3, 0x28, 0x0a]
    let call = try await installation.luaslack(
      raw: (["notify", "--wait", "--title", evil, "--field", "\(evil)=\(evil)"]
        + ["--host=web1"]).map { Array($0.utf8) }, stdin: text)
    #expect(call.status == 0, "\(call.errors)")
    let message = try #require(try await installation.slack.messages().last)
    #expect(message.accepted)
    #expect(message.bodyJSON.liveMarkup.isEmpty)
    let shown = message.bodyJSON["attachments"][0]["text"].string ?? ""
    #expect(shown.contains("\n'''\n") && shown.hasPrefix("```\n") && shown.hasSuffix("\n```"))
    #expect(shown.contains("red: no.\n99%\n"))
    #expect(!shown.contains("10%") && !shown.contains("[31m") && !shown.contains("\0"))
    #expect(shown.contains("\u{fffd}") && shown.contains("("))
    #expect(message.text.filter { $0 == "*" }.count == 2)
  }

  @Test func `of a long text the first 16 KiB are kept, which is said`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let call = try await notify(
      installation, String(repeating: "line of a log\n", count: 100_000), ["--wait"])
    #expect(call.status == 0)
    #expect(call.errors.contains("the first 16 KiB are kept, 1383616 bytes are left out"))
    let text = try #require(try await installation.slack.messages().last)
      .bodyJSON["attachments"][0]["text"].string
    #expect(text?.contains("bytes more left out") == true)
  }

  @Test func `of many fields the first 64 are kept, which is said`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let fields = (1...70).flatMap { ["--field", "f\($0)=x"] }
    let call = try await notify(installation, "", ["--title", "Much"] + fields + ["--dry-run"])
    #expect(call.status == 0)
    #expect(call.errors.contains("of the fields the first 64 are kept"))
    let less = try await notify(
      installation, "", ["--title", "Much"] + fields.prefix(128) + ["--dry-run"])
    #expect(!less.errors.contains("of the fields"))
  }

  @Test func `two equal ones are two`() async throws {
    let installation = try await Installation(config: Self.quiet)
    for _ in 0..<2 { _ = try await notify(installation, "same", ["--title=Same", "--wait"]) }
    #expect(try await installation.slack.messages().count == 2)
  }

  @Test func `who waits is told of a destination that is not there`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let call = try await notify(installation, "words\n", ["--to=nowhere", "--wait"])
    #expect(call.status == 0 && call.output == "default: delivered\n")
    #expect(call.errors == "luaslack: there is no destination nowhere; known: default\n")
  }

  @Test func `it goes where --to or a route says, as formatters word it`() async throws {
    let installation = try await Installation(
      config: Self.quiet + """
        [destination.ops]
        webhook_file = "webhook"
        [[route]]
        kind = "notify"
        severity = "warning"
        to = "ops"
        [[route]]
        jail = "sshd"
        to = "ops"

        """)
    try installation.directory.write(
      """
      return { notify = function(event, payload)
        payload.username = event.title .. "|" .. event.severity .. "|" .. #event.text
          .. "|" .. event.jail .. "|" .. tostring(event.ip) .. "|" .. tostring(event.submitter)
      end }
      """, to: "formatters/50-x.lua")
    for options in [["--severity=warning"], ["--to=ops"], []] {
      _ = try await notify(installation, "words\n", ["--title=T"] + options)
    }
    _ = try await installation.slack.waitForMessages(3)
    await installation.settle()
    let destinations = try await installation.deliveries().compactMap { $0["destination"].string }
    #expect(destinations.sorted() == ["default", "ops", "ops"])
    let names = Set(
      try await installation.slack.messages().compactMap { $0.bodyJSON["username"].string })
    #expect(names == ["T|warning|6||nil|nil", "T|info|6||nil|nil"])
  }

  @Test func `a dry run shows it and keeps nothing`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let call = try await notify(installation, "text", ["--title=T", "--host=web1", "--dry-run"])
    #expect(call.status == 0)
    #expect(try JSON(parsing: call.output)["text"].string == ":information_source: *T* on web1")
    #expect(!FileManager.default.fileExists(atPath: installation.spool))
    let unlisted = try await Installation(config: "post = [\"ban\"]\n" + Self.quiet)
    let said = try await notify(unlisted, "text", ["--dry-run"])
    #expect(said.errors.contains("`post` does not list notify"))
    let kept = try await notify(unlisted, "text", ["--wait"])
    #expect(kept.output.contains("`post` does not list this kind"))
  }

  @Test func `status, queue and trace know it by its title`() async throws {
    let installation = try await Installation(
      config: Self.quiet.replacing("\"webhook\"", with: "\"nothing\""))
    _ = try await notify(installation, "text", ["--title=Disk full"])
    var list: JSON = .null
    await eventually("it waits") {
      list = (try? await installation.deliveries().first) ?? .null
      return list["kind"].string == "notify"
    }
    #expect(list["subject"].string == "Disk full")
    let id = String(Int(list["id"].number ?? 0))
    let show = try await installation.luaslack(["queue", "show", id])
    #expect(show.output.contains("notify Disk full: accepted"), "\(show.output)")
    #expect(try await installation.luaslack(["queue", "list"]).output.contains("Disk full"))
    _ = try await installation.luaslack(["queue", "delete", id])
  }

  @Test func `a storm of them is told in a digest`() async throws {
    let installation = try await Installation(config: Self.quiet)
    for number in 0..<8 {
      let call = try await installation.luaslack(
        ["notify", "--host=web1", number % 2 == 0 ? "--title=Job \(number)" : "--field=a=b"],
        stdin: Array("text \(number)\n".utf8), environment: ["LUASLACK_SPAWN": "0"])
      #expect(call.status == 0)
    }
    _ = try await installation.luaslack(["queue", "flush"])
    var digest: JSON = .null
    await eventually("a digest") {
      let found = try? await installation.slack.messages().first { $0.text.contains(" events on ") }
      digest = found?.bodyJSON ?? .null
      return found != nil
    }
    #expect(digest["text"].string?.contains("notifications") == true)
    #expect(digest["text"].string?.contains(", in") == false)
    let lines = digest["attachments"][0]["text"].string ?? ""
    #expect(lines.contains("*Job ") && lines.contains("notification `text "))
  }
}
