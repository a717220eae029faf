-- expect: error: time limit; an ordinary error, a handler that never ends
return { ban = function(event, payload)
  xpcall(error, function() while true do end end, "x")
end }
