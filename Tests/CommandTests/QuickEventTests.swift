import TestSupport
import Testing

/// fail2ban's plain calls are read without the argument parser; both must read the same. An option
/// whose value stands apart sends the same call through the parser.
@Suite struct QuickEventTests {
  private static let values = [
    "1", "", "-1", "a=b", "None", "1795231644.5", "-- x", "é", "a,b", ",", "--", "-", "--id=3",
    "--help", "$(x)\n", "`id`", String(repeating: "x", count: 1_500), "\u{202e}",
    "\u{301}x", "\u{200d}x", "\u{fe0f}",
  ]
  private static let names = [
    "id", "time", "bantime", "bancount", "family", "user", "restored", "host", "matches", "to",
    "field", "fields", "lines",
  ]
  private static let commands = [
    "ban", "unban", "prolong", "jail-start", "jail-stop", "jail-flush",
  ]

  /// The body of the one file in the spool, without what differs between any two calls.
  private func spooled(_ arguments: [String]) async throws -> String? {
    let place = try TemporaryDirectory("quick")
    _ = try place.write("", to: "spool/managed")
    let result = try await run(
      Programs.luaslack, arguments,
      environment: ["LUASLACK_SPOOL": place.file("spool"), "LUASLACK_OVERFLOW": place.file("o")])
    guard result.status == 0 else { return nil }
    #expect(result.output.isEmpty && result.errors.isEmpty)
    let name = try #require(try place.names(in: "spool/incoming").first)
    let text = try place.read("spool/incoming/\(name)")
    let body = String(text.drop { $0 != "{" })
    return body.replacing(#/"accepted_at":\d+,/#, with: "")
  }

  @Test(arguments: 0..<60)
  func `a plain call is read as the parser reads it`(seed: UInt64) async throws {
    var random = SplitMix(state: seed)
    let command = Self.commands.randomElement(using: &random) ?? "ban"
    let hasAddress = !command.hasPrefix("jail")
    let options = (0..<Int.random(in: 0...4, using: &random)).map { _ in
      let name = Self.names.randomElement(using: &random) ?? "id"
      return "--\(name)=\(Self.values.randomElement(using: &random) ?? "")"
    }
    let operands = (0..<(hasAddress ? command == "ban" ? 3 : 2 : 1)).map { _ in
      Self.values.randomElement(using: &random) ?? ""
    }
    let quick = try await spooled([command, "--host=x"] + options + ["--"] + operands)
    let parsed = try await spooled(
      [command, "--host", "x"] + options + ["--"] + operands)
    #expect(quick != nil, "\(options) \(operands)")
    #expect(quick == parsed, "\(options) \(operands)")
  }
}

/// A small generator with a seed, so that a failure can be repeated.
private struct SplitMix: RandomNumberGenerator {
  var state: UInt64

  mutating func next() -> UInt64 {
    state &+= 0x9e37_79b9_7f4a_7c15
    var mixed = state
    mixed = (mixed ^ (mixed >> 30)) &* 0xbf58_476d_1ce4_e5b9
    mixed = (mixed ^ (mixed >> 27)) &* 0x94d0_49bb_1331_11eb
    return mixed ^ (mixed >> 31)
  }
}
