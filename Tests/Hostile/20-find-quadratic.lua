-- expect: error: time limit; plain find of n times m
return { ban = function(event, payload)
  local s, p = ("a"):rep(4000000), ("a"):rep(2000000) .. "b"
  for _ = 1, 100 do s:find(p, 1, true) end
end }
