import TestSupport
import Testing

/// The accountant is judged as well: it must find what it is there to find.
@Suite struct AccountingTests {
  private func row(
    _ id: Int64, _ state: String, kind: String = "ban", text: String? = nil,
    maybeSent: Bool = false,
    into digest: Int64? = nil
  ) -> Accounting.Row {
    Accounting.Row(
      id: id, kind: kind, subject: "192.0.2.\(id)", destination: "default", state: state,
      payload: .object(["text": .string(text ?? "ban of \(id)")]), maybeSent: maybeSent,
      foldedInto: digest, isPending: ["waiting", "sending"].contains(state))
  }

  private func message(
    _ text: String, at time: Double = 0, status: Int = 200, answer: String = "ok"
  ) throws -> RecordedMessage {
    RecordedMessage(
      monotonic: time, path: "/services/x", body: #"{"text":"\#(text)"}"#, status: status,
      answer: answer)
  }

  private func complaints(
    _ rows: [Accounting.Row], _ texts: [String], files: [String] = [],
    expected: [Int64] = [1]
  ) throws -> [String] {
    Accounting(rows: rows, inFiles: files, messages: try texts.map { try message($0) })
      .complaints(
        expected: Dictionary(uniqueKeysWithValues: expected.map { ("192.0.2.\($0)", "default") }))
  }

  @Test func `what was told once, marked again, folded, or waits is in order`() throws {
    #expect(try complaints([row(1, "delivered")], ["ban of 1"]).isEmpty)
    #expect(
      try complaints([row(1, "delivered")], ["ban of 1", "ban of 1 (possible repeat)"]).isEmpty)
    #expect(try complaints([row(1, "delivered")], ["ban of 1 (possible repeat)"]).isEmpty)
    #expect(try complaints([row(1, "waiting")], []).isEmpty)
    #expect(try complaints([row(1, "sending")], ["ban of 1"]).isEmpty)
    #expect(try complaints([row(1, "waiting", maybeSent: true)], ["ban of 1"]).isEmpty)
    #expect(try complaints([], [], files: ["192.0.2.1"]).isEmpty)
    let digest = row(9, "delivered", kind: "digest", text: "2 bans")
    #expect(
      try complaints([row(1, "folded", into: 9), row(2, "folded", into: 9), digest], ["2 bans"])
        .isEmpty)
  }

  @Test func `what is lost or doubled is seen`() throws {
    #expect(try complaints([], []) == ["192.0.2.1 is nowhere"])
    #expect(try complaints([row(1, "delivered")], []).count == 1)
    #expect(try complaints([row(1, "delivered")], ["ban of 1", "ban of 1"]).count == 1)
    #expect(try complaints([row(1, "waiting")], ["ban of 1"]).count == 1)
    #expect(try complaints([row(1, "dead")], []) == ["192.0.2.1: is dead"])
    #expect(try complaints([row(1, "folded")], []) == ["192.0.2.1: is in no digest"])
    #expect(try complaints([row(1, "folded", into: 9)], []).count == 1)
    let digest = row(9, "delivered", kind: "digest", text: "2 bans")
    #expect(try complaints([row(1, "folded", into: 9), digest], []).count == 1)
    #expect(
      try complaints([row(1, "folded", into: 9), digest], ["2 bans", "ban of 1"]).count == 1)
    #expect(
      try complaints([row(1, "folded", into: 2), row(2, "delivered")], ["ban of 2"]).count == 1)
  }

  @Test func `a request inside a Retry-After is seen`() throws {
    let refused = try message("x", at: 10, status: 429, answer: #"{"retry_after":2}"#)
    #expect(Accounting.insideRetryAfter([refused, try message("x", at: 11.9)]).count == 1)
    #expect(Accounting.insideRetryAfter([refused, try message("x", at: 12.1)]).isEmpty)
  }
}
