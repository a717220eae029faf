-- expect: ok; an order that contradicts itself must only stop
return { ban = function(event, payload)
  local list = {}
  for i = 1, 1000 do list[i] = i end
  pcall(table.sort, list, function() return true end)
end }
