/// A bot's token. Whoever has it can do what the bot can; so it is never described, and only
/// `secret` gives it away.
public struct BotToken: Sendable, Equatable, CustomStringConvertible {
  public let secret: String

  /// Every token of Slack's that can post begins with `xox`, and none holds a character that could
  /// end a header.
  public init(_ text: String) throws(Target.Refused) {
    guard text.hasPrefix("xox") else {
      throw Target.Refused(
        description: "is not one that can post; it should begin with xoxb-")
    }
    guard text.utf8.allSatisfy({ Self.isTokenByte($0) }) else {
      throw Target.Refused(description: "holds a character that a token cannot have")
    }
    secret = text
  }

  static func read(file: String) throws(Target.Refused) -> BotToken {
    let line = try SecretFile.line(of: file, kind: "token", content: "the bot's token")
    do throws(Target.Refused) {
      return try BotToken(line)
    } catch {
      throw Target.Refused(description: "token file \(file): the token \(error)")
    }
  }

  private static func isTokenByte(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a, UInt8(ascii: "-"), UInt8(ascii: "."),
      UInt8(ascii: "_"):
      true
    default: false
    }
  }

  public var description: String { "a bot's token" }
}
