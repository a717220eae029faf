-- expect: ok; replacements that raise, yield, return the wrong type or change the world
return { ban = function(event, payload)
  local text = ("ab"):rep(100)
  for _, repl in ipairs { function() error("x") end, function() return {} end, function() return false end, function() coroutine.yield() end,
    setmetatable({}, { __index = function() error("y") end }), setmetatable({}, { __index = function(t, k) return t end }), setmetatable({}, { __index = table.concat }), "%1%0%9", "%", "%x", 5, 1.5 } do
    pcall(string.gsub, text, "a", repl) pcall(string.gsub, text, "()", repl) pcall(string.gsub, text, "", repl)
  end
  pcall(string.gsub, text, ".", function() string = nil return "x" end)
end }
