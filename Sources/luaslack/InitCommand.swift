import ArgumentParser
import LuaslackCore
import Posix

struct InitCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "init", abstract: "Set luaslack and fail2ban up, or take that back.",
    discussion: """
      Examples:
        luaslack init                                          asks, on a terminal
        luaslack init --secret-stdin --jails sshd < webhook    asks nothing
        luaslack init --undo

      Writes the secret (a webhook's URL or a bot's token), the config, a directory for formatters \
      and fail2ban's action files, and for --jails the file jail.d/zz-luaslack.local, which it takes \
      back if `fail2ban-client -t` then fails. Files that are there and that it did not write are \
      left alone. It may be run again. fail2ban itself is not touched: the command that makes it \
      read the change is printed.

      Exit status: 0 all is as wanted, 65 something is left to be done and was said, 69 something \
      could not be written, 75 another luaslack init is at work.
      """)

  @Option(help: ArgumentHelp("Jails that shall call luaslack, all of them.", valueName: "names"))
  var jails: String?
  @Flag(help: "Read the webhook's URL or the bot's token from standard input.")
  var secretStdin = false
  @Option(help: ArgumentHelp("The channel's ID, for a bot's token.", valueName: "id"))
  var channel: String?
  @Flag(help: "Remove what was written, but for what was changed since.")
  var undo = false
  @Flag(help: "Print JSON, and ask nothing.")
  var json = false
  @OptionGroup var fail2ban: Fail2banOptions
  @OptionGroup var places: LocationOptions

  func validate() throws {
    if undo, jails != nil || secretStdin || channel != nil {
      throw ValidationError("--undo goes with no secret and no jails")
    }
    for name in jailNames ?? [] where !JailFiles.isName(name) {
      throw ValidationError("'\(PlainText.line(name))' cannot be the name of a jail")
    }
  }

  private var jailNames: [String]? {
    jails?.split(separator: ",").map { $0.filter { $0 != " " } }.filter { !$0.isEmpty }
  }

  func run() throws {
    let mayAsk = !json && !undo && Terminal.isTerminal(0) && Terminal.isTerminal(2)
    var work = SettingUp(
      locations: locations(), client: fail2ban.client, mayAsk: mayAsk, jails: jailNames,
      channel: channel)
    let given = try secret()
    if !undo { work.makeDirectory() }
    let lock = work.lock()
    if undo { work.undo() } else { work.setUp(secret: given) }
    _ = consume lock
    Process.print(json ? JSONWriter.pretty(work.value) : work.text, to: 1)
    throw ExitCode(work.exit.rawValue)
  }

  private func secret() throws -> String? {
    guard secretStdin else { return nil }
    guard let line = try Terminal.readLine(), !line.isEmpty else {
      throw ValidationError("--secret-stdin: standard input is empty")
    }
    return line
  }

  /// A user's own config where it is not root that sets up.
  private func locations() -> Locations {
    let isNamed = places.config != nil || Process.variable("LUASLACK_CONFIG") != nil
    guard !isNamed, Process.user != 0,
      let personal = Locations.personalConfig(environment: Process.variable)
    else { return places.locations() }
    var own = places
    own.config = personal
    return own.locations()
  }
}

/// Where fail2ban is; for trials and tests it may be a copy.
struct Fail2banOptions: ParsableArguments {
  @Option(help: ArgumentHelp("fail2ban's configuration.", valueName: "dir"))
  var fail2banDir = "/etc/fail2ban"
  @Option(help: ArgumentHelp("fail2ban's client.", valueName: "file"))
  var fail2banClient = "/usr/bin/fail2ban-client"

  var client: Fail2banClient {
    let path =
      fail2banDir.hasPrefix("/") ? fail2banDir : Process.workingDirectory + "/" + fail2banDir
    return Fail2banClient(program: fail2banClient, directory: path)
  }
}

/// One run of `luaslack init`.
struct SettingUp {
  let locations: Locations
  let client: Fail2banClient
  let mayAsk: Bool
  let jails: [String]?
  let channel: String?
  private var files: SetupFiles
  private var problems: [String] = []
  private var next: [String] = []

  init(
    locations: Locations, client: Fail2banClient, mayAsk: Bool, jails: [String]?, channel: String?
  ) {
    self.locations = locations
    self.client = client
    self.mayAsk = mayAsk
    self.jails = jails
    self.channel = channel
    files = SetupFiles(manifest: locations.config.directoryPart + "/init.json")
  }

  var directory: String { locations.config.directoryPart }
  private var jailFile: String { client.directory + "/" + JailFiles.ownName }

