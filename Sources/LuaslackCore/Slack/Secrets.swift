/// Finds secrets in text that a person will see, where somebody may have written one by mistake. What looks
/// like one is gone, be it one or not.
enum Secrets {
  /// A line of a script: webhooks' addresses and bots' tokens.
  static func masked(_ line: String) -> String {
    addresses(credentials(tokens(literal(line)))) { host, path in
      host.lowercased().hasSuffix("slack.com") || isOfWebhook(path)
    }
  }

  /// A line of a config, which has no need of an address's path or of a long word with digits in it, nor of
  /// what stands after `webhook_url =` and its like.
  static func maskedConfig(_ line: String) -> String {
    longWords(addresses(credentials(tokens(assignment(line)))) { _, _ in true })
  }

  private static let pathsOfWebhooks = ["/services/", "/triggers/", "/workflows/", "/hooks/"]
  private static func isOfWebhook(_ path: String) -> Bool {
    pathsOfWebhooks.contains { path.lowercased().hasPrefix($0) }
  }

  private static let openings = ["xox", "xapp-"]
  private static let hidden = "…"
  /// Characters; no name of Slack's or of ours is as long, and every secret part is longer.
  private static let longestWord = 18

  private static func isTokenPart(_ character: Character) -> Bool {
    character.isASCII && (character.isLetter || character.isNumber || "-._%".contains(character))
  }

  private static func isURLPart(_ character: Character) -> Bool {
    !character.isWhitespace && !"\"'`<>(){}[],;|\\".contains(character)
  }

  private static func tokens(_ line: String) -> String {
    openings.reduce(line) { line, opening in
      var parts = line.split(separator: opening, omittingEmptySubsequences: false).map(String.init)
      for index in parts.indices.dropFirst() {
        let rest = parts[index].drop(while: isTokenPart)
        parts[index] = rest.count < parts[index].count ? hidden + rest : parts[index]
      }
      return parts.joined(separator: opening)
    }
  }

  /// `user:password@`, without both.
  private static func credentials(_ line: String) -> String {
    var parts = line.split(separator: "@", omittingEmptySubsequences: false).map(String.init)
    for index in parts.indices.dropLast() {
      let word = String(parts[index].reversed().prefix(while: isURLPart).reversed())
      let user = word.ranges(of: "//").last.map { String(word[$0.upperBound...]) } ?? word
      if user.contains(":") { parts[index] = parts[index].dropLast(user.count) + hidden }
    }
    return parts.joined(separator: "@")
  }

  /// Addresses without their paths, where `isSecret` says so of host and path, and without a user.
  private static func addresses(
    _ line: String, where isSecret: (_ host: String, _ path: String) -> Bool
  ) -> String {
    var result = ""
    var rest = line[...]
    while let slash = rest.firstIndex(of: "/") {
      // With `//` before it an address, else perhaps one whose beginning is missing.
      let isFull = rest[slash...].hasPrefix("//")
      let start = rest.index(slash, offsetBy: isFull ? 2 : 0)
      result += rest[..<start]
      let address = rest[start...].prefix(while: isURLPart)
      var host = address.prefix { !"/?#".contains($0) }
      var path = String(address.dropFirst(host.count))
      if !isFull { host = Substring(result.reversed().prefix(while: isURLPart).reversed()) }
      // `services/T…/B…/…`, of which the slash before it is missing too.
      if !isFull, isOfWebhook("/" + host + path) { path = "/" + host + path }
      if isFull {
        result += host.contains("@") ? hidden + host.suffix(from: afterUser(host)) : host
      }
      let isBare = !isFull && isOfWebhook(path)
      let hides = path.count > 1 && (isFull || isBare || host.lowercased().hasSuffix("slack.com"))
      result += hides && isSecret(String(host), path) ? "/" + hidden : path
      rest = rest[address.endIndex...]
    }
    return result + rest
  }

  private static func afterUser(_ host: Substring) -> Substring.Index {
    host.lastIndex(of: "@") ?? host.startIndex
  }

  /// Of a script, as `assignment` where the value is a text.
  private static func literal(_ line: String) -> String {
    guard let equals = line.firstIndex(of: "="),
      let first = line[line.index(after: equals)...].first(where: { !$0.isWhitespace }),
      "\"'[".contains(first)
    else { return line }
    return assignment(line, words: ["token", "secret", "pass", "pwd"])
  }

  /// Without the value of a key that is named like a secret; one that names a file holds none.
  private static func assignment(
    _ line: String, words: [String] = ["webhook", "token", "secret", "pass", "url"]
  ) -> String {
    guard let equals = line.firstIndex(of: "=") else { return line }
    let key = line[..<equals].lowercased().filter { !$0.isWhitespace && $0 != "\"" && $0 != "'" }
    let isSecret = words.contains { key.contains($0) }
    guard isSecret, !key.hasSuffix("_file"), !key.hasSuffix("api_url") else { return line }
    return line[...equals] + " \"\(hidden)\""
  }

  private static func longWords(_ line: String) -> String {
    var result = ""
    var rest = line[...]
    while let start = rest.firstIndex(where: isTokenPart) {
      result += rest[..<start]
      let word = rest[start...].prefix(while: isTokenPart)
      let pieces = word.split { "-._".contains($0) }
      let isSecret = pieces.contains { piece in
        piece.count > longestWord
          && (piece.contains(where: \.isNumber) || piece.contains(where: \.isUppercase))
          && piece.contains(where: \.isLetter)
      }
      result += isSecret ? Substring(hidden) : word
      rest = rest[word.endIndex...]
    }
    return result + rest
  }
}
