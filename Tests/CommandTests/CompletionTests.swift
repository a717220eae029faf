import Foundation
import TestSupport
import Testing

/// What a shell offers at the end of a line, with the scripts that the program itself makes, in real shells.
@Suite struct CompletionTests {
  enum Shell: String, CaseIterable, CustomTestStringConvertible {
    case bash, zsh, fish

    var testDescription: String { rawValue }
    var tool: Tool {
      switch self {
      case .bash: Tool(path: "/bin/bash", trial: ["-c", "true"])
      case .zsh: .zsh
      case .fish: .fish
      }
    }
  }

  /// Those that are there; the packages of the suite bring all three.
  static let shells = Shell.allCases.filter(\.tool.works)

  private static let failing = #"{"mode":"status","status":500,"body":"rollup_error"}"#
  private static let hostile = "$(touch pwned)"

  /// With two destinations, formatters, and files in the directory `here`.
  private func place() async throws -> Installation {
    let more = "[destination.ops]\nwebhook_file = \"webhook\"\n"
    let installation = try await Installation(config: Installation.config(more: more))
    for name in ["formatters/50-colours.lua", "here/draft.lua", "here/\(Self.hostile).lua"] {
      try installation.directory.write("return {}\n", to: name)
    }
    try installation.directory.write("{}\n", to: "here/event.json")
    try installation.directory.write("return {}\n", to: "here/more/60-x.lua")
    return installation
  }

  /// The words that are offered for the last one of a line.
  private func words(
    _ shell: Shell, _ line: String, _ installation: Installation
  ) async throws -> Set<String> {
    let script = try await run(
      Programs.luaslack, ["--generate-completion-script", shell.rawValue])
    let path = try installation.directory.write(script.output, to: "\(shell)/_luaslack")
    let directory = installation.directory
    let here = "cd '\(directory.file("here"))' || exit 1\n"
    let call: [String] =
      switch shell {
      case .bash: ["--norc", "-c", here + Self.bash, "bash", path] + Self.split(line)
      case .zsh: ["-f", "-c", here + Self.zsh, "zsh", directory.file("zsh"), line]
      case .fish:
        ["--no-config", "-i", "-c", here + "source $argv[1]; complete -C $argv[2]", path, line]
      }
    let environment = installation.environment.merging([
      "PATH": "\(Programs.directory):/usr/bin:/bin", "HOME": directory.path, "TERM": "dumb",
      "LC_ALL": "C.UTF-8",
    ]) { $1 }
    let finished = try await run(shell.tool.path, call, environment: environment)
    #expect(finished.errors == "", "\(shell): \(line)")
    let names = try directory.names(in: "here")
    #expect(!names.contains("pwned"), "\(shell) ran what it was offered")
    // fish says behind a tab what a word is.
    return Set(
      finished.output.split(whereSeparator: \.isNewline).map {
        $0.prefix { $0 != "\t" }.trimmingCharacters(in: .whitespaces)
      }.filter { !$0.isEmpty })
  }

  private static func split(_ line: String) -> [String] {
    line.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
  }

