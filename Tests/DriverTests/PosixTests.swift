import Glibc
import Posix
import TestSupport
import Testing

@Suite struct DirectoryTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory()
  }

  private func open() throws -> Directory { try Directory.open(place.path) }

  @Test func `a new file is for its owner alone and never replaces one`() throws {
    let directory = try open()
    let file = try directory.create("a")
    try file.write(Array("text".utf8))
    #expect(try directory.status("a").permissions == 0o600)
    let error = #expect(throws: SystemError.self) {
      let directory = try open()
      _ = try directory.create("a")
    }
    #expect(error?.exists == true)
  }

  @Test func `no name is followed through a symbolic link`() throws {
    _ = try place.write("secret", to: "target")
    try #require(symlink(place.file("target"), place.file("link")) == 0)
    #expect(throws: SystemError.self) { _ = try self.open().openForReading("link") }
    #expect(throws: SystemError.self) { _ = try self.open().openOrCreate("link") }
    try #require(symlink(place.path, place.file("folder")) == 0)
    #expect(throws: SystemError.self) { _ = try Directory.open(place.file("folder")) }
    #expect(throws: SystemError.self) { _ = try self.open().directory("folder") }
  }

  @Test func `names lists everything but the directory itself`() throws {
    for name in ["b", "a", ".c", "é"] { _ = try place.write("", to: name) }
    let directory = try open()
    #expect(try directory.names().sorted() == [".c", "a", "b", "é"])
    #expect(try directory.names().count == 4)
    #expect(try directory.names(limit: 2).count == 2)
  }

  @Test func `a FIFO without a reader says so instead of waiting`() throws {
    let directory = try open()
    try directory.makeFifo("fifo")
    try directory.makeFifo("fifo")
    let error = #expect(throws: SystemError.self) {
      _ = try self.open().openFifoForWriting("fifo")
    }
    #expect(error?.hasNoReader == true)
    let reader = try directory.openFifoForReading("fifo")
    try directory.openFifoForWriting("fifo").write([1, 2])
    #expect(try reader.read(upTo: 10) == [1, 2])
    #expect(throws: SystemError.self) {
      let reader = try self.open().openFifoForReading("fifo")
      _ = try reader.read(upTo: 10)
    }
  }

  @Test func `a rename is seen under the new name only`() throws {
    _ = try place.write("x", to: "old")
    let directory = try open()
    try directory.rename("old", to: "new")
    let isOld = directory.exists("old")
    let isNew = directory.exists("new")
    #expect(!isOld && isNew)
    try directory.remove("new")
    #expect(try directory.names().isEmpty)
  }
}

@Suite struct FileDescriptorTests {
  @Test func `a lock is held by one, and passes with the descriptor`() throws {
    let place = try TemporaryDirectory()
    let first = try Directory.open(place.path).openOrCreate("lock")
    let second = try Directory.open(place.path).openOrCreate("lock")
    let isFirst = try first.tryLock()
    let isSecond = try second.tryLock()
    #expect(isFirst && !isSecond)
    try first.unlock()
    let isFree = try second.tryLock()
    #expect(isFree)
  }

  @Test func `reading stops at the limit`() throws {
    let place = try TemporaryDirectory()
    let path = try place.write(String(repeating: "x", count: 200_000), to: "file")
    let all = try FileDescriptor.open(reading: path).readAll(limit: .max)
    let some = try FileDescriptor.open(reading: path).readAll(limit: 70_001)
    #expect(all.count == 200_000)
    #expect(some.count == 70_001)
  }

  @Test func `a sealed file cannot be changed by whoever gets it`() throws {
    let file = try FileDescriptor.sealed("test", [1, 2, 3])
    #expect(try file.read(upTo: 10) == [1, 2, 3])
    let raw = file.raw
    #expect(Glibc.write(raw, [9], 1) == -1 && errno == EPERM)
    #expect(ftruncate(raw, 0) == -1 && errno == EPERM)
  }

  @Test func `an error names the act and the kernel's reason`() {
    let error = #expect(throws: SystemError.self) {
      _ = try FileDescriptor.open(reading: "/nowhere/at/all")
    }
    #expect(error?.description == "read /nowhere/at/all: No such file or directory")
    #expect(error?.isMissing == true)
  }
}

@Suite struct SystemLogTests {
  @Test func `the journal is known by what systemd says of it`() throws {
    let place = try TemporaryDirectory()
    let file = try FileDescriptor.open(reading: try place.write("x", to: "file"))
    var status = stat()
    try #require(fstat(file.raw, &status) == 0)
    let stream = "\(status.st_dev):\(status.st_ino)"
    #expect(SystemLog.takes(file.raw, stream: stream))
    for other in [nil, "", "\(status.st_dev):1", "\(stream)0", "x"] {
      #expect(!SystemLog.takes(file.raw, stream: other))
    }
    #expect(!SystemLog.takes(-1, stream: stream))
  }

  @Test func `a line arrives whole, and nobody listening is an error at once`() throws {
    let place = try TemporaryDirectory()
    let path = place.file("log")
    #expect(throws: SystemError.self) { try SystemLog.post("x", to: path) }

    let socket = FileDescriptor(owning: Glibc.socket(AF_UNIX, Int32(SOCK_DGRAM.rawValue), 0))
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let raw = socket.raw
    let isBound = withUnsafePointer(to: &address) { pointer in
      pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        bind(raw, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
    try #require(isBound == 0)
    try SystemLog.post("an event", to: path)
    let line = String(decoding: try socket.read(upTo: 1_000), as: UTF8.self)
    #expect(line.hasPrefix("<83>luaslack[") && line.hasSuffix("]: an event"))
  }
}

@Suite struct DirectoryWatchTests {
  @Test func `what changes in a directory is told, and told once`() throws {
    let place = try TemporaryDirectory()
    var watch = try DirectoryWatch()
    let isNew = [
      try watch.add(place.path), try watch.add(place.path), try watch.add(place.file("missing")),
    ]
    #expect(isNew == [true, false, false])
    let nothing = watch.drain()
    #expect(!nothing)
    try place.write("x", to: "file")
    let isReady = try Readiness.wait(for: watch.descriptor.raw, milliseconds: 0)
    #expect(isReady)
    let told = [watch.drain(), watch.drain()]
    #expect(told == [true, false])
    try #require(rename(place.file("file"), place.file("other")) == 0)
    let isRenameTold = watch.drain()
    #expect(isRenameTold)
  }

  @Test func `a file is no directory to watch`() throws {
    let place = try TemporaryDirectory()
    try place.write("x", to: "file")
    var watch = try DirectoryWatch()
    let isWatched = try watch.add(place.file("file"))
    #expect(!isWatched)
    let isBlind = watch.isBlind
    #expect(isBlind)
  }

  @Test func `a link leads where it leads`() throws {
    let place = try TemporaryDirectory()
    try place.write("x", to: "file")
    try #require(symlink("file", place.file("link")) == 0)
    #expect(resolvedPath(place.file("link")) == resolvedPath(place.file("file")))
    #expect(resolvedPath(place.file("missing")) == nil)
  }
}
