internal import Posix

/// One Lua file as it is on the disk.
struct FormatterFile: Sendable, Equatable {
  /// As error messages name it: `50-colours.lua`.
  var name: String
  var source: String
  /// Where it was read from.
  var path: String?
}

/// The formatters in the order in which they run, and what kept one from being read.
struct FormatterChain: Sendable, Equatable {
  var files: [FormatterFile] = []
  /// What `require` may load, by name.
  var libraries: [FormatterFile] = []
  var problems: [FormatterProblem] = []
  /// Files that do not run for now, by name.
  var leftOut: [String] = []

  /// Reads the files anew, so that a saved change counts at once.
  static func load(_ configuration: Configuration) -> FormatterChain {
    var chain = FormatterChain()
    for name in configuration.formatters {
      if name == "local" {
        chain.addLocal(configuration.formattersDirectory, limit: configuration.limits.sourceBytes)
      } else {
        chain.addShipped(name, limit: configuration.limits.sourceBytes)
      }
    }
    return chain
  }

  /// What one's own formatters are handed a payload by.
  static func shippedBeforeLocal(_ configuration: Configuration) -> FormatterChain {
    var shipped = configuration
    shipped.formatters = Array(configuration.formatters.prefix { $0 != "local" })
    return load(shipped)
  }

  /// The shipped ones that run before `local`, and after them what `paths` name: files, directories as `local` would
  /// run them, or formatters by name, one's own or shipped.
  static func load(
    _ configuration: Configuration, inPlaceOfLocal paths: [String]
  ) -> FormatterChain {
    var chain = shippedBeforeLocal(configuration)
    let limit = configuration.limits.sourceBytes
    for name in paths {
      let path = path(of: name, configuration)
      if isDirectory(path) {
        chain.addLocal(path, limit: limit)
        if let problem = nothing(in: path) {
          chain.problems.append(FormatterProblem(file: name, error: "\(name): \(problem)"))
        }
      } else if path == shippedPath(name) {
        let isThere = chain.files.contains { $0.name == name + ".lua" }
        if !isThere { chain.addShipped(name, limit: limit) }
      } else {
        _ = chain.add(file: path, limit: limit, formatters: configuration.formattersDirectory)
      }
    }
    return chain
  }

  /// The one in a folder of its own, as the shipped ones are, with the libraries beside it.
  static func load(folder: String, as name: String, limit: Int) -> FormatterChain {
    var chain = FormatterChain()
    let (file, path) = (name + ".lua", folder + "/formatter.lua")
    if let source = chain.read(path, as: file, limit: limit) {
      chain.files.append(FormatterFile(name: file, source: source, path: path))
    }
    chain.addLibraries(folder, limit: limit)
    return chain
  }

  /// Tells one state of a formatter and what it may load from another, for as long as it is the same.
  func version(of file: String) -> String {
    let sources = files.filter { $0.name == file } + libraries
    return StableHash.text(sources.flatMap { Array($0.source.utf8) + [0] })
  }

  static var shippedNames: [String] {
    // In a build folder it is a link, which only its contents are reached through.
    guard let scripts = try? Programs.scripts(),
      let names = try? Directory.open(scripts + "/.").names()
    else { return [] }
    // Beside them lies what is for editors.
    return names.filter {
      isFormatter($0 + ".lua") && (try? FileStatus.of("\(scripts)/\($0)/formatter.lua")) != nil
    }.sorted()
  }

  /// What somebody means who names a formatter: a path, or else a file of `formatters/` or a shipped one.
  static func path(of name: String, _ configuration: Configuration) -> String {
    let own = configuration.formattersDirectory + "/" + name
    let shipped = shippedPath(name).map { [$0] } ?? []
    let places = name.contains("/") ? [] : [own, own + ".lua"] + shipped
    // A directory that only happens to be called so hides no formatter.
    let found = ([name] + places).filter { (try? FileStatus.of($0)) != nil }
    return found.first { nothing(in: $0) == nil } ?? found.first ?? name
  }

  /// What is wrong with a directory that has no formatter in it, though it can be read.
  static func nothing(in path: String) -> String? {
    isDirectory(path) && unreadable(path) == nil && luaFiles(path).isEmpty
      ? "there is no formatter in it; one is a file such as 50-local.lua" : nil
  }

  private static func shippedPath(_ name: String) -> String? {
    try? Programs.scripts() + "/\(name)/formatter.lua"
  }

  private mutating func addShipped(_ name: String, limit: Int) {
    let file = name + ".lua"
    guard Self.isFormatter(file), let path = Self.shippedPath(name),
      (try? FileStatus.of(path)) != nil
    else {
      let known = Self.shippedNames + ["local"]
      let hint = Nearest.hint(name.hasSuffix(".lua") ? String(name.dropLast(4)) : name, known)
      let what = "\(FormatterProblem.unknownName) \"\(name)\"\(hint) (yours run as \"local\")"
      problems.append(FormatterProblem(file: file, error: "\(file): \(what)"))
      return
    }
    if let source = read(path, as: file, limit: limit) {
      files.append(FormatterFile(name: file, source: source, path: path))
    }
  }

  /// All formatters of a directory, and what lies in its `lib`.
  mutating func addLocal(_ directory: String, limit: Int) {
    if let problem = Self.complaint(aboutDirectory: directory) {
      problems.append(FormatterProblem(file: "formatters/", error: problem))
      return
    }
    for file in Self.luaFiles(directory) {
      guard let source = read(directory + "/" + file, as: file, limit: limit) else { continue }
      files.append(FormatterFile(name: file, source: source, path: directory + "/" + file))
    }
    addLibraries(directory, limit: limit)
  }

