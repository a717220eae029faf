import Glibc
import TestSupport
import Testing

@testable import LuaslackCore

/// The real sandbox, one script at a time.
@Suite struct SandboxTests {
  private let event: Event = {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.7", acceptedAt: 0)
    record.setFailures("5")
    return Event(record, host: "web1", now: 1_795_231_660_000_000)
  }()

  private func format(_ sources: String...) -> Formatting.Result { format(sources) }

  private func format(_ sources: [String]) -> Formatting.Result {
    var chain = FormatterChain()
    for (index, source) in sources.enumerated() {
      chain.files.append(FormatterFile(name: "\(index)-test.lua", source: source))
    }
    return Formatting(chain, Sandbox.Settings(destinations: ["default"])).format(event)
  }

  private func text(_ result: Formatting.Result) -> String? {
    if case .message(let message) = result.outcome { message["text"]?.string } else { nil }
  }

  @Test func `a formatter edits the payload`() {
    let result = format("return { ban = function(e, p) p.text = e.jail .. ' ' .. e.failures end }")
    #expect(text(result) == "sshd 5")
    #expect(result.problems.isEmpty)
  }

  @Test func `what each file did is told in the order in which they ran`() {
    func outcomes(_ sources: [String]) -> [String] {
      var chain = FormatterChain()
      for (index, source) in sources.enumerated() {
        chain.files.append(FormatterFile(name: "\(9 - index).lua", source: source))
      }
      chain.leftOut = ["slow.lua"]
      return Formatting(chain, Sandbox.Settings()).format(event).outcomes(of: chain)
        .map { "\($0.file): \($0.outcome)" }
    }
    #expect(
      outcomes([
        "return function(e, p) p.text = 'one' end", "return function() end",
        "return { unban = function() end }", "return function() error('oops') end",
        "return function(e, p) p.txet = 'x' end", "return function() return slack.digest() end",
      ]) == [
        "9.lua: changed it", "8.lua: no change", "7.lua: no handler",
        "6.lua: failed: 6.lua:1: oops",
        "5.lua: failed: 5.lua:1: payload.txet is not allowed; did you mean \"text\"?",
        "4.lua: for the digest", "slow.lua: left out (too slow)",
      ])
    #expect(
      outcomes(["return function()\n return slack.mute('a friend') end"]) == [
        "9.lua: muted by 9.lua:2: a friend", "slow.lua: left out (too slow)",
      ])
  }

  @Test func `the next file goes on with what the one before it made`() {
    let result = format(
      "return function(e, p) return { text = 'one' } end",
      "return { any = function(e, p) p.text = p.text .. ' two' end }",
      "return { unban = function(e, p) p.text = 'never' end }")
    #expect(text(result) == "one two")
  }

  @Test func `one that fails counts as absent and is named with its line`() {
    let result = format(
      "return function(e, p) p.text = 'one' end", "return function(e, p)\n error('oops') end",
      "return function(e, p) p.text = p.text .. ' three' end")
    #expect(text(result) == "one three")
    #expect(result.problems.map(\.error) == ["1-test.lua:2: oops"])
  }

  @Test(arguments: [
    ("return {", "0-test.lua:1:"), ("error({})", "0-test.lua"), ("return 5", "0-test.lua"),
    ("return function() return 5 end", "0-test.lua"),
    ("return function(e, p) p.text = e.geo.country end", "0-test.lua:1:"),
    ("return function(e, p) p.x = print end", "0-test.lua"),
    ("return function(e, p) p.channel = 'C1' end", "payload.channel is not allowed"),
    (
      "return function(e, p) p.attachment = {} end",
      "payload.attachment is not allowed; did you mean \"attachments\"?"
    ),
    ("return function() while true do end end", "time limit"),
    (
      "return function() local t = {} for i = 1, 1e9 do t[i] = ('x'):rep(1e5) .. i end end",
      " limit ("
    ),
  ])
  func `whatever a script does the alert goes out, with the reason`(source: String, reason: String)
  {
    let result = format(source)
    #expect(text(result)?.contains("203.0.113.7") == true)
    #expect(result.problems.first?.error.contains(reason) == true, "\(result.problems)")
  }

  @Test func `a script that cannot be interrupted is killed, and what came before it counts`() {
    let result = format(
      "return function(e, p) p.text = 'kept' end",
      "return function() (('a'):rep(1e5)):find(('a-'):rep(50) .. 'b') end")
    #expect(text(result) == "kept")
    #expect(result.problems.map(\.file) == ["1-test.lua"])
  }

  @Test func `a payload that cannot be sent is the fault of the file that made it`() {
    let result = format(
      "return function(e, p) p.text = 'good' end", "return function(e, p) p.channel = 'C1' end",
      "return function(e, p) p.text = p.text .. ' late' end")
    #expect(text(result)?.hasPrefix("good") == true)
    #expect(result.problems.map(\.file) == ["1-test.lua"])
  }

  @Test(arguments: [
    "return function(e, p) return { text = 'somebody' } end",
    "return function(e, p) return { text = e.ip, blocks = { slack.divider() } } end",
    "return function(e, p) p.text = 'x' p.attachments = { { color = e.ip } } end",
  ])
  func `no formatter can hide the address`(source: String) {
    let result = format(source)
    #expect(result.problems.isEmpty)
    guard case .message(let message) = result.outcome else {
      Issue.record("no message")
      return
    }
    #expect(Visible.shows("203.0.113.7", in: message))
  }

  @Test func `a name that is refused is shown on one line and cut`() {
    let source = "return function(e, p) p['\\n' .. ('x'):rep(9000)] = 1 end"
    let error = format(source).problems.first?.error ?? ""
    #expect(error.hasPrefix("0-test.lua:1: "))
    #expect(!error.contains("\n"))
    #expect(error.utf8.count < 300)
  }

  /// Each fits only after much of it went, and shows the address in what goes at the most.
  private static let hidden = [
    "p.text = ('x'):rep(4000) .. ' ' .. e.ip p.attachments = {}",
    """
    p.attachments = {}
    for i = 1, 100 do p.attachments[i] = { text = i .. ' ' .. (i == 100 and e.ip or '') } end
    """,
    """
    p.attachments = {}
    for i = 1, 130 do p.attachments[i] = { text = i .. ' ' .. (i > 99 and e.ip or '') } end
    """,
    """
    local blocks = {}
    for i = 1, 60 do blocks[i] = slack.section(i == 55 and e.ip or 'x') end
    p.attachments = { { blocks = blocks } }
    """,
    """
    p.blocks, p.attachments = {}, {}
    for i = 1, 5 do p.blocks[i] = slack.section(('x'):rep(2900) .. (i == 3 and e.ip or '')) end
    """,
  ]

  @Test(arguments: hidden)
  func `no limit hides the address, whatever is noted besides`(body: String) {
    let broken = Array(repeating: "error('broken')", count: 3)
    for notes in [[], broken] {
      let result = format(
        ["return function(e, p) p.text = 'x' \(body) end"] + notes)
      var outcome = result.outcome
      for problem in result.problems { outcome.add(problem) }
      guard case .message(let message) = outcome else {
        Issue.record("no message")
        continue
      }
      #expect(result.problems.count == notes.count)
      #expect(Visible.shows("203.0.113.7", in: message))
      let texts = (message["attachments"]?.array ?? []).compactMap { $0["text"]?.string }
      #expect(texts.count { $0.hasPrefix(":warning: ") } == notes.count)
      #expect(Fit.fitted(message).violations == [])
    }
  }

  @Test(arguments: ["x", "&"])
  func `no name of a jail or host is long enough to hide the address`(piece: String) {
    let name = String(repeating: piece, count: 1_024)
    for script in ["return {}", "return function(e, p) return { text = 'x' } end"] {
      for (ip, id) in [("203.0.113.7", nil), ("203.0.113.7", name), ("", name)] {
        var record = EventRecord(kind: .ban, jail: name, ip: ip, acceptedAt: 0)
        record.set(.host, name)
        record.set(.id, id)
        let event = Event(record, host: "web1", now: 0)
        let chain = FormatterChain(files: [FormatterFile(name: "0-test.lua", source: script)])
        let result = Formatting(chain, Sandbox.Settings()).format(event)
        guard case .message(let message) = result.outcome else {
          Issue.record("no message")
          continue
        }
        #expect(Visible.shows(event.address ?? "", in: message))
        #expect(Fit.fitted(message).violations == [])
      }
    }
  }

  @Test func `every sample's built-in message fits`() {
    let formatting = Formatting(FormatterChain(), Sandbox.Settings())
    for sample in Sample.all {
      for event in sample.events(EventContext()) {
        guard case .message(let message) = formatting.format(event).outcome else {
          Issue.record("no message")
          continue
        }
        #expect(Fit.fitted(message).violations == [], "\(sample.name)")
        if let address = event.address { #expect(Visible.shows(address, in: message)) }
      }
    }
  }

  @Test func `muted means no message`() {
    let result = format("return function() return slack.mute('known scanner') end")
    #expect(result.outcome == .muted("muted by 0-test.lua:1: known scanner"))
  }

  @Test func `a formatter names destinations`() {
    let result = format("return function(e, p) return p, { to = { 'default' } } end")
    #expect(result.destinations == ["default"])
    #expect(!result.isReply)
  }

  @Test func `a formatter wants the message in the thread of its ban`() {
    let result = format("return function(e, p) return p, { thread = 'reply' } end")
    #expect(result.isReply)
    #expect(result.destinations == [])
    #expect(result.problems == [])
  }

  @Test func `text is text, and only the library makes it live`() {
    let result = format(
      "return function(e, p) p.text = '<!channel> ' .. slack.mention('here') end")
    #expect(text(result) == "&lt;!channel&gt; <!here>")
  }

  @Test func `what a script prints is kept apart`() {
    let result = format("return function(e, p) print('hello', 5) end")
    #expect(result.output.contains("hello\t5") || result.output.contains("hello 5"))
    #expect(text(result)?.contains("203.0.113.7") == true)
  }

  @Test func `a chain that is empty yields the built-in message`() {
    #expect(format().problems.isEmpty)
    #expect(text(format()) == "sshd banned 203.0.113.7 after 5 failures on web1")
  }
}

