-- expect: error: memory limit (16 MiB); a result that explodes inside a C call
return { ban = function(event, payload)
  local s = ("x"):rep(40000)
  return { text = s:gsub("x", ("y"):rep(40000)) }
end }