  /// Why none of a directory's formatters runs; nil if they do.
  static func complaint(aboutDirectory path: String) -> String? {
    // Who can write the directory can put other people's files into it.
    guard let status = try? FileStatus.of(path), status.permissions & 0o022 != 0 else {
      return nil
    }
    return "\(path) can be written by others; chmod go-w"
  }

  private mutating func addLibraries(_ directory: String, limit: Int) {
    for file in Self.luaFiles(directory + "/lib") {
      let name = "lib/" + file
      let path = directory + "/" + name
      guard !libraries.contains(where: { $0.name + ".lua" == file }),
        let source = read(path, as: name, limit: limit)
      else { continue }
      libraries.append(FormatterFile(name: String(file.dropLast(4)), source: source, path: path))
    }
  }

  /// One file, whatever its name, with the libraries beside it; one that lies in a `lib` is only
  /// loaded. Returns the name that errors give it.
  ///
  /// What it requires is also looked for in `formatters`, where a copy of it will lie.
  mutating func add(file path: String, limit: Int, formatters: String) -> String {
    let directory = path.directoryPart
    let base = PlainText.line(String(path.split(separator: "/").last ?? "formatter"))
    let isLibrary = directory == "lib" || directory.hasSuffix("/lib")
    let name = isLibrary ? "lib/" + base : base
    let known = Self.luaFiles(formatters) + Self.shippedNames
    guard let source = read(path, as: name, limit: limit, known: known) else { return name }
    guard isLibrary else {
      addLibraries(directory, limit: limit)
      if directory != formatters { addLibraries(formatters, limit: limit) }
      files.append(FormatterFile(name: name, source: source, path: path))
      return name
    }
    addLibraries(directory + "/..", limit: limit)
    let module = String(base.dropLast(base.hasSuffix(".lua") ? 4 : 0))
    libraries.removeAll { $0.name == module }
    libraries.append(FormatterFile(name: module, source: source, path: path))
    files.append(
      FormatterFile(name: name, source: "require(\"\(module)\")\nreturn {}", path: path))
    // Settings of a shipped formatter are right if that one takes them.
    if (try? FileStatus.of(Programs.scripts() + "/\(module)/formatter.lua")) != nil,
      !files.contains(where: { $0.name == module + ".lua" })
    {
      addShipped(module, limit: limit)
    }
    return name
  }

  static func isDirectory(_ path: String) -> Bool {
    (try? FileStatus.of(path))?.kind == .directory
  }

  /// Why a directory's files cannot be seen; nil if they can.
  static func unreadable(_ path: String) -> String? {
    do throws(SystemError) {
      _ = try Directory.open(path).names()
      return nil
    } catch {
      return "\(error)"
    }
  }

  /// What lies among the formatters and is none, but hidden files and `lib`.
  static func passedOver(_ directory: String) -> [String] {
    let names = (try? Directory.open(directory).names()) ?? []
    return names.filter { name in
      !isFormatter(name) && !name.hasPrefix(".") && !isDirectory(directory + "/" + name)
    }.sorted()
  }

  /// `known`: names that may have been meant by one of a file that is not there.
  private mutating func read(
    _ path: String, as name: String, limit: Int, known: [String] = []
  ) -> String? {
    do throws(TrustedFile.Refused) {
      let bytes = try TrustedFile.read(path, limit: limit)
      return String(decoding: bytes, as: UTF8.self)
    } catch {
      let meant = error.isMissing ? Nearest.of(name, known) : nil
      let hint = meant.map { "; did you mean \"\($0)\"?" } ?? ""
      problems.append(FormatterProblem(file: name, error: "\(name): \(error.problem)\(hint)"))
      return nil
    }
  }

  /// A directory that is not there holds no formatters; that is no error.
  static func luaFiles(_ directory: String) -> [String] {
    do throws(SystemError) {
      return try Directory.open(directory).names().filter(isFormatter).sorted {
        $0.utf8.lexicographicallyPrecedes($1.utf8)
      }
    } catch {
      return []
    }
  }

  /// Not an editor's backup (`x.lua~`), nor what a package manager left (`x.lua.dpkg-new`).
  static func isFormatter(_ name: String) -> Bool {
    guard name.hasSuffix(".lua"), let first = name.utf8.first, name.utf8.count > 4 else {
      return false
    }
    func isAlphanumeric(_ byte: UInt8) -> Bool {
      (0x30...0x39).contains(byte) || (0x41...0x5a).contains(byte) || (0x61...0x7a).contains(byte)
    }
    return isAlphanumeric(first)
      && name.utf8.dropLast(4).allSatisfy { isAlphanumeric($0) || $0 == 0x2d || $0 == 0x5f }
  }
}

extension Configuration {
  /// Formatters by the names that `preview` and `check` take: those in `formatters/` and the shipped ones.
  public var formatterNames: [String] {
    FormatterChain.luaFiles(formattersDirectory) + FormatterChain.shippedNames
  }

  public static var shippedFormatters: [String] { FormatterChain.shippedNames }
}

/// A formatter that did not do its part.
public struct FormatterProblem: Sendable, Equatable {
  public var file: String
  /// One sentence with file and line: `50-colours.lua:12: attempt to index a nil value`.
  public var error: String

  fileprivate static let unknownName = "no shipped formatter is called"

  /// The config names a formatter that does not exist.
  var isUnknownName: Bool { error.hasPrefix("\(file): \(Self.unknownName)") }

  /// As the channel and `preview` show it.
  public var sentence: String { "a formatter failed, this message went on without it: \(error)" }
}
