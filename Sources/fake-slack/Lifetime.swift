import Foundation
import Glibc

/// Sees to it that no fake Slack outlives its use: it ends on TERM and INT, with its parent, and
/// after a while in any case. There is nothing to save, so every end is immediate.
enum Lifetime {
  static func begin(maximum: Duration) {
    // A shell starts background jobs with INT ignored, hence both by hand.
    signal(SIGTERM) { _ in _exit(0) }
    signal(SIGINT) { _ in _exit(0) }

    let parent = getppid()
    Task.detached {
      let end = ContinuousClock.now + maximum
      while getppid() == parent, ContinuousClock.now < end {
        try await Task.sleep(for: .milliseconds(100))
      }
      _exit(0)
    }
  }
}
