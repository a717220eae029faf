import Foundation
import Glibc
import TestSupport
import Testing

@testable import LuaslackCore

/// Lua's own limits, with nothing of the kernel's behind them: for good words, at the right line.
@Suite(.serialized) struct GuardAloneTests {
  private func run(_ body: String, _ change: (inout SandboxLimits) -> Void) -> Formatting.Result {
    OpenSandbox(
      without: [.confinement],
      """
      return function(event, payload)
        if event.ip == "203.0.113.7" then
          \(body)
        end
        payload.text = "fine " .. event.ip
      end
      """,
      limits: {
        // The script's own limits are what is looked at, however busy the machine is.
        $0.wallMilliseconds = 60_000
        change(&$0)
      }
    ).format()
  }

  @Test(arguments: [
    "local t = {} while true do t[#t + 1] = ('x'):rep(1e5) .. #t end",
    "local s = 'x' while true do s = s .. s end",
    "pcall(function() local s = 'x' while true do s = s .. s end end) while true do end",
    "coroutine.wrap(function() local t = {} while true do t[#t + 1] = { t } end end)()",
    "return ('x'):rep(1e9)",
  ])
  func `memory`(body: String) {
    let result = run(body) {
      $0.fileMilliseconds = 20_000; $0.chainMilliseconds = 20_000
    }
    #expect(result.errors == ["a.lua:3: memory limit (16 MiB)"])
    #expect(result.text.contains("203.0.113.7"))
  }

  @Test(arguments: [
    "while true do end", "while true do pcall(error) end",
    "while true do pcall(function() while true do end end) end",
    "xpcall(function() while true do end end, function() while true do end end)",
    "coroutine.wrap(function() while true do end end)()",
    "local t = coroutine.create(function() while true do end end) while true do coroutine.resume(t) end",
    "string.find(('a'):rep(1e5), ('a-'):rep(50) .. 'b')",
    "pcall(string.find, ('a'):rep(1e5), ('a-'):rep(50) .. 'b')",
    "table.concat({}, 'x', 1, -1) for _ = 1, 1e9 do ('a'):rep(1000):find('b') end",
  ])
  func `time, in Lua and in C`(body: String) {
    let result = run(body) { $0.fileMilliseconds = 100 }
    #expect(result.errors == ["a.lua:3: time limit (100 ms)"])
    #expect(result.text.contains("203.0.113.7"))
  }

  @Test func `stack`() {
    let deep = run("local function f() return 1 + f() end f()") { $0.fileMilliseconds = 20_000 }
    #expect(deep.errors == ["a.lua:3: memory limit (16 MiB)"])
    // Raised inside a function of C, which has no line.
    let nested = run("local function f() ('x'):gsub('x', f) end f()") { _ in }
    #expect(nested.errors == ["a.lua: C stack overflow"])
    #expect(nested.text.contains("203.0.113.7"))
  }

  @Test func `nothing of the kernel's was there to help`() {
    let open = OpenSandbox(
      without: [.confinement, .library],
      """
      return function(event, payload)
        payload.text = event.ip .. io.open("/proc/self/status"):read("a")
          .. io.open("/proc/self/limits"):read("a")
      end
      """)
    let text = open.format().text
    let own = OpenSandbox.Life(id: getpid())
    // As this test itself has it, whatever a container may have set.
    #expect(text.contains("Seccomp:\t\(own.status("Seccomp"))\n"), "\(text)")
    #expect(text.contains("NoNewPrivs:\t\(own.status("NoNewPrivs"))\n"))
    for limit in own.read("limits").split(separator: "\n") { #expect(text.contains(limit)) }
  }
}

/// The system call filter with nothing before it: no limits in Lua, and all of Lua's own library.
@Suite(.serialized) struct FilterAloneTests {
  /// What a script might do to the host; PLACE is a directory that anybody may write, with a file
  /// `there` in it.
  static let harms = [
    "os.execute('touch PLACE/new')", "io.open('PLACE/new', 'w'):close()",
    "io.open('PLACE/there', 'a'):write('more'):close()", "io.popen('touch PLACE/new'):close()",
    "os.remove('PLACE/there')", "os.rename('PLACE/there', 'PLACE/new')",
    "io.output('PLACE/new')",
  ]

