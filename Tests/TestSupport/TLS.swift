import Foundation
import Testing

/// Certificates of a test's own: an authority that nobody else knows, and what it signs. Made with
/// openssl, for this test alone.
public final class Authority: Sendable {
  public struct Failure: Error, CustomStringConvertible {
    public let description: String
  }

  private let directory: TemporaryDirectory
  /// The authority's own certificate, PEM.
  public var file: String { directory.file("ca.pem") }

  public init() async throws {
    directory = try TemporaryDirectory("ca")
    try await openssl(
      [
        "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj",
        "/CN=test authority",
      ]
        + ["-keyout", directory.file("ca.key"), "-out", file])
  }

  /// A key and a certificate for a host or an address, in one file.
  public func certificate(for host: String, expired: Bool = false) async throws -> String {
    let name = host.replacing("*", with: "any") + (expired ? "-expired" : "")
    let isAddress = host.allSatisfy { $0.isNumber || $0 == "." }
    try directory.write(
      "subjectAltName=\(isAddress ? "IP" : "DNS"):\(host)\n", to: "\(name).ext")
    try await openssl(
      ["req", "-new", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(host)"]
        + ["-keyout", directory.file("\(name).key"), "-out", directory.file("\(name).csr")])
    try await openssl(
      ["x509", "-req", "-in", directory.file("\(name).csr"), "-CA", file]
        + ["-CAkey", directory.file("ca.key"), "-CAcreateserial", "-days", expired ? "-1" : "2"]
        + ["-extfile", directory.file("\(name).ext"), "-out", directory.file("\(name).crt")])
    let pem = try directory.read("\(name).key") + directory.read("\(name).crt")
    return try directory.write(pem, to: "\(name).pem", mode: 0o600)
  }

  private func openssl(_ arguments: [String]) async throws {
    let result = try await run("/usr/bin/openssl", arguments, environment: ["PATH": "/usr/bin"])
    guard result.status == 0 else { throw Failure(description: result.errors) }
  }
}

/// TLS before a server on loopback: takes connections on a port of its own and leads them on in the
/// clear.
public final class TLSFront: Sendable {
  public let port: UInt16
  private let program: RunningProgram

  /// `options` are socat's, such as `openssl-max-proto-version=TLS1.1`.
  public init(to target: UInt16, certificate: String, options: String = "") async throws {
    // A free port: taken, looked at, given back.
    port = try LoopbackServer { _ in }.port
    let more = options.isEmpty ? "" : "," + options
    program = try RunningProgram(
      "/usr/bin/socat",
      [
        "OPENSSL-LISTEN:\(port),bind=127.0.0.1,reuseaddr,fork,verify=0,cert=\(certificate)\(more)",
        "TCP:127.0.0.1:\(target)",
      ])
    await eventually("TLS is there") { LoopbackConnection(to: port) != nil }
  }
}