  // MARK: - Setting up

  mutating func makeDirectory() { files.makeDirectory(directory) }

  /// Two at once would each forget what the other wrote. Nil: there is nothing yet that could be undone.
  func lock() -> Directory? {
    guard let locked = try? Directory.open(directory) else { return nil }
    if (try? locked.descriptor.tryLock()) == false {
      Luaslack.fail(.temporary, "another luaslack init is at work in \(directory)")
    }
    return locked
  }

  mutating func setUp(secret: String?) {
    files.reread()
    writeSecret(secret)
    writeFormatters()
    if writeActions() { writeJails() }
    files.save()
    next.append(
      (["luaslack", "send-test"] + unusualPlaces()).joined(separator: " "))
  }

  private mutating func writeSecret(_ given: String?) {
    // One that init wrote without a secret waits for it.
    let isConfigured =
      SetupFiles.read(locations.config) != nil && !files.isUnchanged(locations.config)
    let known = ["webhook", "token"].map { directory + "/" + $0 }.filter {
      (try? FileStatus.of($0)) != nil
    }
    var text = given
    if text == nil, !isConfigured, known.isEmpty, mayAsk {
      text = ask("Slack's webhook URL, or a bot's token (it is not shown): ", isHidden: true)
    }
    guard let line = text?.filter({ !$0.isWhitespace }), !line.isEmpty else {
      for path in known { files.note(.unchanged, path) }
      if known.isEmpty, !isConfigured {
        problems.append(
          "there is no secret yet: run it again on a terminal, or with --secret-stdin")
      }
      let isBot = known.first?.hasSuffix("/token") ?? false
      return writeConfiguration(
        isBot ? channel.map { .token(channel: $0) } : .webhook, isGiven: channel != nil)
    }
    guard let kind = kind(of: line) else { return }
    let group = luaslackGroup
    let path = directory + "/" + kind.fileName
    let isPlaced = files.place(
      Array((line + "\n").utf8), at: path, permissions: group == nil ? 0o600 : 0o640, group: group)
    if !isPlaced {
      problems.append("the secret was not written; remove \(path) if it is out of use")
    }
    writeConfiguration(kind, isGiven: true)
  }

  /// Nil, with a problem that shows nothing of it, for what is no secret of Slack's.
  private mutating func kind(of line: String) -> SetupTexts.Secret? {
    do throws(Target.Refused) {
      guard line.hasPrefix("xox") else {
        _ = try WebhookURL(line)
        return .webhook
      }
      _ = try BotToken(line)
    } catch {
      problems.append("the secret \(error)")
      return nil
    }
    let id = channel ?? (mayAsk ? ask("The ID of the bot's channel, like C0123456789: ") : nil)
    guard let id, !id.isEmpty else {
      problems.append("a bot's token needs --channel, its channel's ID")
      return nil
    }
    return .token(channel: id)
  }

  /// A config that is there is its owner's, unless it is as `init` wrote it and is to change.
  private mutating func writeConfiguration(_ secret: SetupTexts.Secret?, isGiven: Bool) {
    let present = SetupFiles.read(locations.config)
    let wanted = secret.map(SetupTexts.configuration)
    if let wanted, present == nil || isGiven {
      files.place(wanted, at: locations.config)
    } else if present != nil {
      files.note(.unchanged, locations.config)
    } else {
      problems.append("\(locations.config) was not written: a bot's token needs --channel")
    }
  }

  /// Root's files are for luaslack's group, where that is; everybody else's for themselves.
  private var luaslackGroup: UInt32? {
    guard Process.user == 0, let groups = SetupFiles.read("/etc/group") else { return nil }
    return SetupTexts.group(named: "luaslack", in: groups)
  }

  private mutating func writeFormatters() {
    let path = directory + "/formatters"
    files.makeDirectory(path)
    if let types = try? Programs.shared("scripts") + "/types" {
      files.place(SetupTexts.editor(types: types), at: path + "/.luarc.json")
    }
    let names = ((try? Directory.open(path).names()) ?? []).filter { $0.hasSuffix(".lua") }
    let starter = "50-local.lua"
    // Whoever has formatters needs no example.
    guard names.isEmpty || names.contains(starter) else { return }
    let present = SetupFiles.read("\(path)/\(starter)")
    if let present, present != SetupTexts.starter {
      files.note(.left, "\(path)/\(starter)", "it is yours")
    } else {
      files.place(SetupTexts.starter, at: "\(path)/\(starter)")
    }
  }

