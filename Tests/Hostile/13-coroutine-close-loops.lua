-- expect: error: time limit; __close run by coroutine.close
return { ban = function(event, payload)
  local co = coroutine.create(function() local x <close> = setmetatable({}, { __close = function() while true do end end }) coroutine.yield() end)
  coroutine.resume(co)
  coroutine.close(co)
end }