  private func run(_ body: String, without layers: [Layer]) -> Formatting.Result {
    OpenSandbox(
      without: layers, "return function(event, payload) \(body) payload.text = 'done' end"
    ).format()
  }

  /// Anybody's, so that no right of a file protects it.
  private func place() throws -> TemporaryDirectory {
    let place = try TemporaryDirectory("layer")
    try place.write("as it was", to: "there", mode: 0o666)
    #expect(chmod(place.path, 0o777) == 0)
    return place
  }

  private func isUntouched(_ place: TemporaryDirectory) throws -> Bool {
    try place.names() == ["there"] && place.read("there") == "as it was"
  }

  @Test(arguments: harms)
  func `kills a script that touches the host, before it does`(harm: String) throws {
    let place = try place()
    let body = harm.replacing("PLACE", with: place.path)
    let result = run(body, without: [.guard, .library])
    #expect(result.errors == ["a.lua: the script crashed (signal 31)"])
    #expect(result.text.contains("203.0.113.7"))
    #expect(try isUntouched(place))
  }

  /// What shows that the scripts above do harm where they can.
  @Test(arguments: harms)
  func `without any layer they do what they were written for`(harm: String) throws {
    let place = try place()
    let body = harm.replacing("PLACE", with: place.path)
    let result = run(body, without: [.confinement, .guard, .library])
    #expect(result.errors.isEmpty)
    #expect(try isUntouched(place) == false)
  }

  @Test(arguments: [
    "io.open('/etc/passwd')", "for _ in io.lines('/etc/passwd') do end", "dofile('/etc/passwd')",
    "loadfile('/etc/passwd')", "require('socket')", "os.tmpname()", "io.read()",
    "io.popen('true')", "os.execute('true')", "package.loadlib('/tmp/none.so', '*')",
    "io.open('/proc/self/environ')", "os.setlocale('de_DE.UTF-8')", "io.stdin:seek('set', 1)",
  ])
  func `kills a script that asks the kernel for anything else`(body: String) {
    let result = run(body, without: [.guard, .library])
    #expect(result.errors == ["a.lua: the script crashed (signal 31)"])
    #expect(result.text.contains("203.0.113.7"))
  }

  @Test func `ending the process early is a failure, whatever status it has`() {
    for status in [0, 7] {
      let result = run("os.exit(\(status))", without: [.guard, .library])
      #expect(result.errors == ["a.lua: the sandbox ended early (exit \(status))"])
      #expect(result.text.contains("203.0.113.7"))
    }
  }

  @Test func `words on standard output are no answer`() {
    let result = run(
      "io.stdout:setvbuf('no') io.stdout:write('LSF1', ('\\0'):rep(4), 'nonsense') os.exit(0)",
      without: [.guard, .library])
    #expect(result.errors == ["a.lua: the sandbox ended early (exit 0)"])
  }

  @Test func `the environment holds nothing but the time zone`() {
    let names = ["PATH", "HOME", "USER", "LUASLACK_SPOOL", "LD_PRELOAD", "TZ"]
    let list = names.map { "'\($0)'" }.joined(separator: ", ")
    let result = OpenSandbox(
      without: [.guard, .library],
      """
      return function(event, payload)
        payload.text = event.ip
        for _, name in ipairs({ \(list) }) do
          payload.text = payload.text .. " " .. tostring(os.getenv(name))
        end
      end
      """
    ).format()
    #expect(result.text == "203.0.113.7 nil nil nil nil nil UTC0")
  }
}

/// The process's limits and ids, without the filter before them.
@Suite(.serialized) struct LimitsAloneTests {
  private static let without: [Layer] = [.filter, .guard, .library]

