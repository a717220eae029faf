internal import CCurl

/// Owns one easy handle, its lists, what goes out and the answer that grows.
@safe
final class Transfer {
  let easy: UnsafeMutableRawPointer
  private let isMail: Bool
  private var list: UnsafeMutablePointer<curl_slist>?
  private let answerLimit: Int
  private var answer: [UInt8] = []
  /// The mail that is still to be read by curl.
  private var outgoing: ArraySlice<UInt8> = []
  /// The lines of a mail server's last replies: one to QUIT comes after the one that counts.
  private var replies: [[String]] = [[]]
  private var replyIsWhole = false
  private var attempts = 0

  /// Seconds a connection is kept without use. Servers and routers forget one after a minute or more, and
  /// then a message on it may be lost or doubled; storms come faster than this.
  private static let longestKept = 20
  /// A mail server's reply is a line or two.
  private static let longestReply = 8

  init(_ post: HTTPPost) throws(CurlError) {
    unsafe self.easy = try Self.makeHandle()
    isMail = false
    answerLimit = post.answerLimit
    for header in post.headers { unsafe list = unsafe curl_slist_append(list, header) }
    try configure(post.url, post.connecting)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    let size = post.body.count
    let isPlain = !post.url.lowercased().hasPrefix("https:")
    try check(
      unsafe [
        // The size first: COPYPOSTFIELDS then copies that many bytes instead of looking for a NUL.
        ccurl_set_long(easy, CURLOPT_POSTFIELDSIZE, size),
        post.body.withUnsafeBytes { body in
          unsafe ccurl_set_string(
            easy, CURLOPT_COPYPOSTFIELDS, body.assumingMemoryBound(to: CChar.self).baseAddress)
        },
        ccurl_set_headers(easy, list),
        // A proxy is told where to, never what.
        ccurl_set_long(easy, CURLOPT_HEADEROPT, Int(CURLHEADER_SEPARATE)),
        ccurl_set_writer(easy, collect, context),
        // The caller decides about http; nothing else is ever spoken, and no redirect followed: it
        // would carry the secret path to another host.
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "https,http"),
        ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0),
        // What is tried against http on loopback is then what is spoken to Slack.
        ccurl_set_long(easy, CURLOPT_HTTP_VERSION, Int(CURL_HTTP_VERSION_1_1)),
        ccurl_set_long(easy, CURLOPT_MAXAGE_CONN, Self.longestKept),
        ccurl_set_before_request(easy, isFirstAttempt, context),
        // An empty one keeps curl from asking the environment.
        ccurl_set_string(
          easy, CURLOPT_PROXY, isPlain ? "" : post.connecting.httpsProxy ?? ""),
        // What is meant for this machine is not for a proxy to see.
        ccurl_set_string(
          easy, CURLOPT_NOPROXY,
          (["127.0.0.0/8", "::1"] + post.connecting.noProxy).joined(separator: ",")),
        ccurl_set_string(easy, CURLOPT_USERAGENT, "luaslack"),
      ])
  }

  init(_ mail: Mail) throws(CurlError) {
    unsafe self.easy = try Self.makeHandle()
    isMail = true
    answerLimit = 0
    outgoing = mail.text[...]
    unsafe list = unsafe curl_slist_append(nil, mail.to)
    try configure(mail.url, mail.connecting)
    let context = unsafe Unmanaged.passUnretained(self).toOpaque()
    try check(
      unsafe [
        ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "smtp"),
        ccurl_set_string(easy, CURLOPT_MAIL_FROM, mail.from),
        ccurl_set_receivers(easy, list),
        ccurl_set_long(easy, CURLOPT_UPLOAD, 1),
        ccurl_set_reader(easy, hand, context),
        ccurl_set_listener(easy, listen, context),
        ccurl_set_long(
          easy, CURLOPT_USE_SSL, Int((mail.needsTLS ? CURLUSESSL_ALL : CURLUSESSL_NONE).rawValue)),
        ccurl_set_string(easy, CURLOPT_PROXY, ""),
        // Mail servers do not like to be kept waiting.
        ccurl_set_long(easy, CURLOPT_FRESH_CONNECT, 1),
        ccurl_set_long(easy, CURLOPT_FORBID_REUSE, 1),
      ])
  }

  deinit {
    unsafe curl_easy_cleanup(easy)
    unsafe curl_slist_free_all(list)
  }

  private static func makeHandle() throws(CurlError) -> UnsafeMutableRawPointer {
    guard let easy = unsafe curl_easy_init() else {
      throw CurlError(description: "libcurl is out of memory")
    }
    return unsafe easy
  }

  private func configure(_ url: String, _ connecting: Connecting) throws(CurlError) {
    try check(
      unsafe [
        ccurl_set_string(easy, CURLOPT_URL, url),
        ccurl_set_long(easy, CURLOPT_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
        ccurl_set_long(easy, CURLOPT_PROXY_SSLVERSION, Int(CURL_SSLVERSION_TLSv1_2)),
        ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1),
        ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, connecting.connectTimeout),
        ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, connecting.totalTimeout),
      ])
    guard var certificates = connecting.certificates else { return }
    try check(
      unsafe [
        certificates.withUnsafeMutableBytes { bytes in
          unsafe ccurl_set_certificates(easy, bytes.baseAddress, bytes.count)
        },
        // Debian's libcurl looks into the system's directory besides, unless told not to.
        ccurl_set_string(easy, CURLOPT_CAPATH, nil),
        ccurl_set_string(easy, CURLOPT_PROXY_CAPATH, nil),
      ])
  }

  private func check(_ codes: [CURLcode]) throws(CurlError) {
    guard let code = codes.first(where: { $0 != CURLE_OK }) else { return }
    throw CurlError(
      description: "libcurl refused a setting: \(unsafe String(cString: curl_easy_strerror(code)))")
  }

  // MARK: - The end

  func result(_ code: CURLcode) -> TransferResult {
    let status = unsafe ccurl_response_code(easy)
    if isMail { return mailResult(code, status) }
    guard code == CURLE_OK || answer.count >= answerLimit else {
      // What a proxy or TLS was told before does not count.
      return .failed(reason: reason(code), maybeArrived: attempts > 0)
    }
    let retryAfter = Int(unsafe ccurl_retry_after(easy))
    return .answered(status: status, retryAfter: retryAfter > 0 ? retryAfter : nil, body: answer)
  }

  private func mailResult(_ code: CURLcode, _ status: Int) -> TransferResult {
    let bodySent = unsafe ccurl_uploaded(easy) > 0
    if code == CURLE_OK || status >= 400 {
      let reply = replies.last { $0.first?.hasPrefix("\(status)") == true } ?? ["\(status)"]
      return .replied(code: status, text: reply.joined(separator: " "), bodySent: bodySent)
    }
    return .failed(reason: reason(code), maybeArrived: bodySent)
  }

  /// curl's error texts of the kind used here name no URL; its error buffer might.
  private func reason(_ code: CURLcode) -> String {
    if attempts > 1 { return "the connection had been closed by the server" }
    guard code == CURLE_PEER_FAILED_VERIFICATION else {
      return unsafe String(cString: curl_easy_strerror(code))
    }
    let number = unsafe ccurl_verify_result(easy)
    // OpenSSL's x509_vfy.h; below 2: OpenSSL had nothing to say, curl itself compared the names.
    switch number {
    case 0, 1, 62: return "TLS: the certificate is another host's"
    case 9: return "TLS: the certificate is not valid yet; is the clock right?"
    case 10: return "TLS: the certificate has expired"
    case 2, 18...21: return "TLS: nobody known here has signed the certificate"
    default: return "TLS: the certificate is not right (OpenSSL's error \(number))"
    }
  }

  // MARK: - While it lasts

  /// False once the limit is reached: the transfer then ends.
  fileprivate func append(_ bytes: UnsafeRawBufferPointer) -> Bool {
    unsafe answer.append(contentsOf: bytes.prefix(answerLimit - answer.count))
    return answer.count < answerLimit
  }

  /// Asked before a request is written. On a kept connection that turns out to be dead curl would write
  /// it again by itself, to a new one, and may so post twice without a word. Twice is the caller's to
  /// decide, who marks it.
  fileprivate func mayBegin() -> Bool {
    attempts += 1
    return attempts == 1
  }

  fileprivate func take(_ room: UnsafeMutableRawBufferPointer) -> Int {
    let part = outgoing.prefix(room.count)
    unsafe room.copyBytes(from: part)
    outgoing = outgoing.dropFirst(part.count)
    return part.count
  }

  /// `250-one`, `250 the last`
  fileprivate func hear(_ line: String) {
    if replyIsWhole { replies = [replies[replies.count - 1], []] }
    replyIsWhole = line.dropFirst(3).first != "-"
    guard replies[replies.count - 1].count < Self.longestReply else { return }
    let words = line.split(whereSeparator: \.isWhitespace).joined(separator: " ")
    replies[replies.count - 1].append(words)
  }
}

