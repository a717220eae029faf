import TestSupport
import Testing

/// The filter as data, for both architectures, judged call by call.
@Suite struct FilterTests {
  /// A call's number on both; nil where there is none.
  private static let numbers: [String: (x86: UInt32?, aarch64: UInt32?)] = [
    "exit_group": (231, 94), "clock_gettime": (228, 113), "setitimer": (38, 103),
    "brk": (12, 214), "munmap": (11, 215), "mremap": (25, 216), "madvise": (28, 233),
    "getrandom": (318, 278), "gettimeofday": (96, 169), "time": (201, nil), "write": (1, 64),
    "mmap": (9, 222), "mprotect": (10, 226), "read": (0, 63), "open": (2, nil),
    "openat": (257, 56), "openat2": (437, 437), "close": (3, 57), "socket": (41, 198),
    "connect": (42, 203), "clone": (56, 220), "clone3": (435, 435), "fork": (57, nil),
    "vfork": (58, nil), "execve": (59, 221), "execveat": (322, 281), "kill": (62, 129),
    "tgkill": (234, 131), "ptrace": (101, 117), "process_vm_writev": (311, 271),
    "unlinkat": (263, 35), "renameat2": (316, 276), "writev": (20, 66), "pwrite64": (18, 68),
    "sendto": (44, 206), "ioctl": (16, 29), "prctl": (157, 167), "seccomp": (317, 277),
    "io_uring_setup": (425, 425), "memfd_create": (319, 279), "userfaultfd": (323, 282),
    "bpf": (321, 280), "mount": (165, 40), "setuid": (105, 146), "exit": (60, 93),
    "nanosleep": (35, 101), "pkey_mprotect": (329, 288), "shmat": (30, 196),
    "rt_sigaction": (13, 134), "rt_sigreturn": (15, 139), "dup2": (33, nil),
  ]
  private static let allowed: Set<String> = [
    "exit_group", "clock_gettime", "setitimer", "brk", "munmap", "mremap", "madvise", "getrandom",
    "gettimeofday", "time",
  ]
  /// Allowed or not by their arguments.
  private static let judged: Set<String> = ["write", "mmap", "mprotect"]
  private static let x86: UInt32 = 0xc000_003e
  private static let aarch64: UInt32 = 0xc000_00b7
  private static let allow: UInt32 = 0x7fff_0000
  private static let kill: UInt32 = 0x8000_0000

  struct Machine: CustomTestStringConvertible, Sendable {
    let testDescription: String
    let word: String
    let architecture: UInt32
    let isX86: Bool
  }

  private static let machines: [Machine] = {
    let other = Machine(
      testDescription: "aarch64", word: "show-filter-aarch64", architecture: aarch64, isX86: false)
    #if arch(x86_64)
      let own = Machine(
        testDescription: "x86-64", word: "show-filter-native", architecture: x86, isX86: true)
      return [own, other]
    #else
      return [other]
    #endif
  }()

  private func filter(_ machine: Machine) async throws -> Filter {
    Filter(bytes: try await run(OpenSandbox.program, [machine.word]).outputBytes)
  }

  @Test(arguments: machines)
  func `lets through what computing needs, and kills for the rest`(machine: Machine) async throws {
    let filter = try await filter(machine)
    #expect(filter.steps.count > 20)
    for (name, both) in Self.numbers where !Self.judged.contains(name) {
      guard let number = machine.isX86 ? both.x86 : both.aarch64 else { continue }
      let verdict = filter.verdict(machine.architecture, number, [1, 1, 1, 0, 0, 0])
      #expect(verdict == (Self.allowed.contains(name) ? Self.allow : Self.kill), "\(name)")
    }
  }

