import TestSupport
import Testing

@testable import LuaslackCore

/// What Slack would refuse or pass over, found before it is sent.
@Suite struct PayloadCheckTests {
  private func problems(_ payload: Value, looksForMarkup: Bool = true) -> [String] {
    PayloadCheck.remarks(payload, looksForMarkup: looksForMarkup).map(\.problem)
  }

  @Test(
    arguments: [
      ["text": "plain"],
      [
        "attachments": [
          ["color": "#d64545", "fields": [["title": "a", "value": "b", "short": true]]]
        ]
      ],
      ["attachments": [["color": "danger", "ts": 5, "blocks": [["type": "divider"]]]]],
      ["blocks": [["type": "section", "text": ["type": "mrkdwn", "text": "x"]]]],
      ["blocks": [["type": "actions", "elements": [["type": "overflow", "options": []]]]]],
      ["text": "\u{e000}mention\u{e001}here\u{e002} and \u{e000}raw\u{e001}<!here>\u{e002}"],
      ["text": "a < b && b > c, <nobody>"],
    ] as [Value])
  func `nothing to say`(payload: Value) {
    #expect(problems(payload) == [])
  }

  @Test(
    arguments: [
      (
        ["attachments": [["colour": "x"]]],
        "attachments[1].colour: no attachment has that; did you mean \"color\"?"
      ),
      (
        ["attachments": [["color": "red"]]],
        "attachments[1].color: \"red\" is no colour to Slack; write good, warning, danger or #rrggbb"
      ),
      (
        ["attachments": [["color": "#d6454"]]],
        "attachments[1].color: \"#d6454\" is no colour to Slack; write good, warning, danger or #rrggbb"
      ),
      (
        ["attachments": [["fields": [["titel": "x"]]]]],
        "attachments[1].fields[1].titel: no field has that; did you mean \"title\"?"
      ),
      (
        ["blocks": [["type": "sektion"]]],
        "blocks[1]: there is no block of type \"sektion\"; did you mean \"section\"?"
      ),
      (
        ["blocks": [["text": "x"]]],
        "blocks[1] has no type; build it with slack.section and the like"
      ),
      (["blocks": ["x"]], "blocks[1] must be a table, such as slack.section(…)"),
      (["blocks": ["type": "divider"]], "blocks must be a list { … }"),
      (["text": true], "text must be text"),
      (
        ["text": "<!here> now"],
        "a literal \"<!here>\" is shown as text; use slack.mention(\"here\")"
      ),
      (
        ["text": "<@U012AB3CD>"],
        "a literal \"<@U012AB3CD>\" is shown as text; use slack.mention(id)"
      ),
      (
        ["attachments": [["footer": "<https://a.example|b>"]]],
        "a literal \"<https://a.example|b>\" is shown as text; use slack.link(url, label)"
      ),
      (["text": "a &lt; b"], "a literal \"&lt;\" is shown as text; use \"<\": luaslack escapes it"),
    ] as [(Value, String)])
  func `one thing to say`(payload: Value, problem: String) {
    #expect(problems(payload) == [problem])
  }

  @Test func `limits are told as they are before sending`() {
    func limits(_ text: String) -> [String] {
      let object: Value = ["type": "mrkdwn", "text": .string(text)]
      let payload: Value = ["blocks": [["type": "section", "text": object]]]
      #expect(problems(payload) == [])
      return PayloadCheck.limits(payload).map(\.problem)
    }
    #expect(limits(String(repeating: "x", count: 3_000)) == [])
    #expect(
      limits(String(repeating: "<", count: 751)) == [
        "/blocks/0/text/text: 3,004 characters, Slack takes 3,000; use slack.truncate"
      ])
    #expect(limits("") == ["/blocks/0/text/text: empty, which Slack refuses"])
    let divider: Value = ["type": "divider"]
    let many: Value = ["blocks": .array(Array(repeating: divider, count: 51))]
    #expect(PayloadCheck.limits(many).map(\.problem) == ["/blocks: 51 parts, Slack takes 50"])
    #expect(PayloadCheck.limits(["channel": "x"]) == [])
  }

  @Test func `what an event brought is not taken for the formatter's`() {
    #expect(problems(["text": "<!here>"], looksForMarkup: false) == [])
  }
}

@Suite struct SourceLineTests {
  private let source = """
    -- colour is a comment
    local colours = {}
    payload.colour = "red"
    return { ["ban"] = 1, <!here> }
    """

  @Test(arguments: [("colour", 3), ("colours", 2), ("<!here", 4), ("red", 3), ("ban", 4)])
  func `found`(word: String, line: Int) {
    #expect(SourceLine.of(word, in: source) == line)
  }

  @Test(arguments: ["colou", "absent", ""])
  func `not found`(word: String) {
    #expect(SourceLine.of(word, in: source) == nil)
  }
}

@Suite struct SampleTests {
  @Test func `every kind has ordinary and hostile samples, under names of their own`() {
    let names = Sample.all.map(\.name)
    #expect(Set(names).count == names.count)
    for kind in EventKind.recorded where !kind.isOwn {
      for isHostile in [false, true] {
        let fitting = Sample.all.filter { sample in
          sample.isHostile == isHostile
            && sample.events(EventContext()).contains { $0.kind == kind }
        }
        #expect(!fitting.isEmpty, "\(kind)")
      }
    }
  }
}