  /// As readline calls a completion.
  private static let bash = #"""
    source "$1"
    shift
    COMP_WORDS=("$@") COMP_CWORD=$(($# - 1)) COMP_LINE="$*" COMP_POINT=${#COMP_LINE}
    _luaslack luaslack "${COMP_WORDS[COMP_CWORD]}" "${COMP_WORDS[COMP_CWORD - 1]}"
    printf '%s\n' "${COMPREPLY[@]}"
    """#

  /// zsh completes on a terminal only: one of its own, where a widget prints what `compadd` is given. What
  /// stands before and behind the list is the terminal's.
  private static let zsh = #"""
    zmodload zsh/zpty
    zpty shell zsh -f -i
    zpty -w shell "PS1= RPS1= PS2=; stty -echo; unsetopt zle_bracketed_paste prompt_cr prompt_sp
    fpath=('$1' \$fpath); autoload -Uz compinit; compinit -u -D
    offered=()
    compadd() {
      local -a names; local options=(\"\$@\")
      builtin compadd -O names \"\$@\"; offered+=(\$names)
      builtin compadd \"\$@\"
    }
    show() { zle complete-word; print begin-of-'list'; print -rl -- \$offered; print end-of-'list'; zle send-break }
    zle -C complete-word complete-word _main_complete
    zle -N show; bindkey '^X' show; print rea'dy'"
    out=
    wait_for() {
      local part i
      for i in {1..600}; do
        while zpty -rt shell part; do out+=$part; done
        [[ $out == *$1* ]] && return
        sleep 0.02
      done
    }
    wait_for ready
    out=
    zpty -w -n shell "$2"$'\x18'
    wait_for end-of-list
    print -r -- "${${${out##*begin-of-list}%%end-of-list*}//$'\r'/}"
    zpty -d shell
    """#

  @Test(arguments: shells)
  func `names of formatters, samples, destinations and files are offered`(
    shell: Shell
  ) async throws {
    let installation = try await place()
    let formatters = try await words(shell, "luaslack preview ", installation)
    #expect(formatters.isSuperset(of: ["50-colours.lua", "minimal", "default", "draft.lua"]))
    #expect(formatters.contains { $0.hasPrefix("more") })
    #expect(!formatters.contains("types") && !formatters.contains { $0.contains("touch") })
    #expect(try await words(shell, "luaslack check mini", installation).contains("minimal"))
    let below = try await words(shell, "luaslack check more/", installation)
    #expect(below.contains { $0.hasSuffix("60-x.lua") })
    let samples = try await words(shell, "luaslack preview --sample re", installation)
    #expect(samples.isSuperset(of: ["recidive", "restored"]))
    #expect(try await words(shell, "luaslack send-test --to ", installation).contains("ops"))
    #expect(
      try await words(shell, "luaslack notify --to default,o", installation)
        .contains("default,ops"))
    #expect(try await words(shell, "luaslack ban --to o", installation).contains("ops"))
    let events = try await words(shell, "luaslack preview --event ", installation)
    #expect(events.contains("event.json") && !events.contains("draft.lua"))
    // The config that the line names.
    let without = try await words(
      shell, "luaslack send-test --config /nonexistent --to o", installation)
    #expect(!without.contains("ops"))
  }

  @Test(arguments: shells)
  func `ids of messages and addresses are offered`(shell: Shell) async throws {
    let installation = try await place()
    try await installation.slack.control(Self.failing)
    _ = try await installation.luaslack(["ban", "--wait=0s", "--", "sshd", "203.0.113.7", "5"])
    _ = try await installation.luaslack(
      ["ban", "--wait=0s", "--", "sshd", Self.hostile, "5"])
    var ids: Set<String> = []
    await eventually("both wait") {
      let rows = (try? await installation.deliveries(all: false)) ?? []
      ids = Set(rows.compactMap { $0["id"].number.map { String(Int($0)) } })
      return ids.count == 2
    }
    for command in ["show", "retry", "hold", "release", "delete"] {
      let offered = try await words(shell, "luaslack queue \(command) ", installation)
      #expect(offered.isSuperset(of: ids), "\(command): \(offered)")
    }
    let offered = try await words(shell, "luaslack trace ", installation)
    #expect(offered.isSuperset(of: ids.union(["203.0.113.7"])), "\(offered)")
    #expect(!offered.contains { $0.contains("touch") })
  }

  @Test(arguments: shells)
  func `whoever may not look is offered nothing, and told nothing`(shell: Shell) async throws {
    let installation = try await place()
    // No spool at all, a config that is wrong, and no home.
    try installation.directory.write("formatters = 1\n", to: "config.toml")
    for line in ["luaslack queue show ", "luaslack send-test --to "] {
      // Where nothing else is known, zsh offers the options.
      let offered = try await words(shell, line, installation).filter { !$0.hasPrefix("-") }
      #expect(offered == [], "\(line)")
    }
    let formatters = try await words(shell, "luaslack check mini", installation)
    #expect(formatters.contains("minimal"))
    for line in ["luaslack formatter new --from ", "luaslack formatter test "] {
      let offered = try await words(shell, line, installation)
      #expect(offered.contains("minimal"), "\(line)")
    }
    for arguments in [
      ["queue", "show", "--", "positional@0"], ["trace", "--", "positional@0"],
      ["preview", "--", "--sample"], ["send-test", "--", "--to"],
    ] {
      let call = try await run(
        Programs.luaslack, ["---completion"] + arguments + ["1", "0", "luaslack", ""],
        environment: ["LUASLACK_CONFIG": "/nonexistent/config.toml", "SAP_SHELL": "bash"])
      #expect(call.status == 0 && call.errors == "", "\(arguments)")
    }
  }

  @Test(
    .enabled(
      if: geteuid() == 0 && FileManager.default.isExecutableFile(atPath: "/usr/bin/setpriv"),
      "needs root and setpriv, to be somebody else"))
  func `somebody without rights to the spool is offered nothing of it`() async throws {
    let installation = try await place()
    try await installation.slack.control(Self.failing)
    _ = try await installation.luaslack(["ban", "--wait=0s", "--", "sshd", "203.0.113.7", "5"])
    let arguments = ["---completion", "queue", "show", "--", "positional@0", "3", "0", "luaslack"]
    await eventually("its owner is offered it") {
      let owner = try? await installation.luaslack(arguments + ["queue", "show", ""])
      return owner?.output == "1\n"
    }
    let other = try await run(
      "/usr/bin/setpriv",
      ["--reuid=54321", "--regid=54321", "--clear-groups", Programs.luaslack] + arguments
        + ["queue", "show", ""], environment: installation.environment)
    #expect(other.status == 0)
    #expect(other.output.trimmingCharacters(in: .newlines) == "" && other.errors == "")
  }
}
