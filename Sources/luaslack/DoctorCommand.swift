import ArgumentParser
import LuaslackCore
import Posix
import SQLite

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor", abstract: "Look for what is wrong, from fail2ban to Slack.",
    discussion: """
      Examples:
        sudo luaslack doctor
        sudo luaslack doctor --send    sends each destination a message marked TEST

      Asks fail2ban, the files, luaslackd and Slack themselves, and says of each finding how to mend \
      it. Changes nothing. Without --send Slack gets a request with nothing in it, which it refuses: \
      its word shows whether it would take a message.

      Exit status: 0 ok, 1 something should be mended, 2 something does not work.
      """)

  @Flag(help: "Send a message marked TEST to each destination.")
  var send = false
  @Flag(help: "Print JSON, for programs.")
  var json = false
  @OptionGroup var fail2ban: Fail2banOptions
  @Option(help: ArgumentHelp("Its socket.", valueName: "file"))
  var fail2banSocket = "/run/fail2ban/fail2ban.sock"
  @OptionGroup var places: LocationOptions

  func run() throws {
    var examination = Examination(
      locations: places.locations(), client: fail2ban.client, socket: fail2banSocket, send: send)
    examination.run()
    let diagnosis = examination.diagnosis
    Process.print(json ? JSONWriter.pretty(diagnosis.value) : diagnosis.text, to: 1)
    throw ExitCode(diagnosis.exit.rawValue)
  }
}

/// Gathers the evidence, as root first and then as the spool's owner.
struct Examination {
  let locations: Locations
  let client: Fail2banClient
  let socket: String
  let send: Bool
  private(set) var diagnosis = Diagnosis()
  /// Jails that run and call luaslack, and since when.
  private var running: [String] = []
  private var startedAt: Int64 = 0

  /// Microseconds for fail2ban's programs and for trying formatters.
  private static let patience: Int64 = 30_000_000

  init(locations: Locations, client: Fail2banClient, socket: String, send: Bool) {
    self.locations = locations
    self.client = client
    self.socket = socket
    self.send = send
  }

  mutating func run() {
    lookAtFail2ban()
    // From here on with the rights of whoever delivers: what that user cannot do is what counts.
    guard enterSpool() else { return }
    let destinations = lookAtConfiguration()
    lookAtFormatters()
    lookAtAddresses()
    lookAtSeccomp()
    if let destinations { lookAtDelivery(destinations) }
    lookAtEvents()
  }

  // MARK: - fail2ban

  private mutating func lookAtFail2ban() {
    guard let version = Captured.run(client.program, ["--version"], patience: Self.patience) else {
      return diagnosis.add(
        "fail2ban", "\(client.program) is not there or does not answer", .problem,
        mend: "apt-get install fail2ban, or name it with --fail2ban-client")
    }
    diagnosis.judge(fail2banVersion: version.output)
    guard let dump = client.run(["-d"], withErrors: false), dump.status == 0 else {
      let test = client.run(["-t"])
      return diagnosis.add(
        "fail2ban's configuration", JailFiles.problem(in: test?.output ?? ""), .problem,
        mend: "mend it until `\(client.typed("-t"))` passes")
    }
    let setup = Fail2banSetup(dump: dump.output)
    lookAtAction(dump.output, setup)
    diagnosis.judge(setup)
    lookAtServer(setup)
  }

  /// That fail2ban read the action file, and reads commands of luaslack's out of it.
  private mutating func lookAtAction(_ dump: String, _ setup: Fail2banSetup) {
    let path = client.directory + "/action.d/luaslack.conf"
    guard (try? FileStatus.of(path)) != nil else {
      return diagnosis.add("action file", "there is no \(path)", .problem, mend: "luaslack init")
    }
    guard !setup.calling.isEmpty else { return }
    let isRead = dump.split(separator: "\n").contains {
      $0.contains("'action', 'luaslack") && $0.contains("['actionban', '") && $0.contains(" ban ")
    }
    diagnosis.add(
      "action file", isRead ? "\(path), read by fail2ban" : "\(path) calls no luaslack",
      isRead ? .ok : .problem, mend: isRead ? nil : "remove it, then luaslack init")
    if let program = SetupTexts.program(inDump: dump), !Self.isThere(program) {
      diagnosis.add(
        "program of the action",
        "\(PlainText.line(program)) is not there, so the action does nothing",
        .problem, mend: "set `luaslack = ` in \(path), or remove the file, then luaslack init")
    }
  }