  @Test(arguments: [
    "io.open('PLACE/there')", "io.open('PLACE/new', 'w')", "io.open('/proc/1/environ')",
    "io.open('/etc/passwd')", "os.execute('touch PLACE/new')", "io.popen('touch PLACE/new')",
    "io.tmpfile()",
  ])
  func `no file is opened and no process started`(call: String) throws {
    let place = try TemporaryDirectory("layer")
    try place.write("as it was", to: "there", mode: 0o666)
    #expect(chmod(place.path, 0o777) == 0)
    let call = call.replacing("PLACE", with: place.path)
    let result = OpenSandbox(
      without: Self.without,
      "return function(e, p) p.text = e.ip .. ' ' .. tostring((\(call))) end"
    ).format()
    #expect(result.errors.isEmpty)
    #expect(result.text == "203.0.113.7 nil")
    #expect(try place.names() == ["there"])
  }

  @Test func `the processor is bounded, with no other clock running`() {
    let result = OpenSandbox(
      without: Self.without + [.deadline], "while true do end",
      limits: { $0.wallMilliseconds = 60_000 }
    ).format()
    #expect(result.errors == ["a.lua: the script crashed (signal 9)"])
    #expect(result.text.contains("203.0.113.7"))
  }

  @Test func `memory, files, processes, ids and capabilities, as the kernel tells it`() async throws
  {
    try await whileLooping(without: Self.without + [.deadline]) { sandbox, child in
      for process in [sandbox, child] {
        let mapped = Int(process.status("VmPeak").prefix { $0.isNumber }) ?? 0
        let limit = Int(process.limit("Max address space")) ?? .max
        #expect(limit >> 10 < mapped + 64 << 10)
        #expect(process.limit("Max file size") == "0")
        #expect(process.limit("Max core file size") == "0")
        #expect(process.limit("Max locked memory") == "0")
        #expect(process.limit("Max msgqueue size") == "0")
        for name in ["CapInh", "CapPrm", "CapEff", "CapAmb"] {
          #expect(process.status(name) == "0000000000000000")
        }
        guard getuid() == 0 else { continue }
        #expect(process.status("CapBnd") == "0000000000000000")
        #expect(process.status("Uid") == "65534\t65534\t65534\t65534")
        #expect(process.status("Gid") == "65534\t65534\t65534\t65534")
        #expect(process.status("Groups") == "")
      }
      #expect(child.limit("Max cpu time") == "60")
      #expect(child.limit("Max processes") == "0")
      #expect(child.limit("Max open files") == "0")
    }
  }

  @Test(.enabled(if: mayLookIntoOthers, "needs the right to look into another user's process"))
  func `no descriptor is left but those that are spoken over`() async throws {
    let stray = open("/dev/null", O_RDONLY)
    defer { close(stray) }
    try await whileLooping(without: Self.without + [.deadline]) { sandbox, child in
      #expect(sandbox.descriptors == [0, 1, 2, 3])
      #expect(child.descriptors == [1])
      #expect(sandbox.read("environ") == "")
    }
  }

  /// Calls `body` while a script loops without end.
  private func whileLooping(
    without layers: [Layer],
    _ body: (_ sandbox: OpenSandbox.Life, _ child: OpenSandbox.Life) throws -> Void
  ) async throws {
    let mark = UUID().uuidString
    let running = Task.detached {
      OpenSandbox(
        without: layers, "while true do end", mark: mark,
        limits: {
          $0.chainMilliseconds = 58_000
          $0.wallMilliseconds = 60_000
        }
      ).format().errors
    }
    var found: [OpenSandbox.Life] = []
    // One that has computed for a while is in the loop.
    await eventually("a script loops", timeout: .seconds(50)) {
      found = OpenSandbox.Life.marked(mark)
      return found.count == 2 && found[1].ticks > 3
    }
    defer { for process in found { kill(process.id, SIGKILL) } }
    if found.count == 2 { try body(found[0], found[1]) }
    for process in found { kill(process.id, SIGKILL) }
    #expect(await running.value == ["a.lua: the sandbox was lost"])
  }
}

/// CAP_SYS_PTRACE.
private let mayLookIntoOthers: Bool = {
  let mask = UInt64(OpenSandbox.Life(id: getpid()).status("CapEff"), radix: 16) ?? 0
  return mask >> 19 & 1 == 1
}()

/// The clocks that do not depend on Lua.
@Suite(.serialized) struct DeadlineTests {
  private static let source = """
    return function(event, payload)
      if event.ip == "203.0.113.7" then while true do end end
      payload.text = "fine " .. event.ip
    end
    """

