/// FNV-1a, 64 bits: the same in every run and version. Tells apart, and hides nothing from those who
/// can guess; nobody gains by a collision where it is used.
enum StableHash {
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    let hash = bytes.reduce(0xcbf2_9ce4_8422_2325 as UInt64) {
      ($0 ^ UInt64($1)) &* 0x100_0000_01b3
    }
    return String(hash, radix: 16)
  }
}
