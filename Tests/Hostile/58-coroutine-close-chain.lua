-- expect: error: ; closing a chain of 20,000 coroutines recurses in C
return { ban = function(event, payload)
  local function link(previous)
    local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() if previous then coroutine.close(previous) end end }) coroutine.yield() end)
    coroutine.resume(co)
    return co
  end
  local co
  for _ = 1, 20000 do co = link(co) end
  coroutine.close(co)
  error("done")
end }
