/// Reads files that hold one secret. No error shows anything of what a file holds.
enum SecretFile {
  /// Bytes; a URL or a token is far shorter.
  private static let limit = 4 * 1024

  /// The one line of the file that is neither empty nor a comment. `kind` and `content` name the
  /// file and the secret in errors.
  static func line(
    of path: String, kind: String, content: String
  ) throws(Target.Refused) -> String {
    let bytes: [UInt8]
    do throws(TrustedFile.Refused) {
      bytes = try TrustedFile.read(path, limit: limit, isSecret: true)
    } catch {
      throw Target.Refused(description: "\(kind) file \(error)")
    }
    let lines = String(decoding: bytes, as: UTF8.self).split(whereSeparator: \.isNewline)
      .map { $0.filter { $0 != " " && $0 != "\t" } }
      .filter { !$0.isEmpty && !$0.hasPrefix("#") }
    guard lines.count == 1, let line = lines.first else {
      throw Target.Refused(description: "\(kind) file \(path): must hold one line, \(content)")
    }
    return line
  }
}
