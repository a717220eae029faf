-- expect: ok; __close yields while an error passes
return { ban = function(event, payload)
  local co = coroutine.create(function()
    local good, problem = pcall(function()
      local a <close> = setmetatable({}, { __close = function(_, e) coroutine.yield(1) error("second") end })
      local b <close> = setmetatable({}, { __close = function(_, e) coroutine.yield(2) error("first") end })
      error("zero")
    end)
    return problem
  end)
  local last
  for i = 1, 5 do local good, value = coroutine.resume(co) last = value end
  payload.text = event.ip .. " " .. tostring(last)
end }
