-- expect: error: a key must be plain ASCII; keys that are empty, long or hold NUL, line ends, quotes and marks
return { ban = function(event, payload)
  local a = payload.attachments[1]
  a[""] = 1 a["\0"] = 2 a["a\0b"] = 3 a["a"] = 4 a['"\\\n\r\t\127'] = 5 a[("k"):rep(100000)] = 6 a["\u{202e}\u{e000}"] = 7 a["\u{10ffff}"] = 8
end }
