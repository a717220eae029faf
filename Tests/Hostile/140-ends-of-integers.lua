-- expect: ok; library functions at the ends of the integers
return { ban = function(event, payload)
  local low, high = math.mininteger, math.maxinteger
  for _, case in ipairs {
    { table.move, {}, low, high, 1 }, { table.move, {}, 1, high, 2 }, { table.move, {}, high, high, high },
    { table.move, {}, low, -2, 3 }, { table.concat, {}, "", high, high }, { table.concat, {}, "", low, low },
    { table.unpack, {}, low, high }, { table.unpack, {}, high, high }, { table.unpack, {}, high - 1, high },
    { table.unpack, {}, low, low + 1 }, { table.insert, {}, low, 1 }, { table.insert, {}, high, 1 },
    { table.remove, {}, high }, { table.remove, {}, low }, { string.rep, "x", low }, { select, low }, { select, high },
    { string.byte, "abc", low, high }, { string.sub, "abc", low, high }, { string.char, high },
    { utf8.codepoint, "abc", low, high }, { utf8.offset, "abc", low, high }, { utf8.len, "abc", low, high },
    { string.find, "abc", "b", low }, { string.find, "abc", "b", high }, { string.gmatch, "abc", "b", low },
    { string.unpack, "i4", "abcd", low }, { string.unpack, "i4", "abcd", high }, { math.random, low, high },
    { math.random, high, low }, { math.random, 0 }, { math.tointeger, 2 ^ 63 }, { math.ult, low, high },
    { tonumber, ("z"):rep(1000), 36 }, { tonumber, "7", high }, { string.format, "%d", 2 ^ 63 },
  } do pcall(table.unpack(case)) end
end }
