/// An incoming webhook's address. The path is a secret: whoever knows it can post. So it is never
/// described, and only `secret` gives it away.
public struct WebhookURL: Sendable, Equatable, CustomStringConvertible {
  public let secret: String
  /// Host and port, which are no secret.
  public let host: String

  /// `https` only, except to this very machine: everything else would show the secret on the way.
  public init(_ text: String) throws(Target.Refused) {
    guard let end = text.firstRange(of: "://") else {
      throw Target.Refused(description: "is not a URL; it should begin with https://")
    }
    let scheme = text[..<end.lowerBound].lowercased()
    let rest = text[end.upperBound...]
    let authority = rest.prefix { !"/?#".contains($0) }
    guard text.unicodeScalars.allSatisfy({ (0x21...0x7e).contains($0.value) }) else {
      throw Target.Refused(description: "holds a space or a character that a URL cannot have")
    }
    guard !authority.isEmpty, !authority.contains("@"), !authority.contains("\\") else {
      throw Target.Refused(description: "has no plain host name")
    }
    guard scheme == "https" || scheme == "http" && Self.isLoopback(authority) else {
      throw Target.Refused(
        description: "must begin with https:// (http:// only to 127.0.0.1 or ::1)")
    }
    secret = text
    host = String(authority)
  }

  /// 127.0.0.0/8 in plain decimal or ::1, with or without a port; a name could lead anywhere.
  static func isLoopback(_ authority: Substring) -> Bool {
    let isIPv6 = authority.hasPrefix("[::1]")
    let host = isIPv6 ? authority.prefix(5) : authority.prefix { $0 != ":" }
    let port = authority.dropFirst(host.count)
    guard port.isEmpty || port.first == ":" && UInt16(port.dropFirst()) != nil else { return false }
    if isIPv6 { return true }
    let parts = host.split(separator: ".", omittingEmptySubsequences: false)
    let isCanonical = parts.allSatisfy { part in UInt8(part).map { String($0) == part } ?? false }
    return parts.count == 4 && parts.first == "127" && isCanonical
  }

  public var description: String { "webhook at \(host)" }
}

extension WebhookURL {
  static func read(file: String) throws(Target.Refused) -> WebhookURL {
    let line = try SecretFile.line(of: file, kind: "webhook", content: "the webhook's URL")
    do throws(Target.Refused) {
      return try WebhookURL(line)
    } catch {
      throw Target.Refused(description: "webhook file \(file): the URL \(error)")
    }
  }
}
