import ChildProcess
import Glibc
import Posix
import TestSupport
import Testing

@Suite struct ChildProcessTests {
  private func output(
    of script: String, environment: [String] = []
  ) throws -> (text: String, ending: ChildProcess.Ending) {
    let pipe = try Pipe()
    let child = try ChildProcess(
      "/bin/sh", ["-c", script], environment: environment, descriptors: [-1, pipe.writing.raw, -1])
    let reading = pipe.takeReading()
    let bytes = try reading.readAll(limit: 100_000)
    return (String(decoding: bytes, as: UTF8.self), child.wait())
  }

  @Test func `gets its arguments, its descriptors and nothing else`() throws {
    setenv("LUASLACK_TEST_LEAK", "leaked", 1)
    let open = try FileDescriptor.open(reading: "/dev/null")
    let (text, ending) = try output(
      of: "echo $LUASLACK_TEST_LEAK$GIVEN; ls /proc/self/fd | wc -l", environment: ["GIVEN=yes"])
    // ls has 0 to 2 and the directory that it lists.
    #expect(text.split(separator: "\n").map { $0.filter { $0 != " " } } == ["yes", "4"])
    #expect(ending == .exited(0))
    #expect(open.raw > 2)
  }

  @Test func `says how the child ended`() throws {
    #expect(try output(of: "exit 7").ending == .exited(7))
    #expect(try output(of: "kill -SEGV $$").ending == .killed(signal: 11))
  }

  @Test func `descriptors are laid out right even when they overlap`() throws {
    let first = try FileDescriptor.sealed("a", Array("first".utf8))
    let second = try FileDescriptor.sealed("b", Array("second".utf8))
    let pipe = try Pipe()
    // Swapped, so that copying one after the other without care would lose one.
    let child = try ChildProcess(
      "/bin/sh", ["-c", "cat <&3; cat <&4"],
      descriptors: [-1, pipe.writing.raw, -1, second.raw, first.raw])
    let reading = pipe.takeReading()
    let text = String(decoding: try reading.readAll(limit: 100), as: UTF8.self)
    #expect(text == "secondfirst")
    #expect(child.wait() == .exited(0))
  }

  @Test func `finish ends one that would not end by itself`() throws {
    let child = try ChildProcess("/bin/sleep", ["600"], descriptors: [-1, -1, -1])
    #expect(child.finish() == .killed(signal: SIGKILL))
  }

  @Test func `none stays behind, not even as a zombie`() throws {
    for _ in 0..<20 {
      _ = try ChildProcess("/bin/sleep", ["601"], descriptors: [-1, -1, -1])
    }
    let (text, _) = try output(
      of: "ps --no-headers --ppid \(getpid()) -o args | grep -c '[s]leep 601'")
    #expect(text == "0\n")
  }

  @Test func `a program that does not exist is an error here, not in the child`() {
    let error = #expect(throws: SystemError.self) {
      _ = try ChildProcess("/nowhere/program", descriptors: [])
    }
    #expect(error?.isMissing == true)
  }

  @Test func `a detached program lives in a session of its own`() async throws {
    let place = try TemporaryDirectory()
    let script = "ps -o sid= -p $$ > \(place.file("session")); echo $$ > \(place.file("id"))"
    try ChildProcess.launchDetached(
      "/bin/sh", ["-c", script + "; mv \(place.file("id")) \(place.file("done"))"],
      environment: ["PATH=/usr/bin:/bin"], descriptors: [-1, -1, -1])
    await eventually("the program has written its session", timeout: .seconds(10)) {
      (try? place.read("done")) != nil
    }
    func number(_ name: String) throws -> String {
      try place.read(name).filter { $0.isNumber }
    }
    #expect(try number("session") == number("done"))
  }
}
