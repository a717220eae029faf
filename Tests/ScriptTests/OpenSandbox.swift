import Foundation
import Glibc
import TestSupport

@testable import LuaslackCore

/// What the test build of the sandbox can leave out: Tests/OpenSandbox/weak.c.
enum Layer: String {
  case confinement, filter, kernel, `guard`, library, deadline
}

/// One formatter in the test build of the sandbox, without some of its layers. What it starts is
/// killed with it, should a layer that is under test have failed.
final class OpenSandbox {
  /// Beside the tests, wherever the other programs are.
  static let program: String = {
    let bundle = try? FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    return ((bundle ?? "") as NSString).deletingLastPathComponent + "/OpenSandbox"
  }()

  /// On the command line of the sandbox and of its children, and on no other.
  let mark: String
  private let formatting: Formatting

  init(
    without layers: [Layer], _ source: String, mark: String = UUID().uuidString,
    limits change: (inout SandboxLimits) -> Void = { _ in }
  ) {
    // As luaslackd has it: a sandbox that is gone is no reason to die.
    _ = signal(SIGPIPE, SIG_IGN)
    self.mark = mark
    var settings = Sandbox.Settings()
    change(&settings.limits)
    settings.program = Self.program
    settings.arguments = ["mark=" + mark] + layers.map { "without-" + $0.rawValue }
    let chain = FormatterChain(files: [FormatterFile(name: "a.lua", source: source)])
    formatting = Formatting(chain, settings)
  }

  deinit {
    for process in processes { kill(process.id, SIGKILL) }
  }

  func format(_ ip: String = "203.0.113.7") -> Formatting.Result {
    let record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: 0)
    return formatting.format(Event(record, host: "web1", now: 1_795_231_660_000_000))
  }

  /// The sandbox first, then its children.
  var processes: [Life] { Life.marked(mark) }

  /// A process, as /proc shows it to anybody.
  struct Life: Equatable {
    let id: Int32

    static func marked(_ mark: String) -> [Life] {
      let names = (try? FileManager.default.contentsOfDirectory(atPath: "/proc")) ?? []
      return names.compactMap(Int32.init).sorted().map(Life.init)
        .filter { $0.read("cmdline").contains(mark) }
    }

    func read(_ name: String) -> String {
      String(
        decoding: FileManager.default.contents(atPath: "/proc/\(id)/\(name)") ?? Data(),
        as: UTF8.self)
    }

    /// What stands behind a name in `status`.
    func status(_ name: String) -> String {
      let line = read("status").split(separator: "\n").first { $0.hasPrefix(name + ":") }
      return line?.dropFirst(name.count + 1).trimmingCharacters(in: .whitespaces) ?? ""
    }

    /// The hard limit behind a name in `limits`, as Linux writes it.
    func limit(_ name: String) -> String {
      let line = read("limits").split(separator: "\n").first { $0.hasPrefix(name + " ") }
      let words = line?.dropFirst(name.count).split(separator: " ") ?? []
      return words.count > 1 ? String(words[1]) : ""
    }

    /// Clock ticks that it has computed for.
    var ticks: Int {
      let words = read("stat").split(separator: ")").last?.split(separator: " ") ?? []
      return words.count > 12 ? (Int(words[11]) ?? 0) + (Int(words[12]) ?? 0) : 0
    }

    /// Its open descriptors; nil if we may not look.
    var descriptors: [Int]? {
      let path = "/proc/\(id)/fd"
      return try? FileManager.default.contentsOfDirectory(atPath: path).compactMap { Int($0) }
        .sorted()
    }
  }
}

extension Formatting.Result {
  var text: String {
    if case .message(let message) = outcome { message["text"]?.string ?? "" } else { "" }
  }

  var errors: [String] { problems.map(\.error) }
}
