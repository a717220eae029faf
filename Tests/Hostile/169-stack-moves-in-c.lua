-- expect: ok; the stack moves while C functions hold on to it
return { ban = function(event, payload)
  local function deep(n) if n > 0 then return (deep(n - 1)) end return 0 end
  local grow = function(...) deep(1000) for i = 1, 100 do local t = { i } end return ... end
  for i = 1, 3 do
    assert(("x"):gsub("x", function() return grow("y") end) == "y")
    table.sort({ 3, 1, 2 }, function(a, b) return grow(a < b) end)
    assert(select(2, pcall(grow, i)) == i and select(2, xpcall(grow, grow, i)) == i)
    assert(tostring(setmetatable({}, { __tostring = function() return grow("t") end })) == "t")
    assert(coroutine.wrap(function(...) return grow(...) end)(i) == i)
    for a in (function() return grow(nil) end) do end
    assert(table.concat(setmetatable({}, { __len = function() return grow(2) end, __index = function(_, k) return grow("c") end })) == "cc")
    assert(#table.pack(table.unpack(setmetatable({}, { __index = function(_, k) return grow(k) end }), 1, 9)) == 9)
    os.date("%c", grow(0)) os.time(setmetatable({ year = 2026, month = 1, day = 1 }, { __index = function() return grow(nil) end }))
    print(setmetatable({}, { __tostring = function() return grow("p") end }))
    pcall(error, setmetatable({}, { __tostring = function() return grow("e") end }))
    for k in pairs(setmetatable({}, { __pairs = function() return grow(next, {}, nil) end })) do end
  end
end }
