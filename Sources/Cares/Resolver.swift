internal import CCares

/// c-ares could not be set up; its own words.
public struct CaresError: Error, CustomStringConvertible {
  public let description: String
}

/// What DNS is asked.
public struct Question: Sendable, Hashable {
  public enum Kind: Int32, Sendable {
    case address4 = 1
    case name = 12
    case address6 = 28
  }

  public let name: String
  public let kind: Kind

  public init(_ name: String, _ kind: Kind) {
    (self.name, self.kind) = (name, kind)
  }
}

/// A name as DNS has it, unreadable bytes as `\ddd`; or an address of 4 or 16 bytes. Whoever made it may be hostile.
public enum Data: Sendable, Equatable {
  case name(String)
  case address([UInt8])
}

public enum Reply: Sendable, Equatable {
  /// `seconds` for which it holds, the least of its records'.
  case records([Data], seconds: UInt32)
  /// There is none of the kind.
  case nothing
  /// A server answered, and nothing that is of use.
  case failed
  /// Nobody answered.
  case silence
}

/// Owns one channel of c-ares with the questions that are under way. One thread; nothing moves but in `wait`.
/// DNS alone is asked, in no hosts file. Made anew for each few questions: its ports are then others,
/// and what the host's resolv.conf says is what it says now.
@safe
public final class Resolver {
  private let channel: ares_channel
  private var answers: [(question: Question, answer: Reply)] = []
  private var open = 0

  /// Records of an answer that are looked at.
  private static let mostRecords = 64

  /// `server`: `192.0.2.1`, `192.0.2.1:53` or `[2001:db8::1]:53`; nil: those of resolv.conf. Each is asked again after
  /// `milliseconds` without an answer, `tries` times in all.
  public init(server: String?, milliseconds: Int, tries: Int) throws(CaresError) {
    var channel: ares_channel?
    _ = ares_library_init(ARES_LIB_INIT_ALL)
    var code = unsafe ccares_open(&channel, Int32(clamping: milliseconds), Int32(clamping: tries))
    guard code == ARES_SUCCESS, let channel = unsafe channel else {
      throw CaresError(description: unsafe String(cString: ares_strerror(code)))
    }
    unsafe self.channel = channel
    guard let server else { return }
    code = unsafe ares_set_servers_ports_csv(channel, server)
    guard code == ARES_SUCCESS else {
      throw CaresError(description: unsafe String(cString: ares_strerror(code)))
    }
  }

  /// What is still open is answered with its end, to nobody.
  deinit { unsafe ares_destroy(channel) }

  /// Begins to ask; the answer comes out of `wait`.
  public func ask(_ question: Question) {
    open += 1
    let ticket = unsafe Unmanaged.passRetained(Ticket(self, question)).toOpaque()
    // 1: the class of the internet.
    unsafe ares_query(channel, question.name, 1, question.kind.rawValue, answered, ticket)
  }

  public var isBusy: Bool { open > 0 || !answers.isEmpty }

  /// Moves the questions on for at most so many milliseconds. Returns what was answered, as soon as something was.
  public func wait(milliseconds: Int) -> [(question: Question, answer: Reply)] {
    if answers.isEmpty { unsafe ccares_wait(channel, Int32(clamping: max(0, milliseconds))) }
    defer { answers = [] }
    return answers
  }

  fileprivate func take(_ question: Question, _ answer: Reply) {
    open -= 1
    answers.append((question, answer))
  }

  fileprivate final class Ticket {
    weak var resolver: Resolver?
    let question: Question

    init(_ resolver: Resolver, _ question: Question) {
      (self.resolver, self.question) = (resolver, question)
    }
  }

  // MARK: - Reading an answer

  fileprivate static func answer(
    _ code: Int32, _ bytes: UnsafeBufferPointer<UInt8>, _ kind: Question.Kind
  ) -> Reply {
    switch code {
    case ARES_SUCCESS: break
    case ARES_ENODATA, ARES_ENOTFOUND: return .nothing
    case ARES_ETIMEOUT, ARES_ECONNREFUSED, ARES_ECANCELLED, ARES_EDESTRUCTION: return .silence
    default: return .failed
    }
    guard bytes.count >= 12 else { return .failed }
    var message = unsafe Message(bytes: bytes)
    return message.answer(kind, most: mostRecords) ?? .failed
  }
}

/// A response of DNS (RFC 1035, 4.1), walked with care.
@safe
private struct Message {
  let bytes: UnsafeBufferPointer<UInt8>
  private var position = 12

  init(bytes: UnsafeBufferPointer<UInt8>) { unsafe self.bytes = bytes }

  /// Nil for what is malformed. Names of the records' owners do not count: a resolver adds the way that it
  /// went over aliases.
  mutating func answer(_ kind: Question.Kind, most: Int) -> Reply? {
    guard let questions = number(at: 4, 2), let count = number(at: 6, 2) else { return nil }
    for _ in 0..<min(questions, 4) {
      guard skipName() else { return nil }
      position += 4
    }
    var found: [Data] = []
    var seconds = UInt32.max
    for _ in 0..<min(count, most) {
      guard skipName(), let type = number(at: position, 2), let ttl = number(at: position + 4, 4),
        let length = number(at: position + 8, 2), unsafe position + 10 + length <= bytes.count
      else { return nil }
      position += 10
      defer { position += length }
      guard type == Int(kind.rawValue) else { continue }
      guard let data = data(kind, length) else { return nil }
      found.append(data)
      seconds = min(seconds, UInt32(clamping: ttl))
    }
    return found.isEmpty ? .nothing : .records(found, seconds: seconds)
  }

  private func data(_ kind: Question.Kind, _ length: Int) -> Data? {
    switch kind {
    case .address4, .address6:
      guard length == (kind == .address4 ? 4 : 16) else { return nil }
      return .address((position..<(position + length)).map { unsafe bytes[$0] })
    case .name:
      var text: UnsafeMutablePointer<CChar>?
      var used = 0
      guard let start = unsafe bytes.baseAddress,
        unsafe ares_expand_name(start + position, start, Int32(bytes.count), &text, &used)
          == ARES_SUCCESS,
        let text = unsafe text
      else { return nil }
      defer { unsafe ares_free_string(text) }
      return unsafe .name(String(cString: text))
    }
  }

  private func number(at start: Int, _ count: Int) -> Int? {
    guard start >= 0, unsafe start + count <= bytes.count else { return nil }
    return (start..<(start + count)).reduce(0) { unsafe $0 << 8 | Int(bytes[$1]) }
  }

  /// At most 128 labels, by the length of a name.
  private mutating func skipName() -> Bool {
    for _ in 0...128 {
      guard let length = number(at: position, 1) else { return false }
      position += 1
      if length == 0 { return true }
      if length & 0xc0 == 0xc0 {
        position += 1
        return true
      }
      guard length < 0x40 else { return false }
      position += length
    }
    return false
  }
}

/// c-ares calls it once for each question, when the channel ends at the latest.
private func answered(
  _ context: UnsafeMutableRawPointer?, _ code: Int32, _: Int32,
  _ bytes: UnsafeMutablePointer<UInt8>?, _ count: Int32
) {
  guard let context = unsafe context else { return }
  let ticket = unsafe Unmanaged<Resolver.Ticket>.fromOpaque(context).takeRetainedValue()
  let response = unsafe UnsafeBufferPointer(
    start: UnsafePointer(bytes), count: bytes == nil ? 0 : Int(max(0, count)))
  let answer = unsafe Resolver.answer(code, response, ticket.question.kind)
  ticket.resolver?.take(ticket.question, answer)
}
