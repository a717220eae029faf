-- expect: ok; closures outlive the coroutines whose variables they share
return { ban = function(event, payload)
  local closures = {}
  for i = 1, 500 do
    local co = coroutine.create(function()
      local a, b = { i }, ("x"):rep(i % 50)
      closures[#closures + 1] = function(v) if v then a = v end return a, b end
      if i % 3 == 0 then error("x") elseif i % 3 == 1 then coroutine.yield() end
    end)
    coroutine.resume(co)
    if i % 2 == 0 then coroutine.close(co) end
  end
  for i = 1, 5000 do local t = { i } end
  for i, f in ipairs(closures) do local a, b = f() assert(a[1] == i and #b == i % 50) f({ -i }) assert(f()[1] == -i) end
end }
