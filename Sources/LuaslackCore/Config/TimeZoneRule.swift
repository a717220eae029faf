internal import Posix

/// The rule by which a zone's clocks go, as POSIX's `TZ` has it: `CET-1CEST,M3.5.0,M10.5.0/3`. It
/// stands in the last line of a zone's file. The sandbox, which can open none, gets it as text.
public enum TimeZoneRule {
  public static let utc = "UTC0"

  /// Why a name is no zone, and what to do.
  public struct Unknown: Error, Equatable, CustomStringConvertible {
    public let description: String
  }

  public static let directory = "/usr/share/zoneinfo"
  /// Bytes; the longest of today's has 3,600.
  private static let sizeLimit = 64 * 1024
  private static let lengthLimit = 64

  /// The host's own zone; UTC if nothing says what that is.
  public static func ofHost(_ path: String = "/etc/localtime") -> String {
    read(path) ?? utc
  }

  /// The zone of a name like `Europe/Berlin`.
  public static func named(
    _ name: String, in directory: String = directory
  ) throws(Unknown) -> String {
    guard (try? FileStatus.of(directory)) != nil else {
      throw Unknown(
        description: "time zones are unknown here, there is no \(directory); install tzdata")
    }
    guard isName(name), (try? FileStatus.of(directory + "/" + name))?.kind == .file else {
      throw Unknown(description: "unknown time zone \"\(name)\"" + hint(name, in: directory))
    }
    guard let rule = read(directory + "/" + name) else {
      throw Unknown(description: "\(directory)/\(name) holds no rule for clocks; name another zone")
    }
    return rule
  }

  private static func read(_ path: String) -> String? {
    guard let file = try? FileDescriptor.open(reading: path),
      let bytes = try? file.readAll(limit: sizeLimit)
    else { return nil }
    return rule(bytes)
  }

  /// The last line of a file in the format TZif, version 2 or later (RFC 8536, 3.3).
  static func rule(_ bytes: [UInt8]) -> String? {
    guard bytes.starts(with: "TZif".utf8), bytes.count > 5, bytes[4] >= UInt8(ascii: "2"),
      bytes.last == 0x0a, let start = bytes.dropLast().lastIndex(of: 0x0a)
    else { return nil }
    let rule = String(decoding: bytes[(start + 1)...].dropLast(), as: UTF8.self)
    return isRule(rule) ? rule : nil
  }

  /// A name for standard time and its distance from UTC, then only what a rule is written with: a
  /// text that C could take for the name of a file is none.
  static func isRule(_ text: String) -> Bool {
    guard text.utf8.count <= lengthLimit,
      text.utf8.allSatisfy({ isAlphanumeric($0) || "<>+,./:-".utf8.contains($0) })
    else { return false }
    let bytes = Array(text.utf8)
    let isQuoted = bytes.first == UInt8(ascii: "<")
    let name = bytes.dropFirst(isQuoted ? 1 : 0).prefix {
      isLetter($0) || isQuoted && (isDigit($0) || "+-".utf8.contains($0))
    }
    var rest = bytes.dropFirst((isQuoted ? 1 : 0) + name.count)
    if isQuoted, rest.popFirst() != UInt8(ascii: ">") { return false }
    if let sign = rest.first, "+-".utf8.contains(sign) { rest = rest.dropFirst() }
    return name.count >= 3 && rest.first.map(isDigit) == true
  }

  /// Parts of letters, digits, `_`, `+` and `-` alone, so that a name cannot leave the directory.
  private static func isName(_ name: String) -> Bool {
    name.utf8.count <= 64
      && name.split(separator: "/", omittingEmptySubsequences: false).allSatisfy { part in
        !part.isEmpty && part.utf8.allSatisfy { isAlphanumeric($0) || "_+-".utf8.contains($0) }
      }
  }

  private static func hint(_ name: String, in directory: String) -> String {
    let parts = name.split(separator: "/").map(String.init)
    let region = parts.count == 2 && isName(parts[0]) ? parts[0] : nil
    let names = (try? Directory.open(directory + (region.map { "/" + $0 } ?? "")).names()) ?? []
    let others = names.map { (region.map { $0 + "/" } ?? "") + $0 }.filter { $0 != name }
    if let nearest = Nearest.of(name, others) {
      return "; did you mean \"\(nearest)\"?"
    }
    return "; \(directory) holds the names, like \"Europe/Berlin\""
  }

  private static func isDigit(_ byte: UInt8) -> Bool { 0x30...0x39 ~= byte }
  private static func isLetter(_ byte: UInt8) -> Bool {
    0x41...0x5a ~= byte || 0x61...0x7a ~= byte
  }
  private static func isAlphanumeric(_ byte: UInt8) -> Bool { isDigit(byte) || isLetter(byte) }
}
