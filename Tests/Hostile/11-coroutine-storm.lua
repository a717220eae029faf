-- expect: error: limit; a million coroutines
return { ban = function(event, payload)
  local all = {}
  for i = 1, 1e7 do all[i] = coroutine.create(function() coroutine.yield() end) coroutine.resume(all[i]) end
end }
