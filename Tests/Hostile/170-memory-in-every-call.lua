-- expect: error: memory limit; the memory ends in every function of the library in turn, caught each time
return { ban = function(event, payload)
  local big = ("x"):rep(3000000)
  local calls = { function() return big .. big .. big .. big .. big .. big end, function() return big:upper(), big:lower(), big:reverse() end, function() return big:gsub("x", "yy") end,
    function() return table.concat({ big, big, big, big, big, big }) end, function() return ("%s%s%s%s%s"):format(big, big, big, big, big) end, function() return { big:byte(1, 900000) } end, function() return string.pack("s4s4s4s4s4", big, big, big, big, big) end,
    function() return table.pack(table.unpack({}, 1, 900000)) end, function() return debug.traceback(big .. big .. big .. big .. big) end, function() error(big .. big .. big .. big .. big) end }
  local kept = {}
  while true do for _, call in ipairs(calls) do kept[#kept + 1] = { xpcall(call, function(e) return e end) } end end
end }