/// One running sandbox and many events.
@Suite struct SandboxReuseTests {
  init() {
    // As the programs do: a sandbox that is gone is an error of the call.
    signal(SIGPIPE, SIG_IGN)
  }

  private func event(_ ip: String, time: String = "") -> Event {
    var record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: 1_795_231_650_000_000)
    record.set(.time, time)
    return Event(record, host: "web1", now: 1_795_231_660_000_000)
  }

  private func formatting(
    _ source: String, _ change: (inout Sandbox.Settings) -> Void = { _ in }
  ) -> Formatting {
    var settings = Sandbox.Settings()
    change(&settings)
    let file = FormatterFile(name: "a.lua", source: source)
    return Formatting(FormatterChain(files: [file]), settings)
  }

  private func text(_ result: Formatting.Result) -> String? {
    if case .message(let message) = result.outcome { message["text"]?.string } else { nil }
  }

  @Test func `what one event's script changes, the next one's does not see`() {
    let formatting = formatting(
      """
      local seen = (string.seen or 0) + 1
      string.seen = seen
      slack.seen = (rawget(slack, "seen") or 0) + 1
      kept = (kept or 0) + 1
      return function(event, payload)
        payload.text = event.ip .. " " .. seen .. slack.seen .. kept
      end
      """)
    for ip in ["203.0.113.1", "203.0.113.2", "203.0.113.3"] {
      #expect(text(formatting.format(event(ip))) == "\(ip) 111")
    }
  }

  @Test(arguments: [
    "while true do end", "string.find(('a'):rep(1e5), ('a-'):rep(50) .. 'b')", "error('no')",
    "local t = {} while true do t[#t + 1] = ('x'):rep(1e6) .. #t end",
  ])
  func `what one event's script breaks, the next one's works with`(harm: String) {
    let formatting = formatting(
      """
      return function(event, payload)
        if event.ip == "203.0.113.2" then \(harm) end
        payload.text = "fine " .. event.ip
      end
      """)
    #expect(text(formatting.format(event("203.0.113.1"))) == "fine 203.0.113.1")
    let broken = formatting.format(event("203.0.113.2"))
    #expect(text(broken)?.contains("203.0.113.2") == true)
    #expect(broken.problems.count == 1)
    #expect(text(formatting.format(event("203.0.113.3"))) == "fine 203.0.113.3")
  }

  @Test func `a formatter's clock stands at the event, in the zone of the config`() {
    let source = """
      return function(event, payload)
        payload.text = event.ip .. os.date(" %H:%M ") .. os.time() - event.time
      end
      """
    let late = event("203.0.113.1", time: "1795188600")
    #expect(text(formatting(source).format(late)) == "203.0.113.1 15:30 0")
    let fractional = event("203.0.113.1", time: "1795188600.75")
    #expect(text(formatting(source).format(fractional)) == "203.0.113.1 15:30 -0.75")
    #expect(BuiltIn.payload(fractional)["attachments"]?.array?.first?["ts"] == 1_795_188_600)
    let berlin = formatting(source) { $0.zone = "CET-1CEST,M3.5.0,M10.5.0/3" }
    #expect(text(berlin.format(late)) == "203.0.113.1 16:30 0")
  }

  @Test func `limits may be wider than two seconds of processor time`() {
    let result = formatting(
      """
      return function(event, payload)
        local start = os.clock()
        while os.clock() - start < 2.2 do end
        payload.text = "took long " .. event.ip
      end
      """
    ) {
      $0.limits.fileMilliseconds = 30_000
      $0.limits.chainMilliseconds = 30_000
      $0.limits.wallMilliseconds = 40_000
    }.format(event("203.0.113.1"))
    #expect(text(result) == "took long 203.0.113.1")
  }

  @Test func `random numbers are the same for the same event`() {
    let source = "return function(e, p) p.text = e.ip .. ' ' .. math.random(1e9) end"
    let first = text(formatting(source).format(event("203.0.113.1", time: "1795188600")))
    let again = text(formatting(source).format(event("203.0.113.1", time: "1795188600")))
    let other = text(formatting(source).format(event("203.0.113.1", time: "1795188601")))
    #expect(first == again)
    #expect(first != other)
  }

  @Test func `tells which functions a file's table holds when asked`() {
    let source = "return { ban = function() end, bam = print, [5] = print, note = 'x' }"
    let result = formatting(source) { $0.namesHandlers = true }.format(event("203.0.113.1"))
    #expect(result.frames.map(\.handlers) == [["number", "bam", "ban", "note"]])
    let any = formatting("return function() end") { $0.namesHandlers = true }
    #expect(any.format(event("203.0.113.1")).frames.map(\.handlers) == [["any"]])
    #expect(formatting(source).format(event("203.0.113.1")).frames.map(\.handlers) == [[]])
  }

  @Test func `a sandbox that is gone is started anew`() throws {
    let formatting = formatting("return function(e, p) p.text = 'fine ' .. e.ip end") {
      $0.program = "/bin/true"
    }
    let result = formatting.format(event("203.0.113.1"))
    #expect(result.problems.map(\.error) == ["a.lua: the sandbox was lost"])
    #expect(formatting.format(event("203.0.113.1")).problems.count == 1)
  }

  @Test func `a sandbox that goes in the middle is not waited for`() {
    let formatting = formatting("return {}") {
      $0.program = "/bin/sleep"
      $0.arguments = ["0.2"]
      $0.limits.wallMilliseconds = 30_000
    }
    let start = ContinuousClock.now
    let result = formatting.format(event("203.0.113.1"))
    #expect(ContinuousClock.now - start < .seconds(15))
    #expect(result.problems.map(\.error) == ["a.lua: the sandbox was lost"])
  }

  @Test func `a limit of the config's is met before the kernel's`() {
    let formatting = formatting("return function() while true do end end") {
      $0.limits.fileMilliseconds = 2_600
      $0.limits.chainMilliseconds = 2_600
      $0.limits.wallMilliseconds = 5_000
    }
    let result = formatting.format(event("203.0.113.1"))
    // A processor that is shared with others may not get that far before the clock does.
    #expect(result.problems.count == 1)
    #expect(result.problems.allSatisfy { $0.error.contains("time limit (2600 ms") })
  }
}

