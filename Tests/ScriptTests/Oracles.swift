@testable import LuaslackCore

/// What must hold for any bytes that others wrote and we decode. `make fuzz` compiles this file too:
/// Fuzz/Sources/fuzz.
enum Oracle: String, CaseIterable {
  /// What a sandbox said about one event.
  case frames
  /// One tree.
  case tree
  /// Slack's answers, and the body of a spool file.
  case json
  /// A file of incoming/, which holds whatever a full disk made of it.
  case spool

  /// What is wrong with how these bytes are decoded; nil if nothing is. That it comes back at all is
  /// half of what is asked.
  func complaint(about bytes: [UInt8]) -> String? {
    switch self {
    case .frames: Self.frames(bytes)
    case .tree: Self.tree(bytes)
    case .json: Self.json(bytes)
    case .spool: Self.spool(bytes) ?? Self.spool(Self.sealed(bytes))
    }
  }

  /// The files of the chain whose frames the seeds are.
  static let files = ["10-first.lua", "20-second.lua", "30-third.lua"]

  private static func frames(_ bytes: [UInt8]) -> String? {
    let limits = SandboxLimits()
    let frames = FrameReader.frames(bytes, files: files, limits: limits)
    guard frames.map(\.file) == Array(files.prefix(frames.count)) else {
      return "frames of other files, or in another order"
    }
    for frame in frames {
      if case .payload(let payload, _) = frame.outcome {
        let size = Size(of: payload)
        guard size.nodes <= limits.resultNodes + 256, size.depth <= limits.resultDepth + 2 else {
          return "a payload beyond the limits: \(size)"
        }
      }
      let again = FrameReader.frames(encoded(frame), files: [frame.file], limits: limits)
      guard again == [frame] else { return "encoded and decoded again: \(again), not \(frame)" }
    }
    // What follows a frame has no say in it.
    for tail in [[0], Array("LSF1".utf8), bytes] as [[UInt8]] {
      let more = FrameReader.frames(bytes + tail, files: files, limits: limits)
      guard more.starts(with: frames) else { return "what follows a frame changes it" }
    }
    return nil
  }

  /// As the sandbox would have written it.
  private static func encoded(_ frame: Sandbox.Frame) -> [UInt8] {
    var tree: Value = ["file": .string(frame.file), "output": .string(frame.output)]
    tree["to"] = .array(frame.destinations.map { .string($0) })
    tree["handlers"] = .array(frame.handlers.map { .string($0) })
    if frame.isReply { tree["thread"] = "reply" }
    tree["ms"] = .int(Int64(frame.milliseconds))
    switch frame.outcome {
    case .payload(let payload, let at):
      tree["status"] = "ok"
      tree["payload"] = payload
      tree["at"] = .string(at)
    case .absent: tree["status"] = "absent"
    case .muted(let reason, let at):
      tree["status"] = "muted"
      tree["reason"] = .string(reason)
      tree["at"] = .string(at)
    case .digest(let at):
      tree["status"] = "digest"
      tree["at"] = .string(at)
    case .failed(let error):
      tree["status"] = "error"
      tree["error"] = .string(error)
    }
    var bytes = Array("LSF1".utf8)
    let body = Tree.bytes(tree)
    Tree.append(UInt32(body.count), to: &bytes)
    return bytes + body
  }

  private static func tree(_ bytes: [UInt8]) -> String? {
    let (nodes, depth) = (2_000, 20)
    guard let value = try? Tree.read(bytes[...], nodes: nodes, depth: depth) else { return nil }
    let size = Size(of: value)
    guard size.nodes <= nodes, size.depth <= depth else { return "beyond the limits: \(size)" }
    let again = Tree.bytes(value)
    // The same values in the order of their keys: no byte was passed over or read twice.
    guard again.count == bytes.count else { return "read \(bytes.count) bytes as \(again.count)" }
    guard let second = try? Tree.read(again[...], nodes: nodes, depth: depth), second == value
    else {
      return "encoded and decoded again it is another value"
    }
    let isLonger = (try? Tree.read(bytes[...] + [0], nodes: nodes, depth: depth)) != nil
    let isCut = (try? Tree.read(bytes.dropLast(), nodes: nodes, depth: depth)) != nil
    return isLonger || isCut ? "a byte more or less is taken as well" : nil
  }

  private static func json(_ bytes: [UInt8]) -> String? {
    guard let value = try? JSONReader.read(bytes) else { return nil }
    let text = JSONWriter.compact(value)
    guard Size(of: value).depth <= 65 else { return "too deep" }
    guard let again = try? JSONReader.read(text), again == value else {
      return "written and read again it is another value: \(text)"
    }
    guard let pretty = try? JSONReader.read(JSONWriter.pretty(value)), pretty == value else {
      return "written prettily and read again it is another value: \(text)"
    }
    return nil
  }

  private static func spool(_ bytes: [UInt8]) -> String? {
    guard let content = try? SpoolFile.read(bytes) else { return nil }
    let file = SpoolFile.bytes(content)
    guard let again = try? SpoolFile.read(file), again == content else {
      return "written and read again it is another event: \(String(decoding: file, as: UTF8.self))"
    }
    return nil
  }

  /// These bytes as a body under a header that fits, which nothing would find by trying.
  private static func sealed(_ body: [UInt8]) -> [UInt8] {
    let checksum = String(SpoolFile.checksum(body), radix: 16)
    let padded = String(repeating: "0", count: 8 - checksum.count) + checksum
    return Array("luaslack-spool 1 \(body.count) \(padded)\n".utf8) + body
  }
}

/// How large a value is, counted the way the limits do.
private struct Size: CustomStringConvertible {
  var nodes = 1
  var depth = 0

  init(of value: Value) {
    let parts: [Value] =
      switch value {
      case .array(let items): items
      case .object(let members): Array(members.values)
      default: []
      }
    for part in parts.map(Size.init(of:)) {
      nodes += part.nodes
      depth = max(depth, part.depth)
    }
    if value.array != nil || value.object != nil { depth += 1 }
  }

  var description: String { "\(nodes) nodes, \(depth) deep" }
}
