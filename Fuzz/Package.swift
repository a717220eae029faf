// swift-tools-version:6.2
import PackageDescription

// Apart from the main package, so that nothing of it is ever built with what a fuzzer needs. The
// sources are the same: links into ../Sources. `make fuzz` builds and runs it.
let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .unsafeFlags(["-enable-testing", "-sanitize=fuzzer,address", "-parse-as-library"]),
]
let c: [CSetting] = [
  .define("_GNU_SOURCE"),
  .unsafeFlags([
    "-std=c17", "-Wall", "-Wextra", "-Werror", "-fsanitize=fuzzer-no-link,address,undefined",
  ]),
]
/// libFuzzer brings `main`.
let fuzzer: [LinkerSetting] = [.unsafeFlags(["-sanitize=fuzzer,address"])]

let package = Package(
  name: "luaslack-fuzz",
  targets: [
    .target(name: "CPosix", cSettings: c),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3"),
    .target(name: "Posix", dependencies: ["CPosix"], swiftSettings: swift),
    .target(name: "ChildProcess", dependencies: ["CPosix", "Posix"], swiftSettings: swift),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: swift),
    .target(
      name: "LuaslackCore", dependencies: ["Posix", "ChildProcess", "SQLite"],
      resources: [.embedInCode("Format/prelude.lua")], swiftSettings: swift),
    .executableTarget(
      name: "fuzz", dependencies: ["LuaslackCore"], swiftSettings: swift, linkerSettings: fuzzer),
    .executableTarget(name: "fuzz-tree", cSettings: c, linkerSettings: fuzzer),
  ]
)
