local check = require "check"
local is, fails = check.is, check.fails

local colour = 'slack.attachment: color must be "#rrggbb", "good", "warning" or "danger", not '
local known = "author_icon, author_link, author_name, blocks, color, fallback, fields, footer, "
  .. "footer_icon, image_url, mrkdwn_in, pretext, text, thumb_url, title, title_link, ts"

local function attachments()
  local full = {
    color = "#D64545", text = "a", blocks = { slack.divider() }, fields = { slack.field("a", "b") },
    title = "a", title_link = "https://a.example", fallback = "a", pretext = "a", author_name = "a",
    author_link = "mailto:a@b.example", author_icon = "https://a.example", image_url = "https://a.example",
    thumb_url = "http://a.example", footer = "a", footer_icon = "https://a.example", ts = 5,
    mrkdwn_in = { "text" },
  }
  is(slack.attachment(full), full)
  is(slack.attachment({}), {})
  is(slack.attachment({ text = 5, color = "good", ts = "5" }), { text = "5", color = "good", ts = 5 })
  is(slack.attachment({ color = nil }), {})
  fails(colour .. "'red'", function() slack.attachment({ color = "red" }) end)
  fails(colour .. "'#d6454'", function() slack.attachment({ color = "#d6454" }) end)
  fails("slack.attachment: color must be text, not table", function() slack.attachment({ color = {} }) end)
  fails("slack.attachment has the unknown key 'colour'; known: " .. known, function() slack.attachment({ colour = "x" }) end)
  fails("slack.attachment: text must be text, not true", function() slack.attachment({ text = true }) end)
  is(slack.attachment({ ts = 5.9 }), { ts = 5 })
  is(slack.attachment({ ts = "now" }), {})
  fails("slack.attachment: ts must be a number, not table", function() slack.attachment({ ts = {} }) end)
  fails("slack.attachment: fields must be a table, not 'x'", function() slack.attachment({ fields = "x" }) end)
  fails("slack.attachment: fields[2] must be a table, not 'x'", function() slack.attachment({ fields = { {}, "x" } }) end)
  fails("slack.attachment: blocks must be a list { a, b, … }; it has the key type", function() slack.attachment({ blocks = slack.divider() }) end)
  fails("slack.attachment: thumb_url must be an https:// address, not 'x'", function() slack.attachment({ thumb_url = "x" }) end)
  fails("slack.attachment must be a table, not 'x'", function() return slack.attachment("x") end)
  fails("slack.attachment must be a table, not nil", function() return slack.attachment() end)
end

local function messages()
  local full = {
    text = "a", blocks = { slack.divider() }, attachments = { {} }, username = "a", icon_emoji = ":x:",
    icon_url = "https://a.example", mrkdwn = false,
  }
  is(slack.message(full), full)
  is(slack.message({ text = 5 }), { text = "5" })
  fails("slack.message has the unknown key 'channel'; known: attachments, blocks, icon_emoji, icon_url, mrkdwn, text, username", function() slack.message({ channel = "C1" }) end)
  fails("slack.message: attachments must be a list { a, b, … }; it has the key color", function() slack.message({ attachments = { color = "good" } }) end)
  fails("slack.message: mrkdwn must be true or false, not 1", function() slack.message({ mrkdwn = 1 }) end)
  fails("slack.message must be a table, not 'text'", function() return slack.message("text") end)
end

local function small()
  is(slack.field("User", "root"), { title = "User", value = "root", short = false })
  is(slack.field("User", 5, true), { title = "User", value = "5", short = true })
  is(slack.field("User", "root", false).short, false)
  fails("slack.field: title must be text, not nil", function() return slack.field() end)
  fails("slack.field: value must be text, not nil", function() return slack.field("User") end)
  fails("slack.field: short must be true or false, not 'yes'", function() return slack.field("a", "b", "yes") end)
  is(slack.array(), {})
  is(slack.array({ 1, 2 }), { 1, 2 })
  fails("slack.array: list must be a table, not 'x'", function() return slack.array("x") end)
  fails("slack.array: list must be a list { a, b, … }; it has the key a", function() return slack.array({ a = 1 }) end)
  fails("slack.mute: reason must be text, not table", function() return slack.mute({}) end)
  is(type(slack.mute()), "table")
  is(type(slack.mute(5)), "table")
  is(type(slack.digest()), "table")
  is(tostring(slack.null), "null")
end

return function(_, payload)
  attachments()
  messages()
  small()
  payload.text = check.done()
end
