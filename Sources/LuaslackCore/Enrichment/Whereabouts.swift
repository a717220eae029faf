/// Where an address is and whose it is, as far as databases say. Their texts are anybody's, so each is clean and
/// short.
struct Whereabouts: Equatable {
  /// ISO 3166: two capitals.
  var country: String?
  var name: String?
  var city: String?
  /// The number of the autonomous system.
  var asn: Int64?
  var org: String?

  /// Characters of a text.
  static let textLimit = 128

  /// Members of an entry that are looked at.
  static func keys(language: String) -> [String] {
    [
      "country", "iso_code", "names", "en", language, "country_code", "country_name", "city",
      "traits",
      "autonomous_system_number", "autonomous_system_organization", "asn", "as_name",
    ]
  }

  /// Of several entries the first that knows a member gives it. They have the shapes of GeoLite2 and DB-IP
  /// (`country.iso_code`, `country.names.en`, `autonomous_system_number`), or the flat ones of IPinfo (`country_code`, `country`, `asn` as
  /// `AS3320`, `as_name`).
  init(_ entries: [Value], language: String) {
    for entry in entries {
      let names = Names(entry, language)
      // The name belongs to its country.
      if country == nil, name == nil {
        country = Self.code(entry)
        name = names.country
      }
      city = city ?? names.city
      // So does the organisation to its number.
      if asn == nil, org == nil {
        asn = Self.number(entry)
        org = Self.organisation(entry)
      }
    }
  }

  private struct Names {
    let country: String?
    let city: String?

    init(_ entry: Value, _ language: String) {
      func name(_ member: Value?) -> String? {
        Whereabouts.text(member?["names"]?[language]) ?? Whereabouts.text(member?["names"]?["en"])
      }
      let flat = Whereabouts.text(entry["country"]).flatMap { Whereabouts.isCode($0) ? nil : $0 }
      country = name(entry["country"]) ?? Whereabouts.text(entry["country_name"]) ?? flat
      city = name(entry["city"]) ?? Whereabouts.text(entry["city"])
    }
  }

  private static func code(_ entry: Value) -> String? {
    [entry["country"]?["iso_code"], entry["country_code"], entry["country"]].lazy
      .compactMap { text($0)?.uppercased() }.first(where: isCode)
  }

  private static func isCode(_ text: String) -> Bool {
    text.utf8.count == 2 && text.utf8.allSatisfy { (0x41...0x5a).contains($0 & 0xdf) && $0 < 0x7b }
  }

  /// `AS3320`, `3320` or a number; up to 32 bits.
  private static func number(_ entry: Value) -> Int64? {
    let values = [
      entry["autonomous_system_number"], entry["traits"]?["autonomous_system_number"], entry["asn"],
    ]
    return values.lazy.compactMap { value -> Int64? in
      if let number = value?.int { return number }
      guard let text = value?.string else { return nil }
      let digits = text.utf8.count > 2 && text.hasPrefix("AS") ? text.dropFirst(2) : text[...]
      return digits.utf8.allSatisfy { (0x30...0x39).contains($0) } ? Int64(digits) : nil
    }.first { (1...Int64(UInt32.max)).contains($0) }
  }

  private static func organisation(_ entry: Value) -> String? {
    let key = "autonomous_system_organization"
    return text(entry[key]) ?? text(entry["traits"]?[key]) ?? text(entry["as_name"])
  }

  private static func text(_ value: Value?) -> String? {
    guard let text = value?.string else { return nil }
    // Cut first: what follows takes its time, and may leave less.
    let short = String(String.UnicodeScalarView(text.unicodeScalars.prefix(4 * textLimit)))
    let clean = PlainText.line(PlainText.tamed(short)).unicodeScalars.prefix(textLimit)
    let words = String(String.UnicodeScalarView(clean)).split(separator: " ")
    return words.isEmpty ? nil : words.joined(separator: " ")
  }

  /// Two regional indicators, which show as the country's flag.
  static func flag(of country: String) -> String? {
    guard isCode(country), country == country.uppercased() else { return nil }
    let scalars = country.unicodeScalars.compactMap { Unicode.Scalar($0.value - 0x41 + 0x1f1e6) }
    return String(String.UnicodeScalarView(scalars))
  }

  /// `event.geo`; nil if nothing is known.
  var value: Value? {
    var value: Value = [:]
    value["country"] = country.map(Value.string)
    value["flag"] = country.flatMap(Self.flag).map(Value.string)
    value["name"] = name.map(Value.string)
    value["city"] = city.map(Value.string)
    value["asn"] = asn.map(Value.int)
    value["org"] = org.map(Value.string)
    return value == [:] ? nil : value
  }
}
