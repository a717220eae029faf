// swift-tools-version:6.2
import PackageDescription

// Apart from the main package, which ships no such program. The sources are the same: links into ../../Sources, built as
// the programs are, so that the figures are theirs. `make bench` builds and runs it.
let swift: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .unsafeFlags(["-enable-testing"]),
]
let c: [CSetting] = [.define("_GNU_SOURCE"), .unsafeFlags(["-std=c17"])]

let package = Package(
  name: "luaslack-history",
  targets: [
    .target(name: "CPosix", cSettings: c),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3"),
    .target(name: "Posix", dependencies: ["CPosix"], swiftSettings: swift),
    .target(name: "ChildProcess", dependencies: ["CPosix", "Posix"], swiftSettings: swift),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: swift),
    .target(
      name: "LuaslackCore", dependencies: ["Posix", "ChildProcess", "SQLite"],
      resources: [.embedInCode("Format/prelude.lua")], swiftSettings: swift),
    .target(name: "TestSupport", swiftSettings: swift),
    .executableTarget(
      name: "history", dependencies: ["LuaslackCore", "Posix", "SQLite", "TestSupport"],
      swiftSettings: swift),
  ]
)
