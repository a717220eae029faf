-- expect: ok; utf8 functions with what is no UTF-8
return { ban = function(event, payload)
  local bad = { "\xff", "\xf4\x90\x80\x80", "\xed\xa0\x80", "\u{7FFFFFFF}", "\x80", "a\x80", "\xc2", "\xfd\xbf\xbf\xbf\xbf\xbf", "\xfe", "" }
  for _, text in ipairs(bad) do
    for _, lax in ipairs { true, false } do
      pcall(utf8.len, text, 1, -1, lax) pcall(utf8.codepoint, text, 1, -1, lax)
      pcall(function() for p, c in utf8.codes(text, lax) do end end)
    end
    for n = -3, 3 do pcall(utf8.offset, text, n) end
  end
  local next_code, text, start = utf8.codes("x\xff\xffy")
  for i = -5, 50 do pcall(next_code, ("\xff"):rep(20), i) end
  payload.text = event.ip .. table.concat(bad)
end }