@safe
private func transfer(_ context: UnsafeMutableRawPointer?) -> Transfer? {
  guard let context = unsafe context else { return nil }
  return unsafe Unmanaged<Transfer>.fromOpaque(context).takeUnretainedValue()
}

/// curl's write callback: fewer bytes taken than given ends the transfer.
private func collect(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes = unsafe bytes, let transfer = transfer(context) else { return 0 }
  let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  return unsafe transfer.append(part) ? size * count : 0
}

/// curl's header callback.
private func listen(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes = unsafe bytes, let transfer = transfer(context) else { return 0 }
  let part = unsafe UnsafeRawBufferPointer(start: bytes, count: size * count)
  transfer.hear(String(decoding: unsafe Array(part.prefix(1_000)), as: UTF8.self))
  return size * count
}

/// curl's read callback: nothing taken is the end.
private func hand(
  _ bytes: UnsafeMutablePointer<CChar>?, _ size: Int, _ count: Int,
  _ context: UnsafeMutableRawPointer?
) -> Int {
  guard let bytes = unsafe bytes, let transfer = transfer(context) else { return 0 }
  return unsafe transfer.take(UnsafeMutableRawBufferPointer(start: bytes, count: size * count))
}

private func isFirstAttempt(
  _ context: UnsafeMutableRawPointer?, _: UnsafeMutablePointer<CChar>?,
  _: UnsafeMutablePointer<CChar>?, _: Int32, _: Int32
) -> Int32 {
  let mayBegin = transfer(context)?.mayBegin() ?? false
  return mayBegin ? CURL_PREREQFUNC_OK : CURL_PREREQFUNC_ABORT
}