/// What a broken interpreter might write.
@Suite struct FrameReaderTests {
  @Test func `no more destinations are read than a script may name`() {
    let names = (0..<1_000).map { Value.string("d\($0)") }
    let tree = Tree.bytes([
      "file": "a.lua", "payload": ["text": "x"], "status": "ok", "to": .array(names),
    ])
    var bytes = Array("LSF1".utf8)
    Tree.append(UInt32(tree.count), to: &bytes)
    let frames = FrameReader.frames(bytes + tree, files: ["a.lua"], limits: SandboxLimits())
    #expect(frames.map(\.destinations.count) == [64])
  }
}

/// Formatters that cost too much are left out for a while.
@Suite struct SuspensionTests {
  private let chain = FormatterChain(
    files: ["a", "b"].map { FormatterFile(name: $0 + ".lua", source: "return {}") })

  private func result(costly: [String] = [], cheap: [String] = []) -> Formatting.Result {
    Formatting.Result(outcome: .muted(""), costly: costly, cheap: cheap)
  }

  /// The files that still run after these results, a second apart, and `later` microseconds.
  private func running(
    _ results: [Formatting.Result], later: Int64 = 0, chain: FormatterChain? = nil
  ) -> [String] {
    var suspensions = Suspensions()
    for (second, result) in results.enumerated() {
      _ = suspensions.observe(result, of: self.chain, now: Int64(second) * 1_000_000)
    }
    let now = Int64(results.count) * 1_000_000 + later
    return suspensions.applied(to: chain ?? self.chain, now: now).files.map(\.name)
  }

