import TestSupport
import Testing

/// A destination that is a mail address.
@Suite struct MailDeliveryTests {
  private let server: MailServer

  init() throws {
    server = try MailServer()
  }

  private func installation() async throws -> Installation {
    try await Installation(
      config: """
        linger = "0s"
        [destination.default]
        smtp_to = "ops@example.org"
        smtp_server = "127.0.0.1:\(server.port)"

        """)
  }

  @Test func `a ban arrives in plain words`() async throws {
    let installation = try await installation()
    _ = try await installation.luaslack([
      "ban", "--host=web1", "--user=root\r\nBcc: evil@example.org",
      "--matches=line one\n.\nFrom: evil", "--", "sshd", "203.0.113.7", "5",
    ])
    _ = try await installation.waitForDelivery("delivered")
    let mail = try #require(server.mails.first)
    #expect(server.mails.count == 1)
    #expect(mail.to == ["ops@example.org"] && mail.from.hasPrefix("luaslack@"))
    let end = try #require(mail.text.firstRange(of: "\r\n\r\n"))
    let (header, body) = (mail.text[..<end.lowerBound], mail.text[end.upperBound...])
    #expect(header.contains("Subject: sshd banned 203.0.113.7 after 5 failures on web1\r\n"))
    #expect(header.contains("To: ops@example.org\r\n"))
    #expect(!header.contains("evil"))
    #expect(body.contains("sshd banned 203.0.113.7 after 5 failures on web1\r\n"))
    // The first three characters, in quoted-printable.
    #expect(body.contains("User: roo=E2=80=A6\r\n"))
    #expect(body.contains("    line one\r\n    .\r\n    From: evil\r\n"))
    #expect(!body.contains("```") && !body.contains(":shield:"))
  }

  @Test func `a server that asks for patience gets it`() async throws {
    server.refuse(["RCPT": "451 4.7.1 greylisted"])
    let installation = try await installation()
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("the first attempt fails") {
      let delivery = try? await installation.deliveries().first
      return delivery?["reason"].string == "451 4.7.1 greylisted"
    }
    server.refuse([:])
    _ = try await installation.waitForDelivery("delivered")
    #expect(server.mails.count == 1)
    #expect(server.mails.first?.text.contains("possible repeat") == false)
  }

  @Test func `a receiver that is not taken is a dead destination`() async throws {
    server.refuse(["RCPT": "550 5.1.1 <ops@example.org>: no such user"])
    let installation = try await installation()
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("the destination is dead") {
      (try? await installation.luaslack(["status"]).status) == 2
    }
    #expect(try await installation.luaslack(["status"]).output.contains("550 5.1.1"))
    server.refuse([:])
    _ = try await installation.luaslack(["queue", "flush"])
    _ = try await installation.waitForDelivery("delivered")
  }

  @Test func `a mail that is refused for what it says is tried once more, plainer`() async throws {
    server.refuse([".": "554 5.6.0 spam"])
    let installation = try await installation()
    _ = try await installation.luaslack(DeliveryTests.ban)
    let row = try await installation.waitForDelivery("dead")
    #expect(row["reason"].string == "554 5.6.0 spam")
    #expect(row["attempts"].number == 2)
  }

  @Test func `without an answer to the mail the next one says that it may be a repeat`()
    async throws
  {
    server.refuse([".": ""])
    let installation = try await installation()
    _ = try await installation.luaslack(DeliveryTests.ban)
    await eventually("the first attempt fails") {
      let delivery = try? await installation.deliveries().first
      return delivery?["reason"].string != nil
    }
    server.refuse([:])
    _ = try await installation.waitForDelivery("delivered")
    #expect(server.mails.first?.text.contains("(possible repeat)") == true)
  }
}
