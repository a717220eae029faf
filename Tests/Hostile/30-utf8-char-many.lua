-- expect: error: limit; a long list of characters
return { ban = function(event, payload)
  local t = {}
  for i = 1, 200000 do t[i] = 0x10FFFF end
  local s = ""
  while true do s = s .. utf8.char(table.unpack(t, 1, 200000)) end
end }
