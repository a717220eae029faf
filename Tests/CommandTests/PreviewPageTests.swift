import Foundation
import TestSupport
import Testing

/// The page of `luaslack preview --html`, asked in headless Chromium what it shows.
@Suite(
  .enabled(
    if: Chromium.isInstalled, "Debian's package chromium is not installed: the page is not opened"))
struct PreviewPageTests {
  private let place: TemporaryDirectory

  init() throws {
    place = try TemporaryDirectory("page")
    try place.write("[destination.default]\nwebhook_file = \"absent\"\n", to: "config.toml")
  }

  private func page(_ arguments: [String], formatter: String? = nil) async throws -> String {
    let file = try formatter.map { [try place.write($0, to: "50-own.lua")] } ?? []
    let call = try await run(
      Programs.luaslack, ["preview", "--html", place.file("page.html")] + arguments + file,
      environment: [
        "LUASLACK_CONFIG": place.file("config.toml"), "LUASLACK_SPOOL": place.file("spool"),
      ])
    #expect(call.status == 0 && call.output == "", "\(call.errors)")
    return place.file("page.html")
  }

  /// What the page tells of itself, and that nothing went wrong in it.
  private func ask(_ page: String, _ expression: String) async throws -> JSON {
    let seen = try await Chromium.ask(page, expression)
    #expect(seen["problems"] == .array([]) && seen["requests"] == .array([]), "\(seen)")
    return seen["value"]
  }

  private static let everything = """
    return {
      ban = function(event, payload)
        return slack.message {
          username = "Türsteher", icon_emoji = ":police_car:",
          text = slack.bold(event.jail) .. " _banned_ " .. slack.code(event.ip) .. " ~no~ :shield: "
            .. slack.mention("here") .. " " .. slack.mention("U012AB3CD") .. " "
            .. slack.link("https://example.org/?a=1&b=2", "wiki") .. "\\n> quoted\\n" .. slack.pre("fenced"),
          attachments = {
            slack.attachment {
              color = "#d64545", footer = event.host, ts = event.time, text = ("long "):rep(200),
              fields = { slack.field("User", "root", true), slack.field("Site", "a", true), slack.field("Why", "b") },
            },
            slack.attachment {
              color = "good",
              blocks = {
                slack.header("Heading"), slack.divider(), slack.image("https://example.org/map.png", "a map"),
                slack.link_button("Open", "https://example.org/?ip=" .. event.ip, "danger"),
                slack.context("small"),
              },
            },
            slack.attachment { text = "no colour" },
          },
        }
      end,
    }
    """