  /// As fail2ban's shell would find it.
  private static func isThere(_ program: String) -> Bool {
    guard !program.contains("/") else { return (try? FileStatus.of(program)) != nil }
    let places = ["/usr/local/sbin", "/usr/local/bin", "/usr/sbin", "/usr/bin", "/sbin", "/bin"]
    return places.contains { (try? FileStatus.of("\($0)/\(program)")) != nil }
  }

  private mutating func lookAtServer(_ setup: Fail2banSetup) {
    guard let began = try? FileStatus.of(socket).modified,
      let status = client.run(["-s", socket, "status"]), status.status == 0
    else {
      return diagnosis.add(
        "fail2ban's server", "it does not answer at \(socket)", .problem,
        mend: "systemctl start fail2ban; as another user than root nobody may ask it")
    }
    startedAt = began
    let list = status.output.split(separator: "\n").first { $0.contains("Jail list:") } ?? ""
    let jails = (list.split(separator: ":").last ?? "").split { ", \t".contains($0) }
    diagnosis.add("fail2ban's server", "runs since \(Timestamp.text(began)), \(jails.count) jails")
    for jail in jails.map(String.init) where setup.calling.contains(jail) {
      let actions = client.run(["-s", socket, "get", jail, "actions"])
      if actions?.output.contains("luaslack") == true {
        running.append(jail)
      } else {
        diagnosis.add(
          "jail \(PlainText.line(jail))", "runs without luaslack, which its configuration names",
          .problem, mend: client.typed(Fail2banClient.takeNewActions))
      }
    }
  }

  // MARK: - luaslack

  private mutating func enterSpool() -> Bool {
    do throws(SystemError) {
      guard try Spool.enter(locations) else {
        diagnosis.add(
          "spool", "there is no \(locations.spool) yet", .warning,
          mend: "systemd-tmpfiles --create, or the first event makes it")
        return false
      }
      try Spool.tryWriting(locations)
      diagnosis.judge(spool: locations.spool, try FileSystem.of(locations.spool))
      return true
    } catch {
      diagnosis.add(
        "spool", "\(error)", .problem,
        mend: "events go to \(locations.overflow) meanwhile, which is memory")
      return false
    }
  }

  private func luaslackd(_ command: String, _ options: [String]) -> Captured? {
    guard let program = try? Programs.path(of: "luaslackd") else { return nil }
    return Captured.run(
      program, [command] + locations.arguments + options, patience: Self.patience)
  }

  /// The config's destinations; nil if nothing can be sent with it.
  private mutating func lookAtConfiguration() -> [String: Value]? {
    guard let shown = luaslackd("show-config", ["--json"]) else {
      diagnosis.add("luaslackd", "cannot be started", .problem, mend: "install luaslack again")
      return nil
    }
    guard shown.status == 0, let value = try? JSONReader.read(shown.output),
      let destinations = value["destination"]?.object
    else {
      let (found, mend) = Self.firstProblem(shown.output)
      diagnosis.add("config", found, .problem, mend: mend + "luaslack check says what and where")
      return nil
    }
    diagnosis.add("config", locations.config)
    diagnosis.judge(
      warnings: value["warning"]?.array ?? [],
      hasDatabases: value["geo"]?["databases"]?.array?.isEmpty == false)
    let spool = try? FileStatus.of(locations.spool)
    for name in destinations.keys.sorted() {
      let destination = destinations[name]
      let file = destination?["webhook_file"]?.string ?? destination?["token_file"]?.string
      guard let file else { continue }
      diagnosis.judge(
        secret: file, try? FileStatus.of(file), user: Process.user, group: spool?.group ?? 0)
    }
    return destinations
  }

  private mutating func lookAtFormatters() {
    guard let check = luaslackd("check", ["--"]) else { return }
    guard check.status != 0 else {
      let last = check.output.split(separator: "\n").last.map(String.init) ?? ""
      return diagnosis.add("formatters", PlainText.line(last.replacing("luaslack: ", with: "")))
    }
    let (found, mend) = Self.firstProblem(check.output)
    diagnosis.add("formatters", found, .problem, mend: mend + "luaslack check names all of it")
  }

