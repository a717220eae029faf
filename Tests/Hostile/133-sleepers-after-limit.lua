-- expect: error: time limit; thousands of coroutines with instructions left wait for the limit
return { ban = function(event, payload)
  local sleepers = {}
  for i = 1, 1000 do
    sleepers[i] = coroutine.wrap(function() while true do for j = 1, 900 do end coroutine.yield() end end)
    sleepers[i]()
  end
  local function wake() for _ = 1, 1e9 do for i = 1, #sleepers do pcall(sleepers[i]) end end end
  local x <close> = setmetatable({}, { __close = wake })
  wake()
end }
