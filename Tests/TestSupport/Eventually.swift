public import Testing

/// Waits until the condition holds, and records a failure if it never does in time. Returns
/// whether it did. For what happens in another process, where no event can be awaited.
@discardableResult
public func eventually(
  _ what: String = "the condition", timeout: Duration = .seconds(30),
  poll: Duration = .milliseconds(20), sourceLocation: SourceLocation = #_sourceLocation,
  _ condition: () async throws -> Bool
) async rethrows -> Bool {
  let end = ContinuousClock.now + timeout
  while true {
    if try await condition() { return true }
    if ContinuousClock.now >= end { break }
    try? await Task.sleep(for: poll)
  }
  Issue.record("\(what) did not come true within \(timeout)", sourceLocation: sourceLocation)
  return false
}
