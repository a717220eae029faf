import Testing

@testable import LuaslackCore

@Suite struct WhereaboutsTests {
  private func value(_ entries: Value..., language: String = "en") -> Value? {
    Whereabouts(entries, language: language).value
  }

  @Test func `each vendor's entries are understood`() {
    let city: Value = [
      "country": ["iso_code": "DE", "names": ["en": "Germany", "de": "Deutschland"]],
      "city": ["names": ["en": "Munich", "de": "München"]],
    ]
    let network: Value = [
      "autonomous_system_number": 3320, "autonomous_system_organization": "Deutsche Telekom AG",
    ]
    #expect(
      value(city, network) == [
        "country": "DE", "flag": "🇩🇪", "name": "Germany", "city": "Munich", "asn": 3320,
        "org": "Deutsche Telekom AG",
      ])
    #expect(value(city, language: "de")?["city"] == "München")
    #expect(value(city, language: "ja")?["name"] == "Germany")
    let flat: Value = [
      "country": "Netherlands", "country_code": "NL", "asn": "AS1103", "as_name": "SURF B.V.",
    ]
    #expect(
      value(flat) == [
        "country": "NL", "flag": "🇳🇱", "name": "Netherlands", "asn": 1103, "org": "SURF B.V.",
      ])
    #expect(
      value(["country": "fr", "country_name": "France", "city": "Lyon"])
        == ["country": "FR", "flag": "🇫🇷", "name": "France", "city": "Lyon"])
  }

  @Test func `the first that knows gives it, and what belongs together stays together`() {
    let found = value(
      ["country": ["iso_code": "DE"]], ["country_code": "FR", "country": "France"],
      ["asn": 7], ["asn": 8, "as_name": "Eight"])
    #expect(found == ["country": "DE", "flag": "🇩🇪", "asn": 7])
  }

  @Test func `what nobody knows is not there`() {
    #expect(value() == nil)
    #expect(value([:], ["location": ["latitude": 1]]) == nil)
    #expect(value(["country": 5, "city": ["names": "x"], "asn": "x"], "text", 7) == nil)
  }

  @Test(arguments: [
    "AS", "ASx", "-1", "0", "4294967296", "AS99999999999999999999", "١٢", "AS 1",
  ])
  func `what is no number of a network is none`(text: String) {
    #expect(value(["asn": .string(text)]) == nil)
  }

  @Test(arguments: ["DEU", "D", "D1", "ＤＥ", "<!", "é", "\u{1f1e9}\u{1f1ea}"])
  func `what is no code of a country has no flag`(text: String) {
    let found = value(["country": ["iso_code": .string(text)]])
    #expect(found?["country"] == nil && found?["flag"] == nil)
  }

  @Test func `texts are clean and short`() throws {
    let evil = "a\u{202e}b\n\u{1b}[31m\u{200b}`c`\u{e000} " + String(repeating: "x", count: 100_000)
    let found = try #require(value(["as_name": .string(evil)])?["org"]?.string)
    #expect(found.hasPrefix("ab [31m'c' xx"))
    #expect(found.unicodeScalars.count == 128)
    let marks = "e" + String(repeating: "\u{301}", count: 100_000)
    let tamed = try #require(value(["as_name": .string(marks)])?["org"]?.string)
    #expect(tamed.unicodeScalars.count <= 17)
    #expect(value(["as_name": " \u{200b} "]) == nil)
  }
}

@Suite struct HostNameTests {
  @Test(arguments: [
    ("host.example.org", "host.example.org"), ("HOST.Example.ORG.", "host.example.org"),
    ("a_b-c.1.example", "a_b-c.1.example"), ("xn--bcher-kva.example", "xn--bcher-kva.example"),
  ])
  func `a name is shown in lower case`(text: String, shown: String) {
    #expect(HostName.clean(text) == shown)
  }

  @Test(arguments: [
    "", ".", "localhost", "a..b", ".a.b", "203.0.113.7", "a.b.7", "a b.example",
    "<!channel>.example",
    "a\\010b.example", "a\u{202e}.example", "bücher.example", "a`b.example", "a*b.example",
    String(repeating: "a", count: 64) + ".example",
    String(repeating: "a.", count: 125) + "exam", "a/b.example", "a:b.example", "a\n.example",
  ])
  func `what is no name of a host is not shown`(text: String) {
    #expect(HostName.clean(text) == nil)
  }

