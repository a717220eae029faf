-- expect: ok; the iterator of pairs outlives its loop, its table and its thread
return { ban = function(event, payload)
  local step = pairs({ 1, 2, a = 3 })
  local seen = 0
  for _ = 1, 1000 do if step({}, 5, error) then seen = seen + 1 end end
  assert(seen == 3)
  local co = coroutine.wrap(pairs({ 4, 5 }))
  assert(co(nil, nil) == 1)
  local many = {}
  for i = 1, 300 do many[i] = pairs({ i, [i] = i, [{}] = i }) end
  for i = 1, 300 do while many[i]() do end end
end }
