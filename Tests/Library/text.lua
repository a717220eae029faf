local check = require "check"
local is, fails = check.is, check.fails

local function truncate()
  is(slack.truncate("short", 5), "short")
  is(slack.truncate("longer", 5), "long…")
  is(slack.truncate("longer", 5, "..."), "lo...")
  is(slack.truncate("longer", 5, ""), "longe")
  is(slack.truncate("longer", "5"), "long…")
  is(slack.truncate("longer", 1), "…")
  is(slack.truncate("longer", 0), "")
  is(slack.truncate("longer", 2, "..."), "")
  is(slack.truncate("", 0), "")
  is(slack.truncate(12345, 3), "12…")
  -- Characters, not bytes, and an accent goes with its letter.
  is(slack.truncate("Ünïcödé", 7), "Ünïcödé")
  is(slack.truncate("Ünïcödéé", 7), "Ünïcöd…")
  is(slack.truncate("日本語の文字", 4), "日本語…")
  is(slack.truncate("re\u{301}sume\u{301}", 3), "r…")
  is(slack.truncate("re\u{301}sume\u{301}", 4), "re\u{301}…")
  is(slack.truncate("\xff\xfe\xfd\xfc", 3), "\xff\xfe…")
  -- What is marked counts as what is seen of it, and stays whole or goes.
  local link = slack.link("https://a.example/a/long/address", "1234567890")
  is(slack.truncate("abc" .. link, 13), "abc" .. link)
  is(slack.truncate("abc" .. link, 12), "abc…")
  is(slack.truncate(link .. "abcd", 12), link .. "a…")
  is(slack.truncate(slack.link("https://a.example"), 17), slack.link("https://a.example"))
  is(slack.truncate(slack.link("https://a.example"), 16), "…")
  -- Code that is cut is ended.
  is(slack.truncate("from `203.0.113.7`", 18), "from `203.0.113.7`")
  is(slack.truncate("from `203.0.113.7` again", 18), "from `203.0.1…`")
  is(slack.truncate("a `b` c d e f g", 12), "a `b` c…")
  is(slack.truncate("```\none\ntwo\nthree\n```", 16), "```\none\ntwo…\n```")
  is(slack.truncate("ab```\none\ntwo\n```", 8), "ab…")
  fails("slack.truncate: text must be text, not nil", function() slack.truncate(nil, 5) end)
  fails("slack.truncate: text must be text, not table", function() slack.truncate({}, 5) end)
  fails("slack.truncate: most must be a whole number, not nil", function() slack.truncate("x") end)
  fails("slack.truncate: most must be a whole number, not 'x'", function() slack.truncate("x", "x") end)
  fails("slack.truncate: most must be a whole number, not 1.5", function() slack.truncate("x", 1.5) end)
  fails("slack.truncate: most must be 0 or more, not -1", function() slack.truncate("x", -1) end)
  fails("slack.truncate: ellipsis must be text, not true", function() slack.truncate("x", 1, true) end)
end

local function code()
  is(slack.code("203.0.113.7"), "`203.0.113.7`")
  is(slack.code(5), "`5`")
  is(slack.code("a`b``c```"), "`a'b''c'''`")
  is(slack.code("one\r\ntwo\n\nthree"), "`one two three`")
  is(slack.code(""), "` `")
  is(slack.code("`"), "`'`")
  fails("slack.code: text must be text, not nil", function() return slack.code(nil) end)
  fails("slack.code: text must be text, not table", function() return slack.code({}) end)
  fails("slack.code: text must be text, not slack.null", function() return slack.code(slack.null) end)
  is(slack.pre("one\ntwo"), "```\none\ntwo\n```")
  is(slack.pre("\n\n  one \n two \n\t \n"), "```\n  one \n two\n```")
  is(slack.pre("```\nend```````"), "```\n'''\nend''''''`\n```")
  is(slack.pre(5), "```\n5\n```")
  is(slack.pre(("x"):rep(50000) .. (" "):rep(50000)), "```\n" .. ("x"):rep(50000) .. "\n```")
  fails("slack.pre: text must be text, not false", function() return slack.pre(false) end)
end

local function bold()
  is(slack.bold("sshd"), "*sshd*")
  is(slack.bold(5), "*5*")
  is(slack.bold(" a*b*\r\nc "), "*a∗b∗ c*")
  is(slack.bold("*"), "*∗*")
  is(slack.bold(""), "")
  is(slack.bold(" \n "), "")
  local link = slack.link("https://a.example/*", "x")
  is(slack.bold("*" .. link .. "*"), "*∗" .. link .. "∗*")
  is(#slack.bold((" "):rep(50000) .. "x" .. (" "):rep(50000)), 3)
  fails("slack.bold: text must be text, not nil", function() return slack.bold() end)
end

local function words()
  is(slack.plural(1, "failure"), "1 failure")
  is(slack.plural(5, "failure"), "5 failures")
  is(slack.plural(0, "failure"), "0 failures")
  is(slack.plural("1", "failure"), "1 failure")
  is(slack.plural("many", "failure"), "many failures")
  is(slack.plural(2, "entry", "entries"), "2 entries")
  is(slack.plural(1, "entry", "entries"), "1 entry")
  fails("slack.plural: count must be a number, not nil", function() slack.plural(nil, "x") end)
  fails("slack.plural: one must be text, not nil", function() slack.plural(1) end)
  fails("slack.plural: many must be text, not true", function() slack.plural(1, "x", true) end)

  local durations = {
    [0] = "0 seconds", "1 second", [59] = "59 seconds", [60] = "1 minute", [61] = "1 minute 1 second",
    [600] = "10 minutes", [3599] = "59 minutes 59 seconds", [3600] = "1 hour", [3601] = "1 hour",
    [5400] = "1 hour 30 minutes", [86399] = "23 hours 59 minutes", [86400] = "1 day",
    [90061] = "1 day 1 hour", [86460] = "1 day", [172800] = "2 days", [31536000] = "365 days",
    [-1] = "for good", [-600] = "for good", [7.9] = "7 seconds", [-0.5] = "for good",
    ["600"] = "10 minutes", ["-1"] = "for good", ["soon"] = "soon", [""] = "", ["10 min"] = "10 min",
    ["1e300"] = "1e300", ["nan"] = "nan",
  }
  for seconds, expected in pairs(durations) do is(slack.duration(seconds), expected) end
  is(slack.duration(math.huge), "inf")
  is(slack.duration(math.maxinteger), "106751991167300 days 15 hours")
  fails("slack.duration: seconds must be a number, not nil", function() slack.duration() end)
  fails("slack.duration: seconds must be a number, not table", function() slack.duration({}) end)
end

local function parts_of_addresses()
  is(slack.url_part("Az09-._~"), "Az09-._~")
  is(slack.url_part("a b&c=d/é%\n"), "a%20b%26c%3Dd%2F%C3%A9%25%0A")
  is(slack.url_part(5), "5")
  fails("slack.url_part: text must be text, not nil", function() return slack.url_part() end)
end

return function(_, payload)
  truncate()
  code()
  bold()
  words()
  parts_of_addresses()
  payload.text = check.done()
end
