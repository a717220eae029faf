public import Posix

/// Where a destination's messages really go: its kind together with its secret, read anew for each
/// message, so that a changed secret needs no restart. Says what to send; sends nothing itself, and
/// never describes its secret.
public struct Target: Sendable, Equatable, CustomStringConvertible {
  /// Why nothing can be sent, and how to mend it.
  public struct Refused: Error, Equatable, CustomStringConvertible {
    public let description: String

    public init(description: String) {
      self.description = description
    }
  }

  private enum Way: Sendable, Equatable {
    case webhook(WebhookURL)
    case bot(BotToken, channel: String, api: String)
    case mail(to: String, server: String)
  }

  private let way: Way
  private let network: Configuration.Network
  private let certificates: [UInt8]?

  public static func read(
    _ destination: Configuration.Destination
  ) throws(Refused) -> Target {
    let way: Way
    switch destination.kind {
    case .webhook(let file): way = .webhook(try WebhookURL.read(file: file))
    case .token(let file, let channel, let api):
      way = .bot(try BotToken.read(file: file), channel: channel, api: api)
    case .mail(let to, let server): way = .mail(to: to, server: server)
    }
    return Target(
      way: way, network: destination.network,
      certificates: try destination.certificates.map(certificates))
  }

  /// Bytes; the system's own bundle has some 220 KiB.
  private static let certificatesLimit = 1 << 20

  private static func certificates(_ file: String) throws(Refused) -> [UInt8] {
    do throws(TrustedFile.Refused) {
      let bytes = try TrustedFile.read(file, limit: certificatesLimit)
      if String(decoding: bytes, as: UTF8.self).contains("-----BEGIN CERTIFICATE-----") {
        return bytes
      }
    } catch {
      throw Refused(description: "ca_file \(error)")
    }
    throw Refused(description: "ca_file \(file): holds no certificate in PEM")
  }

  public var description: String {
    switch way {
    case .webhook(let url): "\(url)"
    case .bot(_, let channel, _): "channel \(channel)"
    case .mail(let to, let server): "mail to \(to) at \(server)"
    }
  }

  /// Tells real destinations apart, whatever their names are: Slack counts messages by these. The
  /// secret cannot be had from it.
  public var hash: String {
    switch way {
    case .webhook(let url): StableHash.text(url.secret.utf8)
    case .bot(let token, let channel, _): StableHash.text("\(token.secret) \(channel)".utf8)
    case .mail(let to, let server): StableHash.text("\(to) \(server)".utf8)
    }
  }

  /// Whether a message can stand in another's thread, and an answer says where it is.
  public var hasThreads: Bool {
    if case .bot = way { true } else { false }
  }

  /// The channel as Slack itself names it; nil if the config has only its name.
  var channelID: String? {
    guard case .bot(_, let channel, _) = way, channel.utf8.count > 1,
      let first = channel.first, "CGD".contains(first),
      channel.utf8.allSatisfy({ (0x30...0x39).contains($0) || (0x41...0x5a).contains($0) })
    else { return nil }
    return channel
  }

  /// What goes out for this payload, JSON. `threadTs` names the message whose thread it belongs to; it
  /// counts only where there are threads. `now` is the date of a mail.
  public func post(_ payload: String, threadTs: String? = nil, now: Int64 = Clock.now()) -> Post {
    var post: Post
    let json = "Content-Type: application/json; charset=utf-8"
    switch way {
    case .webhook(let url):
      post = Post(url: url.secret, headers: [json, "Expect:"], body: payload)
    case .bot(let token, let channel, let api):
      post = Post(
        url: (api.hasSuffix("/") ? String(api.dropLast()) : api) + "/chat.postMessage",
        headers: [json, "Expect:", "Authorization: Bearer \(token.secret)"],
        body: Self.addressed(payload, to: channel, threadTs: threadTs))
    case .mail(let to, let server):
      let from = Mail.sender(host: Process.hostName)
      let message = (try? JSONReader.read(payload)) ?? ["text": .string(payload)]
      post = Post(
        url: "smtp://\(server)", headers: [],
        body: Mail.text(message, from: from, to: to, id: hash, now: now))
      post.envelope = Post.Envelope(from: from, to: to, needsTLS: !Self.isThisMachine(server))
    }
    post.network = network
    post.certificates = certificates
    return post
  }

  private static func addressed(_ payload: String, to channel: String, threadTs: String?) -> String
  {
    // What is stored is an object always; anything else must not lose the message.
    var message = (try? JSONReader.read(payload)) ?? .null
    if message.object == nil { message = ["text": .string(payload)] }
    message["channel"] = .string(channel)
    message["thread_ts"] = threadTs.map { .string($0) }
    return JSONWriter.compact(message)
  }

  /// libcurl asks nobody what `localhost` is.
  private static func isThisMachine(_ server: String) -> Bool {
    server.lowercased().prefix { $0 != ":" } == "localhost" || WebhookURL.isLoopback(server[...])
  }
}
