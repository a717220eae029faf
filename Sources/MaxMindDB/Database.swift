internal import CMaxMindDB
internal import Posix

/// A file that is no database, or a damaged one.
public struct DatabaseFileError: Error, Equatable, CustomStringConvertible {
  public let description: String
}

/// Owns one database file, mapped into memory by libmaxminddb. Whoever opens it sees to it that nobody shortens
/// the file meanwhile: reading behind its end then ends the process (SIGBUS, mmap(2)). What is in it
/// may be anything.
@safe
public struct Database: ~Copyable {
  private let handle: UnsafeMutablePointer<MMDB_s>
  /// As its maker calls it, `GeoLite2-City`; any text.
  public let type: String
  /// When it was made, in seconds since 1970.
  public let builtAt: UInt64

  /// How much of the file's end is searched for what describes it, by the format.
  private static let metadataLimit = 128 << 10
  private static let marker: [UInt8] = [0xab, 0xcd, 0xef] + Array("MaxMind.com".utf8)

  public init(path: String) throws(DatabaseFileError) {
    let metadata = try Self.metadata(path)
    guard case .text(let type)? = metadata["database_type"],
      case .number(let builtAt)? = metadata["build_epoch"]
    else { throw DatabaseFileError(description: "it does not say what it is") }
    let handle = UnsafeMutablePointer<MMDB_s>.allocate(capacity: 1)
    let code = unsafe MMDB_open(path, UInt32(MMDB_MODE_MMAP), handle)
    guard code == MMDB_SUCCESS else {
      unsafe handle.deallocate()
      throw DatabaseFileError(description: unsafe String(cString: MMDB_strerror(code)))
    }
    unsafe self.handle = handle
    (self.type, self.builtAt) = (type, builtAt)
  }

  deinit {
    unsafe MMDB_close(handle)
    unsafe handle.deallocate()
  }

  /// What describes the file, which libmaxminddb reads without bounds of its own: nothing that it would
  /// choke on comes to it.
  private static func metadata(_ path: String) throws(DatabaseFileError) -> Entry {
    let tail: [UInt8]
    let size: Int
    do throws(SystemError) {
      let file = try FileDescriptor.open(reading: path)
      size = try file.status().size
      tail = try file.readTail(limit: metadataLimit)
    } catch {
      throw DatabaseFileError(description: "\(error)")
    }
    guard let start = lastMarker(tail) else {
      throw DatabaseFileError(description: "no database in MaxMind's format, or cut off")
    }
    let bytes = Array(tail[start...])
    var decoder = Decoder(keeping: nil)
    var position = 0
    let read = try? decoder.entry(bytes.span, at: &position)
    guard let metadata = read ?? nil, case .number(let nodes)? = metadata["node_count"],
      case .number(let bits)? = metadata["record_size"], [24, 28, 32].contains(bits),
      (1...UInt64(UInt32.max)).contains(nodes), nodes * bits / 4 + 16 < UInt64(size)
    else { throw DatabaseFileError(description: "what describes it is damaged") }
    return metadata
  }

  private static func lastMarker(_ tail: [UInt8]) -> Int? {
    guard tail.count > marker.count else { return nil }
    for start in stride(from: tail.count - marker.count, through: 0, by: -1)
    where tail[start] == marker[0] && tail[start..<(start + marker.count)].elementsEqual(marker) {
      return start + marker.count
    }
    return nil
  }

  /// What it says of an address of 16 bytes (IPv4 at ::ffff:0:0/96), of it the members of these names; nil if
  /// it says nothing.
  public func entry(
    of address: [UInt8], keeping keys: Set<String>
  ) throws(DatabaseFileError) -> Entry? {
    precondition(address.count == 16)
    var isFound = false
    var offset: UInt32 = 0
    let code = unsafe cmmdb_lookup(handle, address, &isFound, &offset)
    // An address of IPv6 in a database of IPv4.
    if code == MMDB_IPV6_LOOKUP_IN_IPV4_DATABASE_ERROR { return nil }
    guard code == MMDB_SUCCESS else {
      throw DatabaseFileError(description: unsafe String(cString: MMDB_strerror(code)))
    }
    guard isFound else { return nil }
    let section = unsafe Span<UInt8>(
      _unsafeStart: handle.pointee.data_section, count: Int(handle.pointee.data_section_size))
    var decoder = Decoder(keeping: keys)
    var position = Int(offset)
    do throws(Decoder.Damaged) {
      return try decoder.entry(section, at: &position)
    } catch {
      throw DatabaseFileError(description: "what it says of an address is damaged")
    }
  }
}
