internal import CCurl
internal import Posix

/// One HTTP POST: everything that goes out. The URL may hold a secret, so a request is never
/// described or logged.
public struct HTTPPost: Sendable {
  public var url: String
  public var headers: [String]
  public var body: [UInt8]
  /// Milliseconds for the connection, and for all of it.
  public var connectTimeout: Int
  public var totalTimeout: Int
  /// Answers beyond this many bytes are cut off.
  public var answerLimit: Int

  public init(
    url: String, headers: [String], body: [UInt8], connectTimeout: Int = 10_000,
    totalTimeout: Int = 30_000, answerLimit: Int = 64 * 1024
  ) {
    self.url = url
    self.headers = headers
    self.body = body
    self.connectTimeout = connectTimeout
    self.totalTimeout = totalTimeout
    self.answerLimit = answerLimit
  }
}

public enum HTTPResult: Sendable, Equatable {
  /// Seconds of Retry-After, where the server gave it.
  case answered(status: Int, retryAfter: Int?, body: [UInt8])
  /// `maybeArrived`: some of the request had been written, so the server may have acted on it.
  case failed(reason: String, maybeArrived: Bool)
}

/// libcurl could not be set up; its own words.
public struct CurlError: Error, CustomStringConvertible {
  public let description: String
}

/// Owns libcurl's multi handle and the POSTs under way. One thread; nothing moves but in `wait`.
@safe
public final class Transfers {
  private let multi: OpaquePointer
  private var running: [Int64: Transfer] = [:]

  public init() throws(CurlError) {
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
      let multi = unsafe curl_multi_init()
    else { throw CurlError(description: "libcurl could not start") }
    unsafe self.multi = OpaquePointer(multi)
  }

  deinit {
    for transfer in running.values {
      unsafe curl_multi_remove_handle(UnsafeMutableRawPointer(multi), transfer.easy)
    }
    running.removeAll()
    unsafe curl_multi_cleanup(UnsafeMutableRawPointer(multi))
  }

  /// Begins a POST; its result comes out of `wait` under the same tag.
  public func start(_ tag: Int64, _ post: HTTPPost) throws(CurlError) {
    let transfer = try Transfer(post)
    guard unsafe curl_multi_add_handle(UnsafeMutableRawPointer(multi), transfer.easy) == CURLM_OK
    else { throw CurlError(description: "libcurl refused a transfer") }
    running[tag] = transfer
  }

  /// Moves the transfers on until one ends, one of the `others` can be read, or `milliseconds` have
  /// passed. Returns what ended.
  public func wait(
    others: [Int32], milliseconds: Int32
  ) -> [(tag: Int64, result: HTTPResult)] {
    var ended = advance()
    guard ended.isEmpty else { return ended }
    var descriptors = others.map { descriptor in
      curl_waitfd(fd: descriptor, events: Int16(CURL_WAIT_POLLIN), revents: 0)
    }
    _ = unsafe curl_multi_poll(
      UnsafeMutableRawPointer(multi), &descriptors, UInt32(descriptors.count), milliseconds, nil)
    ended = advance()
    return ended
  }

  private func advance() -> [(tag: Int64, result: HTTPResult)] {
    var stillRunning: Int32 = 0
    unsafe curl_multi_perform(UnsafeMutableRawPointer(multi), &stillRunning)
    var ended: [(tag: Int64, result: HTTPResult)] = []
    var left: Int32 = 0
    while let message = unsafe curl_multi_info_read(UnsafeMutableRawPointer(multi), &left) {
      guard unsafe message.pointee.msg == CURLMSG_DONE else { continue }
      let easy = unsafe message.pointee.easy_handle
      let code = unsafe message.pointee.data.result
      guard let (tag, transfer) = running.first(where: { unsafe $0.value.easy == easy })
      else { continue }
      ended.append((tag, transfer.result(code)))
      unsafe curl_multi_remove_handle(UnsafeMutableRawPointer(multi), transfer.easy)
      running[tag] = nil
    }
    return ended
  }
}

/// Owns one easy handle, its header list, its body and the answer that grows.
@safe
private final class Transfer {
  let easy: UnsafeMutableRawPointer
  private var headers: UnsafeMutablePointer<curl_slist>?
  private let answerLimit: Int
  fileprivate var answer: [UInt8] = []

  init(_ post: HTTPPost) throws(CurlError) {
    guard let easy = unsafe curl_easy_init() else {
      throw CurlError(description: "libcurl is out of memory")
    }
    unsafe self.easy = unsafe easy
    answerLimit = post.answerLimit
    for header in post.headers {
      unsafe headers = unsafe curl_slist_append(headers, header)
    }
    try configure(post)
  }

  deinit {
    unsafe curl_easy_cleanup(easy)
    unsafe curl_slist_free_all(headers)
  }

  private func configure(_ post: HTTPPost) throws(CurlError) {
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let size = post.body.count
    let codes: [CURLcode] = unsafe [
      ccurl_set_string(easy, CURLOPT_URL, post.url),
      // The size first: COPYPOSTFIELDS then copies that many bytes instead of looking for a NUL.
      ccurl_set_long(easy, CURLOPT_POSTFIELDSIZE, size),
      post.body.withUnsafeBytes { body in
        unsafe ccurl_set_string(
          easy, CURLOPT_COPYPOSTFIELDS, body.assumingMemoryBound(to: CChar.self).baseAddress)
      },
      ccurl_set_headers(easy, headers),
      ccurl_set_writer(easy, collect, context),
      // The caller decides about http; nothing else is ever spoken, and no redirect followed: it
      // would carry the secret path to another host.
      ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "https,http"),
      ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
      // On a kept connection that turns out to be dead curl sends again by itself, which may post
      // twice without a word. One message a second can afford a new one.
      ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1),
      // What is meant for this machine, without TLS, is not for a proxy to see.
      ccurl_set_string(easy, CURLOPT_NOPROXY, "127.0.0.0/8,::1"),
      ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
      ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
      ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, post.connectTimeout),
      ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, post.totalTimeout),
      ccurl_set_string(easy, CURLOPT_USERAGENT, "luaslack"),
    ]
    if let code = codes.first(where: { $0 != CURLE_OK }) {
      throw CurlError(
        description:
          "libcurl refused a setting: \(unsafe String(cString: curl_easy_strerror(code)))")
    }
  }

  /// curl's error texts of the kind used here name no URL; its error buffer might.
  func result(_ code: CURLcode) -> HTTPResult {
    let status = unsafe ccurl_response_code(easy)
    guard code == CURLE_OK || answer.count >= answerLimit else {
      return .failed(
        reason: unsafe String(cString: curl_easy_strerror(code)),
        maybeArrived: unsafe ccurl_request_size(easy) > 0)
    }
    let retryAfter = Int(unsafe ccurl_retry_after(easy))
    return .answered(status: status, retryAfter: retryAfter > 0 ? retryAfter : nil, body: answer)
  }

  /// False once the limit is reached: the transfer then ends.
  fileprivate func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    unsafe answer.append(contentsOf: bytes.prefix(answerLimit - answer.count))
    return answer.count < answerLimit
  }
}

/// curl's write callback: fewer bytes taken than given ends the transfer.
private func collect(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes = unsafe bytes, let context = unsafe context else { return 0 }
  let transfer = unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
  let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  return unsafe transfer.append(part) ? size * count : 0
}
