import Foundation
import TestSupport
import Testing

/// The pictures of the docs: each is one that `make pictures` draws, and shows what the programs show now.
@Suite struct PicturesTests {
  private static let folder = "docs/pictures"

  /// By page, the files that it shows, from the project's directory.
  private static let shown: [String: [String]] = {
    let pages = Page.all + [Page("scripts/README.md")]
    return Dictionary(
      uniqueKeysWithValues: pages.map { page in
        let folder = page.name.contains("/") ? page.name.prefix { $0 != "/" } + "/" : ""
        let names = page.text.matches(of: /(?:src|srcset)="([^"]+)"|!\[[^\]]*\]\(([^)]+)\)/)
        return (
          page.name,
          names.map { folder + ($0.output.1 ?? $0.output.2 ?? "") }.map {
            $0.replacing("scripts/../", with: "")
          }
        )
      })
  }()

  private static let recipe: [String] = Page(folder + "/recipe.txt").text.split(separator: "\n")
    .filter { !$0.hasPrefix("#") }.map { line in
      line.prefix { $0 != "|" }.trimmingCharacters(in: .whitespaces)
    }

  private static let files: Set<String> = {
    let path = Page.root.appending(path: folder).path()
    let names = (try? FileManager.default.contentsOfDirectory(atPath: path)) ?? []
    return Set(names.filter { $0.hasSuffix(".png") }.map { folder + "/" + $0 })
  }()

  @Test func `each picture is shown, and drawn by the recipe`() throws {
    let drawn = Set(Self.recipe.map { "\(Self.folder)/\($0).png" })
    #expect(Self.files == drawn && drawn.count == Self.recipe.count)
    #expect(Set(Self.shown.values.joined()) == drawn)
    #expect((8...15).contains(drawn.count))
    for page in ["README.md", "docs/formatters.md", "scripts/README.md"] {
      #expect((Self.shown[page]?.count ?? 0) > 2, "\(page)")
    }
    for file in Self.files {
      let bytes = [UInt8](try Data(contentsOf: Page.root.appending(path: file)))
      #expect(bytes.starts(with: [0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]), "\(file)")
      // A page is read on a telephone too.
      #expect((1_000...40_960).contains(bytes.count), "\(file): \(bytes.count) bytes")
    }
  }

  @Test func `each picture says in words what it shows`() {
    for page in Page.all + [Page("scripts/README.md")] {
      for tag in page.text.matches(of: /<img [^>]*>/) {
        #expect(tag.output.contains(/alt="[^"]{10,}"/), "\(page.name): \(tag.output)")
      }
    }
  }

  private func check(_ top: String) async throws -> Finished {
    try await run(
      "/usr/bin/python3", [top + "/tools/make-pictures", "--check", Programs.directory],
      environment: ["PATH": "/usr/bin:/bin", "PYTHONDONTWRITEBYTECODE": "1"])
  }

  @Test func `the pictures show what the programs show now`() async throws {
    let call = try await check(Page.root.path())
    #expect(call.status == 0, "\(call.errors)")
  }

  @Test func `a formatter that paints otherwise, or another picture, would be noticed`()
    async throws
  {
    let place = try TemporaryDirectory("pictures")
    for name in ["tools", "docs", "scripts", "README.md"] {
      try FileManager.default.copyItem(
        atPath: Page.root.appending(path: name).path(), toPath: place.file(name))
    }
    let readme = try place.read("README.md")
    let other = readme.replacing("sshd = \"#d64545\"", with: "sshd = \"#d64546\"")
    try place.write(other, to: "README.md")
    try Data([0]).write(to: URL(filePath: place.file("docs/pictures/notify.png")))
    let call = try await check(place.path)
    #expect(call.status == 1 && call.errors.contains("Run make pictures"), "\(call.errors)")
    #expect(call.errors.contains(": colours, colours-night, notify."), "\(call.errors)")
  }

  // MARK: - The terminal

  @Test func `README shows what a terminal shows`() async throws {
    let place = try TemporaryDirectory("readme")
    let page = Page("README.md")
    let lua = try #require(page.blocks("lua", under: "Your own message").first)
    let shown = try #require(page.blocks("text", under: "Your own message").first)
    let file = try place.write(lua.text, to: "50-colours.lua")
    let config = try place.write(
      "[destination.default]\nwebhook_file = \"absent\"\n", to: "config.toml")
    let call = try await run(
      Programs.luaslack, ["preview", file], environment: ["LUASLACK_CONFIG": config])
    #expect(call.output == shown.text, "\(call.output)")
  }
}
