// swift-tools-version:6.2
import PackageDescription

/// Every target of ours is built the strict way; dependencies keep their own settings.
let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .enableUpcomingFeature("ExistentialAny"),
  .enableUpcomingFeature("MemberImportVisibility"),
  .enableUpcomingFeature("InternalImportsByDefault"),
  .strictMemorySafety(),
  .treatAllWarnings(as: .error),
]
/// Tests call C-free Swift only, and the testing macros expand to code that memory safety warns of.
let testing: [SwiftSetting] = [.swiftLanguageMode(.v6), .treatAllWarnings(as: .error)]
let strictC: [CSetting] = [
  .define("_GNU_SOURCE"), .unsafeFlags(["-std=c17", "-Wall", "-Wextra", "-Werror"]),
]
/// A static position-independent program: glibc refuses a run path in one, so the Makefile passes
/// --disable-local-rpath; lld, because gold cannot link one. Debug builds stay dynamic.
func staticProgram(_ more: String...) -> [LinkerSetting] {
  let flags = [
    "-static-executable", "-use-ld=lld", "-Xclang-linker", "-static-pie",
    "-Xlinker", "--gc-sections", "-Xlinker", "--pack-dyn-relocs=relr",
  ]
  return [.unsafeFlags(flags + more, .when(configuration: .release))]
}

let argumentParser: Target.Dependency =
  .product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
  name: "luaslack",
  products: [
    .executable(name: "luaslack", targets: ["luaslack"]),
    .executable(name: "luaslackd", targets: ["luaslackd"]),
    .executable(name: "luaslack-sandbox", targets: ["luaslack-sandbox"]),
  ],
  dependencies: [
    .package(url: "https://github.com/apple/swift-argument-parser", exact: "1.8.2"),
    .package(url: "https://github.com/LebJe/TOMLKit", exact: "0.6.0"),
    .package(url: "https://github.com/swhitty/FlyingFox", exact: "0.27.1"),
  ],
  targets: [
    // C, and the drivers that own it
    .target(name: "CPosix", cSettings: strictC),
    .systemLibrary(name: "CSQLite", pkgConfig: "sqlite3", providers: [.apt(["libsqlite3-dev"])]),
    .systemLibrary(
      name: "CCurl", pkgConfig: "libcurl", providers: [.apt(["libcurl4-openssl-dev"])]),
    .systemLibrary(
      name: "CMaxMindDB", pkgConfig: "libmaxminddb", providers: [.apt(["libmaxminddb-dev"])]),
    .systemLibrary(name: "CCares", pkgConfig: "libcares", providers: [.apt(["libc-ares-dev"])]),
    .systemLibrary(name: "CLua", pkgConfig: "lua5.4", providers: [.apt(["liblua5.4-dev"])]),
    .target(name: "Posix", dependencies: ["CPosix"], swiftSettings: strict),
    .target(name: "ChildProcess", dependencies: ["CPosix", "Posix"], swiftSettings: strict),
    .target(name: "SQLite", dependencies: ["CSQLite"], swiftSettings: strict),
    .target(name: "Curl", dependencies: ["CCurl", "Posix"], swiftSettings: strict),
    .target(name: "MaxMindDB", dependencies: ["CMaxMindDB", "Posix"], swiftSettings: strict),
    .target(name: "Cares", dependencies: ["CCares"], swiftSettings: strict),

    // The flow
    .target(
      name: "LuaslackCore", dependencies: ["Posix", "ChildProcess", "SQLite"],
      resources: [.embedInCode("Format/prelude.lua")], swiftSettings: strict),

    // Apart from the core, so that `luaslack` does not carry TOMLKit and the Foundation it brings:
    // docs/decisions/0005-config-is-read-by-luaslackd.md
    .target(
      name: "LuaslackConfig", dependencies: ["LuaslackCore", "TOMLKit"], swiftSettings: strict),

    // The three programs, one trust level each
    .executableTarget(
      name: "luaslack",
      dependencies: ["LuaslackCore", "Posix", "ChildProcess", "SQLite", argumentParser],
      swiftSettings: strict, linkerSettings: staticProgram()),
    .executableTarget(
      name: "luaslackd",
      dependencies: [
        "LuaslackCore", "LuaslackConfig", "Posix", "SQLite", "Curl", "MaxMindDB", "Cares",
        argumentParser,
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "luaslack-sandbox", dependencies: ["CLua"], cSettings: strictC,
      // Without Swift's start-up object nothing of the Swift runtime is linked into the C program.
      linkerSettings: staticProgram("-nostartfiles")),

    // Development only, never installed
    .executableTarget(
      name: "fake-slack",
      dependencies: [.product(name: "FlyingSocks", package: "FlyingFox"), argumentParser],
      swiftSettings: strict),
    .executableTarget(
      name: "OpenSandbox", dependencies: ["CLua"], path: "Tests/OpenSandbox",
      cSettings: strictC + [.define("LUASLACK_SANDBOX_TEST")]),
    .target(
      name: "TestSupport", dependencies: ["CPosix"], path: "Tests/TestSupport",
      swiftSettings: testing),

    // Tests
    .testTarget(
      name: "CoreTests",
      dependencies: ["LuaslackCore", "LuaslackConfig", "Posix", "SQLite", "TestSupport"],
      swiftSettings: testing),
    .testTarget(
      name: "DriverTests",
      dependencies: [
        "Posix", "ChildProcess", "SQLite", "Curl", "MaxMindDB", "Cares", "TestSupport",
        "fake-slack",
      ],
      swiftSettings: testing),
    .testTarget(
      name: "CommandTests",
      dependencies: [
        "TestSupport", "CPosix", "SQLite", "luaslack", "luaslackd", "luaslack-sandbox",
        "OpenSandbox", "fake-slack",
      ],
      exclude: ["Golden", "Mistakes"], swiftSettings: testing),
    .testTarget(
      name: "ScriptTests",
      dependencies: [
        "LuaslackCore", "LuaslackConfig", "Posix", "ChildProcess", "TestSupport",
        "luaslack-sandbox", "OpenSandbox",
      ],
      swiftSettings: testing),
  ]
)
