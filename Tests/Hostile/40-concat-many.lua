-- expect: error: memory limit (16 MiB); one table.concat of 300 MB
return { ban = function(event, payload)
  local s, t = ("x"):rep(1000000), {}
  for i = 1, 300 do t[i] = s end
  return { text = table.concat(t) }
end }
