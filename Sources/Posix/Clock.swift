internal import Glibc

/// The clocks. The real one can jump; the others cannot, but mean nothing after a reboot.
public enum Clock {
  /// Microseconds since 1970, as the host believes.
  public static func now() -> Int64 {
    read(CLOCK_REALTIME)
  }

  /// Microseconds since some point, never going back.
  public static func monotonic() -> Int64 {
    read(CLOCK_MONOTONIC)
  }

  /// The same, going on while the host is suspended.
  public static func sinceBoot() -> Int64 {
    read(CLOCK_BOOTTIME)
  }

  public static func sleep(microseconds: UInt32) {
    usleep(microseconds)
  }

  private static func read(_ clock: clockid_t) -> Int64 {
    var time = timespec()
    _ = unsafe clock_gettime(clock, &time)
    return Int64(time.tv_sec) * 1_000_000 + Int64(time.tv_nsec) / 1_000
  }
}
