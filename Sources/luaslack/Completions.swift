import ArgumentParser
import LuaslackCore
import Posix
import SQLite

/// What a shell offers while somebody types. Nothing, and no word, where something cannot be read; and
/// nothing that a shell would take for more than a word: bash expands what it is offered.
enum Completions {
  /// With which the parser's scripts ask: `---completion COMMAND… -- ARGUMENT INDEX CURSOR WORD…`.
  static let call = "---completion"

  /// In the parser's place: a question that it does not understand is no reason to disturb a prompt.
  static func answer(_ arguments: [String]) {
    do {
      _ = try Luaslack.parseAsRoot(withCursor(arguments))
    } catch {
      guard Luaslack.exitCode(for: error) == .success else { return }
      Process.print(Luaslack.fullMessage(for: error) + "\n", to: 1)
    }
  }

  /// fish 3 leaves the cursor out where it has no terminal: it stands at the end then.
  private static func withCursor(_ arguments: [String]) -> [String] {
    guard let bound = arguments.firstIndex(of: "--"), arguments.count > bound + 3,
      let index = Int(arguments[bound + 2]), Int(arguments[bound + 3]) == nil
    else { return arguments }
    let words = arguments[(bound + 3)...]
    let word = words.dropFirst(index).first ?? ""
    let cursor = word == "''" ? 0 : word.count
    return arguments[...(bound + 2)] + ["\(cursor)"] + words
  }

  static let formatters = CompletionKind.custom { words, _, typed in
    offered(names("formatters", words) + files(typed, ".lua"))
  }
  static let shipped = CompletionKind.custom { words, _, _ in offered(names("shipped", words)) }
  static let events = CompletionKind.custom { _, _, typed in offered(files(typed, ".json")) }
  static let samples = CompletionKind.custom { _, _, _ in offered(Previewer.sampleNames) }
  static let destination = CompletionKind.custom { words, _, _ in
    offered(names("destinations", words))
  }
  /// Several, separated by commas.
  static let destinations = CompletionKind.custom { words, _, typed in
    let before = typed.lastIndex(of: ",").map { String(typed[...$0]) } ?? ""
    return offered(names("destinations", words).map { before + $0 })
  }
  static let severities = CompletionKind.list(["info", "warning", "critical"])
  static let waiting = CompletionKind.custom { words, _, _ in
    offered(deliveries(words, pendingOnly: true).map { "\($0.id)" })
  }
  static let messages = CompletionKind.custom { words, _, _ in
    offered(deliveries(words, pendingOnly: false).map { "\($0.id)" })
  }
  static let addresses = CompletionKind.custom { words, _, _ in
    offered(subjects(words))
  }
  static let addressesAndMessages = CompletionKind.custom { words, _, _ in
    offered(subjects(words) + deliveries(words, pendingOnly: false).map { "\($0.id)" })
  }

  /// Of a queue, the newest so many.
  private static let most = 100
  /// Microseconds for luaslackd's answer, at which nobody would wait any more.
  private static let patience: Int64 = 1_000_000

  private static func subjects(_ words: [String]) -> [String] {
    Set(deliveries(words, pendingOnly: false).map(\.subject)).sorted()
  }

  /// What is a plain word to every shell. To bash, which takes words apart at it, a colon is none; zsh
  /// describes words behind one.
  private static func offered(_ names: [String]) -> [String] {
    let marks = Set("._@%+,/:-")
    let plain = names.filter { name in
      name.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber) || marks.contains($0) }
    }
    switch CompletionShell.requesting {
    case .some(.bash): return plain.filter { !$0.contains(":") }
    case .some(.zsh): return plain.map { $0.replacing(":", with: "\\:") }
    default: return plain
    }
  }

  /// Asked of luaslackd, which reads the config.
  private static func names(_ what: String, _ words: [String]) -> [String] {
    guard let locations = locations(words, needsSpool: false),
      let program = try? Programs.path(of: "luaslackd"),
      let answer = Captured.run(
        program, ["complete"] + locations.arguments + [what], patience: patience, withErrors: false)
    else { return [] }
    return answer.output.split(separator: "\n").map(String.init)
  }

  private static func deliveries(_ words: [String], pendingOnly: Bool) -> [Delivery] {
    guard let locations = locations(words, needsSpool: true),
      (try? Spool.enter(locations)) == true, (try? FileStatus.of(locations.database)) != nil,
      let queue = try? Queue(reading: locations.database)
    else { return [] }
    return (try? queue.deliveries(pendingOnly: pendingOnly, limit: most)) ?? []
  }

  /// As the words typed so far name them.
  private static func locations(_ words: [String], needsSpool: Bool) -> Locations? {
    func value(_ option: String) -> String? {
      for (index, word) in words.enumerated() {
        if word.hasPrefix(option + "=") { return String(word.dropFirst(option.count + 1)) }
        if word == option, words.indices.contains(index + 1) { return words[index + 1] }
      }
      return nil
    }
    let spool = value("--spool")
    return try? Locations.current(
      spool: needsSpool ? spool : spool ?? "/nonexistent", config: value("--config"))
  }

  /// Files of a kind, and directories, that begin as typed.
  private static func files(_ typed: String, _ ending: String) -> [String] {
    let directory = typed.lastIndex(of: "/").map { String(typed[...$0]) } ?? ""
    let names = (try? Directory.open(directory.isEmpty ? "." : directory + ".").names()) ?? []
    return names.filter { !$0.hasPrefix(".") }.sorted().compactMap { name in
      let path = directory + name
      if name.hasSuffix(ending) { return path }
      return (try? FileStatus.of(path))?.kind == .directory ? path + "/" : nil
    }
  }
}