  @Test func `three costly runs in a row, and a file is left out`() {
    let slow = result(costly: ["a.lua"], cheap: ["b.lua"])
    #expect(running([slow, slow]) == ["a.lua", "b.lua"])
    #expect(running([slow, slow, slow]) == ["b.lua"])
  }

  @Test func `a cheap run in between forgives`() {
    let slow = result(costly: ["a.lua"])
    let fast = result(cheap: ["a.lua"])
    #expect(running([slow, slow, fast, slow, slow]) == ["a.lua", "b.lua"])
  }

  @Test func `after a minute it is tried again, and one costly run is enough`() {
    let slow = result(costly: ["a.lua"])
    #expect(running([slow, slow, slow], later: 57_000_000) == ["b.lua"])
    #expect(running([slow, slow, slow], later: 61_000_000) == ["a.lua", "b.lua"])
    var suspensions = Suspensions()
    for second in [0, 1, 2, 100] as [Int64] {
      let said = suspensions.observe(slow, of: chain, now: second * 1_000_000)
      #expect(said.map(\.file) == (second < 2 ? [] : ["a.lua"]))
    }
    #expect(suspensions.applied(to: chain, now: 101_000_000).leftOut == ["a.lua"])
  }

  @Test func `a changed script begins anew`() {
    let slow = result(costly: ["a.lua"])
    var changed = chain
    changed.files[0].source = "return { }"
    #expect(running([slow, slow, slow], chain: changed) == ["a.lua", "b.lua"])
  }

