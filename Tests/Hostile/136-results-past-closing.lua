-- expect: ok; many results return past variables that are closed and that make the stack move
return { ban = function(event, payload)
  local function deep(n) if n > 0 then return deep(n - 1), 1 end return 0 end
  local function f()
    local a <close> = setmetatable({}, { __close = function() deep(150) end })
    local b <close> = setmetatable({}, { __close = function() local t = { table.unpack({}, 1, 5000) } end })
    return table.unpack({}, 1, 200)
  end
  for i = 1, 10 do assert(select("#", f()) == 200) end
end }
