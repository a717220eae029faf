import Glibc

/// Which of the oracles: the environment says it, since libFuzzer has the arguments for itself.
private let oracle: Oracle = {
  let name = unsafe getenv("LUASLACK_FUZZ").map { unsafe String(cString: $0) } ?? ""
  guard let oracle = Oracle(rawValue: name) else {
    fatalError("LUASLACK_FUZZ must be one of \(Oracle.allCases.map(\.rawValue))")
  }
  return oracle
}()

@_cdecl("LLVMFuzzerTestOneInput")
public func testOneInput(_ bytes: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let input = unsafe Array(UnsafeBufferPointer(start: bytes, count: count))
  if let complaint = oracle.complaint(about: input) { fatalError(complaint) }
  return 0
}

@_silgen_name("LLVMFuzzerRunDriver")
private func runDriver(
  _ count: UnsafeMutablePointer<CInt>,
  _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?>,
  _ test: @convention(c) (UnsafePointer<UInt8>?, Int) -> CInt
) -> CInt

/// SwiftPM has the program begin here, where libFuzzer's own `main` is not found.
@_cdecl("fuzz_main")
public func fuzzMain(
  _ count: CInt, _ arguments: UnsafeMutablePointer<UnsafeMutablePointer<CChar>?>?
) -> CInt {
  var (count, arguments) = unsafe (count, arguments)
  return unsafe runDriver(&count, &arguments, testOneInput)
}
