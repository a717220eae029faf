import Foundation
import Glibc
import TestSupport
import Testing

/// Every command of README.md and docs/: each block of them is run on a host of its page's own, in the order of
/// the page, or has a comment above it that says why it cannot be.
@Suite struct CommandsTests {
  private static let notRun = "not run: "
  private static let mayComplain = "exit 0 or 1: "

  /// What stands behind a fence; anything else might be a command that nobody runs.
  private static let languages: Set<String> = [
    "sh", "", "ini", "toml", "lua", "json", "yaml", "text", "dockerfile",
  ]

  /// Pages that begin before luaslack is installed.
  private static let installing: Set<String> = [
    "README.md", "docs/install.md", "docs/first-message.md",
  ]

  private static func isCommands(_ block: Page.Block) -> Bool {
    block.language == "sh" || block.language.isEmpty
  }

  /// Where a block that is a file belongs: ```` ```toml /etc/luaslack/config.toml ````.
  private static func path(_ block: Page.Block) -> String? {
    block.language.split(separator: " ").last.map(String.init).flatMap {
      $0.hasPrefix("/") ? $0 : nil
    }
  }

  private static let pagesWithCommands = Page.all.filter { $0.blocks.contains(where: isCommands) }
    .map(\.name)

  @Test func `each block is of a kind that is known`() {
    #expect(Page.all.count > 10)
    for block in Page.all.flatMap(\.blocks) {
      let language = block.language.split(separator: " ").first.map(String.init) ?? ""
      #expect(Self.languages.contains(language), "\(block)")
    }
  }

  @Test func `what is not run, or may complain, says why`() {
    for block in Page.all.flatMap(\.blocks) where Self.isCommands(block) {
      guard let comment = block.comment else { continue }
      let why = comment.split(separator: ": ", maxSplits: 1).last ?? ""
      let isKnown = [Self.notRun, Self.mayComplain].contains { comment.hasPrefix($0) }
      #expect(isKnown && why.count > 15, "\(block): \(comment)")
    }
  }

  @Test(
    .enabled(if: geteuid() == 0 && Fail2banServer.isInstalled, "needs root and fail2ban"),
    arguments: pagesWithCommands)
  func `the commands of a page work`(name: String) async throws {
    let page = Page(name)
    let machine = try await Machine(withLuaslack: !Self.installing.contains(name))
    for block in page.blocks {
      if let path = Self.path(block) { try machine.write(block.text, to: path) }
      let comment = block.comment ?? ""
      guard Self.isCommands(block), !comment.hasPrefix(Self.notRun) else { continue }
      let isMake = block.lines.contains { $0.hasPrefix("make ") || $0.hasPrefix("sudo make ") }
      let done = try await machine.run(block.text, inCheckout: isMake)
      let isRight = done.status == 0 || done.status == 1 && comment.hasPrefix(Self.mayComplain)
      #expect(isRight, "\(block): \(done.said.suffix(2_000))")
    }
    guard name == "docs/first-message.md" else { return }
    let texts = try await machine.slack.waitForMessages(2, timeout: .seconds(20)).map(\.text)
    #expect(texts.contains { $0.contains("TEST") }, "\(texts)")
    #expect(texts.contains { $0.contains("sshd banned 192.0.2.1") }, "\(texts)")
  }

  // MARK: - What pages name

  @Test func `commands within the text have subcommands and options that there are`() async throws {
    let help = try await run(Programs.luaslack, ["--experimental-dump-help"])
    let program = try JSON(parsing: help.output)["command"]
    let spans = Page.all.flatMap { page in
      page.text.matches(of: /`(?:sudo )?luaslack ([^`]+)`/).map { (page.name, $0.output.1) }
    }
    #expect(spans.count > 40)
    for (page, span) in spans {
      let words = span.split(separator: " ").prefix { $0 != "--" }.map(String.init)
      var command = program
      for word in words {
        guard
          let next = command["subcommands"].array.first(where: { $0["commandName"].string == word })
        else { break }
        command = next
      }
      #expect(command != program || words == ["--help"], "\(page): luaslack \(span)")
      let names = command["arguments"].array.flatMap { $0["names"].array }
        .compactMap { $0["name"].string }
      for option in words.filter({ $0.hasPrefix("--") }) {
        let name = String(option.dropFirst(2).prefix { $0 != "=" })
        #expect(names.contains(name), "\(page): luaslack \(span)")
      }
    }
  }

  @Test func `links lead somewhere`() throws {
    let headings = Dictionary(
      uniqueKeysWithValues: Page.all.map { page in
        let lines = page.text.split(separator: "\n").filter { $0.hasPrefix("#") }
        return (page.name, Set(lines.map { Self.anchor(String($0)) }))
      })
    for page in Page.all {
      for link in page.text.matches(of: /\]\(([^)\s]+)\)/).map({ String($0.output.1) }) {
        guard !link.contains("://") else { continue }
        let parts = link.split(separator: "#", omittingEmptySubsequences: false).map(String.init)
        let folder = page.name.hasPrefix("docs/") ? "docs/" : ""
        let target = parts[0].isEmpty ? page.name : folder + parts[0]
        let plain = target.replacing("docs/../", with: "")
        #expect(
          FileManager.default.fileExists(atPath: Page.root.appending(path: plain).path()),
          "\(page.name): \(link)")
        if parts.count > 1 {
          #expect(headings[plain]?.contains(parts[1]) == true, "\(page.name): \(link)")
        }
      }
    }
  }

  /// As GitHub makes it.
  private static func anchor(_ heading: String) -> String {
    let text = heading.drop { $0 == "#" || $0 == " " }.lowercased()
    return String(text.filter { $0.isLetter || $0.isNumber || " -_".contains($0) })
      .replacing(" ", with: "-")
  }

  @Test func `README names every page`() {
    let readme = Page("README.md").text
    for page in Page.all where page.name.hasPrefix("docs/") {
      #expect(readme.contains("(\(page.name)"), "\(page.name)")
    }
  }
}
