-- expect: ok; __tostring and __name that misbehave, for print, format and error messages
return { ban = function(event, payload)
  for _, trap in ipairs { function() return 1 end, function() return nil end, function() error({}) end, function() return {} end, function() coroutine.yield() end, 7, "text" } do
    local x = setmetatable({}, { __tostring = trap, __name = ("n"):rep(100000) })
    pcall(tostring, x) pcall(print, x) pcall(string.format, "%s%s", x, x) pcall(error, x) pcall(string.rep, x, 2) pcall(function() return x + 1 end) pcall(function() return #x < x end)
  end
end }