  /// False if fail2ban cannot be given anything.
  private mutating func writeActions() -> Bool {
    let target = client.directory + "/action.d"
    guard (try? FileStatus.of(target))?.kind == .directory else {
      problems.append("there is no \(target): install fail2ban, or name its place (--fail2ban-dir)")
      return false
    }
    let packaged = packagedFiles()
    do throws(SystemError) {
      let source = try Programs.shared("action.d")
      let program = try Process.executable()
      let names = try Directory.open(source + "/.").names().filter { $0.hasSuffix(".conf") }
      for name in names.sorted() {
        let path = "\(target)/\(name)"
        let present = SetupFiles.read(path)
        if packaged.contains(path) {
          noteOfPackage(path, isThere: present != nil)
        } else if let shipped = SetupFiles.read("\(source)/\(name)") {
          files.place(
            SetupTexts.action(shipped, program: program), at: path,
            mayReplace: present.map(SetupTexts.isLeftByPurge) ?? false)
        }
      }
    } catch {
      problems.append("the action files cannot be found: \(error)")
    }
    return (try? FileStatus.of(target + "/luaslack.conf")) != nil
  }

  /// Upgraded and removed by dpkg alone.
  private mutating func noteOfPackage(_ path: String, isThere: Bool) {
    guard !isThere else { return files.note(.unchanged, path, "the package's") }
    files.note(.left, path, "the package's, and somebody removed it")
    problems.append(
      "bring \(path) back: apt-get install --reinstall -o Dpkg::Options::=--force-confmiss luaslack"
    )
  }

  private func packagedFiles() -> Set<String> {
    let query = Captured.run(
      "/usr/bin/dpkg-query", ["-W", "-f", SetupTexts.packageFormat, "luaslack"],
      patience: Self.patience, withErrors: false)
    return SetupTexts.packaged(query?.output ?? "")
  }

  /// Microseconds for dpkg's answer.
  private static let patience: Int64 = 10_000_000

  // MARK: - Jails

  private mutating func writeJails() {
    guard client.isThere else {
      problems.append("\(client.program) is not there, so no jail was changed")
      return
    }
    let known = JailFiles(in: client.directory)
    guard let setup = currentSetup() else { return }
    let before = SetupFiles.read(jailFile)
    guard let names = jails ?? askForJails(setup, before) else { return }
    for name in names where !known.jails.contains(name) {
      problems.append(
        "there is no jail \(name)" + Nearest.hint(name, setup.jails.sorted())
          + "; no jail was changed")
      return
    }
    let own = JailFiles.jails(ofOwn: before)
    let wanted = names.filter { name in
      // Our own file's call is one of them.
      let calls = setup.actions[name, default: []].count { $0 == "luaslack" }
      let isCalling = own.contains(name) ? calls > 1 : setup.calling.contains(name)
      if isCalling { files.note(.unchanged, "jail \(name)", "it calls luaslack already") }
      return !isCalling
    }
    for name in wanted where !setup.jails.contains(name) {
      problems.append("jail \(name) is not enabled: set `enabled = true` in its section")
    }
    guard let options = JailFiles.options(unusualPlaces()) else {
      problems.append(
        "the path of the spool or the config has characters that fail2ban would misread; "
          + "no jail was changed")
      return
    }
    let text = JailFiles.own(wanted, options: options)
    guard wanted.isEmpty ? before != nil : before != text else {
      if before != nil { files.note(.unchanged, jailFile) }
      return
    }
    // Whoever interrupts this does so when fail2ban has said what it thinks of the change.
    let signals = HeldSignals()
    defer { signals.release() }
    let isDone =
      wanted.isEmpty ? files.withdraw(jailFile) != nil : files.place(text, at: jailFile)
    guard isDone else {
      problems.append("no jail was changed")
      return
    }
    if let problem = testProblem() {
      files.takeBack(jailFile, to: before)
      problems.append("fail2ban refuses the change, so it was taken back: \(problem)")
      problems += JailFiles.mend(of: problem).map { [$0] } ?? []
    } else {
      next.append(client.typed(Fail2banClient.takeNewActions))
    }
  }

  /// What fail2ban makes of its configuration before anything is changed; nil if that is wrong already.
  private mutating func currentSetup() -> Fail2banSetup? {
    let problem: String
    if let found = problemWithoutUs() {
      problem = found
    } else if let dump = client.run(["-d"], withErrors: false), dump.status == 0 {
      return Fail2banSetup(dump: dump.output)
    } else {
      problem = "`\(client.typed("-d"))` fails"
    }
    if jails != nil || mayAsk {
      problems.append(
        "fail2ban's configuration is wrong as it is, so no jail was changed: \(problem)")
    }
    return nil
  }

