import Foundation
import TestSupport
import Testing

/// Each program links what its trust level may use and nothing else. Only release programs are
/// linked the way they are installed.
@Suite(
  .enabled(
    if: ProcessInfo.processInfo.environment["LUASLACK_PROGRAMS"] != nil && Tool.readelf.works,
    "needs release programs (make test) and readelf, nm"))
struct LinkageTests {
  @Test func `luaslack is a static position-independent program without curl and Lua`() async throws
  {
    let elf = try await Elf(Programs.luaslack)
    #expect(elf.type == "DYN")
    #expect(!elf.hasInterpreter)
    #expect(elf.needed.isEmpty)
    #expect(elf.symbols.contains("main"))
    #expect(elf.symbols(beginning: "curl_").isEmpty)
    #expect(elf.symbols(beginning: "lua_", "luaL_", "luaV_").isEmpty)
    // Name resolution would mean a network; a static program cannot do it properly anyway.
    #expect(elf.symbols(beginning: "getaddrinfo", "SSL_", "gnutls_").isEmpty)
  }

  @Test func `luaslackd has curl and SQLite and no interpreter of scripts`() async throws {
    let elf = try await Elf(Programs.luaslackd)
    #expect(elf.type == "DYN")
    #expect(elf.needed.contains { $0.hasPrefix("libcurl.so") })
    #expect(elf.needed.contains { $0.hasPrefix("libsqlite3.so") })
    #expect(!elf.needed.contains { $0.hasPrefix("liblua") })
    // The Swift runtime comes along: a host needs no Swift.
    #expect(!elf.needed.contains { $0.contains("swift") || $0.contains("Foundation") })
    #expect(elf.symbols(beginning: "lua_", "luaL_").isEmpty)
  }

  @Test func `the sandbox has Lua and nothing of what it must not reach`() async throws {
    let elf = try await Elf(Programs.sandbox)
    #expect(!elf.hasInterpreter)
    #expect(elf.needed.isEmpty)
    #expect(!elf.symbols(beginning: "lua_").isEmpty)
    let foreign = elf.symbols.filter { name in
      ["swift_", "$s", "curl_", "sqlite3_", "SSL_"].contains { name.hasPrefix($0) }
    }
    #expect(foreign.isEmpty)
  }

  /// The test build, which can leave layers out, shows what there would be to find.
  @Test func `the sandbox has no switch that would weaken it`() async throws {
    let bundle = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    let open = (bundle as NSString).deletingLastPathComponent + "/OpenSandbox"
    for (path, isOpen) in [(Programs.sandbox, false), (open, true)] {
      let switches = try await Elf(path).symbols.filter { $0.contains("weak_") }
      #expect(switches.isEmpty == !isOpen)
      let program = try Data(contentsOf: URL(filePath: path))
      for word in ["without-filter", "without-guard", "show-filter", "mark="] {
        #expect((program.range(of: Data(word.utf8)) != nil) == isOpen, "\(word)")
      }
    }
  }
}

/// What readelf and nm tell of a program.
private struct Elf {
  let type: String
  let hasInterpreter: Bool
  let needed: [String]
  let symbols: Set<String>

  init(_ path: String) async throws {
    let listing = try await run("/usr/bin/readelf", ["-hldW", path]).output
    let lines = listing.split(separator: "\n").map { $0.split(whereSeparator: \.isWhitespace) }
    type = lines.first { $0.first == "Type:" }.map { String($0[1]) } ?? ""
    hasInterpreter = lines.contains { $0.first == "INTERP" }
    needed = lines.filter { $0.contains("(NEEDED)") }
      .compactMap { $0.last?.trimmingCharacters(in: ["[", "]"]) }
    let names = try await run("/usr/bin/nm", ["-P", path]).output
    symbols = Set(
      names.split(separator: "\n").compactMap { $0.split(separator: " ").first }.map(String.init))
  }

  func symbols(beginning prefixes: String...) -> [String] {
    symbols.filter { name in prefixes.contains { name.hasPrefix($0) } }
  }
}