  @Test func `the sandbox stops a script, and goes on with the next event`() {
    let open = OpenSandbox(without: [.guard], Self.source) { $0.wallMilliseconds = 300 }
    #expect(open.format("203.0.113.1").text == "fine 203.0.113.1")
    let before = open.processes
    let stopped = open.format()
    #expect(stopped.errors == ["a.lua: stopped after 300 ms"])
    #expect(stopped.text.contains("203.0.113.7"))
    #expect(open.format("203.0.113.2").text == "fine 203.0.113.2")
    #expect(before.count == 1)
    #expect(open.processes == before)
  }

  /// Without confinement as well: no limit of the processor's time ends the script, only the death
  /// of its parent.
  @Test func `luaslackd ends a sandbox that does not, and what that left`() async {
    let open = OpenSandbox(
      without: [.guard, .deadline, .confinement], Self.source
    ) { $0.wallMilliseconds = 300 }
    #expect(open.format("203.0.113.1").text == "fine 203.0.113.1")
    let before = open.processes
    let lost = open.format()
    #expect(lost.errors == ["a.lua: the sandbox was lost"])
    #expect(lost.text.contains("203.0.113.7"))
    await eventually("no process is left") { open.processes.isEmpty }
    #expect(open.format("203.0.113.2").text == "fine 203.0.113.2")
    #expect(before.count == 1)
    #expect(open.processes.count == 1)
    #expect(open.processes != before)
  }

  @Test func `without a filter no script runs, and the message says so`() {
    let open = OpenSandbox(without: [.kernel], Self.source)
    for ip in ["203.0.113.1", "203.0.113.2"] {
      let result = open.format(ip)
      #expect(result.errors == ["a.lua: scripts do not run here: no seccomp filter"])
      #expect(result.text == "sshd banned \(ip) on web1")
    }
  }
}

/// Nothing stays behind.
@Suite(.serialized) struct ProcessTests {
  @Test func `no zombie and no orphan after many hostile scripts`() async {
    var mark = ""
    do {
      let open = OpenSandbox(
        without: [.guard, .library],
        """
        local harm = {
          function() os.exit(3) end, function() os.execute("sleep 60 &") end,
          function() error({}) end, function() io.popen("sleep 60") end,
          function() string.rep("x", 1 << 40) end, function() io.open("/etc/passwd") end,
        }
        return function(event) harm[tonumber(event.ip:match("%d+$")) % #harm + 1]() end
        """)
      mark = open.mark
      for number in 0..<60 {
        let result = open.format("203.0.113.\(number)")
        #expect(result.text.contains("203.0.113.\(number)"))
        #expect(result.errors.count == 1)
      }
      // Zombies are children too.
      let sandbox = open.processes.first?.id ?? 0
      #expect(open.processes.count == 1)
      #expect(OpenSandbox.Life(id: sandbox).read("task/\(sandbox)/children") == "")
    }
    await eventually("the sandbox ends with its owner") {
      OpenSandbox.Life.marked(mark).isEmpty
    }
  }

  @Test func `a sandbox of a hundred events is one process`() {
    let open = OpenSandbox(without: [], "return function(e, p) p.text = e.ip end")
    var seen: Set<Int32> = []
    for number in 0..<100 {
      #expect(open.format("203.0.113.\(number)").text == "203.0.113.\(number)")
      seen.formUnion(open.processes.map(\.id))
    }
    #expect(seen.count == 1)
  }
}
