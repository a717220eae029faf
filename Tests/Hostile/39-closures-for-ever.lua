-- expect: error: memory limit (16 MiB); closures
return { ban = function(event, payload)
  local f = function() end
  while true do local g = f f = function() return g end end
end }
