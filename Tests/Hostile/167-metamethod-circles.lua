-- expect: ok; __index, __newindex and __call that lead in circles
return { ban = function(event, payload)
  local a, b = {}, {}
  setmetatable(a, { __index = b, __newindex = b }) setmetatable(b, { __index = a, __newindex = a })
  assert(not pcall(function() return a.x end) and not pcall(function() a.x = 1 end))
  local t = {}
  for i = 1, 3000 do t = setmetatable({}, { __index = t, __newindex = t }) end
  pcall(function() return t.x end) pcall(function() t.x = 1 end)
  local c = {} for i = 1, 500 do c = setmetatable({}, { __call = c }) end
  pcall(c) pcall(pcall, c)
  local m = {} m.__index, m.__newindex, m.__eq, m.__lt, m.__le, m.__concat, m.__unm = m, m, m, m, m, m, m setmetatable(m, m)
  pcall(function() return m.x, m < m, m <= m, m .. m, -m, m(1) end)
end }
