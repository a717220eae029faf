import Foundation

/// Prints each posted message for people, as near to Slack's looks as lines of text come.
struct Transcript {
  private let terminal: Terminal
  private let mrkdwn: Mrkdwn

  init(terminal: Terminal) {
    self.terminal = terminal
    mrkdwn = Mrkdwn(terminal: terminal)
  }

  /// Written in one piece and at once, so that it mixes with nothing and shows while it is news.
  func show(_ payload: JSON, of request: RecordedRequest) {
    let text = ([headline(request)] + lines(of: payload)).joined(separator: "\n") + "\n\n"
    try? FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
  }

  private func headline(_ request: RecordedRequest) -> String {
    let time = Date(timeIntervalSince1970: request.time).formatted(
      Date.ISO8601FormatStyle(timeZone: .current).time(includingFractionalSeconds: false))
    let path = Terminal.harmless(request.path)
    return terminal.styled("── #\(request.sequence) · \(time) · \(path)", .dim)
  }

  private func lines(of payload: JSON) -> [String] {
    var lines: [String] = []
    if let text = payload["text"]?.string, !text.isEmpty { lines += rendered(text) }
    for block in payload["blocks"]?.array ?? [] { lines += self.lines(ofBlock: block) }
    for attachment in payload["attachments"]?.array ?? [] {
      lines += self.lines(ofAttachment: attachment)
    }
    return lines
  }

  private func lines(ofAttachment attachment: JSON) -> [String] {
    var lines: [String] = []
    if let title = attachment["title"]?.string {
      let link = attachment["title_link"]?.string.map { " (\(Terminal.harmless($0)))" } ?? ""
      lines.append(terminal.styled(mrkdwn.render(title), .bold) + link)
    }
    if let text = attachment["text"]?.string { lines += rendered(text) }
    for field in attachment["fields"]?.array ?? [] {
      let title = mrkdwn.render(field["title"]?.string ?? "")
      let value = rendered(field["value"]?.string ?? "")
      // A value of several lines starts below its title.
      let isOneLine = value.count == 1
      lines.append(terminal.styled(title + ":", .bold) + (isOneLine ? " " + value[0] : ""))
      if !isOneLine { lines += value }
    }
    for block in attachment["blocks"]?.array ?? [] { lines += self.lines(ofBlock: block) }
    if lines.isEmpty { lines += rendered(attachment["fallback"]?.string ?? "") }
    if let footer = attachment["footer"]?.string {
      lines.append(terminal.styled(mrkdwn.render(footer), .dim))
    }

    let colour = attachment["color"]?.string
    let bar = terminal.bar(colour)
    var barred = lines.map { "\(bar) \($0)" }
    if !terminal.colours, let colour { barred.insert("▌ [\(Terminal.harmless(colour))]", at: 0) }
    // Pretext stands above the attachment, outside its bar.
    return rendered(attachment["pretext"]?.string ?? "").filter { !$0.isEmpty } + barred
  }

  private func lines(ofBlock block: JSON) -> [String] {
    switch block["type"]?.string {
    case "header": return [terminal.styled(string(block["text"]), .bold)]
    case "divider": return [terminal.styled(String(repeating: "─", count: 40), .dim)]
    case "section":
      let text = block["text"].map { string($0).lines } ?? []
      return text + (block["fields"]?.array ?? []).flatMap { string($0).lines }
    case "context":
      let elements = (block["elements"]?.array ?? []).map { element in
        element["alt_text"]?.string.map { "[\(Terminal.harmless($0))]" } ?? string(element)
      }
      return elements.joined(separator: "  ").lines.map { terminal.styled($0, .dim) }
    case "actions":
      let buttons = (block["elements"]?.array ?? []).map { "[\(string($0["text"]))]" }
      return [buttons.joined(separator: " ")]
    case "image":
      let alternative = Terminal.harmless(block["alt_text"]?.string ?? "")
      return ["[image: \(alternative)] " + Terminal.harmless(block["image_url"]?.string ?? "")]
    case "markdown": return rendered(block["text"]?.string ?? "")
    case "rich_text": return Terminal.harmless(plainText(block)).lines
    case let other: return ["[block: \(Terminal.harmless(other ?? "?"))]"]
    }
  }

  private func rendered(_ text: String) -> [String] { mrkdwn.render(text).lines }

  /// A text object; plain text has emoji but no markup.
  private func string(_ object: JSON?) -> String {
    let text = object?["text"]?.string ?? ""
    return object?["type"]?.string == "mrkdwn" ? mrkdwn.render(text) : mrkdwn.plain(text)
  }

  /// All text in a rich_text block, its styles left out.
  private func plainText(_ value: JSON) -> String {
    if let text = value["text"]?.string { return text }
    if let elements = value["elements"]?.array {
      return elements.map(plainText).joined(separator: "")
    }
    return value["url"]?.string ?? value["name"]?.string.map { ":\($0):" } ?? ""
  }
}

extension String {
  fileprivate var lines: [String] {
    split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }
}
