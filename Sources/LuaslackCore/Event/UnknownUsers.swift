/// How a message shows a user name that is no user's of this host. People type passwords into the field
/// for the name, and a channel is read by many. Pure; what an event is judged by is the whole name.
public enum UnknownUsers: String, Sendable, CaseIterable {
  /// The first characters.
  case short
  case full
  case hidden

  /// `name` as people get to see it; nil: not at all.
  func shown(_ name: String) -> String? {
    switch self {
    case .full: name
    case .hidden: Self.isCommon(name) ? name : nil
    case .short: Self.isCommon(name) ? name : Self.shortened(name)
    }
  }

  /// One that attackers try everywhere.
  static func isCommon(_ name: String) -> Bool { common.contains(name.lowercased()) }

  /// Three characters, but never more than half of it. How long it was is not said either.
  private static func shortened(_ name: String) -> String {
    let bytes = name.utf8.prefix(64)
    guard !bytes.isEmpty else { return name }
    let beginning = String(decoding: bytes, as: UTF8.self)
    return beginning.prefix(min(3, beginning.count / 2)) + "…"
  }

  /// What attackers try everywhere: nobody's secret, and worth reading.
  private static let common: Set<String> = [
    "", "admin", "administrator", "anonymous", "ansible", "apache", "backup", "bin", "centos",
    "daemon",
    "debian", "deploy", "docker", "elastic", "ec2-user", "es", "ftp", "ftpuser", "games", "git",
    "gitlab", "guest", "hadoop", "info", "jenkins", "kafka", "lp", "mail", "minecraft", "mongodb",
    "mysql", "nagios", "news", "nginx", "nobody", "odoo", "operator", "oracle", "pi", "postfix",
    "postgres", "postmaster", "proxy", "rabbitmq", "redis", "root", "samba", "server", "solr",
    "ssh",
    "sshd", "steam", "support", "sync", "sys", "sysadmin", "system", "teamspeak", "test", "test1",
    "tester", "testuser", "tomcat", "ts3", "ubnt", "ubuntu", "user", "user1", "uucp", "vagrant",
    "web", "weblogic", "webmaster", "wordpress", "www", "www-data", "zabbix",
  ]
}

extension EventContext {
  /// The user of an event as people get to see it; nil: there is none, or none that may be shown.
  func shownUser(_ name: String?) -> String? {
    guard let name = name.map(PlainText.line) else { return nil }
    return validUsers.contains(name) ? name : unknownUsers.shown(name)
  }
}