  /// What is wrong whatever `init` does. A run that was killed may have left a jail file that fail2ban never
  /// judged: that one goes.
  private mutating func problemWithoutUs() -> String? {
    guard let problem = testProblem() else { return nil }
    let signals = HeldSignals()
    defer { signals.release() }
    guard let own = files.withdraw(jailFile) else { return problem }
    let other = testProblem()
    files.restore(
      [(path: jailFile, content: own)], why: other == nil ? nil : "it is not what is wrong")
    // Once more: a fail2ban that was only slow is no reason to take anything away.
    guard other == nil, testProblem() != nil else { return other }
    _ = files.withdraw(jailFile)
    problems.append(
      "fail2ban refused \(jailFile), which a run before this one left, so it was removed: \(problem)"
    )
    return nil
  }

  /// Why `fail2ban-client -t` fails; nil if it does not.
  private func testProblem() -> String? {
    guard let test = client.run(["-t"]) else { return "`\(client.typed("-t"))` does not end" }
    return test.status == 0 ? nil : JailFiles.problem(in: test.output)
  }

  /// Nil: none, and why is said.
  private mutating func askForJails(_ setup: Fail2banSetup, _ before: [UInt8]?) -> [String]? {
    guard before == nil else {
      files.note(.unchanged, jailFile)
      return nil
    }
    let enabled = setup.jails.sorted()
    let silent = enabled.filter { !setup.calling.contains($0) }
    guard !silent.isEmpty else { return nil }
    guard mayAsk else {
      problems.append(
        "no jail was changed; name some, like --jails \(silent.joined(separator: ","))")
      return nil
    }
    let question = "Jails that shall tell Slack, or - for none [\(silent.joined(separator: ","))]: "
    let answer = ask(question) ?? "-"
    if answer == "-" { return nil }
    let names = answer.split { $0 == "," || $0 == " " }.map(String.init)
    if let wrong = names.first(where: { !JailFiles.isName($0) }) {
      problems.append("'\(PlainText.line(wrong))' cannot be the name of a jail; none was changed")
      return nil
    }
    return names.isEmpty ? silent : names
  }

  /// Options that tell every other call of luaslack where its places are.
  private func unusualPlaces() -> [String] {
    let usual = try? Locations(
      spool: nil, config: nil, environment: { _ in nil }, isRoot: true, fileExists: { _ in false })
    var options: [String] = []
    if locations.spool != usual?.spool { options.append("--spool=" + locations.spool) }
    if locations.config != usual?.config {
      options.append("--config=" + locations.config)
    }
    return options
  }

  private func ask(_ question: String, isHidden: Bool = false) -> String? {
    (try? Terminal.readLine(question: question, isHidden: isHidden)) ?? nil
  }

  // MARK: - Undoing

  mutating func undo() {
    let signals = HeldSignals()
    defer { signals.release() }
    files.reread()
    guard !files.isEmpty else {
      problems.append("nothing is known that luaslack init wrote beside \(locations.config)")
      return
    }
    let wasRight = client.isThere && testProblem() == nil
    let actions = client.directory + "/action.d/"
    let hadJails = SetupFiles.read(jailFile) != nil
    let client = client
    let removed = files.undo { path in
      guard path.hasPrefix(actions), let mention = client.mention else { return nil }
      return "\(mention.file):\(mention.line) names it, and fail2ban would not start without it"
    }
    if wasRight, let problem = testProblem() {
      files.restore(
        removed.filter { $0.path.hasPrefix(client.directory + "/") },
        why: "fail2ban does not work without it: \(problem)")
    }
    files.finishUndo()
    if hadJails, SetupFiles.read(jailFile) == nil { next.append(client.typed("reload")) }
    if let mention = client.mention,
      files.steps.contains(where: { $0.what == .left && $0.path.hasPrefix(actions) })
    {
      problems.append(
        "take luaslack out of \(mention.file), line \(mention.line), then undo once more")
    }
  }

  // MARK: - Telling

  var exit: ExitStatus {
    if files.hasFailed { return .unavailable }
    return problems.isEmpty ? .success : .data
  }

  var text: String {
    var lines = files.steps.map { PlainText.line($0.line) }
    lines += problems.map { "luaslack: " + PlainText.line($0) }
    if !next.isEmpty { lines += ["", "next:"] + next.map { "  " + $0 } }
    return lines.joined(separator: "\n") + "\n"
  }

  var value: Value {
    [
      "schema": 1, "steps": .array(files.steps.map(\.value)),
      "problems": .array(problems.map { .string($0) }), "next": .array(next.map { .string($0) }),
    ]
  }
}
