/// What Slack would refuse, cut or split in a message: where, as a JSON pointer, and what.
public struct Violation: Sendable, Hashable, CustomStringConvertible {
  public enum Problem: Sendable, Hashable {
    case characters(Int, most: Int)
    /// Of the text in all blocks together.
    case total(Int, most: Int)
    case parts(Int, most: Int)
    /// A text or a list with nothing in it.
    case empty
    case missing(String)
    /// A name that has to be the only one.
    case repeated
  }

  /// `/blocks/2/text/text`; lists count from 0.
  public let pointer: String
  public let problem: Problem

  public init(_ pointer: String, _ problem: Problem) {
    (self.pointer, self.problem) = (pointer, problem)
  }

  public var description: String {
    switch problem {
    case .characters(let count, let most):
      "\(pointer): \(grouped(count)) characters, Slack takes \(grouped(most))"
    case .total(let count, let most):
      "\(pointer): \(grouped(count)) characters in all blocks together, Slack takes \(grouped(most))"
    case .parts(let count, let most):
      "\(pointer): \(grouped(count)) parts, Slack takes \(grouped(most))"
    case .empty: "\(pointer): empty, which Slack refuses"
    case .missing(let what): "\(pointer): \(what)"
    case .repeated: "\(pointer): the same as an earlier one, which Slack refuses"
    }
  }

  /// 12,345
  private func grouped(_ number: Int) -> String {
    let digits = Array(String(number))
    return String(
      digits.enumerated().flatMap { index, digit in
        index > 0 && (digits.count - index).isMultiple(of: 3) ? [",", digit] : [digit]
      })
  }
}
