import Foundation
import Testing

/// A page of the documentation in pieces: its fenced blocks, each with what stands around it.
struct Page: Sendable {
  struct Block: Sendable, CustomTestStringConvertible {
    let page: String
    /// What stands behind the fence, such as `ini`, or nothing.
    let language: String
    /// Of the fence that opens it.
    let line: Int
    /// What the page says above it.
    let heading: String
    /// The HTML comment in the line above the fence.
    let comment: String?
    var lines: [String] = []

    var text: String { lines.joined(separator: "\n") + "\n" }
    var testDescription: String { "\(page):\(line)" }
  }

  static let root = URL(filePath: #filePath).deletingLastPathComponent()
    .deletingLastPathComponent().deletingLastPathComponent().deletingLastPathComponent()

  /// From the project's directory: `docs/posts.md`.
  let name: String
  let text: String
  let blocks: [Block]

  init(_ name: String) {
    self.name = name
    text = (try? String(contentsOf: Self.root.appending(path: name), encoding: .utf8)) ?? ""
    var blocks: [Block] = []
    var open: Block?
    var (heading, comment) = ("", String?.none)
    for (index, part) in text.split(separator: "\n", omittingEmptySubsequences: false).enumerated()
    {
      let line = String(part)
      if let block = open {
        if line == "```" {
          blocks.append(block)
          open = nil
        } else {
          open?.lines.append(line)
        }
        continue
      }
      if line.hasPrefix("```") {
        open = Block(
          page: name, language: String(line.dropFirst(3)), line: index + 1, heading: heading,
          comment: comment)
      } else if line.hasPrefix("#") {
        heading = String(line.drop { $0 == "#" || $0 == " " })
      }
      let isComment = line.hasPrefix("<!-- ") && line.hasSuffix(" -->")
      comment = isComment ? String(line.dropFirst(5).dropLast(4)) : nil
    }
    self.blocks = blocks
  }

  /// Those of one section in one language.
  func blocks(_ language: String, under heading: String? = nil) -> [Block] {
    blocks.filter { $0.language == language && (heading == nil || $0.heading == heading) }
  }

  /// README.md and every page of docs/.
  static let all: [Page] = {
    let docs = root.appending(path: "docs").path()
    let names = ((try? FileManager.default.contentsOfDirectory(atPath: docs)) ?? []).sorted()
    return ["README.md"].map(Page.init)
      + names.filter { $0.hasSuffix(".md") }.map { Page("docs/" + $0) }
  }()
}
