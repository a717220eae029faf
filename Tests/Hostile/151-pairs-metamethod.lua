-- expect: ok; __pairs of every wrong kind
return { ban = function(event, payload)
  for _, value in ipairs { 1, "x", {}, function() end, function() return 1 end, function() error({}) end, function() coroutine.yield() end, function() return table.unpack({}, 1, 250) end, setmetatable({}, { __call = function() return next, {}, nil end }) } do
    pcall(function() for k in pairs(setmetatable({}, { __pairs = value })) do break end end)
  end
  local t = {} setmetatable(t, { __pairs = function(x) return pairs(x) end })
  assert(not pcall(pairs, t))
  assert(not pcall(pairs) and not pcall(pairs, nil) and not pcall(pairs, 1) and not pcall(pairs, pairs))
end }
