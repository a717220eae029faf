import Foundation
import Glibc
import TestSupport
import Testing

/// `luaslack preview --watch`: what is saved is seen, and what breaks leaves the last good picture.
@Suite struct PreviewWatchTests {
  private static func script(_ name: String) -> String {
    "return { ban = function(event, payload) payload.username = '\(name)' end }\n"
  }

  /// An installation with one formatter, and a preview that watches it and has shown it.
  private struct Watched {
    let installation: Installation
    let preview: RunningProgram

    /// `first`: what it shows at the beginning.
    init(
      config: String? = nil, _ options: [String] = [], first: String = "first APP"
    ) async throws {
      installation = try await Installation(config: config)
      try FileManager.default.createDirectory(
        atPath: installation.directory.file("formatters"), withIntermediateDirectories: true,
        attributes: [.posixPermissions: 0o700])
      try installation.directory.write(script("first"), to: "formatters/50-name.lua")
      preview = try RunningProgram(
        Programs.luaslack, ["preview", "--watch"] + options, environment: installation.environment)
      await shows(first)
    }

    func shows(_ text: String) async {
      await eventually("the preview shows \(text)") { preview.standardOutput.contains(text) }
    }

    func write(_ text: String, to name: String = "formatters/50-name.lua") throws {
      try installation.directory.write(text, to: name)
    }
  }

  enum Save: CaseIterable { case inPlace, renamed, removedAndMade, appended }

  @Test(arguments: Save.allCases)
  func `however an editor saves, the picture changes`(_ save: Save) async throws {
    let watched = try await Watched()
    let path = watched.installation.directory.file("formatters/50-name.lua")
    switch save {
    case .inPlace:
      try Data(Self.script("second").utf8).write(to: URL(filePath: path), options: [])
    case .renamed:
      try watched.write(Self.script("second"), to: "formatters/.50-name.lua.swp")
      #expect(rename(path, path + "~") == 0)
      #expect(rename(path.replacing("50-name.lua", with: ".50-name.lua.swp"), path) == 0)
    case .removedAndMade:
      #expect(unlink(path) == 0)
      try watched.write(Self.script("second"))
    case .appended:
      let file = try #require(FileHandle(forWritingAtPath: path))
      try file.seekToEnd()
      try file.write(contentsOf: Data("local last = 1\n".utf8))
      try file.close()
      await watched.shows("50-name.lua:2:")
      return
    }
    await watched.shows("second APP")
  }