  @Test func `the page shows what Slack would, by day and by night`() async throws {
    let page = try await page([], formatter: Self.everything)
    let seen = try await ask(
      page,
      """
      ['day', 'night'].map(theme => {
        const all = query => [...document.querySelectorAll('.' + theme + ' ' + query)]
        const texts = query => all(query).map(part => part.innerText)
        const look = (query, name, of) => all(query).map(part => getComputedStyle(part, of)[name])
        const box = query => { const {x, y, width} = all(query)[0].getBoundingClientRect(); return {x, y, width} }
        return {
          ground: getComputedStyle(document.querySelector('.' + theme)).backgroundColor,
          words: getComputedStyle(document.querySelector('.' + theme)).color,
          head: texts('.head'), icon: texts('.icon'), bold: texts('p b'), italic: texts('i'), struck: texts('s'),
          code: texts('code'), codeColour: look('code', 'color'), fence: texts('pre'), quote: texts('blockquote'),
          mention: texts('.mention'), mentionGround: look('.mention', 'backgroundColor'),
          links: all('a').map(a => [a.innerText, a.getAttribute('href')]),
          bars: look('.attachment', 'backgroundColor', '::before'), barWidth: look('.attachment', 'width', '::before'),
          fields: all('.field').map(field => field.getBoundingClientRect().x - all('.field')[0].getBoundingClientRect().x),
          heading: texts('h3'), context: texts('.context'), picture: texts('.picture'), more: texts('.more'),
          icons: box('.icon').width, order: all('.body > *').map(part => part.className || part.tagName),
        }
      })
      """)
    for theme in seen.array {
      #expect(theme["head"][0].string == "Türsteher APP 3:27 AM" && theme["icon"][0].string == "🚓")
      #expect(theme["bold"].array.prefix(1) == [.string("sshd")], "\(theme["bold"])")
      #expect(theme["italic"][0].string == "banned" && theme["struck"][0].string == "no")
      #expect(theme["code"][0].string == "203.0.113.7" && theme["fence"][0].string == "fenced")
      #expect(theme["quote"][0].string == "quoted")
      #expect(theme["mention"] == .array([.string("@here"), .string("@U012AB3CD")]))
      #expect(theme["mentionGround"][0] != theme["mentionGround"][1])
      #expect(
        theme["links"].array.map { $0.array.compactMap(\.string) } == [
          ["wiki", "https://example.org/?a=1&b=2"],
          ["Open", "https://example.org/?ip=203.0.113.7"],
        ])
      #expect(theme["bars"][0].string == "rgb(214, 69, 69)")
      #expect(theme["bars"][1].string == "rgb(46, 184, 134)")
      #expect(theme["barWidth"][0].string == "4px" && theme["icons"].number == 36)
      // The second beside the first, the long one below them.
      let columns = theme["fields"].array.compactMap(\.number)
      #expect(columns.count == 3 && columns[1] > 100 && columns[2] == 0, "\(columns)")
      #expect(theme["heading"][0].string == "Heading" && theme["more"].array.count == 1)
      #expect(theme["context"][0].string == "web1 | 2026-11-21 03:27:24 UTC")
      #expect(theme["picture"][0].string?.hasPrefix("a map") == true)
      #expect(
        theme["order"].array.compactMap(\.string) == [
          "head", "P", "BLOCKQUOTE", "PRE", "attachment", "attachment", "attachment",
        ], "\(theme["order"])")
    }
    let (day, night) = (seen[0], seen[1])
    #expect(day["ground"].string == "rgb(255, 255, 255)")
    #expect(night["ground"].string == "rgb(26, 29, 33)")
    for what in ["words", "codeColour", "mentionGround"] {
      #expect(day[what] != night[what], "\(what)")
    }
    // Where there is no colour, the bar is grey, and fits the theme.
    #expect(day["bars"][2].string == "rgb(221, 221, 221)" && day["bars"][2] != night["bars"][2])
  }

  @Test func `hostile text is text, and the browser mends nothing`() async throws {
    let page = try await page(["--all"])
    let seen = try await ask(
      page,
      """
      ({
        scripts: document.scripts.length, live: document.querySelectorAll('img, iframe, object, form, link, svg').length,
        handlers: [...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()).filter(n => n.startsWith('on')),
        hosts: [...new Set([...document.links].map(a => a.host))], text: document.body.innerText,
        calls: [...document.querySelectorAll('.mention')].map(e => e.innerText),
        html: document.documentElement.outerHTML, quirks: document.compatMode,
      })
      """)
    #expect(seen["scripts"].number == 0 && seen["live"].number == 0)
    // Slack makes a link of an address that stands in a text, whoever wrote it; never with a label.
    #expect(Set(seen["hosts"].array).isSubset(of: [.string("evil.example")]), "\(seen["hosts"])")
    #expect(seen["handlers"].array.isEmpty)
    // What the sample of an early warning mentions is the rule's own.
    #expect(Set(seen["calls"].array.map(\.string)).isSubset(of: ["@here"]))
    #expect(seen["quirks"].string == "CSS1Compat")
    let text = seen["text"].string ?? ""
    #expect(text.contains("<!channel> <@U012AB3CD> <https://evil.example|bank>"))
    // Tags that were mended (a paragraph in a paragraph, a part that is not closed) would differ.
    let written = try place.read("page.html")
    #expect(Self.tags(written) == Self.tags("<!doctype html>" + (seen["html"].string ?? "")))
    #expect(Self.tags(written).count > 1_000)
  }

  @Test func `a script cannot make the page live`() async throws {
    let page = try await page(
      [],
      formatter: """
        return function(event, payload)
          local evil = "</style></script><script>document.title='x'</script><img src=x onerror='1'>\\"'>"
          payload.text = evil .. slack.code(evil) .. slack.pre(evil) .. event.ip
          payload.username, payload.icon_emoji = evil, evil
          payload.attachments = { { title = evil, text = evil, footer = evil, author_name = evil, author_link = "https://a.example/\\"onclick=\\"1",
            image_url = "https://a.example/\\"><img src=x>", fields = { { title = evil, value = evil } } } }
          print(evil)
        end
        """)
    let seen = try await ask(
      page,
      """
      ({ title: document.title, scripts: document.scripts.length, images: document.images.length,
         names: [...new Set([...document.querySelectorAll('*')].flatMap(e => e.getAttributeNames()))].sort(),
         told: document.querySelector('.remarks').innerText, hrefs: [...document.links].map(a => a.host) })
      """)
    #expect(seen["title"].string == "luaslack preview")
    #expect(seen["scripts"].number == 0 && seen["images"].number == 0)
    let names = Set(seen["names"].array.compactMap(\.string))
    let known: Set = [
      "class", "style", "href", "rel", "charset", "content", "name", "http-equiv", "lang",
    ]
    #expect(names.isSubset(of: known), "\(names)")
    #expect(Set(seen["hrefs"].array) == [.string("a.example")])
    #expect(seen["told"].string?.contains("<script>") == true)
  }

  @Test func `on a narrow window the page needs no scrolling to the side`() async throws {
    let page = try await page(["--all"])
    let widths = try await ask(
      page,
      """
      [320, 600, 1000].map(width => {
        document.documentElement.style.width = width + 'px'
        return [...document.querySelectorAll('.slack, .slack *')]
          .filter(part => part.getBoundingClientRect().right > width + 1).length
      })
      """)
    #expect(widths == .array([.number(0), .number(0), .number(0)]), "\(widths)")
  }

  @Test func `a problem or a request of a page would be seen`() async throws {
    let page = try await page([])
    let bad = try place.read("page.html").replacing(
      "<body>", with: "<body><img src=\"https://a.example/x.png\"><script>1</script>")
    let seen = try await Chromium.ask(try place.write(bad, to: "bad.html"), "1")
    #expect(seen["problems"].array.count == 2, "\(seen)")
    #expect(seen["requests"] == .array([.string("https://a.example/x.png")]))
    #expect(try await ask(page, "document.querySelectorAll('article').length").number == 2)
  }

  private static func tags(_ html: String) -> [String] {
    html.matches(of: /<(\/?[a-z0-9]+|!doctype)/).map { String($0.output.1) }
  }
}

/// Debian's Chromium, through the tool that takes our pictures too.
enum Chromium {
  static let isInstalled = FileManager.default.isExecutableFile(atPath: "/usr/bin/chromium")

  static func ask(_ page: String, _ expression: String) async throws -> JSON {
    let tool = Page.root.appending(path: "tools/browser.py").path()
    let call = try await run(
      "/usr/bin/python3", [tool, page, expression], environment: ["PATH": "/usr/bin:/bin"])
    try #require(call.status == 0, "\(call.errors)")
    return try JSON(parsing: call.output)
  }
}
