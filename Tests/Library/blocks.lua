local check = require "check"
local is, fails = check.is, check.fails

local function text(words) return { type = "mrkdwn", text = words } end
local function plain(words) return { type = "plain_text", text = words, emoji = true } end

local image = slack.image("https://a.example/x.png", "a flag", "Flag")
local element = { type = "image", image_url = "https://a.example/x.png", alt_text = "a flag" }
local button = slack.link_button("Open", "https://a.example", "primary")

local function simple()
  is(slack.divider(), { type = "divider" })
  is(slack.header("Ban"), { type = "header", text = plain("Ban") })
  is(slack.header(5), { type = "header", text = plain("5") })
  is(slack.header("  "), { type = "header", text = plain("-") })
  is(slack.header(("é"):rep(150)).text.text, ("é"):rep(150))
  is(slack.header(("é"):rep(151)).text.text, ("é"):rep(149) .. "…")
  fails("slack.header: text must be text, not nil", function() return slack.header() end)
  fails("slack.header: text must be text, not table", function() return slack.header({}) end)
  is(image, { type = "image", image_url = "https://a.example/x.png", alt_text = "a flag", title = plain("Flag") })
  is(slack.image("https://a.example", "a").title, nil)
  is(slack.image("https://a.example", "").alt_text, "-")
  is(utf8.len(slack.image("https://a.example", ("x"):rep(3000)).alt_text), 2000)
  fails("slack.image: url must be an https:// address, not 'mailto:a@b'", function() return slack.image("mailto:a@b", "x") end)
  fails("slack.image: url must be text, not nil", function() return slack.image() end)
  fails("slack.image: alt must be text, not nil", function() return slack.image("https://a.example") end)
  fails("slack.image: title must be text, not table", function() return slack.image("https://a.example", "x", {}) end)
  is(button, { type = "actions", elements = { { type = "button", text = plain("Open"), url = "https://a.example", style = "primary" } } })
  is(slack.link_button("Open", "https://a.example").elements[1].style, nil)
  is(utf8.len(slack.link_button(("x"):rep(99), "https://a.example").elements[1].text.text), 75)
  fails("slack.link_button: text must be text, not nil", function() return slack.link_button(nil, "https://a.example") end)
  fails("slack.link_button: url must be text, not nil", function() return slack.link_button("x") end)
  fails('slack.link_button: style must be "primary", "danger" or left out, not \'red\'', function() slack.link_button("x", "https://a.example", "red") end)
end

local function sections()
  is(slack.section("text"), { type = "section", text = text("text") })
  is(slack.section(5), { type = "section", text = text("5") })
  is(slack.section(""), { type = "section", text = text("-") })
  is(slack.section(plain("x")), { type = "section", text = plain("x") })
  is(slack.section({ text = "a", fields = { "b", "c" } }),
    { type = "section", text = text("a"), fields = { text("b"), text("c") } })
  is(slack.section({ fields = { "b" } }), { type = "section", fields = { text("b") } })
  is(slack.section({ text = "a", accessory = image }).accessory, element)
  is(slack.section({ text = "a", accessory = button }).accessory, button.elements[1])
  is(slack.section({ text = "a", accessory = { type = "overflow" } }).accessory, { type = "overflow" })
  -- The same table twice: it is copied, not changed.
  local content = { text = "a" }
  is(slack.section(content), slack.section(content))
  -- Slack counts what was escaped, and takes 3000.
  is(slack.section(("x"):rep(3000)).text.text, ("x"):rep(3000))
  is(slack.section(("x"):rep(3001)).text.text, ("x"):rep(2999) .. "…")
  is(utf8.len(slack.section(("<"):rep(3000)).text.text), 600)
  is(slack.section(slack.pre(("x"):rep(5000))).text.text:sub(-8), "x…\n```")
  is(utf8.len(slack.section({ fields = { ("x"):rep(3000) } }).fields[1].text), 2000)
  fails("slack.section needs text or fields", function() return slack.section() end)
  fails("slack.section needs text or fields", function() return slack.section({}) end)
  fails("slack.section has the unknown key 'field'; known: accessory, fields, text", function() slack.section({ field = "x" }) end)
  fails("slack.section has the unknown key '1'; known: accessory, fields, text", function() slack.section({ "x" }) end)
  fails("slack.section: text must be text, not true", function() slack.section(true) end)
  fails("slack.section: text must be text, not table", function() slack.section({ text = image }) end)
  fails("slack.section: fields must be a table, not 'x'", function() slack.section({ text = "a", fields = "x" }) end)
  fails("slack.section: accessory must be a table, not 'x'", function() slack.section({ text = "a", accessory = "x" }) end)
  fails("slack.section: accessory must be an image or a button, not table", function() slack.section({ text = "a", accessory = {} }) end)
end

local function rows()
  is(slack.fields("a", 5), { type = "section", fields = { text("a"), text("5") } })
  is(slack.fields({ "a", "b" }), slack.fields("a", "b"))
  is(slack.fields(plain("a")), { type = "section", fields = { plain("a") } })
  is(#slack.fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 10).fields, 10)
  fails("slack.fields takes 1 to 10 texts, not 11", function() slack.fields(1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11) end)
  fails("slack.fields takes 1 to 10 texts, not 0", function() slack.fields() end)
  fails("slack.fields takes 1 to 10 texts, not 0", function() slack.fields({}) end)
  fails("slack.fields[2] must be text, not nil", function() slack.fields("a", nil) end)
  fails("slack.fields[2] must be text, not nil", function() slack.fields("a", nil, "c") end)
  fails("slack.fields[1] must be text, not table", function() slack.fields(image) end)
  fails("slack.fields must be a list { a, b, … }; it has the key a", function() slack.fields({ a = "x" }) end)
  is(slack.context("a", image), { type = "context", elements = { text("a"), element } })
  is(slack.context({ "a" }), slack.context("a"))
  fails("slack.context[1] must be text, not table", function() slack.context(button) end)
  fails("slack.context[2] must be text, not table", function() slack.context("a", {}) end)
  fails("slack.context takes 1 to 10 texts, not 0", function() slack.context() end)
end

return function(_, payload)
  simple()
  sections()
  rows()
  payload.text = check.done()
end