  @Test func `a broken script leaves the last good picture below its error`() async throws {
    let watched = try await Watched()
    try watched.write("return {\n  ban = function(event) error('no luck') end,\n}\n")
    await watched.shows("50-name.lua:2: no luck")
    #expect(watched.preview.standardOutput.contains("As it was before:\nfirst APP\n"))
    try watched.write("return {{\n")
    await watched.shows("50-name.lua:2: unexpected symbol")
    try watched.write(Self.script("mended"))
    await watched.shows("mended APP")
    let after = try #require(
      watched.preview.standardOutput.components(separatedBy: "unexpected symbol").last)
    #expect(!after.components(separatedBy: "mended APP")[1].contains("As it was before"))
  }

  @Test func `a broken config leaves the last good picture too`() async throws {
    let watched = try await Watched()
    try watched.write("nonsense = 1\n", to: "config.toml")
    await watched.shows("config.toml:1:")
    #expect(watched.preview.standardOutput.contains("As it was before:\nfirst APP\n"))
    try watched.write(Installation.config(), to: "config.toml")
    try watched.write(Self.script("again"))
    await watched.shows("again APP")
  }

  @Test func `libraries, lists and an event are watched as well`() async throws {
    let config = Installation.config(more: "[list]\nfriends = { file = \"friends.txt\" }")
    let watched = try await Watched(config: config)
    try watched.write("return 'one'\n", to: "formatters/lib/word.lua")
    try watched.write(
      """
      return { ban = function(event, payload)
        payload.username = require "word" .. (event.lists.friends and " friend" or " stranger")
      end }
      """)
    await watched.shows("one stranger APP")
    try watched.write("return 'two'\n", to: "formatters/lib/word.lua")
    await watched.shows("two stranger APP")
    try watched.write("203.0.113.0/24\n", to: "friends.txt")
    await watched.shows("two friend APP")
  }

  @Test func `an event in a file is read again`() async throws {
    let directory = try TemporaryDirectory("watch")
    let event = directory.file("event.json")
    try directory.write(#"{"kind": "ban", "jail": "sshd", "ip": "203.0.113.7"}"#, to: "event.json")
    let watched = try await Watched(["--event", event])
    await watched.shows("sshd banned 203.0.113.7")
    try directory.write(#"{"kind": "ban", "jail": "nginx", "ip": "203.0.113.8"}"#, to: "event.json")
    await watched.shows("nginx banned 203.0.113.8")
    try directory.write("{", to: "event.json")
    await watched.shows("event.json: ")
    #expect(watched.preview.standardOutput.contains("As it was before:"))
  }

  @Test func `a linked formatter is watched where it is`() async throws {
    let elsewhere = try TemporaryDirectory("linked")
    try elsewhere.write(Self.script("linked"), to: "real.lua")
    let watched = try await Watched()
    let path = watched.installation.directory.file("formatters/60-link.lua")
    #expect(symlink(elsewhere.file("real.lua"), path) == 0)
    await watched.shows("linked APP")
    try elsewhere.write(Self.script("changed"), to: "real.lua")
    await watched.shows("changed APP")
  }

  @Test func `what changes nothing is not shown again`() async throws {
    let watched = try await Watched()
    let before = watched.preview.standardOutput
    try watched.write("notes\n", to: "formatters/notes.txt")
    try watched.write(Self.script("second"))
    await watched.shows("second APP")
    #expect(watched.preview.standardOutput.hasPrefix(before))
    #expect(watched.preview.standardOutput.components(separatedBy: " APP").count == 3)
  }

  @Test func `nobody who reads it any more ends it`() async throws {
    let watched = try await Watched()
    let place = watched.installation.directory
    let call = try await run(
      "/bin/sh", ["-c", "\(Programs.luaslack) preview --watch | head -1"],
      environment: watched.installation.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 })
    #expect(call.status == 0)
    #expect(call.output == "first APP\n")
    withExtendedLifetime(place) {}
  }

  @Test func `a library that comes beside a given file is seen`() async throws {
    let place = try TemporaryDirectory("beside")
    try place.write("return function(e, p) p.username = require 'word' end\n", to: "own.lua")
    let watched = try await Watched(
      ["--config", "/nonexistent.toml", place.file("own.lua")], first: "lib/word.lua")
    try place.write("return 'found'\n", to: "lib/word.lua")
    await watched.shows("found APP")
  }

  @Test func `of two that are broken one stays so, and no picture was good`() async throws {
    let watched = try await Watched()
    try watched.write("return {{\n", to: "formatters/60-b.lua")
    await watched.shows("60-b.lua:2:")
    try watched.write("return {{\n")
    await watched.shows("50-name.lua:2:")
    try watched.write(Self.script("mended"))
    await eventually("only the other one is left") {
      let after =
        watched.preview.standardOutput.components(separatedBy: "50-name.lua:2:").last ?? ""
      return after.components(separatedBy: "As it was before:\nfirst APP").count == 3
    }
    #expect(!watched.preview.standardOutput.contains("As it was before:\nmended"))
  }

  @Test func `luaslackd does not stay when its preview is killed`() async throws {
    let watched = try await Watched()
    let spool = watched.installation.spool
    #expect(watched.installation.daemons().count == 1, "none serves \(spool)")
    watched.preview.signal(SIGKILL)
    await eventually("luaslackd is gone") { watched.installation.daemons().isEmpty }
  }
}
