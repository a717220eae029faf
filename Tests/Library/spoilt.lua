-- A formatter that breaks Lua's own library breaks itself, not ours.
local check = require "check"

return function(_, payload)
  local find, mute = string.find, slack.mute
  for _, library in ipairs { string, table, math, utf8, os } do
    for name in next, library do library[name] = function() error("broken") end end
  end
  pairs, ipairs, type, tostring, tonumber, select, rawget = nil, nil, nil, nil, nil, nil, nil
  slack.truncate, ip.version = nil, nil
  local link = slack.link("https://a.example", slack.bold("x"))
  local code = slack.code("a`b") .. slack.pre("x") .. slack.duration(90) .. slack.plural(2, "x")
  local block = slack.section { text = slack.escape("x"), fields = { slack.date(5) } }
  local is_inside = ip.within("198.51.100.7", "198.51.100.0/24") and ip.is_private("10.0.0.1")
  check.is(is_inside, true)
  check.is(code, "`a'b````\nx\n```1 minute 30 seconds2 xs")
  check.is(find(link, "*x*", 1, true) ~= nil and block.text ~= nil and mute ~= nil, true)
  payload.text = check.done()
end
