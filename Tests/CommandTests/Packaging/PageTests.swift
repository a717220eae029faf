import Foundation
import TestSupport
import Testing

/// Man pages and completions, made from what the programs say of themselves.
@Suite struct PageTests {
  private static let pages = [
    "man1/luaslack.1", "man5/luaslack-config.5", "man7/luaslack-formatters.7", "man8/luaslackd.8",
  ]

  @Test(.enabled(if: Tool.mandoc.works, "mandoc is not installed"))
  func `every man page is faultless`() async throws {
    let tree = try await InstalledTree()
    for page in Self.pages {
      let lint = try await run(
        Tool.mandoc.path, ["-T", "lint", "-W", "warning", tree.file("share/man/" + page)])
      #expect(lint.output == "", "\(page)")
      #expect(lint.status == 0)
    }
  }

  /// A page as a reader sees it, without bold and underline.
  private func shown(_ page: String, of tree: InstalledTree) async throws -> String {
    let shown = try await run(
      Tool.mandoc.path, ["-T", "ascii", "-O", "width=400", tree.file("share/man/" + page)])
    var text = ""
    for character in shown.output.unicodeScalars {
      if character == "\u{8}" {
        text.unicodeScalars.removeLast()
      } else {
        text.unicodeScalars.append(character)
      }
    }
    return text
  }

  @Test(.enabled(if: Tool.mandoc.works, "mandoc is not installed"))
  func `a program's page names every command and every option`() async throws {
    let tree = try await InstalledTree()
    for (program, page) in [
      (Programs.luaslack, "man1/luaslack.1"), (Programs.luaslackd, "man8/luaslackd.8"),
    ] {
      let text = try await shown(page, of: tree)
      let help = try await run(program, ["--experimental-dump-help"])
      let command = try JSON(parsing: help.output)["command"]
      var count = 0
      for (words, options) in Self.options(of: command, []) {
        if !words.isEmpty { #expect(text.contains(words.joined(separator: " ")), "\(words)") }
        for option in options {
          #expect(text.contains("--\(option)"), "\(words) --\(option)")
          count += 1
        }
      }
      #expect(count > 3)
    }
    let text = try await shown("man1/luaslack.1", of: tree)
    for section in ["NAME", "SYNOPSIS", "DESCRIPTION", "OPTIONS", "COMMANDS", "EXIT STATUS"] {
      #expect(text.contains("\n\(section)\n"), "\(section)")
    }
    #expect(text.contains("75   ") && text.contains("SEE ALSO"))
    #expect(!text.contains("unknown-option") && !text.contains("inherited-lock"))
  }

  /// The long options that are shown, by command.
  private static func options(of command: JSON, _ path: [String]) -> [([String], [String])] {
    let shown = command["arguments"].array.filter { $0["shouldDisplay"].bool != false }
    let names = shown.flatMap { $0["names"].array }
      .filter { $0["kind"].string == "long" }.compactMap { $0["name"].string }
    let children = command["subcommands"].array.filter {
      $0["shouldDisplay"].bool != false && $0["commandName"].string != "help"
    }
    // A default command is told of as the program itself.
    return [(path, names)]
      + children.flatMap { child in
        let name = child["commandName"].string ?? ""
        let isDefault = name == command["defaultSubcommand"].string
        return options(of: child, isDefault ? path : path + [name])
      }
  }

  @Test(.enabled(if: Tool.mandoc.works, "mandoc is not installed"))
  func `the pages made of the guides hold what those say`() async throws {
    let tree = try await InstalledTree()
    for (page, guide) in [
      ("man5/luaslack-config.5", "configuration"), ("man7/luaslack-formatters.7", "formatters"),
    ] {
      let text = try await shown(page, of: tree).filter { !$0.isWhitespace }
      let source = try String(
        contentsOfFile: InstalledTree.checkout + "/docs/\(guide).md", encoding: .utf8)
      // Every line of every example, and what a table's rows begin with.
      var isExample = false
      for line in source.split(separator: "\n", omittingEmptySubsequences: false) {
        if line.hasPrefix("```") { isExample.toggle() }
        guard line.allSatisfy(\.isASCII), isExample, !line.isEmpty, !line.hasPrefix("```") else {
          continue
        }
        #expect(text.contains(line.filter { !$0.isWhitespace }), "\(page): \(line)")
      }
      for key in source.matches(of: /(?m)^\| `([a-z_]+)`/) {
        #expect(text.contains(String(key.1)), "\(page): \(key.1)")
      }
    }
  }

  // MARK: - Completions

  @Test func `bash completes commands and options`() async throws {
    let tree = try await InstalledTree()
    let script = """
      source "$1"
      complete -p luaslack
      COMP_WORDS=(luaslack sta) COMP_CWORD=1 COMP_LINE="luaslack sta" COMP_POINT=12
      _luaslack luaslack sta luaslack
      printf '%s\\n' "${COMPREPLY[@]}"
      COMP_WORDS=(luaslack queue list --li) COMP_CWORD=3 COMP_LINE="luaslack queue list --li"
      COMP_POINT=24 COMPREPLY=()
      _luaslack luaslack --li list
      printf '%s\\n' "${COMPREPLY[@]}"
      """
    let shell = try await run(
      "/bin/bash",
      [
        "--norc", "-c", script, "bash", tree.file("share/bash-completion/completions/luaslack"),
      ], environment: ["PATH": "/usr/bin:/bin"])
    #expect(shell.status == 0)
    #expect(shell.errors == "")
    let words = shell.output.split(separator: "\n").map { $0.trimmingCharacters(in: .whitespaces) }
    #expect(words.contains("status"))
    #expect(words.contains("--limit"))
  }

  /// -D: without a dump file, which would be renamed over whatever path it was given.
  @Test(.enabled(if: Tool.zsh.works, "zsh is not installed"))
  func `zsh loads its completion for the command`() async throws {
    let tree = try await InstalledTree()
    let script = """
      fpath=("$1" $fpath)
      autoload -Uz compinit && compinit -u -D
      print -r -- $_comps[luaslack]
      autoload +X _luaslack && print loaded
      """
    let shell = try await run(
      Tool.zsh.path,
      ["-f", "-c", script, "zsh", tree.file("share/zsh/vendor-completions")],
      environment: ["PATH": "/usr/bin:/bin", "HOME": tree.directory.path])
    #expect(shell.output == "_luaslack\nloaded\n")
    #expect(shell.errors == "")
  }

  @Test(.enabled(if: Tool.fish.works, "fish is not installed"))
  func `fish completes commands and options`() async throws {
    let tree = try await InstalledTree()
    let script = """
      source $argv[1]
      complete -C 'luaslack sta'
      complete -C 'luaslack queue list --li'
      """
    let shell = try await run(
      Tool.fish.path,
      [
        "--no-config", "-c", script,
        tree.file("share/fish/vendor_completions.d/luaslack.fish"),
      ], environment: ["PATH": "/usr/bin:/bin", "HOME": tree.directory.path])
    #expect(shell.status == 0)
    #expect(shell.output.contains("status"))
    #expect(shell.output.contains("--limit"))
  }
}

extension Tool {
  static let mandoc = Tool(path: "/usr/bin/mandoc", trial: ["-T", "ascii", "/dev/null"])
  static let zsh = Tool(path: "/usr/bin/zsh", trial: ["-f", "-c", "true"])
  static let fish = Tool(path: "/usr/bin/fish", trial: ["--no-config", "-c", "true"])
}