  @Test func `a script that runs into its time limit was costly, one that only fails was not`() {
    let file = FormatterFile(
      name: "a.lua",
      source: """
        return function(event)
          if event.ip == "203.0.113.2" then while true do end end
          error("no")
        end
        """)
    let formatting = Formatting(FormatterChain(files: [file]), Sandbox.Settings())
    func costly(_ ip: String) -> [String] {
      let record = EventRecord(kind: .ban, jail: "sshd", ip: ip, acceptedAt: 0)
      return formatting.format(Event(record, host: "web1", now: 0)).costly
    }
    #expect(costly("203.0.113.1") == [])
    #expect(costly("203.0.113.2") == ["a.lua"])
  }

  @Test(arguments: ["/bin/true", "/nowhere/luaslack-sandbox"])
  func `no script is slow because the sandbox does not run`(program: String) {
    signal(SIGPIPE, SIG_IGN)
    let record = EventRecord(kind: .ban, jail: "sshd", ip: "203.0.113.2", acceptedAt: 0)
    let formatting = Formatting(chain, Sandbox.Settings(program: program))
    let result = formatting.format(Event(record, host: "web1", now: 0))
    #expect(result.problems.map(\.file) == ["a.lua"])
    #expect(result.costly == [])
  }

  @Test func `an event for which a file has no handler forgives nothing`() {
    let source = "return { ban = function() end }"
    let file = FormatterFile(name: "a.lua", source: source)
    let formatting = Formatting(FormatterChain(files: [file]), Sandbox.Settings())
    func cheap(_ kind: EventKind) -> [String] {
      let record = EventRecord(kind: kind, jail: "sshd", ip: "203.0.113.2", acceptedAt: 0)
      return formatting.format(Event(record, host: "web1", now: 0)).cheap
    }
    #expect(cheap(.ban) == ["a.lua"])
    #expect(cheap(.unban) == [])
  }
}

/// Whom an event is about is in every message.
@Suite struct VisibleTests {
  private static let address = "203.0.113.7"

