import Foundation
import Glibc
import TestSupport
import Testing

/// `notify --run`: a program runs as if luaslack were not there, and what becomes of it is told.
struct RunTests {
  static let quiet = """
    linger = "0s"
    [destination.default]
    webhook_file = "webhook"
    rate = "10/1s"

    """

  private func run(
    _ installation: Installation, _ script: String, _ options: [String] = [],
    arguments: [String] = [], stdin: [UInt8]? = nil, environment: [String: String] = [:]
  ) async throws -> Finished {
    try await installation.luaslack(
      ["notify", "--run"] + options + ["--", "/bin/sh", "-c", script, "sh"] + arguments,
      stdin: stdin, environment: ["PATH": "/usr/bin:/bin"].merging(environment) { $1 })
  }

  /// What was left for luaslackd, which is not started.
  private func left(_ installation: Installation) throws -> [JSON] {
    try installation.incoming.sorted().map { name in
      let text = try installation.directory.read("spool/incoming/\(name)")
      return try JSON(parsing: String(text.drop { $0 != "{" }))["event"]
    }
  }

  private static let alone = ["LUASLACK_SPAWN": "0"]

  // MARK: - The program

  @Test func `output, input, arguments and environment are the program's own`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(
      installation, "cat; printf '%s|' \"$@\"; echo $WORD; umask; echo to err >&2",
      arguments: ["", "a b", "--", "$(x)", "-n"], stdin: Array("given\n".utf8),
      environment: ["WORD": "é"])
    #expect(ran.status == 0)
    #expect(ran.output.hasPrefix("given\n|a b|--|$(x)|-n|é\n"))
    #expect(ran.errors == "to err\n")
    let mask = try await TestSupport.run("/bin/sh", ["-c", "umask"])
    #expect(ran.output.hasSuffix("é\n" + mask.output))
    #expect(installation.incoming.isEmpty)
  }

  @Test func `arguments reach it byte for byte`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let odd: [UInt8] = [0xff, 0x61] + Array(repeating: [0xcc, 0x81], count: 40).joined()
    let ran = try await installation.luaslack(
      raw: ["notify", "--run", "--", "/usr/bin/printf", "%s"].map { Array($0.utf8) } + [odd])
    #expect(ran.outputBytes == odd && ran.status == 0)
  }

  @Test(arguments: [0, 1, 2, 64, 77, 125, 255])
  func `its exit status is kept`(status: Int32) async throws {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(installation, "exit \(status)", environment: Self.alone)
    #expect(ran.status == status && ran.output + ran.errors == "")
    #expect(try left(installation).count == (status == 0 ? 0 : 1))
  }

  @Test(arguments: [(SIGTERM, "SIGTERM"), (SIGKILL, "SIGKILL"), (SIGSEGV, "SIGSEGV")])
  func `one that a signal ended is told of as a shell tells it`(
    _ signal: Int32, _ name: String
  ) async throws {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(installation, "kill -\(signal) $$", environment: Self.alone)
    #expect(ran.status == 128 + signal && ran.signal == nil)
    let event = try #require(try left(installation).first)
    #expect(event["title"].string == "sh was killed by \(name)")
    #expect(event["run"]["signal"].string == name && event["run"]["exit"] == .null)
  }

  @Test func `one that is not there, or no program, is a failure that is told`() async throws {
    let installation = try await Installation(config: Self.quiet)
    try installation.directory.write("no program\n", to: "text")
    try installation.directory.write("exit 7\n", to: "bin/bare", mode: 0o755)
    try installation.directory.write("exit 8\n", to: "first/bare", mode: 0o644)
    let environment = [
      "PATH": installation.directory.file("first") + ":" + installation.directory.file("bin"),
      "LUASLACK_SPAWN": "0",
    ]
    for (program, status) in [
      ("no-such-program", 127), ("./no/such", 127),
      (installation.directory.file("text"), 126), ("/", 126),
      // Sought on where one may not be run, and without #! the shell's.
      ("bare", 7),
    ] {
      let ran = try await installation.luaslack(
        ["notify", "--run", "--", program], environment: environment)
      #expect(ran.status == Int32(status), "\(program) \(ran.errors)")
      #expect(ran.errors.contains("luaslack: cannot run ") == (status != 7), "\(program)")
    }
    let events = try left(installation)
    #expect(events.count == 5)
    #expect(
      events.first?["title"].string
        == "no-such-program could not be run: No such file or directory")
  }

  @Test func `of both streams to one place the order is kept`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let log = installation.directory.file("log")
    let script =
      "for i in 1 2 3 4 5 6 7 8 9; do echo out $i; echo err $i >&2; done"
    let ran = try await TestSupport.run(
      "/bin/sh",
      [
        "-c",
        "exec >\"$1\" 2>&1; exec \"$2\" notify --run -- sh -c \"$3\"", "sh", log,
        Programs.luaslack, script,
      ], environment: installation.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 })
    #expect(ran.status == 0)
    let expected = (1...9).map { "out \($0)\nerr \($0)\n" }.joined()
    #expect(try installation.directory.read("log") == expected)
  }

  @Test func `gigabytes stream through with little memory`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let size = Long.isOn ? 4_096 : 256
    let ran = try await TestSupport.run(
      "/bin/sh",
      [
        "-c",
        "ulimit -v 300000; \"$1\" notify --run -- sh -c 'head -c \(size)M /dev/zero; exit 9' | wc -c",
        "sh", Programs.luaslack,
      ],
      environment: installation.environment.merging(
        ["PATH": "/usr/bin:/bin", "LUASLACK_SPAWN": "0"]) { $1 })
    #expect(ran.output == "\(size << 20)\n", "\(ran.errors)")
    #expect(try left(installation).first?["run"]["exit"].number == 9)
  }

  @Test func `a reader that has had enough ends the program as it would without luaslack`()
    async throws
  {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await TestSupport.run(
      "/bin/sh",
      [
        "-c",
        "{ \"$1\" notify --run -- sh -c 'exec yes'; echo $? >&2; } | head -1", "sh",
        Programs.luaslack,
      ],
      environment: installation.environment.merging(
        ["PATH": "/usr/bin:/bin", "LUASLACK_SPAWN": "0"]) { $1 })
    #expect(ran.output == "y\n" && ran.errors == "141\n")
  }

  // MARK: - Signals, and what stays behind

  @Test(arguments: [SIGTERM, SIGINT, SIGHUP, SIGUSR1])
  func `a signal goes to the program, which decides`(signal: Int32) async throws {
    let installation = try await Installation(config: Self.quiet)
    let script = """
      trap 'echo caught; exit 5' TERM INT HUP USR1
      echo ready
      while :; do sleep 0.05; done
      """
    let running = try RunningProgram(
      Programs.luaslack, ["notify", "--run", "--", "/bin/sh", "-c", script],
      environment: installation.environment.merging(
        ["PATH": "/usr/bin:/bin", "LUASLACK_SPAWN": "0"]) { $1 })
    await eventually("it runs") { running.standardOutput == "ready\n" }
    running.signal(signal)
    let ran = try await running.wait()
    #expect(ran.status == 5 && ran.output == "ready\ncaught\n")
    #expect(try left(installation).first?["text"].string == "ready\ncaught\n")
  }

  @Test func `a program that a passed signal ends is waited for, and told of`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let running = try RunningProgram(
      Programs.luaslack, ["notify", "--run", "--", "/bin/sh", "-c", "echo $$; exec sleep 600"],
      environment: installation.environment.merging(
        ["PATH": "/usr/bin:/bin", "LUASLACK_SPAWN": "0"]) { $1 })
    await eventually("it runs") { running.standardOutput.hasSuffix("\n") }
    let child = try #require(pid_t(running.standardOutput.dropLast()))
    running.signal(SIGTERM)
    #expect(try await running.wait().status == 128 + SIGTERM)
    #expect(kill(child, 0) != 0 && errno == ESRCH)
    #expect(try left(installation).first?["run"]["signal"].string == "SIGTERM")
  }

  @Test func `what it leaves running holds nobody up, and what was written is told`()
    async throws
  {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(
      installation, "sleep 600 & echo $!; echo done >&2; exit 4", environment: Self.alone)
    #expect(ran.status == 4 && ran.errors == "done\n")
    let sleeper = try #require(pid_t(ran.output.dropLast()))
    // It is nobody's to end but the program's.
    #expect(kill(sleeper, SIGKILL) == 0)
    // What it left running is not its own time.
    #expect(try left(installation).first?["run"]["seconds"].number == 0)
    let text = try #require(try left(installation).first?["text"].string)
    #expect(text.contains("done") && text.contains("\(sleeper)"))
  }

  @Test func `all that it wrote is passed on, however slowly it is read`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await TestSupport.run(
      "/bin/sh",
      [
        "-c",
        "\"$1\" notify --run -- sh -c 'head -c 150000 /dev/zero; sleep 600 & echo $! >&2' "
          + "| { sleep 2; wc -c; }", "sh", Programs.luaslack,
      ], environment: installation.environment.merging(["PATH": "/usr/bin:/bin"]) { $1 })
    #expect(ran.output == "150000\n")
    kill(try #require(pid_t(ran.errors.dropLast())), SIGKILL)
  }

  // MARK: - The message

  @Test func `a failure is a message, with the end of what was written`() async throws {
    let installation = try await Installation(config: Self.quiet)
    try installation.directory.write(
      """
      #!/bin/sh
      seq 100000
      printf '10%%\\r55%%\\r\\033[31mdisk full\\033[0m\\n' >&2
      exit 12

      """, to: "backup.sh", mode: 0o755)
    let ran = try await installation.luaslack(
      [
        "notify", "--run", "--host=web1", "--field=job=nightly", "--",
        installation.directory.file("backup.sh"), "--password=hunter2",
      ], environment: ["PATH": "/usr/bin:/bin"])
    #expect(ran.status == 12 && ran.output.utf8.count == 588_895)
    let message = try #require(try await installation.slack.waitForMessages(1).first)
    #expect(
      message.bodyJSON["text"].string == ":warning: *backup.sh failed with exit 12* on web1")
    let details = message.bodyJSON["attachments"][0]
    let text = details["text"].string ?? ""
    #expect(text.hasPrefix("… ") && text.hasSuffix("\ndisk full\n```"), "\(text.suffix(60))")
    #expect(text.contains(" bytes before it left out\n```\n"))
    // From the beginning of a line.
    let lines = text.split(separator: "\n")
    #expect(Int(lines[2]).map { "\($0 + 1)" } == lines[3], "\(lines.prefix(4))")
    #expect(!text.contains("55%") && !message.body.contains("hunter2"))
    let fields = Dictionary(
      details["fields"].array.map { ($0["title"].string ?? "", $0["value"].string ?? "") }
    ) { $1 }
    #expect(fields["Program"] == "backup.sh" && fields["Exit"] == "12", "\(fields)")
    #expect(fields["job"] == "nightly" && fields["Took"] != nil)
    await installation.settle()
  }

  @Test func `left out and kept are all that there was`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(installation, "seq 100000; exit 1", environment: Self.alone)
    let event = try #require(try left(installation).first)
    let text = event["text"].string ?? ""
    #expect(text.hasSuffix("99999\n100000\n") && text.utf8.count <= 16_384)
    #expect(text.utf8.count > 16_000 && !text.hasPrefix("\n"))
    let leftOut = Int(event["matches_left_out"].number ?? 0)
    #expect(leftOut + text.utf8.count == ran.output.utf8.count)
    // From the beginning of a line.
    #expect(ran.output.hasSuffix("\n" + text))
  }

  @Test(
    arguments: [
      (nil, [false, true]), ("failure", [false, true]), ("success", [true, false]),
      ("always", [true, true]),
    ] as [(String?, [Bool])])
  func `--on says when`(_ when: String?, _ told: [Bool]) async throws {
    let installation = try await Installation(config: Self.quiet)
    for (status, isTold) in zip([0, 3], told) {
      let before = installation.incoming.count
      let ran = try await run(
        installation, "exit \(status)", when.map { ["--on", $0] } ?? [], environment: Self.alone)
      #expect(ran.status == Int32(status))
      #expect((installation.incoming.count > before) == isTold)
    }
    for event in try left(installation) {
      let isFailure = event["run"]["exit"].number != 0
      #expect(event["severity"].string == (isFailure ? "warning" : "info"))
    }
  }

  @Test func `title, severity and destination are the caller's`() async throws {
    let installation = try await Installation(
      config: Self.quiet + "[destination.ops]\nwebhook_file = \"webhook\"\n")
    let ran = try await run(
      installation, "exit 1",
      ["--title=Nightly", "--severity=critical", "--to=ops", "--wait", "--host=web1"])
    #expect(ran.status == 1 && ran.output.isEmpty && ran.errors == "ops: delivered\n")
    let message = try #require(try await installation.slack.messages().last)
    #expect(message.text == ":rotating_light: *Nightly* failed with exit 1 on web1")
  }

  @Test func `nothing in it is live, breaks out or steers a terminal`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let evil = "<!channel> *b* `c` ```\u{202e}x\u{1b}]0;t\u{7}"
    try installation.directory.write(
      "#!/bin/sh\nprintf '%s\\n' \"$0\" '\(evil)'\nhead -c 3000 /dev/urandom\necho\nexit 1\n",
      to: "<!here>*`x`*", mode: 0o755)
    let ran = try await installation.luaslack(
      ["notify", "--run", "--wait", "--", installation.directory.file("<!here>*`x`*")],
      environment: ["PATH": "/usr/bin:/bin"])
    #expect(ran.status == 1)
    let message = try #require(try await installation.slack.messages().last)
    #expect(message.accepted && message.bodyJSON.liveMarkup.isEmpty)
    #expect(message.text.filter { $0 == "*" }.count == 2)
    let text = message.bodyJSON["attachments"][0]["text"].string ?? ""
    #expect(text.filter { $0 == "`" }.count == 6)
  }

  @Test func `plain text is no code, and is not read as markup either`() async throws {
    let installation = try await Installation(config: Self.quiet)
    let call = try await installation.luaslack(
      ["notify", "--plain", "--title=Back at 9", "--wait"], stdin: Array("so *long*\n".utf8))
    #expect(call.status == 0)
    let details = try #require(try await installation.slack.messages().last)
      .bodyJSON["attachments"][0]
    #expect(details["text"].string == "so *long*" && details["mrkdwn_in"] == .null)
  }

  // MARK: - What goes wrong

  @Test func `where nothing can be recorded the program's status stays`() async throws {
    let installation = try await Installation(config: Self.quiet)
    try installation.directory.write("", to: "file")
    for status in [0, 6] {
      let ran = try await run(
        installation, "echo out; exit \(status)", ["--on=always"],
        environment: [
          "LUASLACK_SPOOL": installation.directory.file("file/x"),
          "LUASLACK_OVERFLOW": installation.directory.file("file/y"),
        ])
      #expect(ran.status == Int32(status) && ran.output == "out\n")
      #expect(ran.errors.hasPrefix("luaslack: cannot write the spool"), "\(ran.errors)")
    }
  }

  @Test(arguments: [
    ["--run"], ["--run", "--"], ["--run", "true"], ["--", "true"], ["--on=always"],
    ["--run", "--dry-run", "--", "true"], ["--run", "--on=never", "--", "true"],
    ["--run", "--", ""], ["--run", "--on=always", "--", "", "true"],
    ["--run", "--wait=soon", "--", "true"], ["--run", "--severity=loud", "--", "true"],
  ])
  func `a call that means nothing runs nothing`(_ options: [String]) async throws {
    let installation = try await Installation(config: Self.quiet)
    let trace = installation.directory.file("trace")
    let call = try await installation.luaslack(
      ["notify"] + options.map { $0 == "true" ? "/usr/bin/touch" : $0 }
        + (options.last == "true" ? [trace] : []))
    #expect(call.status == 64, "\(call.output) \(call.errors)")
    #expect(!FileManager.default.fileExists(atPath: trace) && installation.incoming.isEmpty)
  }

  @Test func `an older luaslackd reads the file, and passes over what it does not know`()
    async throws
  {
    let installation = try await Installation(config: Self.quiet)
    let ran = try await run(installation, "exit 1", ["--plain"], environment: Self.alone)
    #expect(ran.status == 1)
    let name = try #require(installation.incoming.first)
    let text = try installation.directory.read("spool/incoming/\(name)")
    #expect(text.hasPrefix("luaslack-spool 1 "))
    let event = try #require(try left(installation).first)
    #expect(event["plain"].bool == true && event["run"]["exit"].number == 1)
  }
}