  @Test(arguments: machines)
  func `lets write reach descriptor 1 alone, and maps nothing that could run`(machine: Machine)
    async throws
  {
    let filter = try await filter(machine)
    func verdict(_ name: String, _ arguments: [UInt64]) -> UInt32? {
      let both = Self.numbers[name]
      let number = machine.isX86 ? both?.x86 : both?.aarch64
      return filter.verdict(machine.architecture, number ?? .max, arguments + [0, 0, 0, 0, 0])
    }
    #expect(verdict("write", [1, 0, 8]) == Self.allow)
    for other in [0, 2, 3, 4, 255, 0xffff_ffff] as [UInt64] {
      #expect(verdict("write", [other, 0, 8]) == Self.kill)
    }
    for (protection, isAllowed) in [
      (0, true), (1, true), (3, true), (4, false), (5, false), (7, false),
    ] {
      let expected = isAllowed ? Self.allow : Self.kill
      #expect(verdict("mmap", [0, 4096, UInt64(protection)]) == expected)
      #expect(verdict("mprotect", [0, 4096, UInt64(protection)]) == expected)
    }
  }

  @Test(arguments: machines)
  func `takes no call of another architecture, however it is numbered`(machine: Machine)
    async throws
  {
    let filter = try await filter(machine)
    let others: [UInt32] = [0x4000_0003, Self.x86, Self.aarch64, 0x4000_0028, 0]
    for architecture in others where architecture != machine.architecture {
      for number in 0..<500 as Range<UInt32> {
        #expect(filter.verdict(architecture, number, [1, 0, 0, 0, 0, 0]) == Self.kill)
      }
    }
    // x32: the same architecture, with bit 30 in the number.
    for number in 0..<600 as Range<UInt32> {
      let x32 = number | 0x4000_0000
      #expect(filter.verdict(machine.architecture, x32, [1, 0, 0, 0, 0, 0]) == Self.kill)
    }
  }

  @Test(arguments: machines)
  func `lets no more calls through than are named`(machine: Machine) async throws {
    let filter = try await filter(machine)
    var through: Set<UInt32> = []
    for number in 0..<2_000 as Range<UInt32>
    where filter.verdict(machine.architecture, number, [1, 0, 0, 0, 0, 0]) != Self.kill {
      through.insert(number)
    }
    let named = Self.allowed.union(Self.judged).compactMap { name in
      let both = Self.numbers[name]
      return machine.isX86 ? both?.x86 : both?.aarch64
    }
    #expect(through == Set(named))
  }
}

/// The part of the kernel's packet filter that ours uses.
private struct Filter {
  struct Step {
    let code: UInt16
    let jumpTrue, jumpFalse: UInt8
    let k: UInt32
  }

  let steps: [Step]

  init(bytes: [UInt8]) {
    steps = stride(from: 0, to: bytes.count - bytes.count % 8, by: 8).map { at in
      let k = (0..<4).reduce(UInt32(0)) { $0 | UInt32(bytes[at + 4 + $1]) << UInt32(8 * $1) }
      return Step(
        code: UInt16(bytes[at]) | UInt16(bytes[at + 1]) << 8, jumpTrue: bytes[at + 2],
        jumpFalse: bytes[at + 3], k: k)
    }
  }

  /// What the kernel would do with a call; nil if the program does what ours must not.
  func verdict(_ architecture: UInt32, _ number: UInt32, _ arguments: [UInt64]) -> UInt32? {
    // struct seccomp_data: number, architecture, instruction pointer, six arguments.
    let words: [UInt32] =
      [number, architecture, 0, 0]
      + arguments.prefix(6).flatMap { [UInt32(truncatingIfNeeded: $0), UInt32($0 >> 32)] }
    var accumulator: UInt32 = 0
    var at = 0
    while steps.indices.contains(at) {
      let step = steps[at]
      at += 1
      switch step.code {
      case 0x20:  // load a word
        guard step.k % 4 == 0, Int(step.k / 4) < words.count else { return nil }
        accumulator = words[Int(step.k / 4)]
      case 0x15: at += Int(accumulator == step.k ? step.jumpTrue : step.jumpFalse)
      case 0x45: at += Int(accumulator & step.k != 0 ? step.jumpTrue : step.jumpFalse)
      case 0x06: return step.k
      default: return nil
      }
    }
    return nil
  }
}
