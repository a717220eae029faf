import Curl
import LuaslackCore

/// Carries posts with libcurl.
final class CurlTransport: Transport {
  private let transfers: Transfers
  /// Posts that could not even begin; answered at the next `wait`.
  private var stillborn: [(tag: Int64, answer: Answer)] = []

  init() throws(CurlError) {
    transfers = try Transfers()
  }

  func start(_ tag: Int64, _ post: Post) {
    do throws(CurlError) {
      try transfers.start(
        tag, HTTPPost(url: post.url, headers: post.headers, body: Array(post.body.utf8)))
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

extension Answer {
  fileprivate init(_ result: HTTPResult) {
    switch result {
    case .answered(let status, let retryAfter, let body):
      self = .response(status: status, retryAfter: retryAfter, body: body)
    case .failed(let reason, let maybeArrived):
      self = .failure(reason: reason, maybeArrived: maybeArrived)
    }
  }
}
