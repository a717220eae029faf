internal import Posix

/// fail2ban's jail files, as far as `luaslack init` has to know them. Reads them as text, and writes
/// none: only fail2ban itself understands them in full.
public struct JailFiles: Sendable {
  /// Where a jail file names something.
  public struct Mention: Sendable, Equatable {
    public let file: String
    public let line: Int
  }

  /// The file that `luaslack init` writes; fail2ban reads it last.
  public static let ownName = "jail.d/zz-luaslack.local"

  private let texts: [(file: String, text: String)]

  /// Those of a configuration directory of fail2ban's, but our own.
  public init(in directory: String) {
    let more = ((try? Directory.open(directory + "/jail.d").names()) ?? []).sorted()
      .filter { $0.hasSuffix(".conf") || $0.hasSuffix(".local") }.map { "jail.d/" + $0 }
    texts = (["jail.conf", "jail.local"] + more).filter { $0 != Self.ownName }
      .compactMap { name in
        SetupFiles.read(directory + "/" + name).map { (name, String(decoding: $0, as: UTF8.self)) }
      }
  }

  /// Our own file, if it is there.
  public init(ownIn directory: String) {
    let text = SetupFiles.read(directory + "/" + Self.ownName)
    texts = text.map { [(Self.ownName, String(decoding: $0, as: UTF8.self))] } ?? []
  }

  init(_ texts: [(file: String, text: String)]) { self.texts = texts }

  /// The jails that have a section.
  public var jails: Set<String> {
    var jails = Set(texts.flatMap { Self.sections(of: $0.text) })
    jails.subtract(["DEFAULT", "INCLUDES"])
    return jails
  }

  /// The first line that has luaslack as an action.
  public var mention: Mention? {
    for (file, text) in texts {
      for (index, line) in Self.lines(text).enumerated() {
        if Self.namesAction(line) {
          return Mention(file: file, line: index + 1)
        }
      }
    }
    return nil
  }

  static func sections(of text: String) -> [String] {
    lines(text).compactMap { line in
      guard line.first == "[", let end = line.firstIndex(of: "]") else { return nil }
      return String(line[line.index(after: line.startIndex)..<end])
    }
  }

  private static func lines(_ text: String) -> [Substring] {
    text.split(omittingEmptySubsequences: false) { $0.isNewline }
  }

  /// `luaslack…` as a value, or as one more line of a value.
  private static func namesAction(_ line: Substring) -> Bool {
    func isAction(_ text: Substring) -> Bool {
      text.drop { $0 == " " || $0 == "\t" }.hasPrefix("luaslack")
    }
    guard let first = line.first(where: { $0 != " " && $0 != "\t" }), first != "#", first != ";"
    else { return false }
    let value = line.firstIndex(of: "=").map { line[line.index(after: $0)...] }
    return isAction(line) || value.map(isAction) ?? false
  }

  // MARK: - Our own

  /// The jails that a file of ours names.
  public static func jails(ofOwn text: [UInt8]?) -> [String] {
    sections(of: String(decoding: text ?? [], as: UTF8.self))
  }

  /// What our file says. Jail by jail: in [DEFAULT] the same line would refer to itself.
  public static func own(_ jails: [String], options: String) -> [UInt8] {
    let action = options.isEmpty ? "luaslack" : "luaslack[options=\"\(options)\"]"
    let sections = jails.map { "\n[\($0)]\naction = %(known/action)s\n         \(action)\n" }
    let heading = """
      # Written by `luaslack init --jails \(jails.joined(separator: ","))`; `luaslack init --undo` removes it.
      # Each jail does what it did before, and then tells luaslack.

      """
    return Array((heading + sections.joined()).utf8)
  }

  /// fail2ban gives a meaning to what else could stand in a name.
  public static func isName(_ name: String) -> Bool {
    !name.isEmpty && name.utf8.count <= 64 && name.first != "-"
      && name.utf8.allSatisfy { isPlain($0) && $0 != UInt8(ascii: "/") }
  }

  /// The options with which an action calls luaslack where its places are not the usual ones; nil if a
  /// path has characters that fail2ban or the shell would read as something else.
  public static func options(_ options: [String]) -> String? {
    let isPlain = options.allSatisfy { option in
      option.utf8.allSatisfy { Self.isPlain($0) || $0 == UInt8(ascii: "=") }
    }
    return isPlain ? options.joined(separator: " ") : nil
  }

  private static func isPlain(_ byte: UInt8) -> Bool {
    switch byte {
    case 0x30...0x39, 0x41...0x5a, 0x61...0x7a: true
    default: "-_./+".utf8.contains(byte)
    }
  }

  /// fail2ban's own word on why its configuration is wrong, out of what `fail2ban-client -t` printed.
  public static func problem(in output: String) -> String {
    let errors = output.split(separator: "\n").compactMap { line -> Substring? in
      guard let word = line.firstRange(of: "ERROR ") else { return nil }
      let text: Substring = line[word.upperBound...]
      return text.drop { $0 == " " }
    }
    let word = errors.first { !$0.hasPrefix("ERROR: test configuration failed") }
    let text = word ?? output.split(separator: "\n").last ?? "it does not say why"
    return PlainText.line(String(text.prefix(400)))
  }

  /// What to do about a problem that we know; nil about others. fail2ban keeps one value under `known/`: if that
  /// names it again, it names itself.
  public static func mend(of problem: String) -> String? {
    guard problem.contains("Recursion limit"), problem.contains("known/action") else { return nil }
    return
      "a jail of these has %(known/action)s already, and fail2ban takes it once: add luaslack as one "
      + "more line below it, in the file where it stands"
  }
}
