local check = require "check"
local is, fails = check.is, check.fails

local function group(...) return "\u{E000}" .. table.concat({ ... }, "\u{E001}") .. "\u{E002}" end

local address = "slack.link: url must be an address with https://, http:// or mailto: and no spaces, not "
local who = "slack.mention: who must be here, channel, everyone or a member's ID (U…), not "

local function links()
  is(slack.link("https://a.example"), group("link", "https://a.example", ""))
  is(slack.link("http://a.example/?q=1&r=2#x", "label"), group("link", "http://a.example/?q=1&r=2#x", "label"))
  is(slack.link("mailto:a@b.example", 5), group("link", "mailto:a@b.example", "5"))
  is(slack.link("https://a.example", ""), group("link", "https://a.example", ""))
  is(slack.link("https://a.example", " \n "), group("link", "https://a.example", ""))
  fails(address .. "'javascript:alert(1)'", function() return slack.link("javascript:alert(1)") end)
  fails(address .. "'https://a b'", function() return slack.link("https://a b") end)
  fails(address .. "'https://'", function() return slack.link("https://") end)
  fails(address .. "' https://a.example'", function() return slack.link(" https://a.example") end)
  fails(address .. "''", function() return slack.link("") end)
  fails(address .. "'5'", function() return slack.link(5) end)
  fails(address .. "'" .. ("x"):rep(39) .. "…'", function() return slack.link(("x"):rep(999)) end)
  fails("slack.link: url must be text, not nil", function() return slack.link() end)
  fails("slack.link: label must be text, not table", function() return slack.link("https://a.example", {}) end)
end

local function names()
  is(slack.mention("here"), group("mention", "here"))
  is(slack.mention("channel"), group("mention", "channel"))
  is(slack.mention("everyone"), group("mention", "everyone"))
  is(slack.mention("U012AB3CD"), group("mention", "U012AB3CD"))
  is(slack.mention("W012AB3CD"), group("mention", "W012AB3CD"))
  fails(who .. "'bob'", function() return slack.mention("bob") end)
  fails(who .. "'@here'", function() return slack.mention("@here") end)
  fails(who .. "'U'", function() return slack.mention("U") end)
  fails(who .. "'U1>|<!channel'", function() return slack.mention("U1>|<!channel") end)
  fails("slack.mention: who must be text, not nil", function() return slack.mention() end)
  is(slack.user_group("S012AB3CD"), group("user_group", "S012AB3CD"))
  fails("slack.user_group: id must be a user group's ID (S…), not 'ops'", function() return slack.user_group("ops") end)
  fails("slack.user_group: id must be text, not nil", function() return slack.user_group() end)
  is(slack.channel_link("C012AB3CD"), group("channel", "C012AB3CD"))
  is(slack.channel_link("G012AB3CD"), group("channel", "G012AB3CD"))
  fails("slack.channel_link: id must be a channel's ID (C…), not '#ops'", function() return slack.channel_link("#ops") end)
  fails("slack.channel_link: id must be text, not false", function() return slack.channel_link(false) end)
end

local function dates()
  local usual = "{date_short_pretty} {time_secs}"
  is(slack.date(0), group("date", "0", usual, "1970-01-01 00:00:00 UTC"))
  is(slack.date(1795231644), group("date", "1795231644", usual, "2026-11-21 03:27:24 UTC"))
  is(slack.date(1795231644.9), slack.date(1795231644))
  is(slack.date("1795231644"), slack.date(1795231644))
  is(slack.date(-1), group("date", "-1", usual, "1969-12-31 23:59:59 UTC"))
  is(slack.date(0, "{date}"), group("date", "0", "{date}", "1970-01-01 00:00:00 UTC"))
  is(slack.date(0, "{date}", "long ago"), group("date", "0", "{date}", "long ago"))
  -- What is no date is shown as it is, as code: an event's time may be any text.
  is(slack.date("soon *`"), "`soon *'`")
  is(slack.date(""), "` `")
  is(slack.date(1e300), "`1e+300`")
  is(slack.date(math.huge), "`inf`")
  is(slack.date(math.maxinteger), "`9223372036854775807`")
  fails("slack.date: time must be a number, not nil", function() return slack.date() end)
  fails("slack.date: time must be a number, not table", function() return slack.date({}) end)
  fails("slack.date: layout must be text, not true", function() return slack.date(0, true) end)
  fails("slack.date: fallback must be text, not table", function() return slack.date(0, "{date}", {}) end)
end

local function raw()
  is(slack.raw("<!here>"), group("raw", "<!here>"))
  is(slack.raw(""), "")
  is(slack.escape("a<b"), group("text", "a<b"))
  is(slack.raw("<x|" .. slack.escape("a<b") .. ">"), group("raw", "<x|") .. group("text", "a<b") .. group("raw", ">"))
  is(slack.raw(slack.mention("here") .. "!"), group("mention", "here") .. group("raw", "!"))
  is(slack.raw(slack.raw("<x>")), slack.raw("<x>"))
  fails("slack.raw: text must be text, not nil", function() return slack.raw() end)
  fails("slack.escape: text must be text, not nil", function() return slack.escape() end)
end

-- A mark inside of a mark would end it: only its words stay.
local function nested()
  local function label(text) return slack.link("https://a.example", text) end
  is(label(slack.link("https://b.example", "b")), group("link", "https://a.example", "b"))
  is(label(slack.link("https://b.example")), group("link", "https://a.example", "https://b.example"))
  is(label(slack.date(0)), group("link", "https://a.example", "1970-01-01 00:00:00 UTC"))
  is(label(slack.mention("here")), group("link", "https://a.example", "here"))
  is(label(slack.escape("a<b") .. "c"), group("link", "https://a.example", "a<bc"))
  is(label("\u{E002}\u{E000}raw\u{E001}<!here>"), group("link", "https://a.example", "raw<!here>"))
  is(label("\u{E000}"), group("link", "https://a.example", ""))
end

return function(_, payload)
  links()
  names()
  dates()
  raw()
  nested()
  payload.text = check.done()
end
