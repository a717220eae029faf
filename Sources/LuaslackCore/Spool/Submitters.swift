internal import Posix

/// What other users leave in `incoming/`, where the group luaslack-submit may put files. A notification is
/// believed in what it says, not in who says it or when: that the file's owner and the kernel tell.
/// Everything else is put aside. Nobody of them holds up what is ours, or another.
final class Submitters {
  /// Files of one user that wait, and bytes, a block at least for each: what is beyond goes.
  static let mostFiles = 1_000
  static let mostBytes = 16 << 20
  /// Notifications of one user that are taken in at once, and then one every two seconds: what they
  /// make stays in the queue, which is limited for all together.
  static let pace = Pace.Limit(interval: 2_000_000, burst: 100)
  /// Files that one look puts aside.
  static let rejectedAtOnce = 1_024
  /// Of those, how many are kept for people to look at.
  static let rejectedLimit = 100
  /// Destinations that one may name.
  static let mostDestinations = 8

  struct File {
    var name: String
    var status: FileStatus
  }

  /// What `status` says of who left more than there is room for.
  static let exceeded =
    "left more than \(mostFiles) notifications, or \(mostBytes >> 20) MiB of them, at once; the newest "
    + "were removed"

  private var paces: [UInt32: Pace] = [:]

  /// The oldest of each user's, as far as the pace lets them. `names`: all that there is.
  func take(
    _ files: [File], among names: [String], in drop: borrowing Maildrop, _ look: inout Intake.Look
  ) {
    var rejected = Rejected(names)
    let users = Dictionary(grouping: files, by: \.status.owner)
    for (user, files) in users.sorted(by: { $0.key < $1.key }) {
      let count = fitting(files)
      for file in files[count...] { try? drop.directory.remove(file.name) }
      let name = UserNames.described(user)
      if count < files.count { look.exceeding.append(name) }
      take(files[..<count], of: (user, name), in: drop, &look.found, &rejected)
    }
    look.refused += rejected.words
    rejected.sweep(drop)
    paces = paces.filter { $0.value.tokens < Double(Self.pace.burst) || users[$0.key] != nil }
  }

  /// How many there is room for.
  private func fitting(_ files: [File]) -> Int {
    var bytes = 0
    let beyond = files.firstIndex { file in
      // A sparse one may claim any size.
      bytes += min(max(4_096, file.status.size), Self.mostBytes + 1)
      return bytes > Self.mostBytes
    }
    return min(beyond ?? files.count, Self.mostFiles)
  }

  private func take(
    _ files: ArraySlice<File>, of user: (number: UInt32, name: String), in drop: borrowing Maildrop,
    _ found: inout [Intake.Found], _ rejected: inout Rejected
  ) {
    let now = Clock.monotonic()
    var pace = (paces[user.number] ?? Pace(Self.pace, now: now)).reckoned(Self.pace, now: now)
    defer { paces[user.number] = pace }
    for file in files {
      guard let record = notification(file.name, of: user, in: drop) else {
        rejected.put(file.name, of: user.number, in: drop)
        continue
      }
      guard pace.nextAt(Self.pace) <= now else { return }
      pace.take()
      found.append(
        Intake.Found(name: file.name, isOverflow: false, content: .event(record)))
    }
  }

  /// Nil for what is none. The file may be another by now than the one that was looked at.
  private func notification(
    _ name: String, of user: (number: UInt32, name: String), in drop: borrowing Maildrop
  ) -> EventRecord? {
    guard let (bytes, status) = try? drop.readSubmitted(name), status.owner == user.number,
      case .event(var record) = try? SpoolFile.read(bytes), record.kind == .notify, record.hasWords
    else { return nil }
    record.isFrom(user.name, at: status.changed)
    return record
  }
}

extension EventRecord {
  /// A notification of somebody else's. Of its time and host nothing is believed, and of the options that
  /// only fail2ban's events have.
  fileprivate mutating func isFrom(_ submitter: String, at time: Int64) {
    self.submitter = submitter
    acceptedAt = time
    options = [:]
    unknownOptions = []
    isReduced = false
    destinations = Array(destinations.prefix(Submitters.mostDestinations))
  }
}

/// What may not be where it is.
private struct Rejected {
  private var counts: [UInt32: Int] = [:]
  private var total = 0
  private var kept: Int
  /// Names that no look takes for whole files.
  private let hidden: [String]

  init(_ names: [String]) {
    hidden = names.filter { !Maildrop.isWhole($0) }
    kept = hidden.count { $0.hasPrefix(Maildrop.rejected) }
  }

  mutating func put(_ name: String, of user: UInt32, in drop: borrowing Maildrop) {
    guard total < Submitters.rejectedAtOnce else { return }
    total += 1
    counts[user, default: 0] += 1
    if kept >= Submitters.rejectedLimit, (try? drop.directory.remove(name)) != nil { return }
    // Not under their own name: it may be too long for a prefix, or that of something here.
    let own = "\(user)-\(Maildrop.newName(now: Clock.now()))"
    try? drop.directory.rename(name, to: Maildrop.rejected + own)
    kept += 1
  }

  var words: [String] {
    counts.sorted { $0.key < $1.key }.map { user, count in
      let what = count == 1 ? "a file" : "\(count) files"
      return
        "\(UserNames.described(user)) left \(what) in incoming/, and may leave notifications only"
    }
  }

  /// Others can give such names too. They may have some; when there are many, all go that can.
  func sweep(_ drop: borrowing Maildrop) {
    guard hidden.count > Submitters.rejectedAtOnce else { return }
    for name in hidden.prefix(4 * Submitters.rejectedAtOnce) {
      guard let status = try? drop.directory.status(name), !Maildrop.isOwn(status) else {
        continue
      }
      try? drop.directory.remove(name)
    }
  }
}

/// What users are called. Of /etc/passwd alone: other sources may have to ask the network, for which a
/// delivery shall not wait (docs/decisions/0013).
enum UserNames {
  private static let limit = 4 << 20

  /// `alice`, or `user 54321` of one who is not in the file.
  static func described(_ user: UInt32, file: String = "/etc/passwd") -> String {
    name(of: user, file: file) ?? "user \(user)"
  }

  private static func name(of user: UInt32, file: String) -> String? {
    guard let bytes = try? FileDescriptor.open(reading: file).readAll(limit: limit) else {
      return nil
    }
    for line in bytes.split(separator: 0x0a) {
      let parts = line.split(separator: 0x3a, omittingEmptySubsequences: false)
      guard parts.count >= 3, UInt32(String(decoding: parts[2], as: UTF8.self)) == user else {
        continue
      }
      let name = PlainText.line(String(decoding: parts[0].prefix(64), as: UTF8.self))
      return name.isEmpty ? nil : name
    }
    return nil
  }
}
