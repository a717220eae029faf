/// How often something was banned before an event: what formatters get as `event.history`. Pure counts; knows no
/// database.
public struct History: Sendable, Equatable {
  /// Times that figures are of, all of them up to the event.
  public enum Window: String, Sendable, CaseIterable {
    case hour, day, week, month

    /// Thirty days are a month.
    public var seconds: Int64 {
      switch self {
      case .hour: 3_600
      case .day: 86_400
      case .week: 7 * 86_400
      case .month: 30 * 86_400
      }
    }

    public var words: String {
      switch self {
      case .hour: "1 h"
      case .day: "24 h"
      case .week: "7 days"
      case .month: "30 days"
      }
    }
  }

  public struct Count: Sendable, Equatable {
    public var bans: Int64 = 0
    public var failures: Int64 = 0

    mutating func add(_ failures: Int64) {
      bans += 1
      self.failures += failures
    }
  }

  /// Of an address, a network or a jail.
  public struct Figures: Sendable, Equatable {
    // Not a dictionary: thousands of bans may be added to each of them, an event.
    private var (hour, day, week, month) = (Count(), Count(), Count(), Count())
    /// Seconds since 1970, of all that is kept; nil: never.
    public var first: Int64?
    public var last: Int64?

    public init() {}

    public subscript(window: Window) -> Count {
      get {
        switch window {
        case .hour: hour
        case .day: day
        case .week: week
        case .month: month
        }
      }
      set {
        switch window {
        case .hour: hour = newValue
        case .day: day = newValue
        case .week: week = newValue
        case .month: month = newValue
        }
      }
    }

    /// A ban so many seconds ago.
    mutating func add(failures: Int64, seconds: Int64) {
      guard seconds < Window.month.seconds else { return }
      month.add(failures)
      guard seconds < Window.week.seconds else { return }
      week.add(failures)
      guard seconds < Window.day.seconds else { return }
      day.add(failures)
      guard seconds < Window.hour.seconds else { return }
      hour.add(failures)
    }
  }

  public struct Ban: Sendable, Equatable {
    public var jail: String
    /// Seconds since 1970.
    public var at: Int64
    public var failures: Int64
  }

  public var address = Figures()
  /// Other jails that banned the address, as far back as history goes; the last one first.
  public var jails: [String] = []
  /// The ban of the address before this event.
  public var previous: Ban?
  /// The address's network, `203.0.113.0/24`; nil for what is no address.
  public var network: String?
  public var networkFigures = Figures()
  public var jail = Figures()
  /// Addresses that were banned for this user within a day, this one with them; 0: no user.
  public var userAddresses: Int64 = 0

  public init() {}
}

// As formatters get it, and as it is kept with the event.
extension History {
  var value: Value {
    var address = address.value
    address["jails"] = .array(jails.map(Value.string))
    address["previous"] = previous.map {
      ["jail": .string($0.jail), "time": .int($0.at), "failures": .int($0.failures)]
    }
    var value: Value = ["address": address, "jail": jail.value]
    if let network {
      var figures = networkFigures.value
      figures["name"] = .string(network)
      value["network"] = figures
    }
    if userAddresses > 0 { value["user"] = ["addresses": .int(userAddresses)] }
    return value
  }
}

extension History.Figures {
  var value: Value {
    func all(_ count: (History.Count) -> Int64) -> Value {
      .object(
        Dictionary(
          uniqueKeysWithValues: History.Window.allCases.map {
            ($0.rawValue, .int(count(self[$0])))
          }))
    }
    var value: Value = ["bans": all(\.bans), "failures": all(\.failures)]
    value["first"] = first.map(Value.int)
    value["last"] = last.map(Value.int)
    return value
  }
}
