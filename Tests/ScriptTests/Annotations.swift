import Foundation

@testable import LuaslackCore

/// `scripts/types/*.lua` by its few rules: `---@class` with its `---@field`s, `---@alias`, and globals,
/// whose functions have a `---@param` for each argument.
struct Annotations {
  /// A field of a class, or an argument of a function.
  struct Member: Equatable, CustomStringConvertible {
    var name: String
    var isOptional: Bool
    var type: String
    var description: String { name + (isOptional ? "?" : "") }
  }

  private(set) var functions: [String: [Member]] = [:]
  /// Libraries, constants and functions, by name.
  private(set) var globals: Set<String> = []
  private(set) var aliases: [String: String] = [:]
  private var own: [String: [Member]] = [:]
  private var parents: [String: String] = [:]
  /// What the rules above do not know.
  private(set) var unknown: [String] = []

  static let shipped = Annotations(
    Script.read("../scripts/types/luaslack.lua") + Script.read("../scripts/types/lua.lua"))

  init(_ text: String) {
    var open: String?
    var arguments: [Member] = []
    for line in text.split(separator: "\n").map(String.init) {
      if let match = line.wholeMatch(of: /---@class ([\w.]+)(?:: ([\w.]+))?/) {
        open = String(match.1)
        own[String(match.1)] = []
        parents[String(match.1)] = match.2.map(String.init)
      } else if let match = line.wholeMatch(of: /---@(field|param) ([\w.]+)(\??) (.+)/) {
        let member = Member(
          name: String(match.2), isOptional: !match.3.isEmpty, type: Self.type(String(match.4)))
        if match.1 == "param" { arguments.append(member) } else { own[open ?? ""]?.append(member) }
      } else if let match = line.wholeMatch(of: /---@alias ([\w.]+) (.+)/) {
        aliases[String(match.1)] = String(match.2)
      } else if let match = line.wholeMatch(of: /function ([\w.]+)\((.*)\) end/) {
        add(String(match.1), String(match.2), arguments)
        arguments = []
      } else if let match = line.wholeMatch(of: /([\w.]+) = .+/) {
        globals.insert(String(match.1))
      } else if line.wholeMatch(of: /---@(meta|return .+|type .+|generic .+|overload .+)|--.*/)
        == nil
        || line.contains("---@") && !line.contains(/---@(meta|return|type|generic|overload)/)
      {
        unknown.append(line)
      }
    }
  }

  private mutating func add(_ name: String, _ list: String, _ arguments: [Member]) {
    globals.insert(name)
    functions[name] = arguments
    let names = list.split(separator: ", ").map(String.init)
    // Of `...` nothing need be said.
    let told = arguments.map(\.name)
    if told != names, told + ["..."] != names { unknown.append("\(name): \(told), \(names)") }
  }

  /// A type without what is said of it: up to a space that is in no bracket or quotation, nor before
  /// a bracket's end.
  private static func type(_ text: String) -> String {
    var depth = 0
    var isQuoted = false
    for index in text.indices {
      switch text[index] {
      case "\"": isQuoted.toggle()
      case "(", "<", "{": depth += 1
      case ")", ">", "}": depth -= 1
      case " " where depth == 0 && !isQuoted: return String(text[..<index])
      default: break
      }
    }
    return text
  }

  /// The fields of a class, with those of its parents.
  func fields(_ name: String) -> [Member] {
    (parents[name].map(fields) ?? []).filter { inherited in
      own[name]?.contains { $0.name == inherited.name } != true
    } + (own[name] ?? [])
  }

  func names(_ name: String) -> [String] { fields(name).map(\.name).sorted() }

  var classes: Set<String> { Set(own.keys) }

  /// Why a value is not of a type; nil if it is.
  func problem(_ value: Value, _ type: String) -> String? {
    let parts = Self.alternatives(type)
    guard parts.count == 1 else {
      return parts.contains { problem(value, $0) == nil } ? nil : "\(value) is no \(type)"
    }
    if let meaning = aliases[type] { return problem(value, meaning) }
    if type.hasPrefix("("), type.hasSuffix(")") {
      return problem(value, String(type.dropFirst().dropLast()))
    }
    if type.hasSuffix("[]") { return items(value, String(type.dropLast(2))) }
    if own[type] != nil { return members(value, type) }
    let isOne =
      switch (type, value) {
      case ("string", .string), ("integer", .int), ("number", .int), ("number", .float),
        ("boolean", .bool), ("table", .object), ("table", .array), ("false", false):
        true
      case (_, .object(let members)) where type.hasPrefix("table<string, "):
        members.values.allSatisfy { problem($0, String(type.dropFirst(14).dropLast())) == nil }
      case (_, .string(let text)): type == "\"\(text)\""
      default: false
      }
    return isOne ? nil : "\(value) is no \(type)"
  }

  private func items(_ value: Value, _ type: String) -> String? {
    guard let items = value.array else { return "\(value) is no list" }
    return items.lazy.compactMap { problem($0, type) }.first
  }

  private func members(_ value: Value, _ type: String) -> String? {
    guard let members = value.object else { return "\(value) is no \(type)" }
    let known = fields(type)
    if let key = members.keys.first(where: { key in !known.contains { $0.name == key } }) {
      return "\(type) has no \(key)"
    }
    for field in known {
      guard let member = members[field.name] else {
        if field.isOptional { continue }
        return "\(type).\(field.name) is missing"
      }
      if let problem = problem(member, field.type) { return "\(type).\(field.name): \(problem)" }
    }
    return nil
  }

  /// What stands between the `|` that are in no bracket.
  private static func alternatives(_ type: String) -> [String] {
    var parts = [""]
    var depth = 0
    for character in type {
      if "(<".contains(character) { depth += 1 }
      if ")>".contains(character) { depth -= 1 }
      if character == "|", depth == 0 {
        parts.append("")
      } else {
        parts[parts.count - 1].append(character)
      }
    }
    return parts
  }
}