  @Test(
    arguments: [
      ["text": "ban of 203.0.113.7"], ["text": "<https://a.example|203.0.113.7>"],
      ["text": "<https://203.0.113.7>"], ["text": "(203.0.113.7)."],
      ["text": "203.0.113.7: banned"],
      ["text": "x", "attachments": [["text": "`203.0.113.7`"]]],
      ["text": "x", "attachments": [["fields": [["title": "IP", "value": "203.0.113.7"]]]]],
      [
        "text": "x",
        "blocks": [["type": "header", "text": ["type": "plain_text", "text": "203.0.113.7"]]],
      ],
      [
        "text": "x",
        "attachments": [
          [
            "blocks": [
              ["type": "section", "fields": [["type": "mrkdwn", "text": "*203.0.113.7*"]]]
            ]
          ]
        ],
      ],
    ] as [Value])
  func `seen`(message: Value) {
    #expect(Visible.shows(Self.address, in: message))
  }

  @Test(
    arguments: [
      ["text": "a ban"], ["text": "203.0.113.70"], ["text": "1203.0.113.7"],
      ["text": "203.0.113.7.1"],
      ["text": "x", "attachments": [["color": "203.0.113.7", "fallback": "203.0.113.7"]]],
      ["text": "203.0.113.7", "blocks": [["type": "divider"]]],
      ["text": "<https://a.example/203.0.113.7|the address>"], ["text": "<@U012AB3CD|203.0.113.7>"],
      ["text": "<!date^5^{time}|203.0.113.7>"], ["text": "\u{202e}203.0.113.7"],
      ["text": "203.0.113.7\u{200b}1"],
      ["text": .string(String(repeating: "x ", count: 2_000) + "203.0.113.7")],
      ["text": .string(String(repeating: "\n", count: 60) + "203.0.113.7")],
      [
        "text": "x",
        "blocks": [
          [
            "type": "section", "text": ["type": "mrkdwn", "text": "y"],
            "accessory": ["type": "overflow", "options": [["text": "203.0.113.7"]]],
          ]
        ],
      ],
      ["text": "x", "attachments": [["text": "203.0.113.7", "blocks": [["type": "divider"]]]]],
    ] as [Value])
  func `not seen`(message: Value) {
    #expect(Visible.shows(Self.address, in: message) == false)
  }

  @Test func `the beginning of a long text will do`() {
    let id = String(repeating: "x", count: 100)
    #expect(Visible.shows(id, in: ["text": .string("ban of \(id)")]))
    #expect(Visible.shows(id, in: ["text": .string("ban of \(id.prefix(70))…")]))
    #expect(Visible.shows(id, in: ["text": .string("ban of \(id.prefix(60))…")]) == false)
  }

  @Test func `text that was escaped is the same text`() {
    #expect(Visible.shows("<root> & co", in: ["text": "id &lt;root&gt; &amp; co"]))
    #expect(Visible.shows("2001:db8::7", in: ["text": "2001:db8::7:1"]) == false)
  }
}

@Suite struct FormatterChainTests {
  @Test func `only files that are meant to be formatters run, in the order of their names`() throws
  {
    let place = try TemporaryDirectory()
    let names = [
      "50-b.lua", "10-a.lua", "x.lua~", ".hidden.lua", "x.lua.dpkg-new", "_x.lua", "a b.lua",
      "README", "é.lua", ".lua", "lib/colours.lua",
    ]
    for name in names { _ = try place.write("return {}", to: "formatters/" + name) }
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = ["local"]
    let chain = FormatterChain.load(configuration)
    #expect(chain.files.map(\.name) == ["10-a.lua", "50-b.lua"])
    #expect(chain.libraries.map(\.name) == ["colours"])
    #expect(chain.problems.isEmpty)
  }

  @Test func `a file that others can write, or that is too large, is a problem and does not run`()
    throws
  {
    let place = try TemporaryDirectory()
    _ = try place.write("return {}", to: "formatters/10-open.lua", mode: 0o666)
    _ = try place.write(
      String(repeating: "-", count: 70_000), to: "formatters/20-large.lua", mode: 0o644)
    var configuration = Configuration(path: place.file("config.toml"))
    configuration.formatters = ["local", "unknown", "../../etc"]
    let chain = FormatterChain.load(configuration)
    #expect(chain.files.isEmpty)
    let errors = chain.problems.map(\.error)
    #expect(
      errors.prefix(2) == [
        "10-open.lua: can be written by others; chmod go-w", "20-large.lua: larger than 64 KiB",
      ])
    #expect(errors.dropFirst(2).count == 2)
    for (error, name) in zip(errors.dropFirst(2), ["unknown", "../../etc"]) {
      #expect(error.hasPrefix("\(name).lua: no shipped formatter is called \"\(name)\"; known: "))
      #expect(error.contains("minimal") && error.contains("local"))
    }
  }
}
