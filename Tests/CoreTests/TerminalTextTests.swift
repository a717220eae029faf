import Testing

@testable import LuaslackCore

@Suite struct TerminalTextTests {
  @Test(arguments: [
    ("plain\ntext\n", "plain\ntext\n"), ("\u{1b}[1;31mred\u{1b}[0m", "red"),
    ("\u{1b}]0;title\u{7}x", "x"), ("\u{1b}]8;;https://a\u{1b}\\x\u{1b}]8;;\u{1b}\\", "x"),
    ("1%\r50%\r100%\n", "100%\n"), ("dos\r\nlines\r\n", "dos\nlines\n"), ("end\r", "end"),
    ("\u{1b}(Bx\u{1b}=y\u{1b}", "xy"), ("\u{1b}[no\u{1b}]no end\nnext", "ono end\nnext"),
    ("\u{1b}[31", "31"), ("\u{1b}é", "é"), ("", ""), ("a\tb", "a       b"),
    ("é\t\tb\n12345678\tc", "é               b\n12345678        c"), ("long\rx\ty", "x       y"),
  ])
  func `what steers a terminal goes`(_ text: String, _ plain: String) {
    let result = TerminalText.plain(text)
    #expect(result == plain)
    #expect(!result.unicodeScalars.contains("\u{1b}"))
  }

  @Test func `many beginnings without an end, or tabs, take no time worth mentioning`() {
    let text = String(repeating: "\u{1b}]", count: 8_192)
    #expect(TerminalText.plain(text).utf8.allSatisfy { $0 != 0x1b })
    let tabs = String(repeating: "\t", count: 131_072)
    #expect(TerminalText.plain(tabs).utf8.count == 8 * 131_072)
  }
}
