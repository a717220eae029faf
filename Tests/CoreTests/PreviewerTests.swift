import TestSupport
import Testing

@testable import LuaslackCore

/// What is said beside a message: what its destination does not show, and where it would go.
@Suite struct PreviewerTests {
  private static let bot = Configuration.Destination(
    name: "ops", kind: .token(file: "/t", channel: "C1", api: Configuration.Destination.slackAPI))
  private static let mail = Configuration.Destination(
    name: "post", kind: .mail(to: "root@example.org", server: "127.0.0.1:25"))
  private static let webhook = Configuration.Destination(name: "default", webhookFile: "/w")
  private static let dressed: Value = [
    "text": "x", "username": "guard", "icon_emoji": ":shield:", "icon_url": .null,
  ]

  @Test(
    arguments: [
      (webhook, dressed, "default: the webhook of a Slack app shows the app's own name and icon"),
      (
        bot, dressed, "ops: a bot needs the scope chat:write.customize for `username`, `icon_emoji`"
      ),
      (mail, dressed, "post: mail is plain text"),
      (mail, ["text": "x", "attachments": [["color": "good"]]], "post: mail is plain text"),
      (webhook, ["text": "x"], nil), (bot, ["text": "x"], nil), (mail, ["text": "x"], nil),
    ] as [(Configuration.Destination, Value, String?)])
  func `what a kind of destination ignores is said`(
    _ destination: Configuration.Destination, _ message: Value, _ said: String?
  ) {
    let remarks = Ignored.remarks(message, for: destination)
    #expect(remarks.count == (said == nil ? 0 : 1))
    if let said { #expect(remarks.first?.hasPrefix(said) == true) }
  }

  @Test func `a destination with a formatter of its own is shown what that makes`() throws {
    var configuration = Configuration(path: "/nonexistent/config.toml")
    configuration.formatters = ["blocks"]
    var own = Self.bot
    own.formatter = "minimal"
    configuration.destinations = ["default": Self.webhook, "ops": own]
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: 1_000_000)
    record.destinations = ["default", "ops"]
    let previewer = Previewer(configuration, host: "web1", now: 2_000_000)
    let previews = previewer.previews(previewer.scene(record, title: "ban"))
    #expect(previews.map(\.title) == ["ban", "ban, for ops"])
    #expect(previews[0].message?["attachments"] != nil)
    #expect(previews[1].message?["attachments"] == nil)
    #expect(previews[0].notes.contains { $0.hasPrefix("ops has a formatter of its own") })
    // As replay and the delivery would.
    let own2 = Previewer(configuration, paths: ["/nonexistent"], host: "web1", now: 2_000_000)
    #expect(own2.previews(own2.scene(record)).count == 1)
  }

  @Test func `sources name the config, the lists, the formatters and their directory`() throws {
    let directory = try TemporaryDirectory("sources")
    try directory.write("return {}", to: "formatters/50-a.lua")
    try directory.write("return {}", to: "formatters/lib/b.lua")
    var configuration = Configuration(path: directory.file("config.toml"))
    configuration.lists = ["friends": .file(directory.file("friends.txt"))]
    let sources = Previewer(configuration, host: "h", now: 0).sources
    for name in [
      "config.toml", "friends.txt", "formatters", "formatters/lib", "formatters/50-a.lua",
      "formatters/lib/b.lua",
    ] { #expect(sources.contains(directory.file(name))) }
    #expect(sources.contains { $0.hasSuffix("/default/formatter.lua") })
  }

  @Test func `formatters are found by path, by their own name and by a shipped one's`() throws {
    let directory = try TemporaryDirectory("names")
    try directory.write("return {}", to: "formatters/50-a.lua")
    let configuration = Configuration(path: directory.file("config.toml"))
    func names(_ given: String...) -> [String] {
      FormatterChain.load(configuration, inPlaceOfLocal: given).files.map(\.name)
    }
    #expect(names("50-a") == ["default.lua", "50-a.lua"])
    #expect(names("50-a.lua") == ["default.lua", "50-a.lua"])
    #expect(names(directory.file("formatters")) == ["default.lua", "50-a.lua"])
    #expect(names("minimal", "50-a") == ["default.lua", "minimal.lua", "50-a.lua"])
    #expect(names("default") == ["default.lua"])
    #expect(FormatterChain.load(configuration, inPlaceOfLocal: ["60-b"]).problems.count == 1)
  }
}
