-- expect: ok; what the collector takes from a weak table must not hide the entries that live
return { ban = function(event, payload)
  local weak, live = setmetatable({}, { __mode = "k" }), {}
  for i = 1, 50 do live[i] = {} weak[live[i]] = i end
  for round = 1, 40 do
    for i = 1, 300 + round * 10 do weak[{}] = i + 50 end
    local seen = 0
    for key, value in pairs(weak) do if live[value] == key then seen = seen + 1 end end
    assert(seen == 50)
  end
end }
