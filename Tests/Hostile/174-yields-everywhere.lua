-- expect: ok; yields from where Lua cannot yield
return { ban = function(event, payload)
  local y = coroutine.yield
  for _, f in ipairs { function() return ("x"):gsub(".", y) end, function() return tostring(setmetatable({}, { __tostring = y })) end, function() table.concat(setmetatable({}, { __len = y })) end,
    function() require(y()) end, function() for k in pairs(setmetatable({}, { __pairs = y })) do end end, function() return setmetatable({}, { __index = y }).x end, function() print(setmetatable({}, { __tostring = y })) end,
    function() xpcall(error, y) end, function() xpcall(y, y) end, function() pcall(pcall, pcall, y) end, function() local x <close> = setmetatable({}, { __close = y }) end,
    function() os.time(setmetatable({}, { __index = y })) end, function() return slack.section(setmetatable({}, { __index = y })) end, function() for i in y do return end end, function() return coroutine.wrap(y)() end, function() coroutine.close(coroutine.create(y)) end } do
    local co = coroutine.create(f)
    for i = 1, 5 do coroutine.resume(co) end
    pcall(coroutine.close, co)
  end
end }