  /// The files that tell where addresses are, and the resolver that tells their names.
  private mutating func lookAtAddresses() {
    guard let shown = luaslackd("addresses", []), shown.status == 0,
      let value = try? JSONReader.read(shown.output)
    else { return }
    for database in value["databases"]?.array ?? [] {
      diagnosis.judge(
        database: database["path"]?.string ?? "", problem: database["problem"]?.string,
        type: database["type"]?.string ?? "", builtAt: database["built_at"]?.int ?? 0,
        now: Clock.now() / 1_000_000)
    }
    if let resolver = value["resolver"] {
      diagnosis.judge(
        resolver: resolver["server"]?.string, answers: resolver["answers"]?.bool ?? false,
        milliseconds: resolver["timeout_ms"]?.int ?? 0)
    }
  }

  /// The first problem that is told, and what is said of it.
  private static func firstProblem(_ output: String) -> (found: String, mend: String) {
    let lines = output.split(separator: "\n").map { PlainText.line(String($0)) }
    let advice = lines.dropFirst().drop { $0.contains(" | ") }.prefix { $0.hasPrefix("  ") }
    let mend = advice.map { $0.drop { $0 == " " } + " " }.joined()
    let found = lines.first?.replacing("luaslack: ", with: "") ?? ""
    return (found, mend.isEmpty ? "" : mend.dropLast() + "; ")
  }

  /// The sandbox refuses to run without this filter.
  private mutating func lookAtSeccomp() {
    let actions = SetupFiles.read("/proc/sys/kernel/seccomp/actions_avail") ?? []
    let isThere = String(decoding: actions, as: UTF8.self).contains("kill_process")
    diagnosis.add(
      "seccomp", isThere ? "the kernel has it" : "the kernel does not offer it",
      isThere ? .ok : .problem,
      mend: isThere ? nil : "formatters do not run without; use a kernel with CONFIG_SECCOMP_FILTER"
    )
  }

  /// luaslackd itself answers: that it does shows that it is alive, and what it says, what Slack says.
  private mutating func lookAtDelivery(_ destinations: [String: Value]) {
    for name in destinations.keys.sorted() {
      let subject = "destination \(PlainText.line(name))"
      if !send, destinations[name]?["smtp_to"] != nil {
        diagnosis.add(subject, "mail, which only --send tries")
        continue
      }
      let result = TestMessage.send(to: name, isHarmless: !send, locations)
      let word = PlainText.line(result.word)
      guard result.exit != .success else {
        diagnosis.add(subject, send ? "took a message (\(word))" : "answers as it should (\(word))")
        continue
      }
      let mend =
        switch result.exit {
        case .configuration, .data: "mend the config or the secret, then luaslack send-test"
        case .unavailable: "see in Slack whether the webhook or the app is still there, renew it"
        default: "nothing is lost; luaslack status says how long it lasts"
        }
      diagnosis.add(subject, word, result.exit == .temporary ? .warning : .problem, mend: mend)
    }
  }

  private mutating func lookAtEvents() {
    var newest: Int64?
    if let status = try? Status(locations, host: Process.hostName, now: Clock.now()) {
      let summary = status.text.split(separator: "\n").first.map(String.init) ?? ""
      let state: Diagnosis.State =
        status.exit == .success ? .ok : status.exit == .degraded ? .warning : .problem
      diagnosis.add("queue", summary, state, mend: state == .ok ? nil : "luaslack status says more")
    }
    var seen: [String: Int64] = [:]
    // Before the first event there is no database, and no jail was heard of.
    if let queue = try? Queue(reading: locations.database) {
      newest = (try? queue.newestEvent()) ?? nil
      seen = (try? queue.jailsHeardOf()) ?? [:]
    }
    for jail in running {
      diagnosis.judge(running: jail, lastAt: seen[jail], startedAt: startedAt)
    }
    diagnosis.judge(clock: Clock.now(), isSynchronised: Clock.isSynchronised, newest: newest)
  }
}
