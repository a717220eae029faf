-- expect: ok; os.date and os.time with formats and times that nobody has
return { ban = function(event, payload)
  local times = { 0, -1, 1e9, 2 ^ 31, 2 ^ 40, 2 ^ 55, 2 ^ 62, -2 ^ 62, math.maxinteger, math.mininteger, 0.5, "1", "x", {}, -62167219201, 67767976233532799, 67767976233532800 }
  for _, form in ipairs { "%c", "!%c", "*t", "!*t", "*tx", "%E", "%Ez", "%Ec", "%EY", "%Od", "%O", "%", "%Q", "%%", "!", "", "%s", "%z%Z", "\0%c", ("%c"):rep(300), "%9999d", "%-d", "%_H", "!%E" } do
    for _, time in ipairs(times) do pcall(os.date, form, time) end
  end
  for _, value in ipairs { math.maxinteger, math.mininteger, 2 ^ 31, -2 ^ 31, 2 ^ 53, "7", "x", 1.5, 0 / 0, {} } do
    for _, key in ipairs { "year", "month", "day", "hour", "min", "sec", "isdst", "yday" } do
      local t = { year = 2026, month = 1, day = 1 } t[key] = value
      pcall(os.time, t)
    end
  end
  pcall(os.time, setmetatable({}, { __index = function() return 1 end, __newindex = function() error("x") end }))
  pcall(os.time, setmetatable({}, { __index = function() return setmetatable({}, {}) end }))
  pcall(os.difftime, "x") pcall(os.clock, 1)
end }
