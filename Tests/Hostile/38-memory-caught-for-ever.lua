-- expect: error: memory limit (16 MiB); again and again
return { ban = function(event, payload)
  while true do pcall(function() local t = {} for i = 1, 1e9 do t[i] = i end end) end
end }
