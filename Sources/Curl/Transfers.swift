internal import CCurl
internal import Posix

/// Owns libcurl's multi handle, the transfers under way and the connections kept from earlier ones.
/// One thread; nothing moves but in `wait`.
@safe
public final class Transfers {
  private let multi: OpaquePointer
  private var running: [Int64: Transfer] = [:]

  /// A few destinations' worth.
  private static let mostKept = 8

  public init() throws(CurlError) {
    guard curl_global_init(Int(CURL_GLOBAL_DEFAULT)) == CURLE_OK,
      let multi = unsafe curl_multi_init()
    else { throw CurlError(description: "libcurl could not start") }
    unsafe self.multi = OpaquePointer(multi)
    _ = unsafe ccurl_set_kept(multi, Self.mostKept)
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
    try start(tag, try Transfer(post))
  }

  /// Begins to send a mail, in the same way.
  public func start(_ tag: Int64, _ mail: Mail) throws(CurlError) {
    try start(tag, try Transfer(mail))
  }

  private func start(_ tag: Int64, _ transfer: Transfer) throws(CurlError) {
    guard unsafe curl_multi_add_handle(UnsafeMutableRawPointer(multi), transfer.easy) == CURLM_OK
    else { throw CurlError(description: "libcurl refused a transfer") }
    running[tag] = transfer
  }

  /// Moves the transfers on until one ends, one of the `others` can be read, or `milliseconds` have
  /// passed. Returns what ended.
  public func wait(
    others: [Int32], milliseconds: Int32
  ) -> [(tag: Int64, result: TransferResult)] {
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

  private func advance() -> [(tag: Int64, result: TransferResult)] {
    var stillRunning: Int32 = 0
    unsafe curl_multi_perform(UnsafeMutableRawPointer(multi), &stillRunning)
    var ended: [(tag: Int64, result: TransferResult)] = []
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
