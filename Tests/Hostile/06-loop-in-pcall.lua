-- expect: error: time limit; caught and started again
return { ban = function(event, payload)
  while true do pcall(function() while true do end end) end
end }
