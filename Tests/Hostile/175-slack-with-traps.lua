-- expect: ok; slack and ip functions are given tables that raise, lie and yield
return { ban = function(event, payload)
  local trap = setmetatable({}, { __index = function(_, k) error(k) end, __len = function() return 1e9 end, __tostring = function() error("x") end, __pairs = function() error("y") end, __eq = error, __concat = error, __close = error, __name = {} })
  local liar = setmetatable({ type = 5, text = trap, fields = trap, accessory = trap, [1] = trap }, { __index = function() return trap end, __len = function() return 3 end })
  for _, library in ipairs { slack, ip } do
    for name, f in pairs(library) do
      if type(f) == "function" then for _, value in ipairs { trap, liar, print, coroutine.create(print), 0 / 0, 2 ^ 63, ("x"):rep(1000), "\xff\0", true, {}, { {} }, slack.null } do pcall(f, value) pcall(f, value, value) pcall(f, "x", value, value) pcall(f, "https://x", value, value, value) pcall(f) end end
    end
  end
end }
