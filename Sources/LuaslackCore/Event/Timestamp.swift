/// Instants as people and programs read them.
public enum Timestamp {
  /// `2026-11-21T09:05:00Z` of microseconds since 1970.
  public static func text(_ microseconds: Int64) -> String {
    let seconds = Int((Double(microseconds) / 1_000_000).rounded(.down))
    let (day, second) = floorDivide(seconds, 86_400)
    let (year, month, dayOfMonth) = date(daysSince1970: day)
    return "\(pad(year, 4))-\(pad(month))-\(pad(dayOfMonth))T"
      + "\(pad(second / 3_600)):\(pad(second / 60 % 60)):\(pad(second % 60))Z"
  }

  /// `2026-11-21 09:05:00 UTC` of seconds since 1970; of others than ours the nearest that is.
  static func words(_ seconds: Int64) -> String {
    let text = text(min(max(seconds, 0), 253_402_300_799) * 1_000_000)
    return text.replacing("T", with: " ").replacing("Z", with: " UTC")
  }

  /// `2026-11-21 09:05 UTC`, for people.
  static func minute(_ microseconds: Int64) -> String {
    let text = text(microseconds)
    return "\(text.prefix(10)) \(text.dropFirst(11).prefix(5)) UTC"
  }

  /// From 1970 to 9999: what else an event says of its time is no time.
  static func isDate(_ microseconds: Int64) -> Bool {
    (0..<253_402_300_800_000_000).contains(microseconds)
  }

  /// Seconds since 1970 of `2026-11-21`, `2026-11-21T09:05` or `2026-11-21 09:05:00Z`: always UTC. Nil for
  /// anything else.
  public static func seconds(of text: String) -> Int64? {
    let bytes = Array((text.hasSuffix("Z") ? text.dropLast() : text[...]).utf8)
    let shape = Array("0000-00-00 00:00:00".utf8)
    guard [10, 16, 19].contains(bytes.count) else { return nil }
    var numbers = [0]
    for (byte, kind) in zip(bytes, shape) {
      switch kind {
      case UInt8(ascii: "0"):
        guard (0x30...0x39).contains(byte) else { return nil }
        numbers[numbers.count - 1] = 10 * numbers[numbers.count - 1] + Int(byte - 0x30)
      case UInt8(ascii: " "):
        guard byte == kind || byte == UInt8(ascii: "T") else { return nil }
        numbers.append(0)
      default:
        guard byte == kind else { return nil }
        numbers.append(0)
      }
    }
    let (year, month, day) = (numbers[0], numbers[1], numbers[2])
    let time = Array(numbers[3...]) + [0, 0, 0]
    guard (1970...9999).contains(year), (1...12).contains(month), (1...31).contains(day),
      time[0] < 24, time[1] < 60, time[2] < 60
    else { return nil }
    // Years that begin on a 1 March, as below.
    let shifted = month > 2 ? year : year - 1
    let dayOfYear = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1
    let days = shifted * 365 + shifted / 4 - shifted / 100 + shifted / 400 + dayOfYear - 719_468
    // The 31st of a month that has none.
    guard date(daysSince1970: days) == (year, month, day) else { return nil }
    return Int64(days * 86_400 + time[0] * 3_600 + time[1] * 60 + time[2])
  }

  /// `Sat, 21 Nov 2026 09:05:00 +0000`, as RFC 5322 has it.
  static func mail(_ microseconds: Int64) -> String {
    let seconds = Int((Double(microseconds) / 1_000_000).rounded(.down))
    let (day, second) = floorDivide(seconds, 86_400)
    let (year, month, dayOfMonth) = date(daysSince1970: day)
    let weekdays = ["Thu", "Fri", "Sat", "Sun", "Mon", "Tue", "Wed"]
    let months = [
      "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ]
    return "\(weekdays[floorDivide(day, 7).1]), \(dayOfMonth) \(months[month - 1]) \(pad(year, 4)) "
      + "\(pad(second / 3_600)):\(pad(second / 60 % 60)):\(pad(second % 60)) +0000"
  }

  /// The proleptic Gregorian calendar, counted in eras of 400 years that begin on a 1 March: leap
  /// days then come last.
  private static func date(daysSince1970: Int) -> (year: Int, month: Int, day: Int) {
    let (era, dayOfEra) = floorDivide(daysSince1970 + 719_468, 146_097)
    let yearOfEra =
      (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
    let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
    let shifted = (5 * dayOfYear + 2) / 153
    let month = shifted < 10 ? shifted + 3 : shifted - 9
    let day = dayOfYear - (153 * shifted + 2) / 5 + 1
    return (era * 400 + yearOfEra + (month <= 2 ? 1 : 0), month, day)
  }

  private static func floorDivide(_ number: Int, _ divisor: Int) -> (Int, Int) {
    let (quotient, remainder) = number.quotientAndRemainder(dividingBy: divisor)
    return remainder < 0 ? (quotient - 1, remainder + divisor) : (quotient, remainder)
  }

  private static func pad(_ number: Int, _ width: Int = 2) -> String {
    let digits = String(number)
    return String(repeating: "0", count: max(0, width - digits.count)) + digits
  }
}
