import LuaslackCore

/// Whose spool it is decides who may ask; what is in it is nobody else's business.
enum OwnSpool {
  /// Ends the program where the spool is another user's. `what`: what was asked for, which begins the sentence.
  static func require(_ locations: Locations, for what: String) {
    guard Acceptor(locations).isGuest else { return }
    Luaslack.fail(
      .noPermission, "\(what) is for root and the owner of \(locations.spool); try sudo")
  }
}
