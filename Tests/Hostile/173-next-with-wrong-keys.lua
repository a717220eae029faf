-- expect: ok; next with keys that are not, or no longer, in the table
return { ban = function(event, payload)
  local t = {}
  for i = 1, 100 do t[i] = i t["k" .. i] = i end
  for _, key in ipairs { 0, 101, -1, 2 ^ 31, 2 ^ 63, 0 / 0, "k0", {}, print } do pcall(next, t, key) end
  local key = next(t)
  for i = 1, 100 do t[i] = nil t["k" .. i] = nil end
  for i = 1, 1000 do t["n" .. i] = i end
  pcall(next, t, key) pcall(next, t, "k1") pcall(next, t, 0 / 0)
  assert(not pcall(function() t[0 / 0] = 1 end) and not pcall(rawset, t, nil, 1))
end }
