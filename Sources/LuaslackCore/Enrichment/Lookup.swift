/// Looks addresses up, in database files and in DNS. libmaxminddb and c-ares in luaslackd, a script in tests of the
/// core.
public protocol Lookup: AnyObject {
  /// Sees to it that the files are open as they are now. False: some are not read to their end yet, and this
  /// wants to be called again soon.
  func open(_ files: [String]) -> Bool

  /// What is wrong with a file, by its path.
  var problems: [String: String] { get }

  /// What each of these files says of an address; those that say nothing are left out.
  func entries(of address: Network, in files: [String], language: String) -> [Value]

  /// The names of addresses that lead back to them. Takes no longer than so many milliseconds for all.
  func names(
    of addresses: [Network], server: String?, milliseconds: Int
  ) -> [Network: HostName.Answer]
}
