-- expect: ok; tracebacks of threads in every state, at every level
return { ban = function(event, payload)
  local function deep(n) if n == 0 then coroutine.yield() else deep(n - 1) end return 1 end
  local co = coroutine.create(deep)
  coroutine.resume(co, 150)
  for _, level in ipairs { 0, 1, 10, 149, 200, -1, math.maxinteger, math.mininteger } do
    pcall(debug.traceback, co, ("x"):rep(1000), level)
    pcall(debug.traceback, "m", level)
    pcall(debug.traceback, co, {}, level)
  end
  local dead = coroutine.create(error)
  coroutine.resume(dead, {})
  debug.traceback(dead) debug.traceback(coroutine.create(print))
  pcall(debug.traceback, setmetatable({}, { __index = error }))
end }
