-- expect: ok; pairs while the table loses, gains and changes everything
return { ban = function(event, payload)
  local t = {}
  for i = 1, 100 do t[i] = i t["k" .. i] = i t[i + 0.5] = i end
  for k in pairs(t) do t[k] = nil t[{}] = k t["n" .. tostring(k)] = k for j = 1, 5 do t[j * 1000] = j end end
  for k in pairs(t) do for other in next, t do t[other] = nil end end
  for k in pairs(t) do error("empty") end
  for k in pairs(setmetatable(t, { __index = error, __newindex = error, __len = error })) do end
end }
