-- expect: ok; the comparator empties and grows the list
return { ban = function(event, payload)
  local t = {}
  for i = 1, 2000 do t[i] = (i * 7919) % 2003 end
  pcall(table.sort, t, function(a, b)
    for i = #t, 1, -1 do t[i] = nil if i % 50 == 0 then break end end
    t[#t + 1] = {} return (a or 0) < (b or 0)
  end)
end }
