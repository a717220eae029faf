internal import CPosix
internal import Glibc

/// Facts about this process and this host, and the ways to change them. Holds no state.
public enum Process {
  /// The effective one.
  public static var user: UInt32 { geteuid() }
  public static var id: Int32 { getpid() }
  /// The program that started this one, or took its place when it ended.
  public static var parent: Int32 { getppid() }

  /// Gives up every group and id but these, for good. Only root can.
  public static func become(user: UInt32, group: UInt32) throws(SystemError) {
    _ = try check("give up root's rights") { cposix_become(user, group) }
  }

  /// The permissions that who started this program wants no file to have. From when this is first asked
  /// on, new files are for their owner alone.
  public static let callersMask: UInt32 = umask(0o077)

  /// What every program of ours does first. New files are for their owner alone; a broken pipe or
  /// connection, or a file beyond the limit of its size, is an error of the call and not the end of the process; and a standard descriptor
  /// that the caller left closed is taken, so that no file of ours gets its number and with it what
  /// is printed.
  public static func prepare() {
    _ = callersMask
    _ = signal(SIGPIPE, SIG_IGN)
    _ = signal(SIGXFSZ, SIG_IGN)
    for descriptor in Int32(0)...2 where fcntl(descriptor, F_GETFD) == -1 {
      _ = unsafe open("/dev/null", O_RDWR)
    }
  }

  /// What this program was called with, byte for byte, its own name first.
  public static var arguments: [[UInt8]] {
    (0..<Int(CommandLine.argc)).compactMap { index in
      guard let text = unsafe CommandLine.unsafeArgv[index] else { return nil }
      return unsafe text.withMemoryRebound(to: UInt8.self, capacity: strlen(text)) {
        unsafe Array(UnsafeBufferPointer(start: $0, count: strlen(text)))
      }
    }
  }

  /// A variable of the environment.
  public static func variable(_ name: String) -> String? {
    guard let text = unsafe getenv(name) else { return nil }
    return unsafe String(cString: text)
  }

  /// The absolute path of the running program; never taken from the environment or arguments.
  public static func executable() throws(SystemError) -> String {
    var buffer = [CChar](repeating: 0, count: 4096)
    let size = buffer.count
    let count = try check("find this program") {
      unsafe readlink("/proc/self/exe", &buffer, size)
    }
    return text(buffer.prefix(count))
  }

  private static func text(_ bytes: some Sequence<CChar>) -> String {
    String(decoding: bytes.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The current directory; `/` if it cannot be told.
  public static var workingDirectory: String {
    guard let path = unsafe getcwd(nil, 0) else { return "/" }
    defer { unsafe free(path) }
    return unsafe String(cString: path)
  }

  public static var hostName: String {
    var buffer = [CChar](repeating: 0, count: 256)
    let size = buffer.count - 1
    guard unsafe gethostname(&buffer, size) == 0 else { return "localhost" }
    return text(buffer.prefix { $0 != 0 })
  }

  /// Writes to standard output (1) or standard error (2); what cannot be written is dropped.
  public static func print(_ text: String, to descriptor: Int32) {
    let output = FileDescriptor(owning: descriptor)
    try? output.write(Array(text.utf8))
    _ = output.release()
  }
}
