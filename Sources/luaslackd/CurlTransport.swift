import Curl
import LuaslackCore

/// Carries posts and mails with libcurl.
final class CurlTransport: Transport {
  private let transfers: Transfers
  /// Posts that could not even begin; answered at the next `wait`.
  private var stillborn: [(tag: Int64, answer: Answer)] = []

  init() throws(CurlError) {
    transfers = try Transfers()
  }

  func start(_ tag: Int64, _ post: Post) {
    let body = Array(post.body.utf8)
    do throws(CurlError) {
      if let envelope = post.envelope {
        try transfers.start(
          tag,
          Mail(
            url: post.url, from: envelope.from, to: envelope.to, text: body,
            needsTLS: envelope.needsTLS, connecting: Connecting(post)))
      } else {
        try transfers.start(
          tag,
          HTTPPost(
            url: post.url, headers: post.headers, body: body, connecting: Connecting(post),
            answerLimit: Verdict.answerLimit))
      }
    } catch {
      stillborn.append((tag, .failure(reason: "\(error)", maybeArrived: false)))
    }
  }

  func wait(others: [Int32], milliseconds: Int32) -> [(tag: Int64, answer: Answer)] {
    defer { stillborn = [] }
    let pause = stillborn.isEmpty ? milliseconds : 0
    return stillborn
      + transfers.wait(others: others, milliseconds: pause).map { ($0.tag, Answer($0.result)) }
  }
}

extension Connecting {
  fileprivate init(_ post: Post) {
    self.init()
    httpsProxy = post.network.httpsProxy
    noProxy = post.network.noProxy
    certificates = post.certificates
    connectTimeout = post.network.connectTimeout * 1_000
    totalTimeout = post.network.timeout * 1_000
  }
}

extension Answer {
  fileprivate init(_ result: TransferResult) {
    switch result {
    case .answered(let status, let retryAfter, let body):
      self = .response(status: status, retryAfter: retryAfter, body: body)
    case .replied(let code, let text, let bodySent):
      self = .mail(code: code, text: text, bodySent: bodySent)
    case .failed(let reason, let maybeArrived):
      self = .failure(reason: reason, maybeArrived: maybeArrived)
    }
  }
}
