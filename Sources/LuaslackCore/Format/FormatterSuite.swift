internal import Posix

/// The formatters that a path holds, each as it is to be run and with the place of its cases. Looks,
/// and runs nothing.
///
/// A path is the folder of one formatter (`formatter.lua` and `cases/`), a directory of such folders,
/// or a directory of an admin's formatters, with the cases of `50-own.lua` in `cases/50-own/`; or one
/// formatter's file in either.
public struct FormatterSuite: Sendable {
  struct Tested: Sendable {
    /// `50-own`; of one in a folder the folder's name.
    let name: String
    let chain: FormatterChain
    let settings: Sandbox.Settings
    /// Where its cases are, name by name from `root` on.
    let cases: [String]
  }

  /// Nothing at the path can be tested.
  public struct Nothing: Error, CustomStringConvertible {
    public let description: String
  }

  let root: String
  private(set) var formatters: [Tested] = []
  /// Folders of cases for which there is no formatter, and why that is so.
  private(set) var orphans: [(cases: [String], why: String)] = []
  private let configuration: Configuration

  public init(_ path: String, _ configuration: Configuration) throws(Nothing) {
    self.configuration = configuration
    let path = Self.absolute(FormatterChain.path(of: path, configuration))
    let isFile: Bool
    do throws(SystemError) {
      isFile = try FileStatus.of(path).kind != .directory
    } catch {
      throw Nothing(description: error.isMissing ? "\(path): there is nothing there" : "\(error)")
    }
    root = isFile ? path.directoryPart : path
    if let problem = FormatterChain.unreadable(root + "/.") {
      throw Nothing(description: problem)
    }
    let file = isFile ? String(path.split(separator: "/").last ?? "") : nil
    let isOwn = root == Self.absolute(configuration.formattersDirectory)
    let isAlone = FormatterChain.luaFiles(root) == ["formatter.lua"]
    if !isOwn, file == "formatter.lua" || file == nil && isAlone {
      add(folder: [])
    } else if isOwn || file != nil || exists("cases") || !FormatterChain.luaFiles(root).isEmpty {
      addOwn(file)
    } else {
      for name in folders([]) { add(folder: [name]) }
    }
    if formatters.isEmpty, orphans.isEmpty {
      throw Nothing(description: "\(root) holds no formatter")
    }
  }

  /// Without what a path may have at its end: the last part is a formatter's name.
  private static func absolute(_ path: String) -> String {
    if let resolved = resolvedPath(path) { return resolved }
    var path = path.hasPrefix("/") ? path : Process.workingDirectory + "/" + path
    while path.hasSuffix("/") || path.hasSuffix("/.") { path.removeLast() }
    return path.isEmpty ? "/" : path
  }

  private func exists(_ name: String) -> Bool {
    (try? FileStatus.of(root + "/" + name)) != nil
  }

  /// Folders in it, sorted, but hidden ones.
  private func folders(_ place: [String]) -> [String] {
    let path = ([root] + place).joined(separator: "/")
    let names = (try? Directory.open(path + "/.").names()) ?? []
    return names.filter { name in
      !name.hasPrefix(".") && FormatterChain.isDirectory(path + "/" + name)
    }.sorted { $0.utf8.lexicographicallyPrecedes($1.utf8) }
  }

  /// One that may be handed around, and so has the same result with every config but for its limits.
  private mutating func add(folder: [String]) {
    let path = ([root] + folder).joined(separator: "/")
    let cases = folder + ["cases"]
    guard exists((folder + ["formatter.lua"]).joined(separator: "/")) else {
      if FormatterChain.isDirectory(path + "/cases") {
        orphans.append((cases, "there is no formatter.lua beside it"))
      }
      return
    }
    let name = String(path.split(separator: "/").last ?? "formatter")
    var settings = Sandbox.Settings()
    settings.limits = configuration.limits
    let chain = FormatterChain.load(
      folder: path, as: PlainText.line(name), limit: settings.limits.sourceBytes)
    formatters.append(Tested(name: name, chain: chain, settings: settings, cases: cases))
  }

  /// An admin's own, each as it runs: after the shipped ones that the config has before `local`.
  private mutating func addOwn(_ wanted: String?) {
    let files = wanted.map { [$0] } ?? FormatterChain.luaFiles(root)
    let names = files.map { $0.hasSuffix(".lua") ? String($0.dropLast(4)) : $0 }
    for (file, name) in zip(files, names) {
      var chain = FormatterChain.load(configuration, inPlaceOfLocal: [root + "/" + file])
      if let problem = FormatterChain.complaint(aboutDirectory: root) {
        chain.problems.append(FormatterProblem(file: file, error: problem))
      }
      formatters.append(
        Tested(
          name: name, chain: chain, settings: Self.settings(configuration), cases: ["cases", name]))
    }
    guard wanted == nil else { return }
    for name in folders(["cases"]) where !names.contains(name) {
      orphans.append((["cases", name], "there is no \(name).lua" + Nearest.hint(name, names)))
    }
  }

  /// As in earnest, but for the host's own time zone: a case's result may not depend on where it is tried.
  static func settings(_ configuration: Configuration) -> Sandbox.Settings {
    var settings = Sandbox.Settings(configuration)
    if configuration.timezone == nil { settings.zone = TimeZoneRule.utc }
    return settings
  }
}