  @Test func `the longest name has 253 characters`() {
    let name = String(repeating: "a.", count: 125) + "com"
    #expect(name.utf8.count == 253 && HostName.clean(name) == name)
    #expect(HostName.clean("a" + name) == nil)
  }

  @Test func `an address is asked for by its name in DNS`() throws {
    func question(_ text: String) throws -> String? {
      HostName.question(for: try #require(Network(text)))
    }
    #expect(try question("203.0.113.7") == "7.113.0.203.in-addr.arpa")
    #expect(try question("::ffff:203.0.113.7") == "7.113.0.203.in-addr.arpa")
    let six = "7.0.0.0" + String(repeating: ".0", count: 20) + ".8.b.d.0.1.0.0.2.ip6.arpa"
    #expect(try question("2001:db8::7") == six)
    #expect(try question("203.0.113.0/24") == nil)
  }
}

@Suite struct NameCacheTests {
  private let address: Network

  init() throws { address = try #require(Network("203.0.113.7")) }

  private let second: Int64 = 1_000_000

  @Test func `an answer holds for its time, within bounds`() {
    for (given, kept) in [(300, 300), (1, 60), (10_000_000, 86_400), (-5, 60)] {
      var cache = NameCache()
      cache.keep([address: .named("host.example", seconds: given)], now: 0)
      let end = Int64(kept) * second
      #expect(cache.name(of: address, now: end - 1) == "host.example")
      #expect(cache.unknown([address], now: end - 1) == [])
      #expect(cache.name(of: address, now: end) == nil)
      #expect(cache.unknown([address], now: end) == [address])
    }
  }

  @Test func `that there is no name is known for a while, and silence for a shorter one`() {
    for (answer, seconds) in [
      (HostName.Answer.unnamed, 600), (.failed, 60), (.unanswered, 60),
    ] {
      var cache = NameCache()
      cache.keep([address: answer], now: 0)
      #expect(cache.unknown([address], now: Int64(seconds) * second - 1) == [])
      #expect(cache.unknown([address], now: Int64(seconds) * second) == [address])
    }
  }

  @Test func `after three silences nobody is asked for a minute`() throws {
    var cache = NameCache()
    var now: Int64 = 0
    let others = try (1...9).map { try #require(Network("198.51.100.\($0)")) }
    for index in 0..<3 {
      #expect(cache.unknown([others[index]], now: now) == [others[index]])
      cache.keep([others[index]: .unanswered], now: now)
      now += second
    }
    #expect(cache.isSilent(now: now))
    #expect(cache.unknown([others[3]], now: now) == [])
    now += 60 * second
    #expect(cache.unknown([others[3]], now: now) == [others[3]])
    // One more is enough then, and any answer ends it.
    cache.keep([others[3]: .unanswered], now: now)
    #expect(cache.isSilent(now: now))
    now += 60 * second
    cache.keep([others[4]: .failed, others[5]: .unanswered], now: now)
    cache.keep([others[6]: .unanswered], now: now)
    #expect(!cache.isSilent(now: now))
  }

  @Test func `it has a bound`() throws {
    var cache = NameCache()
    for number in 0..<(3 * NameCache.limit) {
      let text = "10.\(number >> 16).\(number >> 8 & 255).\(number & 255)"
      cache.keep([try #require(Network(text)): .unnamed], now: 0)
      #expect(cache.count <= NameCache.limit)
    }
  }

  @Test func `each address is asked for once, and no network`() throws {
    let network = try #require(Network("203.0.113.0/24"))
    #expect(NameCache().unknown([address, network, address], now: 0) == [address])
  }
}

/// Answers as a test says, and counts what it was asked.
private final class ScriptedLookup: Lookup {
  var asked: [[Network]] = []
  var opened = 0
  var problems: [String: String] = [:]
  var answer: (Network) -> HostName.Answer? = { _ in .named("host.example", seconds: 300) }

  func open(_ files: [String]) -> Bool {
    opened += 1
    return true
  }
  func entries(of address: Network, in files: [String], language: String) -> [Value] {
    [["country_code": "DE"]]
  }
  func names(
    of addresses: [Network], server: String?, milliseconds: Int
  ) -> [Network: HostName.Answer] {
    asked.append(addresses)
    return Dictionary(uniqueKeysWithValues: addresses.compactMap { a in answer(a).map { (a, $0) } })
  }
}

@Suite struct EnrichmentTests {
  private let lookup = ScriptedLookup()

  private func configuration(rdns: Bool = true, geo: Bool = true) -> Configuration {
    var configuration = Configuration(path: "/x/config.toml")
    if rdns { configuration.reverseNames = Configuration.ReverseNames() }
    if geo { configuration.geo.databases = ["/x/geo.mmdb"] }
    return configuration
  }

  private func ban(_ ip: String, id: String? = nil, kind: EventKind = .ban) -> EventRecord {
    var record = EventRecord(kind: kind, jail: "sshd", ip: ip, acceptedAt: 0)
    record.set(.id, id)
    return record
  }

  @Test func `an event gets what is known of its address`() {
    let enrichment = Enrichment(lookup) { 0 }
    var record = ban("203.0.113.7")
    enrichment.prepare([record], configuration(), isBusy: false)
    enrichment.add(to: &record, configuration())
    #expect(record.known["geo"] == ["country": "DE", "flag": "🇩🇪"])
    #expect(record.known["rdns"] == "host.example")
    // What is not configured is not there, though the cache has it.
    var bare = ban("203.0.113.7")
    enrichment.add(to: &bare, configuration(rdns: false, geo: false))
    #expect(bare.known.isEmpty)
    var byID = ban("not an address", id: "203.0.113.7")
    enrichment.add(to: &byID, configuration())
    #expect(byID.known["rdns"] == "host.example")
    for other in [ban("203.0.113.0/24"), ban("x"), ban("203.0.113.7", kind: .jailStart)] {
      var other = other
      enrichment.add(to: &other, configuration())
      #expect(other.known.isEmpty)
    }
  }

  @Test func `all addresses of a batch are asked at once, and only what is to be told`() throws {
    let enrichment = Enrichment(lookup) { 0 }
    let records = [
      ban("203.0.113.7"), ban("2001:db8::7"), ban("203.0.113.7"), ban("203.0.113.9", kind: .unban),
    ]
    enrichment.prepare(records, configuration(), isBusy: false)
    #expect(
      lookup.asked == [
        [try #require(Network("203.0.113.7")), try #require(Network("2001:db8::7"))]
      ])
    enrichment.prepare(records, configuration(), isBusy: false)
    #expect(lookup.asked.count == 1)
  }

  @Test func `while more than five wait nobody is asked, and what is known is told`() {
    let enrichment = Enrichment(lookup) { 0 }
    let five = (1...5).map { ban("203.0.113.\($0)") }
    enrichment.prepare(five, configuration(), isBusy: false)
    #expect(lookup.asked.count == 1)
    let six = (3...8).map { ban("203.0.113.\($0)") }
    enrichment.prepare(six, configuration(), isBusy: false)
    enrichment.prepare([ban("203.0.113.99")], configuration(), isBusy: true)
    #expect(lookup.asked.count == 1)
    var known = six[0]
    enrichment.add(to: &known, configuration())
    #expect(known.known["rdns"] == "host.example")
    var unknown = six[5]
    enrichment.add(to: &unknown, configuration())
    #expect(unknown.known["rdns"] == nil && unknown.known["geo"] != nil)
  }

  @Test func `a resolver that is silent is named and left alone, and forgotten addresses are`() {
    var now: Int64 = 0
    let enrichment = Enrichment(lookup) { now }
    lookup.answer = { _ in nil }
    for number in 1...20 {
      enrichment.prepare([ban("203.0.113.\(number)")], configuration(), isBusy: false)
    }
    #expect(lookup.asked.count == 3)
    #expect(enrichment.problems.keys.sorted() == ["rdns"])
    now = 61_000_000
    lookup.answer = { _ in .named("host.example", seconds: 300) }
    enrichment.prepare([ban("203.0.113.1")], configuration(), isBusy: false)
    #expect(lookup.asked.count == 4 && enrichment.problems.isEmpty)
    enrichment.forget()
    var record = ban("203.0.113.1")
    enrichment.add(to: &record, configuration())
    #expect(record.known["rdns"] == nil)
  }

  @Test func `what is not enabled is not asked`() {
    let enrichment = Enrichment(lookup) { 0 }
    enrichment.prepare([ban("203.0.113.7")], configuration(rdns: false), isBusy: false)
    #expect(lookup.asked.isEmpty && lookup.opened == 1)
  }
}
