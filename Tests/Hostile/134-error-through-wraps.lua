-- expect: ok; an error goes through 150 wraps, each with something to close that raises anew
return { ban = function(event, payload)
  local function link(n)
    return coroutine.wrap(function()
      local x <close> = setmetatable({}, { __close = function(_, e) error("close " .. n, 0) end })
      if n > 0 then link(n - 1)() else error("bottom", 0) end
    end)
  end
  local good, problem = pcall(link(150))
  payload.text = event.ip .. " " .. tostring(problem)
end }
