-- expect: ok; coroutines that resume, close and wrap themselves or their parents
return { ban = function(event, payload)
  local co
  co = coroutine.create(function()
    local a, b = coroutine.resume(co)
    local c, d = pcall(coroutine.close, co)
    local inner = coroutine.create(function() return coroutine.resume(co), pcall(coroutine.close, co) end)
    return a, c, coroutine.resume(inner)
  end)
  local good, a, c, d, e = coroutine.resume(co)
  assert(good and a == false and c == false and d == true)
  local main = coroutine.running()
  coroutine.wrap(function() assert(not coroutine.resume(main)) assert(not pcall(coroutine.close, main)) end)()
end }
